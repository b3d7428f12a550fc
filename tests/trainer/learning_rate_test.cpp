// The schedule at its corners.
#include "learning_rate.hpp"

#include <doctest/doctest.h>

using trainer::linear_schedule;

static_assert(linear_schedule{.peak = 3e-4}(0) == 3e-4);
static_assert(linear_schedule{.peak = 3e-4}(1'000'000) == 3e-4);

TEST_CASE("warm-up rises to the peak, decay falls to the floor and stays") {
  linear_schedule const rate{.peak = 8, .floor = 2, .warmup_steps = 4, .total_steps = 10};
  CHECK(rate(0) == 2);
  CHECK(rate(1) == 4);
  CHECK(rate(3) == 8);
  CHECK(rate(4) == 8);
  CHECK(rate(7) == 5);
  CHECK(rate(10) == 2);
  CHECK(rate(11) == 2);
}
