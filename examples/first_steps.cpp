#include <kunmetrics.hpp>
#include <cstdio>
namespace km = kunmetrics;
using namespace km::units;

constexpr km::training_case run{
    .model = km::models::llama2_7b, .processor = km::devices::nvidia_a800_80gb, .precision = km::fp16,
    .cluster = {.nodes = 1 * node, .per_node = 8 * processor / node},
    .micro_batch_size = 1 * sample / (replica * micro_step), .sequence_length = 4096 * token / sample};
constexpr auto published = 3564.0 * token / (processor * second);  // FlagPerf's row of this run
constexpr auto mfu = *km::mfu<km::flops::palm>(run, published);    // they print 47.98 %: 6 * 7e9, no attention
static_assert(km::tokens_per_step(run) == 32'768 * token / step && mfu.ratio > 52.6 * percent);

int main() { std::printf("%.2f %% PaLM MFU, peak: %s\n", mfu.ratio.in(percent), mfu.peak.source.data()); }
