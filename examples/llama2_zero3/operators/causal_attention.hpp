// Causal attention with grouped keys and values, forward and backward, in blocks of rows.
//
//   p[i,j] = exp(q[i] k[j] / sqrt(d) - lse[i]) for j <= i, else 0,   o[i] = sum_j p[i,j] v[j]
//   lse[i] = ln sum_{j<=i} exp(q[i] k[j] / sqrt(d))
//   dv[j] = sum_i p[i,j] do[i],   ds[i,j] = p[i,j] (do[i] v[j] - do[i] o[i]) / sqrt(d)
//   dq[i] = sum_j ds[i,j] k[j],   dk[j] = sum_i ds[i,j] q[i]
// A block of 64 rows meets the keys 0 .. its last row only, so memory is 64 x S and the part above
// the diagonal is skipped but for the diagonal blocks. Backward rebuilds p from q, k and lse.
// 16-bit queries, keys and values are computed with in fp32, a head at a time, and rounded once.
// Source: Dao et al., FlashAttention, 2022, appendix B. Not here: dropout, windows, packed rows.
#pragma once

#include "operators/conversion.hpp"
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
  /// Elements of the fp32 copies of a head's matrices, which 16-bit formats need.
  template <class Number>
  std::int64_t copied_elements() const noexcept {
    return half_width<Number> ? 8 * positions * head_size : 0;
  }
  std::int64_t group() const noexcept { return heads / kv_heads; }  // query heads to a key head
  double scale() const noexcept { return 1.0 / std::sqrt(static_cast<double>(head_size)); }
};

/// Queries, keys and values, [positions, head_size] each, of one sample and query head.
template <class Number>
struct head_views {
  matrix_view<Number> q, k, v;

  head_views(attention_shape const& shape, matrix_view<Number> qkv, std::int64_t sample,
             std::int64_t head)
      : q(columns(shape, qkv, sample, head)),
        k(columns(shape, qkv, sample, shape.heads + head / shape.group())),
        v(columns(shape, qkv, sample, shape.heads + shape.kv_heads + head / shape.group())) {}

  static matrix_view<Number> columns(attention_shape const& shape, matrix_view<Number> m,
                                     std::int64_t sample, std::int64_t head) {
    return m.block(sample * shape.positions, head * shape.head_size, shape.positions,
                   shape.head_size);
  }
};

/// One head's matrices to compute with: they themselves, or for 16-bit formats their fp32 copies,
/// each in a place of its own in `memory` [8, positions, head_size].
template <class Number>
class head_copies {
 public:
  using real = arithmetic<Number>;

  head_copies(attention_shape const& shape, std::span<real> memory)
      : size_(static_cast<std::size_t>(shape.positions * shape.head_size)), memory_(memory) {}

  /// `m` to read; fp32 and fp64 are not copied.
  auto read(matrix_view<Number const> m, std::size_t place) const noexcept {
    if constexpr (half_width<Number>) {
      auto const copy = at(m, place);
      widen_rows<Number>(m, copy);
      return matrix_view<real const>(copy);
    } else {
      return m;
    }
  }
  /// `m` to write; a copy has no meaningful contents at first.
  matrix_view<real> write(matrix_view<Number> m, std::size_t place) const noexcept {
    if constexpr (half_width<Number>) {
      return at(m, place);
    } else {
      return m;
    }
  }
  /// Rounds what was written into `m`.
  void keep(matrix_view<real const> written, matrix_view<Number> m) const noexcept {
    if constexpr (half_width<Number>) narrow_rows<Number>(written, m);
  }

 private:
  template <class Matrix>
  matrix_view<real> at(Matrix const& m, std::size_t place) const noexcept {
    return {memory_.subspan(place * size_, size_), m.rows, m.columns};
  }
  std::size_t size_;
  std::span<real> memory_;
};

/// Calls body(sample, head) for every head of every sample; heads of a group follow each other.
template <class Body>
void for_each_head(attention_shape const& shape, Body&& body) {
  for (std::int64_t sample = 0; sample < shape.samples; ++sample)
    for (std::int64_t head = 0; head < shape.heads; ++head) body(sample, head);
}

/// Calls body(first row, rows) for every block of rows.
template <class Body>
void for_each_block_of_rows(attention_shape const& shape, Body&& body) {
  for (std::int64_t first = 0; first < shape.positions; first += attention_block_rows)
    body(first, std::min(attention_block_rows, shape.positions - first));
}

/// The log-sum-exps of one sample and head: positions elements of lse [samples, heads, positions].
template <class Real>
std::span<Real> head_row(attention_shape const& shape, std::span<Real> lse, std::int64_t sample,
                         std::int64_t head) {
  return lse.subspan(static_cast<std::size_t>((sample * shape.heads + head) * shape.positions),
                     static_cast<std::size_t>(shape.positions));
}

