#include "r300_case.hpp"

#include <kunmetrics/meter.hpp>
#include <kunmetrics/utilization.hpp>
#include <kunmetrics/views.hpp>

#include <doctest/doctest.h>

#include <range/v3/view/transform.hpp>

#include <limits>
#include <random>
#include <vector>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

// Steps 1 ... n of 2 s and 100 tokens, the first two warm-up.
std::vector<step_record> records(int n) {
  std::vector<step_record> all;
  for (int i = 1; i <= n; ++i) {
    all.push_back({.step = i * step, .time = 2.0 * second, .tokens = 100 * token, .warm_up = i <= 2});
  }
  return all;
}

constexpr auto const& run = r300_case;

std::vector<std::int64_t> steps(auto&& view) {
  std::vector<std::int64_t> all;
  for (step_record const& record : view) all.push_back(record.step.in(step));
  return all;
}
}  // namespace

TEST_CASE("drop_warmup leaves the steps that count") {
  auto const all = records(5);
  std::vector<std::int64_t> kept;
  for (step_record const& record : all | drop_warmup) kept.push_back(record.step.in(step));
  CHECK(kept == std::vector<std::int64_t>{3, 4, 5});
  CHECK(sums(all | drop_warmup).tokens == 300 * token);
}

TEST_CASE("sums are of what a filter of one's own lets through, with state or without") {
  auto const all = records(9);
  auto const from = 4 * step;
  auto const late = ranges::views::filter([from](step_record const& record) { return record.step >= from; });
  auto const even = ranges::views::filter([](step_record const& record) { return record.step.in(step) % 2 == 0; });
  CHECK(sums(all | late).steps == 6 * step);
  CHECK(sums(all | even).steps == 4 * step);
  CHECK(sums(all | late | even | drop_warmup).steps == 3 * step);
}

TEST_CASE("windows compose with what comes before and after") {
  auto const all = records(9);
  std::vector<std::int64_t> tokens;
  for (interval const& over : all | drop_warmup | windows(3) | ranges::views::transform(sums)) {
    tokens.push_back(over.tokens.in(token));
    CHECK(over.tokens.coherent() == 100 * over.steps.coherent());
  }
  CHECK(tokens == std::vector<std::int64_t>{300, 300, 100});
  CHECK_THROWS_WITH_AS(windows(0), "windows: needed at least 1 step, received 0", precondition_error);
}

TEST_CASE("a skipped step's time counts, its tokens do not") {
  auto all = records(4);
  all[3].skipped = true;
  auto const over = sums(all | drop_warmup);
  CHECK(over.tokens == 100 * token);
  CHECK(over.time.in(second) == 4.0);
  CHECK(over.steps == 2 * step);
}

TEST_CASE("a window is a range of its records, walked as often as one likes") {
  auto const all = records(9);
  std::vector<std::vector<std::int64_t>> windowed;
  for (auto const& window : all | drop_warmup | windows(4)) {
    windowed.push_back(steps(window));
    CHECK(steps(window) == windowed.back());
    CHECK(steps(window | slowest(1)).size() == 1);
  }
  CHECK(windowed == std::vector<std::vector<std::int64_t>>{{3, 4, 5, 6}, {7, 8, 9}});
}

TEST_CASE("by_epoch cuts where the epoch changes, in any order of epochs") {
  auto all = records(10);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].epoch = i < 5 ? 1 : i < 6 ? 7 : 2;
  std::vector<std::vector<std::int64_t>> epochs;
  for (auto const& epoch : all | drop_warmup | by_epoch) epochs.push_back(steps(epoch));
  CHECK(epochs == std::vector<std::vector<std::int64_t>>{{3, 4, 5}, {6}, {7, 8, 9, 10}});
  for (auto const& epoch : all | by_epoch) CHECK(sums(epoch | windows(2) | ranges::views::transform(sums)).steps == epoch.sums().steps);
}

