#include "laws.hpp"

#include <kunmetrics/quantity.hpp>

#include <limits>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto micro_batch = 12 * sample / (replica * micro_step);

// Counts are exact and stay counts.
static_assert(std::is_same_v<decltype(micro_batch)::rep, std::int64_t>);
static_assert(micro_batch * (1 * micro_step / step) * (8 * replica) == 96 * sample / step);
static_assert((96 * sample / step) * (512 * token / sample) == 49152 * token / step);
static_assert((32 * GiB).in(byte) == 34'359'738'368);
static_assert((32 * GiB).in(GiB) == 32.0);
static_assert((1 * GiB).in(GB) == 1.073741824);
static_assert((1.5 * hour).in(second) == 5400.0);
static_assert((250 * millisecond).in(second) == 0.25);
static_assert((45 * percent).in(one) == 0.45);
static_assert(exact_quotient(8 * processor, 2 * processor / replica) == 4 * replica);

// What converts, and what does not; is_constructible tells the truth.
template <typename To, typename From>
constexpr bool converts = std::is_constructible_v<To, From> && std::is_convertible_v<From, To>;
template <typename To, typename From>
constexpr bool refused = !std::is_constructible_v<To, From> && !std::is_convertible_v<From, To> &&
                         !std::is_assignable_v<To&, From>;
static_assert(converts<quantity_of<token>, count_of<token>>, "a count is a measured value");
static_assert(refused<count_of<token>, quantity_of<token>>, "a measured value is not a count");
static_assert(refused<quantity_of<token>, quantity_of<sample>>);
static_assert(refused<quantity_of<token>, count_of<sample>>);
static_assert(refused<quantity_of<token>, double>, "a plain number has no unit");
static_assert(refused<double, quantity_of<token>>, "a number comes out only through a named unit");
static_assert(
    refused<quantity_of<token / (processor * second)>, quantity_of<token * node * node / (processor * second)>>);

// Costs nothing beside its number.
static_assert(sizeof(quantity_of<token / second>) == sizeof(double));
static_assert(std::is_trivially_copyable_v<quantity_of<token / second>>);

// Trap 1 of FlagPerf's script: rate / processors-per-node * nodes is not a rate per processor.
using flagperf_rate = decltype(1.0 * token / second / (8 * processor / node) * (2 * node));
static_assert(unit_text<flagperf_rate> == "token node^2/(processor s)");
static_assert(unit_text<decltype(micro_batch)> == "sample/(replica micro_step)");
}  // namespace

TEST_CASE("counts and measured values obey the laws") {
  laws::additive_group({0 * token, 1 * token, -7 * token, 1'000'000'007 * token});
  laws::additive_group({0.0 * second, 0.5 * second, -1024.25 * second});
  laws::total_order({3 * byte, -3 * byte, 0 * byte, 1 * GiB});
  laws::total_order({0.1 * second, 0.2 * second, 0.30000000000000004 * second});
  laws::scalar_module({2 * token, -5 * token}, {std::int64_t{0}, std::int64_t{3}});
  laws::scalar_module({0.5 * second, 3.0 * second}, {0.25, -2.0});
}

TEST_CASE("a unit there and back is the same number") {
  for (double value : {0.0, 1.0, 0.1, 1e-9, 123456.789, 1e15}) {
    CHECK((value * hour).in(hour) == doctest::Approx(value).epsilon(1e-15));
    CHECK((value * nanosecond).in(nanosecond) == doctest::Approx(value).epsilon(1e-15));
    CHECK((value * (gigaflop / second)).in(gigaflop / second) == doctest::Approx(value).epsilon(1e-15));
  }
}

TEST_CASE("overflow of a count is an error that shows its values") {
  auto const huge = std::numeric_limits<std::int64_t>::max() * token;
  CHECK_THROWS_WITH_AS(huge + 1 * token, "quantity: needed a result within 64 bits, received 9223372036854775807 + 1",
                       precondition_error);
  CHECK_THROWS_WITH_AS(huge * (2 * token), "quantity: needed a result within 64 bits, received 9223372036854775807 * 2",
                       precondition_error);
  CHECK_THROWS_AS((-2) * token - huge, precondition_error);
}

TEST_CASE("exact_quotient divides evenly or says why not") {
  CHECK(exact_quotient(48 * processor, 8 * processor) == 6 * one);
  CHECK_THROWS_WITH_AS(exact_quotient(9 * processor, 2 * processor),
                       "exact_quotient: needed a positive divisor that divides evenly, received 9 / 2",
                       precondition_error);
  CHECK_THROWS_AS(exact_quotient(9 * processor, 0 * processor), precondition_error);
}
