#include "hand_clock.hpp"
#include "r300_case.hpp"

#include <kunmetrics/summary.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto const& run = r300_case;

// Steps of 1, 2, ... n seconds with losses n, n-1, ... 1.
auto measured(int n, int warm_up) {
  basic_meter<hand_clock, tokens_per_processor_second_t> meter{run, {.warm_up = warm_up * step, .records_kept = 1000}, {}};
  for (int i = 1; i <= n; ++i) {
    auto running = meter.start();
    hand_clock::at += std::chrono::milliseconds{1000 * i};
    running.finish({.tokens = 49152 * token, .loss = n + 1 - i});
  }
  return summary_of(meter);
}
}  // namespace

TEST_CASE("the R300 case's batch sizes") {
  auto const s = measured(3, 1);
  CHECK(s.global_batch_size == 96 * sample / step);
  CHECK(s.tokens_per_step == 49152 * token / step);
  CHECK(s.data_parallel_size == 8 * replica);
  CHECK(s.processors == 8 * processor);
  CHECK(s.warm_up_steps == 1 * step);
  CHECK(s.steps == 2 * step);
  CHECK(s.tokens == 98304 * token);
  CHECK(s.time.in(second) == 5.0);
  CHECK(s.peak->rate == 128e12 * flop / (processor * second));
}

TEST_CASE("percentiles are nearest ranks of the measured steps") {
  auto const s = measured(110, 10);  // times 11 ... 110 s count
  REQUIRE(s.step_time);
  CHECK(s.step_time->p50.in(second) == 60.0);
  CHECK(s.step_time->p90.in(second) == 100.0);
  CHECK(s.step_time->p99.in(second) == 109.0);
  CHECK(s.step_time->max.in(second) == 110.0);
  CHECK(measured(3, 2).step_time->p50.in(second) == 3.0);
}

TEST_CASE("percentiles of more steps than are kept are within 1 %, the longest exact") {
  basic_meter<hand_clock, tokens_per_processor_second_t> meter{run, {.warm_up = 0 * step, .records_kept = 10}, {}};
  for (int i = 1; i <= 1000; ++i) {
    auto running = meter.start();
    hand_clock::at += std::chrono::milliseconds{i};
    running.finish({.tokens = 8 * token});
  }
  auto const times = *summary_of(meter).step_time;
  CHECK(times.p50.in(millisecond) == doctest::Approx(500).epsilon(0.01));
  CHECK(times.p90.in(millisecond) == doctest::Approx(900).epsilon(0.01));
  CHECK(times.p99.in(millisecond) == doctest::Approx(990).epsilon(0.01));
  CHECK(times.max.in(millisecond) == 1000.0);
}

TEST_CASE("the rate has its interval, from enough steps on") {
  auto const s = measured(110, 10);
  REQUIRE(s.rate);
  CHECK(s.rate->rate.coherent() == doctest::Approx(boost::hana::at_c<0>(s.results)->coherent()));
  CHECK(s.rate->half_width.coherent() > 0);
  CHECK(measured(5, 0).rate.reason() == "fewer than 8 batches of steps have been measured");
}

TEST_CASE("the loss is the mean of the last ten") {
  CHECK(*measured(40, 2).loss == doctest::Approx(5.5));
  CHECK(*measured(2, 0).loss == doctest::Approx(1.5));
}

TEST_CASE("nothing measured is said, not zero") {
  auto const s = measured(2, 2);
  CHECK(s.step_time.reason() == "no step has been measured after warm-up");
  CHECK(boost::hana::at_c<0>(s.results).reason() == "no step has been measured after warm-up");
  CHECK(measured(0, 0).loss.reason() == "no step reported a finite loss");
}

TEST_CASE("a summary is a Hana Struct") {
  std::string names;
  for_each_field(measured(3, 1), [&](std::string_view name, auto const&) { names += std::string{name} + ' '; });
  CHECK(names.starts_with("model processor precision micro_batch_size "));
  CHECK(names.ends_with("rate peak results "));
}
