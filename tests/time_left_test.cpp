#include <kunmetrics/time_left.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr interval ten_steps{.tokens = 1000 * token, .time = 20.0 * second, .steps = 10 * step};
static_assert(time_left(40 * step, 100 * step, ten_steps)->in(second) == 120.0);
static_assert(time_left(100 * step, 100 * step, ten_steps)->in(second) == 0.0);
static_assert(time_left(5000 * token, 6000 * token, ten_steps)->in(second) == 20.0);
}  // namespace

TEST_CASE("before anything has been measured nothing is foreseen") {
  CHECK(time_left(0 * step, 10 * step, interval{}).reason() == "no step has been measured after warm-up");
  CHECK(time_left(0 * token, 10 * token, interval{}).reason() == "no token has been trained after warm-up");
}

TEST_CASE("wall-clock time foresees the pauses of so far, but neither start nor warm-up") {
  goodput const so_far{.productive = 20.0 * second, .warm_up = 50.0 * second, .checkpoint = 4.0 * second,
                       .evaluation = 1.0 * second, .initialization = 100.0 * second};
  CHECK(wall_clock(120.0 * second, ten_steps, so_far).in(second) == 150.0);
  CHECK(wall_clock(120.0 * second, ten_steps, goodput{}).in(second) == 120.0);
}
