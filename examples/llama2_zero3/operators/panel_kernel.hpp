// The innermost products of our own kernel, whose sums are kept in registers while k runs.
//
//   AVX2      c [6, 16]  (+)= sum over k of left[k][0..6) * right[k][0..16)      one panel of each factor
//   AVX-512   c [24, 16]                                                         four panels of the left one
// left and right are panels: k rows of 6 and of 16 numbers, one behind the other, as panel_packing.hpp lays them
// out. A step of k is 12 fused multiply-adds for 8 loads, or 24 for 25: enough for a processor that does two of each a
// cycle, and one right panel stays in the first cache. The sum of an element runs over k in ascending order in both, so
// that both give the same bits. Elsewhere it compiles, as a plain loop that nothing runs.
// Blocking and packing after K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
#pragma once

#include "operators/product.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_HAS_PANEL_KERNEL 1
#include <immintrin.h>
#endif

namespace trainer {

inline constexpr std::int64_t panel_rows = 6, panel_columns = 16;

/// Whether this processor runs the kernel: AVX2, FMA and F16C, which all since Haswell and Zen have together.
inline bool has_panel_kernel() noexcept {
#ifdef TRAINER_HAS_PANEL_KERNEL
  static bool const it_has = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  return it_has;
#else
  return false;
#endif
}

/// Whether it runs the wide one too.
inline bool has_wide_panel_kernel() noexcept {
#ifdef TRAINER_HAS_PANEL_KERNEL
  static bool const it_has = has_panel_kernel() && __builtin_cpu_supports("avx512f") != 0;
  return it_has;
#else
  return false;
#endif
}

namespace detail {
/// c [6, 16], rows `stride` apart, (+)= left [k, 6] and right [k, 16], the latter aligned to 32 bytes.
#ifdef TRAINER_HAS_PANEL_KERNEL
[[gnu::target("avx2,fma")]] inline void multiply_panel(float const* left, float const* right, std::int64_t k, float* c,
                                                       std::int64_t stride, accumulate onto) noexcept {
  constexpr int rows = panel_rows;
  __m256 sums[rows][2];
#pragma GCC unroll 6
  for (int i = 0; i < rows; ++i) {
    _mm_prefetch(reinterpret_cast<char const*>(c + i * stride), _MM_HINT_T0);  // for the end of the sum
    sums[i][0] = sums[i][1] = _mm256_setzero_ps();
  }
#pragma GCC unroll 4
  for (std::int64_t step = 0; step < k; ++step, left += panel_rows, right += panel_columns) {
    __m256 const right0 = _mm256_load_ps(right), right1 = _mm256_load_ps(right + 8);
#pragma GCC unroll 6
    for (int i = 0; i < rows; ++i) {
      __m256 const from_left = _mm256_broadcast_ss(left + i);
      sums[i][0] = _mm256_fmadd_ps(from_left, right0, sums[i][0]);
      sums[i][1] = _mm256_fmadd_ps(from_left, right1, sums[i][1]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < rows; ++i, c += stride) {
    if (onto == accumulate::yes) {
      sums[i][0] = _mm256_add_ps(_mm256_loadu_ps(c), sums[i][0]);
      sums[i][1] = _mm256_add_ps(_mm256_loadu_ps(c + 8), sums[i][1]);
    }
    _mm256_storeu_ps(c, sums[i][0]);
    _mm256_storeu_ps(c + 8, sums[i][1]);
  }
}

/// c [24, 16] (+)= four left panels, one behind the other, and a right one, which is aligned to 64 bytes.
[[gnu::target("avx512f")]] inline void multiply_four_panels(float const* left, float const* right, std::int64_t k, float* c,
                                                            std::int64_t stride, accumulate onto) noexcept {
  constexpr int rows = 4 * panel_rows;
  __m512 sums[rows];
#pragma GCC unroll 24
  for (int i = 0; i < rows; ++i) {
    _mm_prefetch(reinterpret_cast<char const*>(c + i * stride), _MM_HINT_T0);
    sums[i] = _mm512_setzero_ps();
  }
  float const* const panels[]{left, left + panel_rows * k, left + 2 * panel_rows * k, left + 3 * panel_rows * k};
  for (std::int64_t step = 0; step < k; ++step, right += panel_columns) {
    __m512 const from_right = _mm512_load_ps(right);
#pragma GCC unroll 24
    for (int i = 0; i < rows; ++i) {
      auto const* const from_left = panels[i / panel_rows] + step * panel_rows + i % panel_rows;
      sums[i] = _mm512_fmadd_ps(_mm512_set1_ps(*from_left), from_right, sums[i]);
    }
  }
#pragma GCC unroll 24
  for (int i = 0; i < rows; ++i, c += stride) {
    if (onto == accumulate::yes) sums[i] = _mm512_add_ps(_mm512_loadu_ps(c), sums[i]);
    _mm512_storeu_ps(c, sums[i]);
  }
}
#else
inline void multiply_four_panels(float const*, float const*, std::int64_t, float*, std::int64_t, accumulate) noexcept {}
inline void multiply_panel(float const* left, float const* right, std::int64_t k, float* c, std::int64_t stride, accumulate onto) noexcept {
  for (std::int64_t i = 0; i < panel_rows; ++i) {
    for (std::int64_t j = 0; j < panel_columns; ++j) {
      float sum = 0;
      for (std::int64_t step = 0; step < k; ++step) sum += left[step * panel_rows + i] * right[step * panel_columns + j];
      c[i * stride + j] = onto == accumulate::yes ? c[i * stride + j] + sum : sum;
    }
  }
}
#endif

/// The fewest seconds of a few calls.
template <class Body>
double least_seconds(Body const& body) noexcept {
  using clock = std::chrono::steady_clock;
  auto least = clock::duration::max();
  for (int i = 0; i < 24; ++i) {
    auto const start = clock::now();
    body();
    least = std::min(least, clock::now() - start);
  }
  return std::chrono::duration<double>(least).count();
}
}  // namespace detail

/// Whether the wide kernel is clearly the faster one, measured at the first call, in some 50 microseconds: up to twice
/// as fast where a processor multiplies 512 bits at once. One that splits them in two (Zen 4) would lose 4 % of a
/// whole product. It changes no bit.
inline bool prefers_wide_panels() noexcept {
  static bool const prefers = [] {
    if (!has_wide_panel_kernel()) return false;
    constexpr std::int64_t k = 128, rows = 4 * panel_rows;
    alignas(64) static std::array<float, static_cast<std::size_t>((rows + panel_columns) * k)> panels{};
    alignas(64) std::array<float, static_cast<std::size_t>(rows * panel_columns)> c{};
    auto const* const right = panels.data();
    auto const* const left = right + panel_columns * k;
    auto const wide = detail::least_seconds(
        [&] { detail::multiply_four_panels(left, right, k, c.data(), panel_columns, accumulate::yes); });
    auto const narrow = detail::least_seconds([&] {
      for (std::int64_t i = 0; i < rows; i += panel_rows) {
        detail::multiply_panel(left + i * k, right, k, c.data() + i * panel_columns, panel_columns, accumulate::yes);
      }
    });
    return wide < 0.8 * narrow;
  }();
  return prefers;
}

}  // namespace trainer

#undef TRAINER_HAS_PANEL_KERNEL
