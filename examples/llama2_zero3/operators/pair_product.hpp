// c [M, N] = a [M, K] * b [K, N] in bfloat16 on the processor's own instructions, b packed once for many a.
//
// Rows of a are read where they lie, a block of them that stays in the core's second cache while the panels of b pass
// by. A sum is cut where pairs_depth_at_once says and nowhere else, so an element has the same bits whatever rows or
// threads it is computed with. Sums are in fp32. On the calling thread; no memory but b's panels.
#pragma once

#include "operators/mixed_product.hpp"
#include "operators/pair_kernel.hpp"
#include "operators/pair_packing.hpp"
#include "operators/widest_vectors.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace trainer {

/// Whether products are to be made here: the kernel runs, nobody told oneDNN to leave its instructions alone, and there
/// are no tiles (AMX), which oneDNN's gemm multiplies with and which are several times as fast.
inline bool has_pair_product() noexcept {
  return has_pair_kernel() && has_native_bfloat16_product() && !has_bfloat16_tiles();
}

inline constexpr std::int64_t pairs_depth_at_once = 4096, pairs_rows_at_once = 32 * pair_tile_rows;

/// Packs columns [first, first + some) of b into the room of all of it, for panel_pairs(b.rows, b.columns); `first` is a
/// multiple of pair_panel_columns.
inline void pack_pairs(factor<bfloat16> const& b, std::int64_t first, std::int64_t some, std::span<bfloat16_pair> room) noexcept {
  auto const own = room.subspan(static_cast<std::size_t>(first * steps_of(b.rows)), static_cast<std::size_t>(panel_pairs(b.rows, some)));
  auto const columns = part(b, 0, first, b.rows, some);
  with_widest_vectors([&] {
    if (columns.is_transposed) {
      panels_of_columns({columns.data, some, b.rows, columns.stride}, own);
    } else {
      panels_of_rows({columns.data, b.rows, some, columns.stride}, own);
    }
  });
}

/// c [M, N] = a [M, K] * the factor packed in `room`. Precondition: has_pair_product(), K is even.
inline void packed_pair_product(matrix_view<bfloat16 const> a, std::span<bfloat16_pair const> room, matrix_view<float> c) noexcept {
  right_panels const b{room.data(), steps_of(a.columns) * pair_panel_columns};
  for (std::int64_t i = 0; i < a.rows; i += pairs_rows_at_once) {
    auto const rows = std::min(pairs_rows_at_once, a.rows - i);
    for (std::int64_t k = 0; k < a.columns; k += pairs_depth_at_once) {
      tile_extent const extent{k / 2, std::min(pairs_depth_at_once, a.columns - k) / 2, c.columns};
      multiply_pairs(left_pairs::of_rows(a.block(i, 0, rows, a.columns)), b, c.block(i, 0, rows, c.columns),
                     k == 0 ? accumulate::no : accumulate::yes, 1, [&](std::int64_t, std::int64_t) { return extent; });
    }
  }
}

}  // namespace trainer
