// What a run will take, before it is begun: memory and traffic of a rank, and FLOP where less than all is trained.
#include <kunmetrics.hpp>

#include <array>
#include <cstdio>

namespace km = kunmetrics;
using namespace km::units;

int main() {
  constexpr auto model = km::models::llama2_7b;
  constexpr auto count = km::parameters(model).total;
  constexpr auto bytes = km::mixed_precision_adam;  // 2 + 2 + 12 a parameter
  constexpr auto length = 4096 * token / sample;

  auto const state = km::model_state_memory(count, bytes, km::zero_stage::parameters, 8 * replica);
  std::printf("model state, ZeRO-3 over 8 ranks  %6.2f GiB a rank\n", state.in(GiB / processor));

  auto const activations = km::activation_memory(model, length, 1 * sample / (replica * micro_step), {}, km::recompute::layers);
  std::printf("activations, layers recomputed    %6.2f GiB a rank\n", activations.in(GiB / processor));

  auto const traffic = km::zero_traffic(count, bytes, km::zero_stage::parameters, 8 * processor, 4 * micro_step / step,
                                        km::gradient_reduction::each_micro_step);
  std::printf("ZeRO-3 traffic, 4 micro-steps     %6.2f GiB a rank and step\n", traffic.total().in(GiB / (processor * step)));

  using lora = km::flops::low_rank<km::flops::causal, km::low_rank_adapters{.rank = 16}>;
  std::printf("all weights trained               %6.2f GFLOP a token\n", km::flops::causal::per_token(model, length).in(gigaflop / token));
  std::printf("LoRA of rank 16                   %6.2f GFLOP a token\n", lora::per_token(model, length).in(gigaflop / token));

  std::array const documents{512 * token / sample, 512 * token / sample, 3072 * token / sample};
  std::printf("three documents in one row        %6.2f GFLOP a token\n", km::packed_per_token<km::flops::causal>(model, documents).in(gigaflop / token));
}
