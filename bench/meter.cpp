// What a measured step costs over two bare clock reads.
#include <kunmetrics.hpp>

#include <benchmark/benchmark.h>

namespace {
namespace km = kunmetrics;
using namespace km::units;

constexpr km::training_case run{.model = km::models::llama2_7b, .processor = km::devices::kunlunxin_r300, .precision = km::fp16,
                                .cluster = {.per_node = 8 * processor / node},
                                .micro_batch_size = 12 * sample / (replica * micro_step), .sequence_length = 512 * token / sample};

void two_clock_reads(benchmark::State& state) {
  for (auto _ : state) {
    auto const begin = std::chrono::steady_clock::now();
    auto const end = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(end - begin);
  }
}
BENCHMARK(two_clock_reads);

void meter_step(benchmark::State& state) {
  km::meter meter{run, km::tokens_per_processor_second, km::mfu<km::flops::palm>, km::hfu<km::flops::palm, km::recompute::layers>};
  for (auto _ : state) {
    auto running = meter.start();
    benchmark::DoNotOptimize(running.finish({.tokens = 49152 * token, .loss = 5.27}));
  }
  state.SetLabel("over two_clock_reads");
}
BENCHMARK(meter_step);

// The three numbers of a live line, from the sums.
void meter_results(benchmark::State& state) {
  km::meter meter{run, {.warm_up = 0 * step}, km::tokens_per_processor_second, km::mfu<km::flops::palm>, km::hfu<km::flops::palm, km::recompute::layers>};
  meter.start().finish({.tokens = 49152 * token, .loss = 5.27});
  for (auto _ : state) {
    auto results = meter.results();
    benchmark::DoNotOptimize(results);
  }
  state.SetLabel("over two_clock_reads");
}
BENCHMARK(meter_results);
}  // namespace
