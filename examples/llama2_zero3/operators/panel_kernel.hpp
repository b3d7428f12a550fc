// The innermost product of our own kernel: 6 x 16 sums, kept in the registers of AVX2 while k runs.
//
//   c [6, 16] (+)= sum over k of left[k][0..6) * right[k][0..16)
// left and right are panels: k rows of 6 and of 16 numbers, one behind the other, as panel_packing.hpp lays them
// out. 12 of the 16 registers hold sums, so a step of k is 12 fused multiply-adds for 8 loads: more than enough
// for a processor that does two of each a cycle. The sum of an element runs over k in ascending order.
// Not for AVX-512: there oneDNN's own product is as near to the processor's limit. Elsewhere it compiles, as a plain
// loop that nothing runs.
// Blocking and packing after K. Goto, R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008.
#pragma once

#include "operators/product.hpp"

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
#else
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
}  // namespace detail

}  // namespace trainer

#undef TRAINER_HAS_PANEL_KERNEL
