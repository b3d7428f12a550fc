// Sizes of a causal attention, where its heads lie in a fused matrix, and the memory a thread needs for it.
#pragma once

#include "arena.hpp"
#include "operators/conversion.hpp"
#include "operators/pair_packing.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
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

  std::int64_t block_rows() const noexcept { return std::min(attention_block_rows, positions); }
  std::int64_t block_elements() const noexcept { return block_rows() * whole_panels(positions); }
  std::int64_t head_elements() const noexcept { return positions * whole_panels(head_size); }
  std::int64_t group() const noexcept { return heads / kv_heads; }  // query heads to a key head
  double scale() const noexcept { return 1.0 / std::sqrt(static_cast<double>(head_size)); }
};

/// The packed factors of a bfloat16 head and of a block of its rows.
struct pair_scratch {
  std::span<bfloat16_pair> keys_across, values, keys;  // of all positions; in backward `values` are across too
  std::span<bfloat16_pair> p, ds, query_rows, d_o_rows;  // of a block
  std::span<bfloat16> score_rows;                        // [block, positions]: p, in backward ds

  pair_scratch() = default;
  pair_scratch(arena& from, attention_shape const& shape) {
    auto const rows = shape.block_rows(), d = shape.head_size;
    auto const all = std::max(panel_pairs(d, shape.positions), panel_pairs(shape.positions, d));
    for (auto* const each : {&keys_across, &values, &keys}) *each = from.take<bfloat16_pair>(all);
    for (auto* const each : {&p, &ds}) *each = from.take<bfloat16_pair>(steps_of(rows) * whole_panels(shape.positions));
    for (auto* const each : {&query_rows, &d_o_rows}) *each = from.take<bfloat16_pair>(panel_pairs(rows, d));
    score_rows = from.take<bfloat16>(shape.block_elements());
  }
};

/// What one thread computes a head in.
template <class Number>
struct attention_scratch {
  using real = arithmetic<Number>;

  std::span<real> scores, d_scores;      // a block of rows [block, positions] each
  std::span<real> rows;                  // [block, head_size] of o, then of dq
  std::span<real> dk, dv;                // [positions, head_size] sums over the query heads of a group
  std::span<Number> factors, d_factors;  // where Number has 16 bits: scores and their gradients as factors
  std::span<real> copies;                // there too: q, k, v and d_o [4, positions, head_size] in fp32
  pair_scratch pairs;                    // of bfloat16

  attention_scratch(arena& from, attention_shape const& shape)
      : scores(from.take<real>(shape.block_elements())),
        d_scores(from.take<real>(shape.block_elements())),
        rows(from.take<real>(shape.block_rows() * whole_panels(shape.head_size))),
        dk(from.take<real>(shape.head_elements())),
        dv(from.take<real>(shape.head_elements())) {
    if constexpr (half_width<Number>) {
      factors = from.take<Number>(shape.block_elements());
      d_factors = from.take<Number>(shape.block_elements());
      copies = from.take<real>(4 * shape.head_elements());
    }
    if constexpr (std::same_as<Number, bfloat16>) pairs = pair_scratch(from, shape);
  }
};

/// Head `head` of one sample among the columns of a fused matrix: [positions, head_size].
template <class Number>
matrix_view<Number> head_of(attention_shape const& shape, matrix_view<Number> m, std::int64_t sample,
                            std::int64_t head) noexcept {
  return m.block(sample * shape.positions, head * shape.head_size, shape.positions, shape.head_size);
}

/// Queries, keys and values, [positions, head_size] each, of one sample and query head.
template <class Number>
struct head_views {
  matrix_view<Number> q, k, v;

  head_views(attention_shape const& shape, matrix_view<Number> qkv, std::int64_t sample, std::int64_t head)
      : q(head_of(shape, qkv, sample, head)),
        k(head_of(shape, qkv, sample, shape.heads + head / shape.group())),
        v(head_of(shape, qkv, sample, shape.heads + shape.kv_heads + head / shape.group())) {}
};

/// The log-sum-exps of one sample and head: positions elements of lse [samples, heads, positions].
template <class Real>
std::span<Real> head_row(attention_shape const& shape, std::span<Real> lse, std::int64_t sample, std::int64_t head) {
  return lse.subspan(static_cast<std::size_t>((sample * shape.heads + head) * shape.positions),
                     static_cast<std::size_t>(shape.positions));
}

/// `m` as a factor of products: itself, or its fp32 copy in place `place` of the scratch.
template <class Factor, class Number>
matrix_view<Factor const> as_factor(matrix_view<Number const> m, attention_scratch<Number> const& scratch,
                                    std::size_t place) noexcept {
  if constexpr (std::same_as<Factor, Number>) {
    return m;
  } else {
    auto const size = static_cast<std::size_t>(m.rows * m.columns);
    matrix_view<Factor> const copy(scratch.copies.subspan(place * size, size), m.rows, m.columns);
    widen_rows<Number>(m, copy);
    return copy;
  }
}

}  // namespace trainer
