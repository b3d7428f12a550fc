#include <kunmetrics/throughput.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto per_processor = token / (processor * second);
static_assert(throughput(1000 * token, 4.0 * second) == 250.0 * token / second);
static_assert(tokens_per_processor_second(1600 * token, 2.0 * second, 16 * processor) == 50.0 * per_processor);

// The ratio of sums, not the mean of rates (trap 14): 100 in 1 s and 100 in 3 s are 50/s, not 66.7/s.
constexpr auto total = interval{
    .tokens = 100 * token + 100 * token, .time = 1.0 * second + 3.0 * second, .steps = 2 * step};
constexpr training_case one_processor{.cluster = {.per_node = 1 * processor / node}};
static_assert(*tokens_per_processor_second(one_processor, total) == 50.0 * per_processor);
static_assert(!tokens_per_processor_second(one_processor, interval{}));
static_assert(calculator<tokens_per_processor_second_t>);
}  // namespace

TEST_CASE("no time and no processors are errors") {
  CHECK_THROWS_AS(throughput(1 * token, 0.0 * second), precondition_error);
  CHECK_THROWS_AS(throughput(1 * token, -1.0 * second), precondition_error);
  CHECK_THROWS_WITH_AS(tokens_per_processor_second(1 * token, 1.0 * second, 0 * processor),
                       "tokens_per_processor_second: needed a positive number of processor, received 0",
                       precondition_error);
}
