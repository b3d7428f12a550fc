#include <kunmetrics/batch.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto lbs = 12 * sample / (replica * micro_step);
constexpr auto gas = 4 * micro_step / step;
static_assert(global_batch_size(lbs, gas, 8 * replica) == 384 * sample / step);
static_assert(tokens_per_step(global_batch_size(lbs, gas, 8 * replica), 512 * token / sample) == 196608 * token / step);

// A micro batch is not a global batch (trap 3), and neither is one without accumulation.
static_assert(!std::is_convertible_v<micro_batch_size_t, global_batch_size_t>);
static_assert(!std::is_convertible_v<decltype(lbs * (8 * replica)), global_batch_size_t>);
}  // namespace

TEST_CASE("the identity holds or names all four numbers") {
  CHECK_NOTHROW(require_global_batch_size(384 * sample / step, lbs, gas, 8 * replica));
  CHECK_THROWS_WITH_AS(require_global_batch_size(96 * sample / step, lbs, gas, 8 * replica),
                       "global_batch_size: needed LBS * GAS * DP = 12 * 4 * 8 = 384 sample/step, received 96",
                       precondition_error);
  CHECK_THROWS_WITH_AS(global_batch_size(lbs, 0 * micro_step / step, 8 * replica),
                       "gradient_accumulation_steps: needed a positive number of micro_step/step, received 0",
                       precondition_error);
}
