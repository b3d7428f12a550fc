#include <kunmetrics/mixed_precision.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto per_second = flop / (processor * second);
constexpr peak_rate fp8_peak{fp8, 1979e12 * per_second, "data sheet"};
constexpr peak_rate bf16_peak{bf16, 989.5e12 * per_second, "data sheet"};
constexpr auto rate = 10'000.0 * token / (processor * second);

constexpr auto shares = weights_and_attention<flops::causal>(models::llama3_8b, 8192 * token / sample, fp8_peak,
                                                             bf16_peak);
static_assert(shares[0].work + shares[1].work == flops::causal::per_token(models::llama3_8b, 8192 * token / sample));
static_assert(shares[1].work == flops::causal::attention_per_token(models::llama3_8b, 8192 * token / sample));

// Work of 2 at a peak of 2 and of 1 at a peak of 1 takes 2 s; together 3 in 2 s.
constexpr std::array<precision_share, 2> small{
    {{2.0 * flop / token, {fp8, 2.0 * per_second, "row"}}, {1.0 * flop / token, {bf16, 1.0 * per_second, "row"}}}};
static_assert(mixed_utilization(0.25 * token / (processor * second), small).in(one) == 0.5);
static_assert(mixed_peak(small) == 1.5 * per_second);
}  // namespace

TEST_CASE("a mixture lies between its peaks, and is MFU against the harmonic one") {
  auto const mixed = mixed_utilization(rate, shares).in(percent);
  auto const against = [&](peak_rate const& peak) {
    return mfu<flops::causal>(models::llama3_8b, 8192 * token / sample, rate, peak).ratio.in(percent);
  };
  CHECK(mixed > against(fp8_peak));
  CHECK(mixed < against(bf16_peak));
  CHECK(mixed == doctest::Approx(against({fp8, mixed_peak(shares), "harmonic"})));
  std::array const same{precision_share{shares[0].work, bf16_peak}, precision_share{shares[1].work, bf16_peak}};
  CHECK(mixed_utilization(rate, same).in(percent) == doctest::Approx(against(bf16_peak)));
}

TEST_CASE("no peak, no work") {
  std::array const unknown{precision_share{1.0 * flop / token, {fp8, -1.0 * per_second, "config"}}};
  CHECK_THROWS_WITH_AS(mixed_utilization(rate, unknown),
                       "mixed_utilization: needed a positive peak in flop/(processor s), received -1.000000",
                       precondition_error);
  CHECK_THROWS_WITH_AS(mixed_peak({}), "mixed_peak: needed some work, received 0 flop/token", precondition_error);
}
