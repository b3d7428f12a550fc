// Calculators against the same formula over raw doubles, over a thousand intervals a pass.
#include <kunmetrics.hpp>

#include <benchmark/benchmark.h>

#include <vector>

namespace {
namespace km = kunmetrics;
using namespace km::units;

constexpr std::size_t intervals = 1000;
constexpr auto sequence_length = 512 * token / sample;
constexpr auto peak = *km::peak(km::devices::kunlunxin_r300, km::fp16);

void mfu_of_raw_doubles(benchmark::State& state) {
  std::vector<double> const tokens(intervals, 49152.0);
  std::vector<double> const seconds(intervals, 1.25);
  std::vector<double> mfu(intervals);
  double const flop_per_token = static_cast<double>(km::flops::palm::per_token(km::models::llama2_7b, sequence_length).in(flop / token));
  for (auto _ : state) {
    for (std::size_t i = 0; i < intervals; ++i) mfu[i] = tokens[i] / seconds[i] / 8.0 * flop_per_token / 128e12;
    benchmark::DoNotOptimize(mfu.data());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(mfu_of_raw_doubles);

// The types alone.
void formula_over_quantities(benchmark::State& state) {
  std::vector<km::quantity_of<token>> const tokens(intervals, 49152.0 * token);
  std::vector<km::quantity_of<second>> const seconds(intervals, 1.25 * second);
  std::vector<km::quantity_of<one>> mfu(intervals);
  auto const flop_per_token = km::flops::palm::per_token(km::models::llama2_7b, sequence_length);
  for (auto _ : state) {
    for (std::size_t i = 0; i < intervals; ++i) mfu[i] = tokens[i] / seconds[i] / (8 * processor) * flop_per_token / peak.rate;
    benchmark::DoNotOptimize(mfu.data());
    benchmark::ClobberMemory();
  }
  state.SetLabel("over mfu_of_raw_doubles");
}
BENCHMARK(formula_over_quantities);

// The calculators, with their checks of time, processors and peak.
void mfu_of_quantities(benchmark::State& state) {
  std::vector<km::quantity_of<token>> const tokens(intervals, 49152.0 * token);
  std::vector<km::quantity_of<second>> const seconds(intervals, 1.25 * second);
  std::vector<km::quantity_of<one>> mfu(intervals);
  for (auto _ : state) {
    for (std::size_t i = 0; i < intervals; ++i) {
      auto const rate = km::tokens_per_processor_second(tokens[i], seconds[i], 8 * processor);
      mfu[i] = km::mfu<km::flops::palm>(km::models::llama2_7b, sequence_length, rate, peak).ratio;
    }
    benchmark::DoNotOptimize(mfu.data());
    benchmark::ClobberMemory();
  }
  state.SetLabel("over mfu_of_raw_doubles");
}
BENCHMARK(mfu_of_quantities);
}  // namespace
