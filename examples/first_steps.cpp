// One published run, FlagPerf's llama2-7b on eight A800, under three conventions.
#include <kunmetrics.hpp>

#include <cstdio>

namespace km = kunmetrics;
using namespace km::units;

constexpr km::training_case run{
    .model = km::models::llama2_7b, .processor = km::devices::nvidia_a800_80gb, .precision = km::fp16,
    .cluster = {.nodes = 1 * node, .per_node = 8 * processor / node},
    .micro_batch_size = 1 * sample / (replica * micro_step), .sequence_length = 4096 * token / sample};
static_assert(km::global_batch_size(run) == 8 * sample / step);

int main() {
  auto const rate = km::tokens_per_processor_second(28'512 * token, 1.0 * second, km::processors(run.cluster));
  std::printf("%.0f token/(processor s)\n", rate.in(token / (processor * second)));
  std::printf("FlagPerf %.2f %%\n", km::mfu<km::flops::flagperf_nominal>(run, rate)->ratio.in(percent));
  std::printf("PaLM     %.2f %%\n", km::mfu<km::flops::palm>(run, rate)->ratio.in(percent));
  std::printf("causal   %.2f %%\n", km::mfu<km::flops::causal>(run, rate)->ratio.in(percent));
}
