// Softmax of attention's scores and its gradient, fp32 in and factors in bfloat16 out, for pair_attention.hpp.
//
//   forward    p = exp(s - largest)                     lse = ln sum p + largest
//   backward   p = exp(s - lse), ds = scale p (dp - mean)
// Row i of a block sees its first `first + i + 1` scores; of a row's last vector the rest is taken for -inf, and what
// follows it is 0. The exponential is exponential.hpp's, with fused multiply-adds. A row's sum is kept in sixteen
// fp32 lanes that are joined in double. AVX-512 with bfloat16; elsewhere nothing runs this.
#pragma once

#include "operators/matrix_view.hpp"
#include "operators/number_formats.hpp"
#include "operators/pair_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_PAIR_TARGET [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]]
#include <immintrin.h>
#endif

namespace trainer::detail {

/// What backward multiplies with of a block: p and ds in pairs of rows [rows / 2, width], and ds [rows, width].
struct score_factors {
  bfloat16_pair* p;
  bfloat16_pair* ds;
  matrix_view<bfloat16> ds_rows;
};

#ifdef TRAINER_PAIR_TARGET
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 of its own _mm512_undefined_ps (bug 105593)
#endif

/// The lanes of the vector at `column` that a row of `seen` scores has.
inline std::uint16_t seen_lanes(std::int64_t seen, std::int64_t column) noexcept {
  auto const left = seen - column;
  return left >= 16 ? std::uint16_t{0xffff} : left <= 0 ? std::uint16_t{0} : static_cast<std::uint16_t>((1U << left) - 1U);
}

TRAINER_PAIR_TARGET inline __m512 scores_or_none(float const* row, std::uint16_t lanes) noexcept {
  return _mm512_mask_loadu_ps(_mm512_set1_ps(-std::numeric_limits<float>::infinity()), lanes, row);
}

/// exp(x) for x of 0 or a little more at most.
TRAINER_PAIR_TARGET inline __m512 exponential_lanes(__m512 x) noexcept {
  x = _mm512_max_ps(_mm512_set1_ps(-110.0F), x);  // 0 when rounded; NaN stays
  __m512 const n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896F)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 const r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440054690e-4F), _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x));
  __m512 series = _mm512_set1_ps(1.0F / 5040.0F);
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F / 720.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F / 120.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F / 24.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F / 6.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(0.5F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
  series = _mm512_fmadd_ps(series, r, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(series, n);
}

TRAINER_PAIR_TARGET inline float largest_of(float const* row, std::int64_t seen) noexcept {
  __m512 largest[2] = {scores_or_none(row, 0), scores_or_none(row, 0)};
  std::int64_t j = 0;
  for (; j + 32 <= seen; j += 32) {
    largest[0] = _mm512_max_ps(largest[0], _mm512_loadu_ps(row + j));
    largest[1] = _mm512_max_ps(largest[1], _mm512_loadu_ps(row + j + 16));
  }
  for (; j < seen; j += 16) largest[0] = _mm512_max_ps(largest[0], scores_or_none(row + j, seen_lanes(seen, j)));
  return _mm512_reduce_max_ps(_mm512_max_ps(largest[0], largest[1]));
}

/// p [rows, width] of scores of that size; notes the log-sum-exp and the inverse sum of each row.
TRAINER_PAIR_TARGET inline void exponentiate_score_rows(matrix_view<float const> scores, std::int64_t first, matrix_view<bfloat16> p,
                                                        std::span<float> lse, std::span<float> inverse) noexcept {
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    auto const seen = first + i + 1;
    float const* const from = scores.row(i).data();
    bfloat16* const to = p.row(i).data();
    float const largest = largest_of(from, seen);
    __m512 const shift = _mm512_set1_ps(largest);
    __m512 sum = _mm512_setzero_ps();
    std::int64_t j = 0;
    for (; j < seen; j += 16) {
      __m512 const e = exponential_lanes(_mm512_sub_ps(scores_or_none(from + j, seen_lanes(seen, j)), shift));
      sum = _mm512_add_ps(sum, e);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + j), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(e)));
    }
    std::fill(to + j, to + p.columns, bfloat16{});
    double const whole = _mm512_reduce_add_pd(_mm512_add_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(sum)),
                                                            _mm512_cvtps_pd(_mm512_extractf32x8_ps(sum, 1))));
    lse[static_cast<std::size_t>(i)] = static_cast<float>(static_cast<double>(largest) + std::log(whole));
    inverse[static_cast<std::size_t>(i)] = static_cast<float>(1.0 / whole);
  }
}

