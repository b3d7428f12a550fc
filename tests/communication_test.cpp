#include <kunmetrics/communication.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr bool near(double value, double published) {
  return value - published <= 0.0005 && published - value <= 0.0005;
}
constexpr std::int64_t n = 6'738'415'616;  // llama2-7b
constexpr auto gb_each = GB / (processor * step);
constexpr data_parallel_traffic traffic(zero_stage stage, std::int64_t micro_steps, gradient_reduction reduction) {
  return zero_traffic(n, mixed_precision_adam, stage, 8 * processor, micro_steps * micro_step / step, reduction);
}
using enum gradient_reduction;

// llama2-7b on eight ranks: 35.377 GB for ZeRO-3, 23.584 GB for ZeRO-1 and 2.
static_assert(near(traffic(zero_stage::parameters, 1, each_step).total().in(gb_each), 35.377));
static_assert(near(traffic(zero_stage::gradients, 1, each_step).total().in(gb_each), 23.584));
static_assert(near(traffic(zero_stage::optimizer, 1, each_step).total().in(gb_each), 23.584));
static_assert(near(traffic(zero_stage::none, 1, each_step).total().in(gb_each), 23.584));

// ZeRO-3 gathers in every micro-step; the gradients' sum may wait for the last.
static_assert(traffic(zero_stage::parameters, 4, each_step).gathered ==
              4 * traffic(zero_stage::parameters, 1, each_step).gathered);
static_assert(traffic(zero_stage::parameters, 4, each_step).reduced ==
              traffic(zero_stage::parameters, 1, each_step).reduced);
static_assert(traffic(zero_stage::parameters, 4, each_micro_step).total() ==
              4.0 * traffic(zero_stage::parameters, 1, each_step).total());
static_assert(traffic(zero_stage::gradients, 4, each_step).total() ==
              traffic(zero_stage::gradients, 1, each_step).total());
static_assert(traffic(zero_stage::none, 4, each_micro_step).total() ==
              4.0 * traffic(zero_stage::none, 1, each_step).total());

static_assert(all_gather(8 * byte, 4 * processor).in(byte / processor) == 6);
static_assert(all_reduce(8 * byte, 4 * processor).in(byte / processor) == 12);
static_assert(all_reduce(8 * byte, 1 * processor).in(byte / processor) == 0);
}  // namespace

TEST_CASE("traffic of no rank and of less than nothing") {
  CHECK_THROWS_WITH_AS(all_gather(1 * byte, 0 * processor),
                       "all_gather: needed a positive number of processor, received 0", precondition_error);
  CHECK_THROWS_WITH_AS(all_reduce(-1 * byte, 2 * processor), "all_gather: needed at least 0 B, received -1.000000",
                       precondition_error);
  CHECK_THROWS_WITH_AS(zero_traffic(0, {}, zero_stage::none, 2 * processor, 1 * micro_step / step, each_step),
                       "zero_traffic: needed at least 1 parameter, received 0", precondition_error);
}
