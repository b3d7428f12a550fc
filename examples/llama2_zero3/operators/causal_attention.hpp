// Causal attention with grouped keys and values, forward and backward, in blocks of rows.
//
//   p[i,j] = exp(q[i] k[j] / sqrt(d) - lse[i]) for j <= i, else 0,   o[i] = sum_j p[i,j] v[j]
//   lse[i] = ln sum_{j<=i} exp(q[i] k[j] / sqrt(d))
//   dv[j] = sum_i p[i,j] do[i],   ds[i,j] = p[i,j] (do[i] v[j] - do[i] o[i]) / sqrt(d)
//   dq[i] = sum_j ds[i,j] k[j],   dk[j] = sum_i ds[i,j] q[i]
// A block of 64 rows meets the keys 0 .. its last row only, so memory is 64 x S and the part above
// the diagonal is skipped but for the diagonal blocks. Backward rebuilds p from q, k and lse.
// Source: Dao et al., FlashAttention, 2022, appendix B. Not here: dropout, windows, packed rows.
#pragma once

#include "operators/exponential.hpp"
#include "operators/product.hpp"
#include "operators/row_reduction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

inline constexpr std::int64_t attention_block_rows = 64;

/// Sizes of one attention: qkv is [samples * positions, (heads + 2 kv_heads) * head_size], its
/// columns the query heads, then the key heads, then the value heads. Query head n uses key and
/// value head n / (heads / kv_heads).
struct attention_shape {
  std::int64_t samples, positions, heads, kv_heads, head_size;

  std::int64_t block_elements() const noexcept {
    return std::min(attention_block_rows, positions) * positions;
  }
  double scale() const noexcept { return 1.0 / std::sqrt(static_cast<double>(head_size)); }
};

/// Queries, keys and values, [positions, head_size] each, of one sample and query head.
template <class Real>
struct head_views {
  matrix_view<Real> q, k, v;

  head_views(attention_shape const& shape, matrix_view<Real> qkv, std::int64_t sample,
             std::int64_t head)
      : q(columns(shape, qkv, sample, head)),
        k(columns(shape, qkv, sample, shape.heads + head / (shape.heads / shape.kv_heads))),
        v(columns(shape, qkv, sample,
                  shape.heads + shape.kv_heads + head / (shape.heads / shape.kv_heads))) {}

  static matrix_view<Real> columns(attention_shape const& shape, matrix_view<Real> m,
                                   std::int64_t sample, std::int64_t head) {
    return m.block(sample * shape.positions, head * shape.head_size, shape.positions,
                   shape.head_size);
  }
};

/// Calls body(sample, head, first row, rows) for every block of rows.
template <class Body>
void for_each_attention_block(attention_shape const& shape, Body&& body) {
  for (std::int64_t sample = 0; sample < shape.samples; ++sample)
    for (std::int64_t head = 0; head < shape.heads; ++head)
      for (std::int64_t first = 0; first < shape.positions; first += attention_block_rows)
        body(sample, head, first, std::min(attention_block_rows, shape.positions - first));
}

/// The log-sum-exps of one sample and head: positions elements of lse [samples, heads, positions].
template <class Real>
std::span<Real> head_row(attention_shape const& shape, std::span<Real> lse, std::int64_t sample,
                         std::int64_t head) {
  return lse.subspan(static_cast<std::size_t>((sample * shape.heads + head) * shape.positions),
                     static_cast<std::size_t>(shape.positions));
}

