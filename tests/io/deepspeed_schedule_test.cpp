#include <kunmetrics/io/deepspeed_schedule.hpp>

#include <doctest/doctest.h>

namespace {
using kunmetrics::deepspeed_schedule;
using kunmetrics::warmup_growth;

// The defaults of DeepSpeed's WarmupLR.
static_assert(deepspeed_schedule{}.min_rate == 0);
static_assert(deepspeed_schedule{}.max_rate == 0.001);
static_assert(deepspeed_schedule{}.warmup_steps == 1000);
static_assert(deepspeed_schedule{}.total_steps == 0);
static_assert(deepspeed_schedule{}.growth == warmup_growth::logarithmic);

constexpr deepspeed_schedule linear{.min_rate = 1e-5, .max_rate = 9e-5, .warmup_steps = 4, .growth = warmup_growth::linear};

doctest::Approx near(double value) { return doctest::Approx(value).epsilon(1e-12); }
}  // namespace

TEST_CASE("linear warm-up: the scheduler moves after the optimizer, so step t has the rate of t - 1") {
  CHECK(linear(0) == 1e-5);
  CHECK(linear(1) == near(1e-5));  // iteration 0
  CHECK(linear(2) == near(3e-5));
  CHECK(linear(3) == near(5e-5));
  CHECK(linear(4) == near(7e-5));
  CHECK(linear(5) == near(9e-5));
  CHECK(linear(6) == near(9e-5));
  CHECK(linear(1'000'000) == near(9e-5));
}

TEST_CASE("logarithmic warm-up reaches the full rate one iteration before its end") {
  deepspeed_schedule const schedule{.min_rate = 0, .max_rate = 3e-4, .warmup_steps = 8};
  CHECK(schedule(0) == 0);
  CHECK(schedule(1) == 0);                 // log 1 / log 8 = 0
  CHECK(schedule(2) == near(1e-4));        // log 2 / log 8 = 1/3
  CHECK(schedule(4) == near(2e-4));        // log 4 / log 8 = 2/3
  CHECK(schedule(8) == near(3e-4));        // log 8 / log 8 = 1
  CHECK(schedule(9) == near(3e-4));
  CHECK(schedule(3) == near(3e-4 * 0.52832083357371873));  // log 3 / log 8
}

TEST_CASE("after the warm-up WarmupDecayLR falls linearly to the minimum and stays") {
  deepspeed_schedule const schedule{
      .min_rate = 1e-5, .max_rate = 9e-5, .warmup_steps = 4, .total_steps = 12, .growth = warmup_growth::linear};
  CHECK(schedule(4) == near(7e-5));   // iteration 3 still warms up
  CHECK(schedule(5) == near(9e-5));   // iteration 4: (12 - 4) / 8
  CHECK(schedule(6) == near(8e-5));   // (12 - 5) / 8
  CHECK(schedule(9) == near(5e-5));   // (12 - 8) / 8
  CHECK(schedule(12) == near(2e-5));  // (12 - 11) / 8
  CHECK(schedule(13) == near(1e-5));
  CHECK(schedule(14) == near(1e-5));
  CHECK(schedule(1'000'000) == near(1e-5));
}

TEST_CASE("a warm-up of less than two steps is one of two, as in DeepSpeed") {
  deepspeed_schedule const schedule{.max_rate = 4, .warmup_steps = 1, .growth = warmup_growth::linear};
  CHECK(schedule(1) == 0);
  CHECK(schedule(2) == near(2));
  CHECK(schedule(3) == near(4));
}

TEST_CASE("a decay as short as the warm-up does not divide by zero") {
  deepspeed_schedule const schedule{
      .max_rate = 4, .warmup_steps = 4, .total_steps = 4, .growth = warmup_growth::linear};
  CHECK(schedule(4) == near(3));
  CHECK(schedule(5) == 0);
  CHECK(schedule(6) == 0);
}

TEST_CASE("a warm-up of an odd length") {
  deepspeed_schedule const schedule{.max_rate = 3e-4, .warmup_steps = 5};
  CHECK(schedule(2) == near(3e-4 * 0.43067655807339306));  // log 2 / log 5
  CHECK(schedule(5) == near(3e-4));
}
