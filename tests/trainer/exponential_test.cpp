#include "operators/exponential.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using trainer::exponential;

namespace {

/// Largest relative error of the float exponential over every `stride`-th float in [0, end], or in
/// [-end, 0].
double largest_relative_error(float end, bool negative, std::uint32_t stride) {
  double largest = 0.0;
  auto const last = std::bit_cast<std::uint32_t>(end);
  for (std::uint32_t bits = 0; bits <= last; bits += stride) {
    float const size = std::bit_cast<float>(bits);
    float const x = negative ? -size : size;
    double const exact = std::exp(static_cast<double>(x));
    largest = std::max(largest, std::abs(static_cast<double>(exponential(x)) / exact - 1.0));
  }
  return largest;
}

}  // namespace

TEST_CASE("float exponential is within 3e-7 wherever the result is a normal number") {
  CHECK(largest_relative_error(88.72F, false, 1009) < 3e-7);
  CHECK(largest_relative_error(87.33F, true, 1009) < 3e-7);
  CHECK(exponential(0.0F) == 1.0F);
}

TEST_CASE("float exponential rounds to subnormals, to zero and to infinity") {
  constexpr auto infinity = std::numeric_limits<float>::infinity();
  constexpr auto smallest = static_cast<double>(std::numeric_limits<float>::denorm_min());
  for (float x = -87.3F; x > -104.5F; x -= 0.0625F)
    CHECK(std::abs(static_cast<double>(exponential(x)) - std::exp(static_cast<double>(x))) <=
          smallest);
  CHECK(exponential(-104.0F) == 0.0F);
  CHECK(exponential(-1e30F) == 0.0F);
  CHECK(exponential(-infinity) == 0.0F);
  CHECK(exponential(88.73F) == infinity);
  CHECK(exponential(infinity) == infinity);
  CHECK(std::isnan(exponential(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(exponential(-std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("softmax's exponential has the same bits down to -87, 0 below, and keeps a NaN") {
  for (float x = -87.0F; x < 88.0F; x += 0.0078125F) REQUIRE(trainer::softmax_exponential(x) == exponential(x));
  CHECK(trainer::softmax_exponential(std::nextafter(-87.0F, -88.0F)) == 0.0F);
  CHECK(trainer::softmax_exponential(-1e30F) == 0.0F);
  CHECK(trainer::softmax_exponential(-std::numeric_limits<float>::infinity()) == 0.0F);
  CHECK(std::isnan(trainer::softmax_exponential(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(trainer::softmax_exponential(-std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("a vector of exponentials may be written over its arguments") {
  std::vector<float> x{-3.0F, 0.5F, 2.0F, 7.0F, -90.0F};
  auto const arguments = x;
  trainer::vector_exp<float>(x, 2.0F, x);
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(static_cast<double>(x[i]) ==
          doctest::Approx(std::exp(static_cast<double>(arguments[i]) - 2.0)).epsilon(3e-7));
  CHECK(exponential(1.25) == std::exp(1.25));
}
