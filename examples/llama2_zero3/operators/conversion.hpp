// Rows of numbers from one format to another: 16 bits to fp32 before computing, and back after it.
//
// fp16 goes eight at a time through the processor's own instructions where it has them (F16C: every
// x86 processor with AVX2), which give the bits of the scalar conversions; bfloat16 is a shift, which
// compilers vectorise for any processor. Equal formats are copied.
#pragma once

#include "operators/matrix_view.hpp"
#include "operators/number_formats.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_HAS_F16C_TARGET 1
#include <immintrin.h>
#endif

namespace trainer {

namespace detail {
#ifdef TRAINER_HAS_F16C_TARGET
inline bool processor_converts_float16() noexcept {
  static bool const it_does = __builtin_cpu_supports("avx2") != 0;
  return it_does;
}

// Both convert the largest multiple of eight elements and say how many those were.
[[gnu::target("avx2,f16c")]] inline std::size_t widen_by_eight(float16 const* from, float* to,
                                                               std::size_t size) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<__m128i const*>(from + i))));
  }
  return i;
}
[[gnu::target("avx2,f16c")]] inline std::size_t narrow_by_eight(float const* from, float16* to,
                                                                std::size_t size) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
  }
  return i;
}
#else
inline bool processor_converts_float16() noexcept { return false; }
inline std::size_t widen_by_eight(float16 const*, float*, std::size_t) noexcept { return 0; }
inline std::size_t narrow_by_eight(float const*, float16*, std::size_t) noexcept { return 0; }
#endif
#undef TRAINER_HAS_F16C_TARGET
}  // namespace detail

/// to[i] = from[i] for all of `from`; `to` has at least as many and does not overlap.
template <class Number>
void widen(std::span<Number const> from, std::span<arithmetic<Number>> to) noexcept {
  if constexpr (half_width<Number>) {
    Number const* const x = from.data();
    float* const y = to.data();
    std::size_t i = 0;
    if constexpr (std::same_as<Number, float16>) {
      if (detail::processor_converts_float16()) i = detail::widen_by_eight(x, y, from.size());
    }
    for (; i < from.size(); ++i) y[i] = widened(x[i]);
  } else {
    std::ranges::copy(from, to.begin());
  }
}

/// to[i] = from[i], rounded to nearest, for all of `from`; `to` has at least as many and does not overlap.
template <class Number>
void narrow(std::span<arithmetic<Number> const> from, std::span<Number> to) noexcept {
  if constexpr (half_width<Number>) {
    float const* const x = from.data();
    Number* const y = to.data();
    std::size_t i = 0;
    if constexpr (std::same_as<Number, float16>) {
      if (detail::processor_converts_float16()) i = detail::narrow_by_eight(x, y, from.size());
    }
    for (; i < from.size(); ++i) y[i] = narrowed<Number>(x[i]);
  } else {
    std::ranges::copy(from, to.begin());
  }
}

/// The same for matrices of one size, row by row.
template <class Number>
void widen_rows(matrix_view<Number const> from, matrix_view<arithmetic<Number>> to) noexcept {
  for (std::int64_t i = 0; i < from.rows; ++i) widen<Number>(from.row(i), to.row(i));
}
template <class Number>
void narrow_rows(matrix_view<arithmetic<Number> const> from, matrix_view<Number> to) noexcept {
  for (std::int64_t i = 0; i < from.rows; ++i) narrow<Number>(from.row(i), to.row(i));
}

}  // namespace trainer
