// Factors as pair_kernel.hpp takes them: bfloat16, the two numbers of a step of k side by side.
//
//   panels_of_rows     right factor m [k, n]                panels [k / 2, 16] of 16 columns of m
//   panels_of_columns  right factor m^T, m [n, k]           panels of 16 rows of m, steps along its columns
//   left_of_row_pairs  left factor m^T, m [k, rows]         pairs of rows of m, [k / 2, rows]
// What is missing to a whole step or panel is zero.
#pragma once

#include "operators/matrix_view.hpp"
#include "operators/number_formats.hpp"
#include "operators/pair_kernel.hpp"
#include "operators/pair_transpose.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace trainer {

constexpr std::int64_t steps_of(std::int64_t k) noexcept { return (k + 1) / 2; }
constexpr std::int64_t whole_panels(std::int64_t columns) noexcept {
  return (columns + pair_panel_columns - 1) / pair_panel_columns * pair_panel_columns;
}
/// Pairs in the panels of a right factor [k, n].
constexpr std::int64_t panel_pairs(std::int64_t k, std::int64_t n) noexcept { return steps_of(k) * whole_panels(n); }

namespace detail {
/// to[j] = first[j] with second[j] after it, or with zero where there is no second row.
inline void pair_up(bfloat16 const* first, bfloat16 const* second, std::int64_t count, bfloat16_pair* to) noexcept {
  if (second == nullptr) {
    for (std::int64_t j = 0; j < count; ++j) to[j] = bfloat16_pair::of(first[j], {});
  } else {
    for (std::int64_t j = 0; j < count; ++j) to[j] = bfloat16_pair::of(first[j], second[j]);
  }
}
/// A step of the panel of m's columns from `column` on.
inline void pack_step(matrix_view<bfloat16 const> m, std::int64_t step, std::int64_t column, bfloat16_pair* to) noexcept {
  bfloat16 const* const first = m.row(2 * step).data() + column;
  bfloat16 const* const second = 2 * step + 1 < m.rows ? m.row(2 * step + 1).data() + column : nullptr;
  auto const width = std::min(pair_panel_columns, m.columns - column);
  if (width == pair_panel_columns) return pair_up(first, second, pair_panel_columns, to);  // a count known to the compiler: no loop
  pair_up(first, second, width, to);
  std::fill(to + width, to + pair_panel_columns, bfloat16_pair{});
}
}  // namespace detail

/// Panels of the right factor m [k, n] in `room` for panel_pairs(k, n). A few panels at a time: they lie a power of two
/// apart where k is one, and lines of many such would push each other out of the cache before they are full.
inline right_panels panels_of_rows(matrix_view<bfloat16 const> m, std::span<bfloat16_pair> room) noexcept {
  constexpr auto columns_at_once = 4 * pair_panel_columns;
  auto const distance = steps_of(m.rows) * pair_panel_columns;
  for (std::int64_t first = 0; first < m.columns; first += columns_at_once) {
    auto const last = std::min(first + columns_at_once, m.columns);
    for (std::int64_t step = 0; step < steps_of(m.rows); ++step) {
      for (auto column = first; column < last; column += pair_panel_columns) {
        detail::pack_step(m, step, column, room.data() + column / pair_panel_columns * distance + step * pair_panel_columns);
      }
    }
  }
  return {room.data(), distance};
}

namespace detail {
/// Rows [first, last) of steps [from, steps) of a panel of m's rows.
inline void pack_row_pairs(matrix_view<bfloat16 const> m, std::int64_t first, std::int64_t last, std::int64_t from, bfloat16_pair* panel) noexcept {
  for (std::int64_t row = first; row < last; ++row) {
    bfloat16 const* const x = m.row(row).data();
    bfloat16_pair* const to = panel + row - first;
    for (std::int64_t step = from; step < m.columns / 2; ++step) to[step * pair_panel_columns] = bfloat16_pair::of(x[2 * step], x[2 * step + 1]);
    if (m.columns % 2 != 0) to[m.columns / 2 * pair_panel_columns] = bfloat16_pair::of(x[m.columns - 1], {});
  }
}
}  // namespace detail

/// Panels of the right factor that is the transpose of m [n, k], in `room` for panel_pairs(k, n).
inline right_panels panels_of_columns(matrix_view<bfloat16 const> m, std::span<bfloat16_pair> room) noexcept {
  auto const steps = steps_of(m.columns), distance = steps * pair_panel_columns;
  bool const in_squares = has_pair_kernel();
  for (std::int64_t row = 0; row < m.rows; row += pair_panel_columns) {
    bfloat16_pair* const panel = room.data() + row * steps;
    auto const rows = std::min(pair_panel_columns, m.rows - row);
    if (rows < pair_panel_columns) std::fill_n(panel, distance, bfloat16_pair{});
    std::int64_t step = 0;
    if (in_squares && rows == pair_panel_columns) {
      for (; 2 * (step + 16) <= m.columns; step += 16) {
        detail::transpose_pairs(m.row(row).data() + 2 * step, m.stride, panel + step * pair_panel_columns);
      }
    }
    detail::pack_row_pairs(m, row, row + rows, step, panel);
  }
  return {room.data(), distance};
}

/// Pairs [k / 2, columns] as the left factor that is the transpose of what they are the pairs of rows of.
inline left_pairs left_of_row_pairs(std::span<bfloat16_pair const> pairs, std::int64_t columns) noexcept {
  constexpr auto size = static_cast<std::int64_t>(sizeof(bfloat16_pair));
  return {reinterpret_cast<std::byte const*>(pairs.data()), size, columns * size};
}

}  // namespace trainer
