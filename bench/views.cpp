// A pipeline over records against the loop that a person would write by hand.
#include <kunmetrics/views.hpp>

#include <benchmark/benchmark.h>

#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <vector>

namespace {
namespace km = kunmetrics;
using namespace km::units;

constexpr std::int64_t window = 50;

std::vector<km::step_record> records() {
  std::vector<km::step_record> all(100'000);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = {.step = static_cast<std::int64_t>(i + 1) * step,
              .time = (1.0 + 0.001 * static_cast<double>(i % 97)) * second,
              .tokens = 49152 * token,
              .skipped = i % 101 == 0,
              .warm_up = i < 5};
  }
  return all;
}

// The best window's rate by hand.
void best_window_by_hand(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    double best = 0;
    double tokens = 0;
    double time = 0;
    std::int64_t in_window = 0;
    for (km::step_record const& record : all) {
      if (record.warm_up) continue;
      if (!record.skipped) tokens += static_cast<double>(record.tokens.coherent());
      time += record.time.coherent();
      if (++in_window < window) continue;
      best = std::max(best, tokens / time);
      tokens = time = 0;
      in_window = 0;
    }
    if (in_window > 0) best = std::max(best, tokens / time);
    benchmark::DoNotOptimize(best);
  }
}
BENCHMARK(best_window_by_hand);

void best_window_by_views(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    double best = 0;
    for (auto const& over : all | km::drop_warmup | km::windows(window) | ranges::views::transform(km::sums)) {
      best = std::max(best, (over.tokens / over.time).coherent());
    }
    benchmark::DoNotOptimize(best);
  }
  state.SetLabel("over best_window_by_hand");
}
BENCHMARK(best_window_by_views);
}  // namespace