/// o [positions, head_size] and lse [positions] of one head.
template <class Real>
void head_attention_forward(attention_shape const& shape, matrix_view<Real const> q, matrix_view<Real const> k,
                            matrix_view<Real const> v, matrix_view<Real> o, std::span<Real> lse,
                            std::span<Real> scores) {
  auto const scale = static_cast<Real>(shape.scale());
  for_each_block_of_rows(shape, [&](std::int64_t first, std::int64_t rows) {
    auto const keys = first + rows;
    auto const out = o.block(first, 0, rows, shape.head_size);
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
      lse[static_cast<std::size_t>(first + i)] =
          static_cast<Real>(static_cast<double>(largest) + std::log(sum));
      inverse_sum[static_cast<std::size_t>(i)] = static_cast<Real>(1.0 / sum);
    }
    product(p, v.block(0, 0, keys, v.columns), out);
    for (std::int64_t i = 0; i < rows; ++i)
      for (auto& element : out.row(i)) element *= inverse_sum[static_cast<std::size_t>(i)];
  });
}

/// o [samples * positions, heads * head_size] and lse [samples, heads, positions] of qkv; `scores`
/// is scratch of shape.block_elements(), `copies` of shape.copied_elements<Number>(). Throws what
/// product throws.
template <class Number>
void causal_attention_forward(attention_shape const& shape, matrix_view<Number const> qkv,
                              matrix_view<Number> o, std::span<arithmetic<Number>> lse,
                              std::span<arithmetic<Number>> scores,
                              std::span<arithmetic<Number>> copies = {}) {
  using real = arithmetic<Number>;
  head_copies<Number> const copied(shape, copies);
  for_each_head(shape, [&](std::int64_t sample, std::int64_t head) {
    head_views<Number const> const in(shape, qkv, sample, head);
    auto const out = head_views<Number>::columns(shape, o, sample, head);
    auto const computed = copied.write(out, 3);
    head_attention_forward<real>(shape, copied.read(in.q, 0), copied.read(in.k, 1), copied.read(in.v, 2), computed,
                                 head_row(shape, lse, sample, head), scores);
    copied.keep(computed, out);
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

/// One head's part in backward: inputs, and gradients, of which dk and dv are added to.
template <class Real>
struct head_gradient {
  matrix_view<Real const> q, k, v, o, d_o;
  matrix_view<Real> dq, dk, dv;
};

template <class Real>
void head_attention_backward(attention_shape const& shape, head_gradient<Real> const& head, std::span<Real const> lse,
                             std::span<Real> scores) {
  auto const scale = static_cast<Real>(shape.scale());
  auto const d = shape.head_size;
  auto const block = static_cast<std::size_t>(shape.block_elements());
  for_each_block_of_rows(shape, [&](std::int64_t first, std::int64_t rows) {
    auto const keys = first + rows;
    auto const rows_of = [&](auto m) { return m.block(first, 0, rows, d); };
    auto const keys_of = [&](auto m) { return m.block(0, 0, keys, d); };
    matrix_view<Real> const p(scores.first(block), rows, keys);
    matrix_view<Real> const dp(scores.subspan(block), rows, keys);
    product(rows_of(head.q), transposed(keys_of(head.k)), p, accumulate::no, scale);
    product(rows_of(head.d_o), transposed(keys_of(head.v)), dp);
    score_gradient(p, dp, lse.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows)), first,
                   rows_of(head.d_o), rows_of(head.o), scale);
    product(transposed(p), rows_of(head.d_o), keys_of(head.dv), accumulate::yes);
    product(dp, keys_of(head.k), rows_of(head.dq));
    product(transposed(dp), rows_of(head.q), keys_of(head.dk), accumulate::yes);
  });
}

/// d_qkv, overwritten, of the forward call's qkv, o and lse, for d_o; `scores` is scratch of
/// 2 * shape.block_elements(), `copies` of shape.copied_elements<Number>(). Throws what product throws.
template <class Number>
void causal_attention_backward(attention_shape const& shape, matrix_view<Number const> qkv,
                               matrix_view<Number const> o, std::span<arithmetic<Number> const> lse,
                               matrix_view<Number const> d_o, matrix_view<Number> d_qkv,
                               std::span<arithmetic<Number>> scores,
                               std::span<arithmetic<Number>> copies = {}) {
  using real = arithmetic<Number>;
  head_copies<Number> const copied(shape, copies);
  for_each_head(shape, [&](std::int64_t sample, std::int64_t head) {
    head_views<Number const> const in(shape, qkv, sample, head);
    head_views<Number> const out(shape, d_qkv, sample, head);
    auto const part = [&](matrix_view<Number const> m) {
      return head_views<Number const>::columns(shape, m, sample, head);
    };
    head_gradient<real> const each{copied.read(in.q, 0),    copied.read(in.k, 1),    copied.read(in.v, 2),
                                   copied.read(part(o), 3), copied.read(part(d_o), 4), copied.write(out.q, 5),
                                   copied.write(out.k, 6),  copied.write(out.v, 7)};
    if (head % shape.group() == 0) {  // the first of the query heads that share this key head
      for (auto const& sum : {each.dk, each.dv})
        for (std::int64_t t = 0; t < sum.rows; ++t) std::ranges::fill(sum.row(t), real{0});
    }
    head_attention_backward<real>(shape, each, head_row(shape, lse, sample, head), scores);
    copied.keep(each.dq, out.q);
    if ((head + 1) % shape.group() != 0) return;
    copied.keep(each.dk, out.k);
    copied.keep(each.dv, out.v);
  });
}

}  // namespace trainer
