// Matrix products by our own kernel, for processors with AVX2, wider where they have AVX-512.
//
//   c [M, N] (+)= a [M, K] * b [K, N]     fp32 sums; a and b of fp32 or 16 bits, which are widened when packed
// b may have been packed before, once for many a: then it is all of its panels, depth after depth of `depth_at_once`.
// Else panels of 256 KiB of it are packed as they are needed. Rows of a are packed, and used while they are in the
// core's second cache. A sum is cut where depth_at_once says and nowhere else, so an element has the same bits
// whatever rows, columns or threads it is computed with. On the calling thread, which keeps its memory for
// packing, 1.2 MiB, from one product to the next.
#pragma once

#include "arena.hpp"
#include "operators/panel_packing.hpp"
#include "operators/product.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

namespace detail {
inline constexpr std::int64_t depth_at_once = 256, rows_at_once = 24 * panel_rows, columns_at_once = 64 * panel_columns;

/// One thread's packed parts of both factors.
class panel_room {
 public:
  static panel_room& of_this_thread() {
    static thread_local panel_room room;
    return room;
  }

 private:
  static constexpr std::int64_t left_elements = rows_at_once * depth_at_once + packing_slack;
  static constexpr std::int64_t right_elements = columns_at_once * depth_at_once;
  static std::int64_t bytes() {
    arena counter;
    counter.take<float>(left_elements);
    counter.take<float>(right_elements);
    return counter.used_bytes();
  }

  panel_room() = default;
  arena memory_{bytes()};

 public:
  std::span<float> const left = memory_.take<float>(left_elements), right = memory_.take<float>(right_elements);
};

/// One panel's product at the edge of c, where it is not as large as a panel.
inline void multiply_edge(float const* left, float const* right, std::int64_t k, matrix_view<float> c, accumulate onto) noexcept {
  alignas(32) std::array<float, panel_rows * panel_columns> sums;
  multiply_panel(left, right, k, sums.data(), panel_columns, accumulate::no);
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.columns; ++j) {
      float const sum = sums[static_cast<std::size_t>(i * panel_columns + j)];
      float& to = c.data[i * c.stride + j];
      to = onto == accumulate::yes ? to + sum : sum;
    }
  }
}

/// c [m, n] (+)= panels of m rows and of n columns, of depth k, the latter `distance` numbers apart. A right panel
/// stays in the first cache while the left ones pass by, four at once where the processor is wide enough; the next is
/// fetched into the second meanwhile, a share of it with every row, which gained a tenth where it had to come from the
/// third.
inline void multiply_panels(float const* left, float const* right, std::int64_t distance, std::int64_t k, matrix_view<float> c,
                            accumulate onto) noexcept {
  auto const wide = prefers_wide_panels() ? 4 * panel_rows : c.rows + 1;
  auto const share_of = [&](std::int64_t rows) { return (panel_columns * k * rows / c.rows + 15) / 16 * 16; };
  auto const share_of_one = share_of(panel_rows), share_of_four = share_of(4 * panel_rows);
  for (std::int64_t j = 0; j < c.columns; j += panel_columns, right += distance) {
    auto const width = std::min(panel_columns, c.columns - j);
    auto const* ahead = right + distance;
    for (std::int64_t i = 0; i < c.rows;) {
      auto const left_over = c.rows - i;
      bool const four = left_over >= wide && width == panel_columns;
      auto const height = four ? wide : std::min(panel_rows, left_over);
      auto const share = four ? share_of_four : share_of_one;
      for (std::int64_t line = 0; line < share; line += 16) __builtin_prefetch(ahead + line, 0, 2);
      ahead += share;
      auto const* const rows = left + i * k;
      auto* const to = c.data + i * c.stride + j;
      if (four) {
        multiply_four_panels(rows, right, k, to, c.stride, onto);
      } else if (height == panel_rows && width == panel_columns) {
        multiply_panel(rows, right, k, to, c.stride, onto);
      } else {
        multiply_edge(rows, right, k, c.block(i, j, height, width), onto);
      }
      i += height;
    }
  }
}

/// c (+)= a [m, k] * packed panels of k rows, for a k of at most depth_at_once.
template <class Number>
void multiply_packed(factor<Number> const& a, float const* right, std::int64_t distance, matrix_view<float> c, accumulate onto,
                     std::span<float> room) noexcept {
  for (std::int64_t i = 0; i < c.rows; i += rows_at_once) {
    auto const rows = std::min(rows_at_once, c.rows - i);
    pack_left(part(a, i, 0, rows, a.columns), room.data());
    multiply_panels(room.data(), right, distance, a.columns, c.block(i, 0, rows, c.columns), onto);
  }
}
}  // namespace detail

/// c [M, N] (+)= a [M, K] * b [K, N]. Precondition: has_panel_kernel(); sizes agree, K of at least 1.
template <class Number>
void panel_product(factor<Number> const& a, factor<Number> const& b, matrix_view<float> c, accumulate onto = accumulate::no) {
  using namespace detail;
  auto& room = panel_room::of_this_thread();
  for (std::int64_t j = 0; j < c.columns; j += columns_at_once) {
    auto const columns = std::min(columns_at_once, c.columns - j);
    for (std::int64_t k = 0; k < a.columns; k += depth_at_once) {
      auto const depth = std::min(depth_at_once, a.columns - k);
      pack_right(part(b, k, j, depth, columns), room.right.data(), depth * panel_columns);
      multiply_packed(part(a, 0, k, a.rows, depth), room.right.data(), depth * panel_columns, c.block(0, j, c.rows, columns),
                      k == 0 ? onto : accumulate::yes, room.left);
    }
  }
}

/// Elements of room, aligned to 64 bytes, for all panels of a matrix [k, n].
constexpr std::int64_t packed_panel_elements(std::int64_t k, std::int64_t n) noexcept { return detail::panel_elements(n, panel_columns, k); }

/// Packs columns [first, first + some) of b into the room of all of it; `first` is a multiple of panel_columns.
template <class Number>
void pack_panels(factor<Number> const& b, std::int64_t first, std::int64_t some, float* room) noexcept {
  using namespace detail;
  for (std::int64_t k = 0; k < b.rows; k += depth_at_once) {
    auto const depth = std::min(depth_at_once, b.rows - k);
    auto* const to = room + packed_panel_elements(k, b.columns) + first * depth;
    pack_right(part(b, k, first, depth, some), to, depth * panel_columns);
  }
}

/// c [M, N] = a [M, K] * the matrix packed in `room`, with the bits of panel_product.
template <class Number>
void packed_panel_product(factor<Number> const& a, float const* room, matrix_view<float> c) {
  using namespace detail;
  auto& own = panel_room::of_this_thread();
  for (std::int64_t k = 0; k < a.columns; k += depth_at_once) {
    auto const depth = std::min(depth_at_once, a.columns - k);
    multiply_packed(part(a, 0, k, a.rows, depth), room + packed_panel_elements(k, c.columns), depth * panel_columns, c,
                    k == 0 ? accumulate::no : accumulate::yes, own.left);
  }
}

}  // namespace trainer