/// o [samples * positions, heads * head_size] and lse [samples, heads, positions] of qkv; `scores`
/// is scratch of shape.block_elements(). Throws what product throws.
template <class Real>
void causal_attention_forward(attention_shape const& shape, matrix_view<Real const> qkv,
                              matrix_view<Real> o, std::span<Real> lse, std::span<Real> scores) {
  auto const scale = static_cast<Real>(shape.scale());
  for_each_attention_block(shape, [&](std::int64_t sample, std::int64_t head, std::int64_t first,
                                      std::int64_t rows) {
    auto const keys = first + rows;
    auto const [q, k, v] = head_views<Real const>(shape, qkv, sample, head);
    auto const out = head_views<Real>::columns(shape, o, sample, head)
                         .block(first, 0, rows, shape.head_size);
    auto const row_lse = head_row(shape, lse, sample, head);
    matrix_view<Real> const p(scores, rows, keys);
    product(q.block(first, 0, rows, shape.head_size), transposed(k.block(0, 0, keys, k.columns)),
            p, accumulate::no, scale);
    std::array<Real, static_cast<std::size_t>(attention_block_rows)> inverse_sum;
    for (std::int64_t i = 0; i < rows; ++i) {
      auto const visible = p.row(i).first(static_cast<std::size_t>(first + i + 1));
      Real const largest = row_maximum(std::span<Real const>(visible));
      vector_exp(std::span<Real const>(visible), largest, visible);
      double const sum = row_sum(std::span<Real const>(visible));
      std::ranges::fill(p.row(i).subspan(visible.size()), Real{0});
      row_lse[static_cast<std::size_t>(first + i)] =
          static_cast<Real>(static_cast<double>(largest) + std::log(sum));
      inverse_sum[static_cast<std::size_t>(i)] = static_cast<Real>(1.0 / sum);
    }
    product(p, v.block(0, 0, keys, v.columns), out);
    for (std::int64_t i = 0; i < rows; ++i)
      for (auto& element : out.row(i)) element *= inverse_sum[static_cast<std::size_t>(i)];
  });
}

/// Turns scores p [rows, keys] into probabilities by their lse [rows], row i seeing first + i + 1
/// keys, and dp into ds in place, for do and o [rows, head_size].
template <class Real>
void score_gradient(matrix_view<Real> p, matrix_view<Real> dp, std::span<Real const> lse,
                    std::int64_t first, matrix_view<Real const> d_o, matrix_view<Real const> o,
                    Real scale) noexcept {
  for (std::int64_t i = 0; i < p.rows; ++i) {
    auto const visible = p.row(i).first(static_cast<std::size_t>(first + i + 1));
    vector_exp(std::span<Real const>(visible), lse[static_cast<std::size_t>(i)], visible);
    std::ranges::fill(p.row(i).subspan(visible.size()), Real{0});
    auto const mean = static_cast<Real>(row_product(d_o.row(i), o.row(i)));
    Real const* const probability = p.row(i).data();
    Real* const gradient = dp.row(i).data();
    for (std::int64_t j = 0; j < p.columns; ++j)
      gradient[j] = scale * (probability[j] * (gradient[j] - mean));
  }
}

/// d_qkv, overwritten, of the forward call's qkv, o and lse, for d_o; `scores` is scratch of
/// 2 * shape.block_elements(). Throws what product throws.
template <class Real>
void causal_attention_backward(attention_shape const& shape, matrix_view<Real const> qkv,
                               matrix_view<Real const> o, std::span<Real const> lse,
                               matrix_view<Real const> d_o, matrix_view<Real> d_qkv,
                               std::span<Real> scores) {
  auto const scale = static_cast<Real>(shape.scale());
  auto const d = shape.head_size;
  auto const block = static_cast<std::size_t>(shape.block_elements());
  for (std::int64_t t = 0; t < d_qkv.rows; ++t) std::ranges::fill(d_qkv.row(t), Real{0});
  for_each_attention_block(shape, [&](std::int64_t sample, std::int64_t head, std::int64_t first,
                                      std::int64_t rows) {
    auto const keys = first + rows;
    head_views<Real const> const in(shape, qkv, sample, head);
    head_views<Real> const out(shape, d_qkv, sample, head);
    auto const part = [&](matrix_view<Real const> m) {
      return head_views<Real const>::columns(shape, m, sample, head).block(first, 0, rows, d);
    };
    auto const q = in.q.block(first, 0, rows, d);
    auto const k = in.k.block(0, 0, keys, d);
    matrix_view<Real> const p(scores.first(block), rows, keys);
    matrix_view<Real> const dp(scores.subspan(block), rows, keys);
    product(q, transposed(k), p, accumulate::no, scale);
    product(part(d_o), transposed(in.v.block(0, 0, keys, d)), dp);
    score_gradient(p, dp,
                   head_row(shape, lse, sample, head)
                       .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)),
                   first, part(d_o), part(o), scale);
    product(transposed(p), part(d_o), out.v.block(0, 0, keys, d), accumulate::yes);
    product(dp, k, out.q.block(first, 0, rows, d));
    product(transposed(dp), q, out.k.block(0, 0, keys, d), accumulate::yes);
  });
}

}  // namespace trainer
