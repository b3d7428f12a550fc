// A pipeline over records against the loop that a person would write by hand: over a run that fits in a
// core's cache, and over one that does not. Both sides leave out what a rate leaves out: warm-up, untimed
// steps, and the tokens of skipped ones.
#include <kunmetrics/views.hpp>

#include <benchmark/benchmark.h>

#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {
namespace km = kunmetrics;
using namespace km::units;

using step_records = std::vector<km::step_record>;

constexpr std::int64_t window = 50;
constexpr km::training_case run{.model = km::models::llama2_7b, .cluster = {.per_node = 8 * processor / node}};

// Ten epochs.
step_records records_of(std::int64_t n) {
  step_records all;
  all.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    all.push_back({.step = (i + 1) * step,
                   .time = (1.0 + 0.001 * static_cast<double>(i % 97)) * second,
                   .tokens = 49152 * token,
                   .skipped = i % 101 == 0,
                   .warm_up = i < 5,
                   .epoch = i * 10 / n});
  }
  return all;
}

// What a loop written by hand carries along.
struct plain_sums {
  double tokens = 0;
  double time = 0;

  void add(km::step_record const& record, double step_time) {
    if (record.untimed) return;
    if (!record.skipped) tokens += static_cast<double>(record.tokens.coherent());
    time += step_time;
  }
  double rate() const { return tokens / time / 8; }
};

// The best window's rate.
double best_window_by_hand(step_records const& all) {
  double best = 0;
  plain_sums sums;
  std::int64_t in_window = 0;
  for (km::step_record const& record : all) {
    if (record.warm_up) continue;
    sums.add(record, record.time.coherent());
    if (++in_window < window) continue;
    best = std::max(best, sums.rate());
    sums = {};
    in_window = 0;
  }
  return in_window > 0 ? std::max(best, sums.rate()) : best;
}

double best_window_by_views(step_records const& all) {
  double best = 0;
  for (auto const& over : all | km::drop_warmup | km::windows(window) | ranges::views::transform(km::sums)) {
    best = std::max(best, (over.tokens / over.time).coherent() / 8);
  }
  return best;
}

// The whole run's tokens/p/s.
double rate_by_hand(step_records const& all) {
  plain_sums sums;
  for (km::step_record const& record : all) {
    if (!record.warm_up) sums.add(record, record.time.coherent());
  }
  return sums.rate();
}

double rate_by_views(step_records const& all) {
  return (all | km::drop_warmup | km::tokens_per_processor_second(run))->coherent();
}

// The best epoch's tokens/p/s, what checkpoints and evaluation took left out.
double epochs_by_hand(step_records const& all) {
  double best = 0;
  plain_sums sums;
  std::int64_t epoch = all.front().epoch;
  for (km::step_record const& record : all) {
    if (record.warm_up) continue;
    if (record.epoch != epoch) {
      best = std::max(best, sums.rate());
      sums = {};
      epoch = record.epoch;
    }
    sums.add(record, record.time.coherent() - in_phase(record, km::phase::checkpoint).coherent() -
                         in_phase(record, km::phase::evaluation).coherent());
  }
  return std::max(best, sums.rate());
}

double epochs_by_views(step_records const& all) {
  double best = 0;
  for (auto const& rate :
       all | km::drop_warmup | km::without_pauses | km::by_epoch | km::tokens_per_processor_second(run)) {
    best = std::max(best, rate->coherent());
  }
  return best;
}

// The tenth of the ten slowest steps: by hand with a partial sort of their places.
double slowest_by_hand(step_records const& all) {
  std::vector<std::uint32_t> places;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    if (!all[i].warm_up && !all[i].untimed) places.push_back(i);
  }
  std::partial_sort(places.begin(), places.begin() + 10, places.end(),
                    [&](auto a, auto b) { return all[a].time > all[b].time; });
  return all[places[9]].time.coherent();
}

double slowest_by_views(step_records const& all) {
  auto slow = all | km::drop_warmup | km::slowest(10);
  return (slow.end() - 1)->time.coherent();
}

// Registers NAME_by_hand and NAME_by_views: 4 096 records are 0.9 MB, 100 000 are 22 MB.
template <auto ByHand, auto ByViews>
void compare(std::string const& name) {
  auto const by_hand = name + "_by_hand";
  for (std::int64_t const n : {4'096, 100'000}) {
    benchmark::RegisterBenchmark(by_hand.c_str(), [](benchmark::State& state) {
      auto const all = records_of(state.range(0));
      for (auto _ : state) benchmark::DoNotOptimize(ByHand(all));
    })->Arg(n);
    benchmark::RegisterBenchmark((name + "_by_views").c_str(), [by_hand](benchmark::State& state) {
      auto const all = records_of(state.range(0));
      if (ByViews(all) != ByHand(all)) state.SkipWithError("the loop by hand gives another value");
      for (auto _ : state) benchmark::DoNotOptimize(ByViews(all));
      state.SetLabel("over " + by_hand + "/" + std::to_string(state.range(0)));
    })->Arg(n);
  }
}
}  // namespace

int main(int argc, char** argv) {
  compare<rate_by_hand, rate_by_views>("rate");
  compare<best_window_by_hand, best_window_by_views>("best_window");
  compare<epochs_by_hand, epochs_by_views>("epochs");
  compare<slowest_by_hand, slowest_by_views>("slowest");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
