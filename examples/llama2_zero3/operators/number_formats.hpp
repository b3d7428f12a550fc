// The 16-bit number formats that training stores and sends: bfloat16 and IEEE 754 half (fp16).
//
//   bfloat16   1 sign, 8 exponent, 7 fraction bits      spacing 2^-7 at 1, largest 3.39e38
//   float16    1 sign, 5 exponent, 10 fraction bits     spacing 2^-10 at 1, largest 65504, smallest 2^-24
//
// They are storage: arithmetic is in fp32, which holds every value of both, and a result is rounded
// once, to nearest, ties to even; beyond the largest it becomes infinity, and a NaN stays one.
// Source: IEEE 754-2008, 3.6 and 4.3.1. Scalar conversions are without a branch, so loops vectorise.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace trainer {

struct bfloat16 {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(bfloat16, bfloat16) = default;  // of the bits: NaN equals itself, -0 not 0
};

struct float16 {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(float16, float16) = default;
};

/// A format that is stored in 16 bits and computed with in fp32.
template <class Number>
concept half_width = std::same_as<Number, bfloat16> || std::same_as<Number, float16>;

/// What a stored number is computed with: fp32 for 16 bits, else itself. Master copies are of it too.
template <class Number>
using arithmetic = std::conditional_t<half_width<Number>, float, Number>;

constexpr float widened(float x) noexcept { return x; }
constexpr double widened(double x) noexcept { return x; }
constexpr float widened(bfloat16 x) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x.bits) << 16U);
}
constexpr float widened(float16 x) noexcept {
  // exponent and fraction moved to fp32's place are 2^-112 of the value, subnormal or not; the
  // product is exact. Exponent 31 arrives at 2^16 or more, and is made fp32's infinity or NaN.
  std::uint32_t const magnitude = (x.bits & 0x7fffU) << 13U;
  float const scaled = std::bit_cast<float>(magnitude) * 0x1p112F;
  std::uint32_t const special = magnitude >= 0x0f800000U ? 0x7f800000U : 0U;
  std::uint32_t const sign = (x.bits & 0x8000U) << 16U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(scaled) | special | sign);
}

namespace detail {
constexpr std::uint16_t bfloat16_bits(float x) noexcept {
  auto const u = std::bit_cast<std::uint32_t>(x);
  std::uint32_t const rounded = (u + 0x7fffU + ((u >> 16U) & 1U)) >> 16U;
  std::uint32_t const quiet = (u >> 16U) | 0x40U;
  return static_cast<std::uint16_t>((u & 0x7fffffffU) > 0x7f800000U ? quiet : rounded);
}

constexpr std::uint16_t float16_bits(float x) noexcept {
  auto const u = std::bit_cast<std::uint32_t>(x);
  std::uint32_t const sign = (u >> 16U) & 0x8000U;
  std::uint32_t const magnitude = u & 0x7fffffffU;
  // from 2^-14 on: rebias by 2^-112, round away the low 13 bits; a carry may make the next exponent
  std::uint32_t const normal = (magnitude - 0x38000000U + 0xfffU + ((magnitude >> 13U) & 1U)) >> 13U;
  // below: adding 1/2 leaves the value in units of 2^-24 in the low bits, rounded by the addition
  float const shifted = std::bit_cast<float>(magnitude) + 0.5F;
  std::uint32_t const subnormal = std::bit_cast<std::uint32_t>(shifted) - 0x3f000000U;
  std::uint32_t const finite = magnitude < 0x38800000U ? subnormal : normal;
  std::uint32_t const bounded = magnitude >= 0x477ff000U ? 0x7c00U : finite;  // from 65520 on infinity
  std::uint32_t const quiet = 0x7e00U | ((magnitude >> 13U) & 0x3ffU);
  return static_cast<std::uint16_t>((magnitude > 0x7f800000U ? quiet : bounded) | sign);
}
}  // namespace detail

/// x in the format Number, to nearest, ties to even.
template <class Number>
constexpr Number narrowed(arithmetic<Number> x) noexcept {
  if constexpr (std::same_as<Number, bfloat16>) {
    return {detail::bfloat16_bits(x)};
  } else if constexpr (std::same_as<Number, float16>) {
    return {detail::float16_bits(x)};
  } else {
    return x;
  }
}

/// Whether x is neither infinite nor NaN; by its bits, so that a loop over it vectorises.
constexpr bool is_finite(bfloat16 x) noexcept { return (x.bits & 0x7f80U) != 0x7f80U; }
constexpr bool is_finite(float16 x) noexcept { return (x.bits & 0x7c00U) != 0x7c00U; }
constexpr bool is_finite(float x) noexcept {
  return (std::bit_cast<std::uint32_t>(x) & 0x7f800000U) != 0x7f800000U;
}
constexpr bool is_finite(double x) noexcept {
  constexpr std::uint64_t exponent = std::uint64_t{0x7ff} << 52U;
  return (std::bit_cast<std::uint64_t>(x) & exponent) != exponent;
}

}  // namespace trainer