TEST_CASE("without_pauses takes checkpoints and evaluation out of the time") {
  auto all = records(4);
  all[3].phases[static_cast<std::size_t>(phase::checkpoint)] = 0.5 * second;
  all[3].phases[static_cast<std::size_t>(phase::evaluation)] = 0.25 * second;
  all[3].phases[static_cast<std::size_t>(phase::forward)] = 1.25 * second;
  CHECK(sums(all | drop_warmup).time.in(second) == 4.0);
  CHECK(sums(all | drop_warmup | without_pauses).time.in(second) == 3.25);
  CHECK(sums(all | without_pauses | drop_warmup | windows(5) | ranges::views::transform(sums)).steps == 2 * step);
  for (auto const& record : all | without_pauses) CHECK(in_phase(record, phase::checkpoint).in(second) == 0.0);
}

TEST_CASE("slowest gives the longest first, each once") {
  auto all = records(100);
  std::mt19937 random{4};
  std::uniform_real_distribution<double> time{1, 2};
  for (auto& record : all) record.time = time(random) * second;
  all[50].time = all[60].time = 9.0 * second;
  all[70].time = 10.0 * second;
  all[80].time = 99.0 * second;
  all[80].untimed = true;
  all[0].time = 11.0 * second;  // warm-up
  CHECK(steps(all | drop_warmup | slowest(3)) == std::vector<std::int64_t>{71, 51, 61});
  CHECK(steps(all | slowest(1)) == std::vector<std::int64_t>{1});
  CHECK(steps(all | slowest(0)).empty());
  CHECK(steps(all | drop_warmup | slowest(1000)).size() == 97);
  auto sorted = steps(all | drop_warmup | slowest(1000));
  std::ranges::sort(sorted);
  CHECK(std::ranges::adjacent_find(sorted) == sorted.end());
  CHECK_THROWS_AS(slowest(-1), precondition_error);
}

TEST_CASE("a calculation ends a pipeline: one value of records, one a group of groups") {
  auto all = records(9);
  all[8].time = 4.0 * second;
  auto const whole = all | drop_warmup | tokens_per_processor_second(run);
  CHECK(whole->in(token / (processor * second)) == 700.0 / 16 / 8);
  std::vector<double> rates;
  for (auto const& rate : all | drop_warmup | windows(3) | tokens_per_processor_second(run)) rates.push_back(rate->coherent());
  CHECK(rates == std::vector<double>{6.25, 6.25, 3.125});
  auto const use = all | drop_warmup | over(run, mfu<flops::palm>);
  CHECK(use->ratio.in(one) == mfu<flops::palm>(run, *whole)->ratio.in(one));
  CHECK((std::vector<step_record>{} | tokens_per_processor_second(run)).reason() == "no step has been measured after warm-up");
}

TEST_CASE("pipelines are lazy: nothing is read before it is asked for") {
  auto const all = records(1000);
  int read = 0;
  auto counted = all | ranges::views::transform([&](step_record const& record) -> step_record const& {
                   ++read;
                   return record;
                 });
  auto rates = counted | windows(10) | tokens_per_processor_second(run);
  CHECK(read == 0);
  CHECK((*rates.begin())->coherent() == 6.25);
  CHECK(read <= 11);
}

TEST_CASE("over a meter's live records") {
  meter meter{run, {.warm_up = 1 * step, .records_kept = 8}, tokens_per_processor_second};
  for (int i = 0; i < 20; ++i) meter.start().finish({.tokens = 512 * token, .epoch = i / 15});
  CHECK(steps(meter.records() | drop_warmup) == std::vector<std::int64_t>{13, 14, 15, 16, 17, 18, 19, 20});
  std::vector<std::int64_t> epochs;
  for (auto const& epoch : meter.records() | drop_warmup | by_epoch | ranges::views::transform(sums)) epochs.push_back(epoch.steps.coherent());
  CHECK(epochs == std::vector<std::int64_t>{3, 5});
  CHECK((meter.records() | tokens_per_processor_second(run))->coherent() > 0);
}

TEST_CASE("slowest of nothing is nothing") {
  std::vector<step_record> const none;
  CHECK(steps(none | slowest(2)).empty());
}

TEST_CASE("the sum of tokens is checked; useful tokens beyond it stop at the greatest count") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max() * token;
  std::vector<step_record> all(2);
  for (auto& record : all) {
    record = {.time = 1.0 * second, .tokens = 1 * token, .useful_tokens = most};
  }
  CHECK(sums(all).useful_tokens == most);
  CHECK(sums(all).tokens == 2 * token);
  for (auto& record : all) record.tokens = most;
  CHECK_THROWS_AS(sums(all), precondition_error);
}
