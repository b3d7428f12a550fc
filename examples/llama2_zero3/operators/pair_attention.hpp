// A head of causal attention in bfloat16 by pair_kernel.hpp: the block algorithm of causal_attention.hpp, with keys and
// values packed once for all blocks and query heads, and a tile of 6 rows not multiplied beyond what its rows see.
//
//   forward    s = q K^T, o = p V                                         panels of K^T and V
//   backward   s = q K^T, dp = do V^T, dV += p^T do, dK += ds^T q, dq = ds K    panels of K^T, V^T and K
// p and ds are rounded to bfloat16 for the products; softmax and all sums are in fp32.
#pragma once

#include "operators/attention_rows.hpp"
#include "operators/attention_shape.hpp"
#include "operators/pair_kernel.hpp"
#include "operators/pair_packing.hpp"
#include "operators/pair_product.hpp"
#include "operators/pair_softmax.hpp"
#include "operators/widest_vectors.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// Whether bfloat16 heads of this size are computed here: a pair must not reach into the next head.
inline bool uses_pair_attention(attention_shape const& shape) noexcept {
  return shape.head_size % 2 == 0 && has_pair_product();
}

namespace detail {

/// The keys and values of a head as right factors.
struct packed_head {
  right_panels keys_across, values_across;  // K^T and V^T [head_size, positions]
  right_panels keys, values;                // K and V [positions, head_size]
};

inline packed_head packed_for_forward(matrix_view<bfloat16 const> k, matrix_view<bfloat16 const> v, pair_scratch const& room) noexcept {
  packed_head packed{};
  with_widest_vectors([&] {
    packed.keys_across = panels_of_columns(k, room.keys_across);
    packed.values = panels_of_rows(v, room.values);
  });
  return packed;
}
inline packed_head packed_for_backward(matrix_view<bfloat16 const> k, matrix_view<bfloat16 const> v, pair_scratch const& room) noexcept {
  packed_head packed{};
  with_widest_vectors([&] {
    packed.keys_across = panels_of_columns(k, room.keys_across);
    packed.values_across = panels_of_columns(v, room.values);
    packed.keys = panels_of_rows(k, room.keys);
  });
  return packed;
}

/// A block of rows, of which row i sees the keys 0 .. first + i: what the tiles of its products need.
struct causal_block {
  std::int64_t first, rows, head_size;

  std::int64_t keys() const noexcept { return first + rows; }
  std::int64_t width() const noexcept { return whole_panels(keys()); }  // of its scores
  std::int64_t head_width() const noexcept { return whole_panels(head_size); }

  /// Of scores: the keys that the last row sees.
  auto scores() const noexcept {
    return [this](std::int64_t row, std::int64_t count) { return tile_extent{0, head_size / 2, first + row + count}; };
  }
  /// Of sums over the keys.
  auto over_keys() const noexcept {
    return [this](std::int64_t row, std::int64_t count) { return tile_extent{0, steps_of(first + row + count), head_width()}; };
  }
  /// Of sums over the rows, for a tile of keys: the rows that see its first.
  auto over_rows() const noexcept {
    return [this](std::int64_t key, std::int64_t) {
      auto const unseen = std::max<std::int64_t>(0, key - first) / 2;
      return tile_extent{unseen, steps_of(rows) - unseen, head_width()};
    };
  }
};

/// o [positions, head_size] and lse [positions] of one head.
inline void pair_attention_forward(attention_shape const& shape, matrix_view<bfloat16 const> q, packed_head const& head,
                                   matrix_view<bfloat16> o, std::span<float> lse, attention_scratch<bfloat16> const& scratch) {
  auto const d = shape.head_size;
  for_each_block_of_rows(shape, [&](std::int64_t first, std::int64_t rows) {
    causal_block const block{first, rows, d};
    matrix_view<float> const scores(scratch.scores, rows, block.width()), out(scratch.rows, rows, block.head_width());
    matrix_view<bfloat16> const p(scratch.pairs.score_rows, rows, block.width());
    multiply_pairs(left_pairs::of_rows(q.block(first, 0, rows, d)), head.keys_across, scores, accumulate::no,
                   static_cast<float>(shape.scale()), block.scores());
    block_values<float> inverse;
    exponentiate_score_rows(scores, first, p, lse.subspan(static_cast<std::size_t>(first)), inverse);
    multiply_pairs(left_pairs::of_rows(p), head.values, out, accumulate::no, 1, block.over_keys());
    with_widest_vectors([&] {
      for (std::int64_t i = 0; i < rows; ++i) {
        for (auto& element : out.row(i)) element *= inverse[static_cast<std::size_t>(i)];
      }
      narrow_rows<bfloat16>(out.block(0, 0, rows, d), o.block(first, 0, rows, d));
    });
  });
}

/// One head's part in backward, whose q, o and d_o are [positions, head_size]; dq is overwritten.
struct pair_head_gradient {
  matrix_view<bfloat16 const> q, o, d_o;
  matrix_view<bfloat16> dq;
  std::span<float const> lse;
};

/// Adds to dk and dv in the scratch, [positions, whole_panels(head_size)] each.
inline void pair_attention_backward(attention_shape const& shape, packed_head const& shared, pair_head_gradient const& head,
                                    attention_scratch<bfloat16> const& scratch) {
  auto const d = shape.head_size;
  auto const& room = scratch.pairs;
  auto const scale = static_cast<float>(shape.scale());
  for_each_block_of_rows(shape, [&](std::int64_t first, std::int64_t rows) {
    causal_block const block{first, rows, d};
    auto const rows_of = [&](auto m) { return m.block(first, 0, rows, d); };
    matrix_view<float> const scores(scratch.scores, rows, block.width()), d_scores(scratch.d_scores, rows, block.width());
    matrix_view<float> const dk(scratch.dk, block.keys(), block.head_width()), dv(scratch.dv, block.keys(), block.head_width());
    matrix_view<float> const dq(scratch.rows, rows, block.head_width());
    matrix_view<bfloat16> const ds_rows(room.score_rows, rows, block.width());

    multiply_pairs(left_pairs::of_rows(rows_of(head.q)), shared.keys_across, scores, accumulate::no, scale, block.scores());
    multiply_pairs(left_pairs::of_rows(rows_of(head.d_o)), shared.values_across, d_scores, accumulate::no, 1, block.scores());
    right_panels q{}, d_o{};
    block_values<float> mean;
    row_products(rows_of(head.d_o), rows_of(head.o), mean);
    with_widest_vectors([&] {
      q = panels_of_rows(rows_of(head.q), room.query_rows);
      d_o = panels_of_rows(rows_of(head.d_o), room.d_o_rows);
    });
    score_gradient_pairs(scores, d_scores, {room.p.data(), room.ds.data(), ds_rows},
                         head.lse.subspan(static_cast<std::size_t>(first)), first, mean, scale);
    multiply_pairs(left_of_row_pairs(room.p, block.width()), d_o, dv, accumulate::yes, 1, block.over_rows());
    multiply_pairs(left_of_row_pairs(room.ds, block.width()), q, dk, accumulate::yes, 1, block.over_rows());
    multiply_pairs(left_pairs::of_rows(ds_rows), shared.keys, dq, accumulate::no, 1, block.over_keys());
    with_widest_vectors([&] { narrow_rows<bfloat16>(dq.block(0, 0, rows, d), rows_of(head.dq)); });
  });
}

}  // namespace detail

}  // namespace trainer
