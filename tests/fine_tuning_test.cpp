#include <kunmetrics/fine_tuning.hpp>
#include <kunmetrics/models.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

template <typename Work>
constexpr double of(std::int64_t sequence_length, transformer const& model = models::llama2_7b) {
  return Work::per_token(model, sequence_length * token / sample).in(flop / token);
}

// NeMo Automodel's log in its PR 786: Llama 3 70B, rank 16 on all linear layers, fused: 175,636,480 of
// 70,553,706,496 and a multiplier of 0.6675.
constexpr low_rank_adapters fused16{.rank = 16, .fused = true};
static_assert(trained_parameters(models::llama3_70b, fused16) == 175'636'480);
static_assert(parameters(models::llama3_70b).total == 70'553'706'496);
using automodel = flops::scaled_low_rank<flops::causal, fused16>;
static_assert(of<automodel>(4096, models::llama3_70b) / of<flops::causal>(4096, models::llama3_70b) > 0.66745);
static_assert(of<automodel>(4096, models::llama3_70b) / of<flops::causal>(4096, models::llama3_70b) < 0.66755);

// Llama 2 7B, rank 8 on query and value, LoRA's own choice: 32 * 8 * 2 * (4096 + 4096) = 4,194,304.
constexpr low_rank_adapters query_and_value{
    .rank = 8, .key = false, .output = false, .gate = false, .up = false, .down = false};
static_assert(trained_parameters(models::llama2_7b, query_and_value) == 4'194'304);
static_assert(trained_parameters(models::llama2_7b, {.rank = 1}) == 32 * (4 * 8192 + 3 * (4096 + 11008)));
static_assert(trained_parameters(models::gpt2, {.rank = 1}) == 12 * (4 * 1536 + 2 * (768 + 3072)), "no gate");

// 4 N_mat + attention, and 6 A more.
using lora = flops::low_rank<flops::causal, query_and_value>;
static_assert(of<flops::frozen<flops::causal>>(4096) == 4 * 6'607'077'376 + 6LL * 32 * 4096 * 4096);
static_assert(of<lora>(4096) == of<flops::frozen<flops::causal>>(4096) + 6 * 4'194'304);
static_assert(lora::name == "causal_lora" && flops::frozen<flops::palm>::name == "palm_frozen" &&
              automodel::name == "causal_lora_scaled");
static_assert(of<flops::frozen<flops::six_n>>(1) == of<flops::six_n>(1) * 2 / 3);

// Forward is a third of full training, half of 4 N, and stays what it was: recomputation adds it whole.
static_assert(of<hardware_work<flops::frozen<flops::six_n_matmul>, recompute::none>>(1) == 4 * 6'607'077'376);
template <typename Convention, recompute Recompute>
constexpr double recomputed(std::int64_t s) {
  return of<hardware_work<Convention, Recompute>>(s) - of<Convention>(s);
}
static_assert(recomputed<flops::frozen<flops::six_n_matmul>, recompute::all>(1) == 2 * 6'607'077'376);
static_assert(recomputed<flops::frozen<flops::causal>, recompute::all>(4096) ==
              recomputed<flops::causal, recompute::all>(4096));
static_assert(recomputed<flops::frozen<flops::causal>, recompute::layers>(4096) ==
              recomputed<flops::causal, recompute::layers>(4096));
static_assert(recomputed<flops::frozen<flops::causal>, recompute::selective>(4096) ==
              recomputed<flops::causal, recompute::selective>(4096));
static_assert(recomputed<lora, recompute::layers>(4096) ==
              recomputed<flops::causal, recompute::layers>(4096) + 2 * 4'194'304);
static_assert(recomputed<lora, recompute::all>(4096) ==
              recomputed<flops::causal, recompute::all>(4096) + 2 * 4'194'304);
static_assert(recomputed<flops::scaled_low_rank<flops::causal, query_and_value>, recompute::all>(4096) ==
              of<flops::causal>(4096) / 3);
static_assert(flops::frozen_over_forward == 2, "forward, and the gradient of the input");
}  // namespace

TEST_CASE("adapters that are none, on latent attention, on experts") {
  CHECK_THROWS_WITH_AS(trained_parameters(models::llama2_7b, {}),
                       "low_rank_adapters.rank: needed a positive number, received 0", precondition_error);
  CHECK_THROWS_WITH_AS(trained_parameters(models::mixtral_8x7b, {.rank = 8}),
                       "low_rank_adapters: needed an FFN without experts, received 32 layers of them",
                       precondition_error);
  CHECK_NOTHROW(trained_parameters(models::mixtral_8x7b, query_and_value));
  auto latent = models::llama2_7b;
  latent.latent.kv_rank = 512;
  CHECK_THROWS_WITH_AS(trained_parameters(latent, {.rank = 8}),
                       "low_rank_adapters: needed attention that is not latent, received a kv_rank of 512",
                       precondition_error);
}
