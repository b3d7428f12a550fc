#include "r300_case.hpp"

#include <kunmetrics/replay.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto const& run = r300_case;

std::vector<step_record> steps(int count) {
  std::vector<step_record> records;
  for (int i = 1; i <= count; ++i) {
    records.push_back({.step = i * step,
                       .time = (i <= 2 ? 100.0 : 4.0 + 0.1 * (i % 5)) * second,
                       .tokens = 49152 * token,
                       .loss = 10.0 / i,
                       .skipped = i == 7,
                       .warm_up = i <= 2});
    records.back().phases[1] = 1.5 * second;
  }
  return records;
}
}  // namespace

TEST_CASE("sums, percentiles and rates are those of the measured steps; a skipped step gives time and no tokens") {
  auto const records = steps(12);
  auto const whole = summary_of_records(run, records, tokens_per_processor_second, mfu<flops::palm>);
  CHECK(whole.warm_up_steps == 2 * step);
  CHECK(whole.steps == 10 * step);
  CHECK(whole.tokens == 9 * 49152 * token);
  CHECK(whole.time.coherent() == doctest::Approx(42.0).epsilon(1e-12));
  CHECK(whole.step_time->max.coherent() == doctest::Approx(4.4).epsilon(1e-9));
  CHECK(boost::hana::at_c<0>(whole.results)->coherent() == doctest::Approx(9 * 49152 / 42.0 / 8).epsilon(1e-12));
  CHECK(boost::hana::at_c<1>(whole.results)->peak.source == devices::kunlunxin_r300.peaks[0]->source);
}

TEST_CASE("no records, or only warm-up, give absent values with reasons") {
  auto const none = summary_of_records(run, {}, tokens_per_processor_second);
  CHECK(none.steps == 0 * step);
  CHECK_FALSE(boost::hana::at_c<0>(none.results));
  auto const warm = steps(2);
  CHECK(summary_of_records(run, warm, tokens_per_processor_second).warm_up_steps == 2 * step);
}

TEST_CASE("times that are none are nothing, and a second replay starts anew") {
  auto records = steps(4);
  records[2].time = std::numeric_limits<double>::quiet_NaN() * second;
  for (int i = 0; i < 2; ++i) {
    CHECK(summary_of_records(run, records).time.coherent() == doctest::Approx(4.4));
  }
}

TEST_CASE("pauses, energy, useful tokens and a clock that went backwards count as they did in the run") {
  auto records = steps(6);
  records[3].paused = 50.0 * second;
  records[4].untimed = true;
  records[4].time = 0.0 * second;
  records[4].phases = {};
  for (auto& record : records) {
    record.energy = 300.0 * joule;
    record.useful_tokens = 40'000 * token;
  }
  auto const whole = summary_of_records(run, records);
  CHECK(whole.steps == 3 * step);  // of six, two of warm-up and one untimed
  CHECK(whole.time.coherent() == doctest::Approx(4.3 + 4.4 + 4.1));
  CHECK(whole.goodput.paused.coherent() == doctest::Approx(50));
}

TEST_CASE("no step of a long run is lost to rounding, and phases that overrun their step end with it") {
  std::vector<step_record> records;
  for (int i = 1; i <= 20'000; ++i) {
    records.push_back({.step = i * step, .time = 100.0000000123 * second, .tokens = 1000 * token});
    records.back().phases[1] = 33.3333333374 * second;
    records.back().phases[2] = 66.6666667 * second;  // together longer than the step, as a log of six digits may have them
  }
  auto const whole = summary_of_records(run, records);
  CHECK(whole.steps == 20'000 * step);
  CHECK(whole.time.coherent() == doctest::Approx(2'000'000.000246).epsilon(1e-12));
  CHECK(whole.step_time->max.coherent() == doctest::Approx(100.0000000123).epsilon(1e-10));
}

TEST_CASE("a time that no clock can show is in no rate") {
  for (double const impossible : {-1.0, 1e10, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    auto records = steps(6);
    records[3].time = impossible * second;
    auto const whole = summary_of_records(run, records, tokens_per_processor_second);
    CHECK(whole.steps == 3 * step);
    CHECK(whole.time.coherent() == doctest::Approx(4.3 + 4.0 + 4.1));
    CHECK(boost::hana::at_c<0>(whole.results)->coherent() == doctest::Approx(3 * 49152 / 12.4 / 8).epsilon(1e-9));
  }
}

TEST_CASE("the warm-up after a resumption is left out as the first one is") {
  auto records = steps(12);
  records[8].warm_up = true;
  records[8].time = 500.0 * second;
  auto const whole = summary_of_records(run, records);
  CHECK(whole.warm_up_steps == 3 * step);
  CHECK(whole.steps == 9 * step);
  CHECK(whole.time.coherent() == doctest::Approx(42.0 - 4.4));
}
