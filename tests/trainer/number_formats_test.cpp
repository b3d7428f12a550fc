// Both 16-bit formats against a search for the nearest value, and the processor's conversions against
// the scalar ones.
#include "operators/conversion.hpp"
#include "operators/number_formats.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

using namespace trainer;

static_assert(sizeof(bfloat16) == 2 && sizeof(float16) == 2);
static_assert(half_width<bfloat16> && half_width<float16> && !half_width<float>);
static_assert(std::is_same_v<arithmetic<float16>, float> && std::is_same_v<arithmetic<double>, double>);
static_assert(widened(narrowed<float16>(1.0F)) == 1.0F && narrowed<float16>(1.0F).bits == 0x3c00);
static_assert(narrowed<float16>(65504.0F).bits == 0x7bff && narrowed<float16>(65519.99F).bits == 0x7bff);
static_assert(narrowed<float16>(65520.0F).bits == 0x7c00 && narrowed<float16>(-1e30F).bits == 0xfc00);
static_assert(narrowed<float16>(0x1p-24F).bits == 1 && narrowed<float16>(0x1p-25F).bits == 0);
static_assert(narrowed<float16>(0x1.8p-24F).bits == 2 && narrowed<float16>(-0.0F).bits == 0x8000);
static_assert(narrowed<bfloat16>(1.0F).bits == 0x3f80 && narrowed<bfloat16>(0x1.01p0F).bits == 0x3f80);
static_assert(narrowed<bfloat16>(0x1.03p0F).bits == 0x3f82 && narrowed<bfloat16>(3.4e38F).bits == 0x7f80);

namespace {

/// Every value of the format from 0 up to infinity, by its bits.
template <class Number>
std::vector<float> magnitudes() {
  std::vector<float> all;
  for (std::uint32_t bits = 0;; ++bits) {
    all.push_back(widened(Number{static_cast<std::uint16_t>(bits)}));
    if (std::isinf(all.back())) return all;
  }
}

/// The bits of the value nearest to x >= 0, ties to even; infinity stands one spacing above the largest.
template <class Number>
std::uint16_t nearest(std::vector<float> const& all, float x) {
  auto const above = static_cast<std::size_t>(std::ranges::lower_bound(all, x) - all.begin());
  if (above == 0 || all[above] == x) return static_cast<std::uint16_t>(above);
  double const low = all[above - 1];
  double const high = std::isinf(all[above]) ? 2 * low - all[above - 2] : static_cast<double>(all[above]);
  double const down = x - low, up = high - x;
  bool const to_upper = down > up || (down == up && above % 2 == 0);
  return static_cast<std::uint16_t>(to_upper ? above : above - 1);
}

/// Halves of spacings, and one ulp to either side of them, and random numbers of every size.
template <class Number>
std::vector<float> trials(std::vector<float> const& all) {
  std::vector<float> x{0, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max(),
                       std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i + 2 < all.size(); ++i) {
    auto const half = static_cast<float>((static_cast<double>(all[i]) + static_cast<double>(all[i + 1])) / 2);
    for (float const at : {all[i], half, std::nextafter(half, 0.0F), std::nextafter(half, 1e38F)}) x.push_back(at);
  }
  std::mt19937 random(1);
  while (x.size() < 300'000) {
    auto const bits = random() & 0x7fffffffU;
    if (bits < 0x7f800000U) x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  }
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("rounding is to the nearest value, ties to even, at every size", Number, bfloat16, float16) {
  auto const all = magnitudes<Number>();
  int wrong = 0;
  for (float const x : trials<Number>(all)) {
    auto const expected = nearest<Number>(all, x);
    wrong += narrowed<Number>(x).bits != expected;
    wrong += narrowed<Number>(-x).bits != (expected | 0x8000U);
  }
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("every value survives the way to fp32 and back, and a NaN stays one", Number, bfloat16, float16) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    Number const x{static_cast<std::uint16_t>(bits)};
    float const wide = widened(x);
    CHECK_UNARY(is_finite(x) == std::isfinite(wide));
    CHECK_UNARY(std::isnan(wide) ? std::isnan(widened(narrowed<Number>(wide))) : narrowed<Number>(wide) == x);
  }
  CHECK(std::isnan(widened(narrowed<Number>(std::bit_cast<float>(0x7f800001U)))));
}

TEST_CASE("values of fp16 are those of its definition") {
  for (std::uint32_t bits = 0; bits < 0x7c00U; ++bits) {
    auto const exponent = static_cast<int>(bits >> 10U), fraction = static_cast<int>(bits & 0x3ffU);
    double const value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    CHECK_UNARY(static_cast<double>(widened(float16{static_cast<std::uint16_t>(bits)})) == value);
  }
}

TEST_CASE_TEMPLATE("rows of any length have the bits of the scalar conversions", Number, bfloat16, float16) {
  auto const x = trials<Number>(magnitudes<Number>());
  std::vector<Number> narrow_x(x.size());
  std::vector<float> wide(x.size());
  narrow<Number>(x, narrow_x);
  widen<Number>(narrow_x, wide);
  int wrong = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    wrong += narrow_x[i] != narrowed<Number>(x[i]) || wide[i] != widened(narrow_x[i]);
  }
  CHECK(wrong == 0);
  for (std::size_t size = 0; size < 20; ++size) {
    std::vector<Number> few(21, Number{0x1234});
    narrow<Number>(std::span{x}.subspan(5, size), std::span{few}.subspan(1));
    for (std::size_t i = 0; i < size; ++i) CHECK(few[i + 1] == narrowed<Number>(x[5 + i]));
    CHECK((few[0].bits == 0x1234 && few[size + 1].bits == 0x1234));
  }
}

TEST_CASE("finite is told by the bits") {
  for (float const x : {0.0F, -1.5F, 3e38F, 1e-45F}) CHECK((is_finite(x) && is_finite(static_cast<double>(x))));
  for (double const x : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    CHECK_FALSE((is_finite(x) || is_finite(static_cast<float>(-x))));
  }
}
