// Exponential for softmax and sigmoid, written so that a plain loop over it vectorises.
//
// float: exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2, exp(r) as its Taylor polynomial
// of degree 7 (truncation 5e-9). 2^n is applied as two factors, so that results below the smallest
// normal number are rounded once and results above the largest become infinity. Relative error
// below 3e-7 wherever the result is a normal number; exp(-inf) = 0, exp(inf) = inf, NaN stays NaN.
// double: std::exp, since double serves the gradient tests only.
// Source: Cody and Waite, Software Manual for the Elementary Functions, 1980, chapter 6.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// 2 to the power n, for -126 <= n <= 127, n as a two's complement number.
inline float power_of_two(std::uint32_t n) noexcept {
  return std::bit_cast<float>((n + 127U) << 23U);
}

namespace detail {
/// exp(x) = series * 2^n, n as a two's complement number, for -104 <= x <= 89.
struct exponential_parts {
  float series;
  std::uint32_t n;
};
inline exponential_parts reduced_exponential(float x) noexcept {
  constexpr float rounder = 12582912.0F;  // 1.5 * 2^23: adding it leaves an integer in the low bits
  constexpr float ln2_high = 0.693359375F;          // 10 bits, so n * ln2_high is exact
  constexpr float ln2_low = -2.12194440054690e-4F;  // ln 2 - ln2_high
  constexpr float per_ln2 = 1.44269504088896F;
  float const shifted = x * per_ln2 + rounder;
  float const whole = shifted - rounder;
  float const r = (x - whole * ln2_high) - whole * ln2_low;

  float series = 1.0F / 5040.0F;
  series = series * r + 1.0F / 720.0F;
  series = series * r + 1.0F / 120.0F;
  series = series * r + 1.0F / 24.0F;
  series = series * r + 1.0F / 6.0F;
  series = series * r + 0.5F;
  series = series * r + 1.0F;
  series = series * r + 1.0F;
  // Unsigned arithmetic: the bits of a NaN may wrap here, a product of the series stays NaN.
  return {series, std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(rounder)};
}
}  // namespace detail

/// exp(x), without a branch or a call.
inline float exponential(float x) noexcept {
  constexpr float lowest = -104.0F;  // exp(lowest) is less than half the smallest subnormal
  constexpr float highest = 89.0F;  // exp(highest) is more than the largest float
  // Two clamps chained one after the other would be threaded into branches and not vectorise.
  float const at_least = x < lowest ? lowest : x;
  float const at_most = x > highest ? highest : x;
  auto const [series, n] = detail::reduced_exponential(x < 0.0F ? at_least : at_most);
  auto const half = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) >> 1);
  return series * power_of_two(half) * power_of_two(n - half);
}

/// exp(x) of the C++ library.
inline double exponential(double x) noexcept { return std::exp(x); }

/// exp(x) for x up to 88, as softmax needs it: 0 below -87, where 1.6e-38 is nothing beside the row's largest, 1.
/// A third fewer steps than exponential, with the same bits from -87 on; NaN stays NaN.
inline float softmax_exponential(float x) noexcept {
  constexpr float lowest = -87.0F;
  float const clamped = x < lowest ? lowest : x;
  auto const [series, n] = detail::reduced_exponential(clamped);
  float const value = series * power_of_two(n);
  return x < lowest ? 0.0F : value;
}
inline double softmax_exponential(double x) noexcept { return std::exp(x); }

/// y[i] = exp(x[i] - shift) for i in [0, x.size()), by softmax_exponential; y holds at least as many, and may be x itself.
template <class Real>
void vector_exp(std::span<Real const> x, Real shift, std::span<Real> y) noexcept {
  Real const* const from = x.data();
  Real* const to = y.data();
  std::size_t const count = x.size();
  for (std::size_t i = 0; i < count; ++i) to[i] = softmax_exponential(from[i] - shift);
}

}  // namespace trainer
