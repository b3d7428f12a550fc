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
constexpr km::training_case run{.model = km::models::llama2_7b, .cluster = {.per_node = 8 * processor / node}};

std::vector<km::step_record> records() {
  std::vector<km::step_record> all(100'000);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = {.step = static_cast<std::int64_t>(i + 1) * step,
              .time = (1.0 + 0.001 * static_cast<double>(i % 97)) * second,
              .tokens = 49152 * token,
              .skipped = i % 101 == 0,
              .warm_up = i < 5,
              .epoch = static_cast<std::int64_t>(i / 10'000)};
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

// The whole run's tokens/p/s.
void rate_by_hand(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    double tokens = 0;
    double time = 0;
    for (km::step_record const& record : all) {
      if (record.warm_up) continue;
      if (!record.skipped) tokens += static_cast<double>(record.tokens.coherent());
      time += record.time.coherent();
    }
    benchmark::DoNotOptimize(tokens / time / 8);
  }
}
BENCHMARK(rate_by_hand);

void rate_by_views(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    benchmark::DoNotOptimize(all | km::drop_warmup | km::tokens_per_processor_second(run));
  }
  state.SetLabel("over rate_by_hand");
}
BENCHMARK(rate_by_views);

// tokens/p/s of each epoch, checkpoints taken out.
void epochs_by_hand(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    double best = 0;
    double tokens = 0;
    double time = 0;
    std::int64_t epoch = all.front().epoch;
    for (km::step_record const& record : all) {
      if (record.warm_up) continue;
      if (record.epoch != epoch) {
        best = std::max(best, tokens / time / 8);
        tokens = time = 0;
        epoch = record.epoch;
      }
      if (!record.skipped) tokens += static_cast<double>(record.tokens.coherent());
      time += record.time.coherent() - in_phase(record, km::phase::checkpoint).coherent() -
              in_phase(record, km::phase::evaluation).coherent();
    }
    best = std::max(best, tokens / time / 8);
    benchmark::DoNotOptimize(best);
  }
}
BENCHMARK(epochs_by_hand);

void epochs_by_views(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    double best = 0;
    for (auto const& rate : all | km::drop_warmup | km::without_pauses | km::by_epoch | km::tokens_per_processor_second(run)) {
      best = std::max(best, rate->coherent());
    }
    benchmark::DoNotOptimize(best);
  }
  state.SetLabel("over epochs_by_hand");
}
BENCHMARK(epochs_by_views);

// The ten slowest steps: by hand with a partial sort of their places.
void slowest_by_hand(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    std::vector<std::uint32_t> places;
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      if (!all[i].warm_up) places.push_back(i);
    }
    std::partial_sort(places.begin(), places.begin() + 10, places.end(),
                      [&](auto a, auto b) { return all[a].time > all[b].time; });
    benchmark::DoNotOptimize(all[places[0]].time);
  }
}
BENCHMARK(slowest_by_hand);

void slowest_by_views(benchmark::State& state) {
  auto const all = records();
  for (auto _ : state) {
    auto slow = all | km::drop_warmup | km::slowest(10);
    benchmark::DoNotOptimize(slow.begin()->time);
  }
  state.SetLabel("over slowest_by_hand");
}
BENCHMARK(slowest_by_views);
}  // namespace
