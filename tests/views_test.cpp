#include <kunmetrics/views.hpp>

#include <doctest/doctest.h>

#include <range/v3/view/transform.hpp>

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
}  // namespace

TEST_CASE("drop_warmup leaves the steps that count") {
  auto const all = records(5);
  std::vector<std::int64_t> kept;
  for (step_record const& record : all | drop_warmup) kept.push_back(record.step.in(step));
  CHECK(kept == std::vector<std::int64_t>{3, 4, 5});
  CHECK(sums(all | drop_warmup).tokens == 300 * token);
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