/// Inner products of the rows of a and b, of an even number of columns.
TRAINER_PAIR_TARGET inline void row_products(matrix_view<bfloat16 const> a, matrix_view<bfloat16 const> b, std::span<float> products) noexcept {
  for (std::int64_t i = 0; i < a.rows; ++i) {
    bfloat16 const* const x = a.row(i).data();
    bfloat16 const* const y = b.row(i).data();
    __m512 sum = _mm512_setzero_ps();
    for (std::int64_t j = 0; j < a.columns; j += 32) {
      auto const left = a.columns - j;
      __mmask32 const lanes = left >= 32 ? 0xffffffffU : (1U << left) - 1U;
      sum = _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(lanes, x + j)),
                             reinterpret_cast<__m512bh>(_mm512_maskz_loadu_epi16(lanes, y + j)));
    }
    products[static_cast<std::size_t>(i)] = _mm512_reduce_add_ps(sum);
  }
}

/// One row in backward.
struct score_row {
  float const* score;
  float const* d_score;
  std::int64_t seen;
  float lse, mean;
};

struct probability_and_gradient {
  __m512 p, ds;
};
TRAINER_PAIR_TARGET inline probability_and_gradient gradient_lanes(score_row const& row, std::int64_t j, __m512 scale) noexcept {
  auto const lanes = seen_lanes(row.seen, j);
  __m512 const p = exponential_lanes(_mm512_sub_ps(scores_or_none(row.score + j, lanes), _mm512_set1_ps(row.lse)));
  __m512 const off = _mm512_sub_ps(_mm512_maskz_loadu_ps(lanes, row.d_score + j), _mm512_set1_ps(row.mean));
  return {p, _mm512_maskz_mul_ps(lanes, scale, _mm512_mul_ps(p, off))};
}

/// Both rounded, the first in the low half of each pair.
TRAINER_PAIR_TARGET inline __m512i paired_lanes(__m512i both) noexcept {
  alignas(64) static constexpr std::uint16_t order[32] = {0,  16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                          8,  24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  return _mm512_permutexvar_epi16(_mm512_load_si512(order), both);
}

/// Factors of the scores and their gradients [rows, width], for the inner products `mean` of d_o and o; two rows at a
/// time. The pair of an odd last row has 0 for a second.
TRAINER_PAIR_TARGET inline void score_gradient_pairs(matrix_view<float const> scores, matrix_view<float const> d_scores,
                                                     score_factors const& to, std::span<float const> lse, std::int64_t first,
                                                     std::span<float const> mean, float scale) noexcept {
  __m512 const factor = _mm512_set1_ps(scale);
  for (std::int64_t i = 0; i < scores.rows; i += 2) {
    bool const whole_pair = i + 1 < scores.rows;
    auto const last = whole_pair ? i + 1 : i;
    auto const row_at = [&](std::int64_t row, std::int64_t seen) {
      auto const at = static_cast<std::size_t>(row);
      return score_row{scores.row(row).data(), d_scores.row(row).data(), seen, lse[at], mean[at]};
    };
    auto const upper = row_at(i, first + i + 1), lower = row_at(last, whole_pair ? first + i + 2 : 0);
    bfloat16_pair* const p = to.p + i / 2 * scores.columns;
    bfloat16_pair* const ds = to.ds + i / 2 * scores.columns;
    bfloat16* const upper_ds = to.ds_rows.row(i).data();
    bfloat16* const lower_ds = to.ds_rows.row(last).data();
    std::int64_t j = 0;
    for (; j < first + last + 1; j += 16) {
      auto const a = gradient_lanes(upper, j, factor), b = gradient_lanes(lower, j, factor);
      auto const both_p = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b.p, a.p));
      auto const both_ds = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b.ds, a.ds));
      _mm512_storeu_si512(p + j, paired_lanes(both_p));
      _mm512_storeu_si512(ds + j, paired_lanes(both_ds));
      if (whole_pair) _mm256_storeu_si256(reinterpret_cast<__m256i*>(lower_ds + j), _mm512_extracti64x4_epi64(both_ds, 1));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(upper_ds + j), _mm512_castsi512_si256(both_ds));
    }
    std::fill(p + j, p + scores.columns, bfloat16_pair{});
    std::fill(ds + j, ds + scores.columns, bfloat16_pair{});
    std::fill(upper_ds + j, upper_ds + scores.columns, bfloat16{});
    std::fill(lower_ds + j, lower_ds + scores.columns, bfloat16{});
  }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#else
inline void row_products(matrix_view<bfloat16 const>, matrix_view<bfloat16 const>, std::span<float>) noexcept {}
inline void exponentiate_score_rows(matrix_view<float const>, std::int64_t, matrix_view<bfloat16>, std::span<float>, std::span<float>) noexcept {}
inline void score_gradient_pairs(matrix_view<float const>, matrix_view<float const>, score_factors const&, std::span<float const>,
                                 std::int64_t, std::span<float const>, float) noexcept {}
#endif

}  // namespace trainer::detail

#undef TRAINER_PAIR_TARGET
