// Products of bfloat16 factors on the processor's own instructions, for matrices that are used more than once.
//
//   c [M, N] (+)= alpha * left [M, 2 steps] * right [2 steps, N]
// An instruction multiplies pairs of neighbours along k, so both factors hold the two numbers of a step side by side:
// right as pair_packing.hpp lays it out, left wherever its pairs are, such as in a row-major matrix. A tile of 6 x 64
// sums stays in registers while k runs: 24 instructions for 10 loads. A sum runs over k in ascending order.
// oneDNN's gemm packs both factors anew in every call: attention's thin products ran at 310 to 380 GFLOP/s by it and at
// 410 to 440 here (one core, Zen 5).
#pragma once

#include "operators/matrix_view.hpp"
#include "operators/number_formats.hpp"
#include "operators/product.hpp"
#include "operators/widest_vectors.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_HAS_PAIR_KERNEL 1
#include <immintrin.h>
#endif

namespace trainer {

/// The two numbers of a step of k, the first in the low half.
struct bfloat16_pair {
  std::uint32_t bits = 0;

  static constexpr bfloat16_pair of(bfloat16 first, bfloat16 second) noexcept {
    return {first.bits | static_cast<std::uint32_t>(second.bits) << 16U};
  }
};

inline constexpr std::int64_t pair_tile_rows = 6, pair_panel_columns = 16, pair_tile_panels = 4;

/// Whether this processor runs the kernel: AVX-512 with bfloat16.
inline bool has_pair_kernel() noexcept {
#ifdef TRAINER_HAS_PAIR_KERNEL
  static bool const it_has = widest_vectors() == vector_width::avx512 && __builtin_cpu_supports("avx512bf16") != 0;
  return it_has;
#else
  return false;
#endif
}

/// A left factor: the pair of row i and step s is the four bytes at data + i * row_bytes + s * step_bytes.
struct left_pairs {
  std::byte const* data;
  std::int64_t row_bytes, step_bytes;

  /// Of a row-major matrix, whose columns are even in number or followed by a zero.
  static left_pairs of_rows(matrix_view<bfloat16 const> m) noexcept {
    constexpr auto size = static_cast<std::int64_t>(sizeof(bfloat16));
    return {reinterpret_cast<std::byte const*>(m.data), m.stride * size, 2 * size};
  }
  left_pairs from(std::int64_t row, std::int64_t step) const noexcept {
    return {data + row * row_bytes + step * step_bytes, row_bytes, step_bytes};
  }
};

/// A right factor: panels of 16 columns, `distance` pairs apart, each [steps, 16], aligned to 64 bytes.
struct right_panels {
  bfloat16_pair const* data;
  std::int64_t distance;

  constexpr right_panels from(std::int64_t panel, std::int64_t step) const noexcept {
    return {data + panel * distance + step * pair_panel_columns, distance};
  }
};

/// What of k and of the columns the rows of a tile need; the rest of their c is left as it is.
struct tile_extent {
  std::int64_t first_step, steps, columns;
};

namespace detail {
struct pair_tile {
  left_pairs left;
  right_panels right;
  std::int64_t steps;
  matrix_view<float> c;
  accumulate onto;
  float alpha;
};

#ifdef TRAINER_HAS_PAIR_KERNEL
template <std::int64_t Rows, std::int64_t Panels>
[[gnu::target("avx512f,avx512bf16")]] void multiply_pair_tile(pair_tile const& tile) noexcept {
  __m512 sums[std::size_t{Rows}][std::size_t{Panels}];
#pragma GCC unroll 6
  for (std::int64_t i = 0; i < Rows; ++i) {
#pragma GCC unroll 4
    for (std::int64_t p = 0; p < Panels; ++p) sums[i][p] = _mm512_setzero_ps();
  }
  std::byte const* left = tile.left.data;
  bfloat16_pair const* right = tile.right.data;
  for (std::int64_t step = 0; step < tile.steps; ++step, left += tile.left.step_bytes, right += pair_panel_columns) {
    __m512bh columns[std::size_t{Panels}];
#pragma GCC unroll 4
    for (std::int64_t p = 0; p < Panels; ++p) columns[p] = reinterpret_cast<__m512bh>(_mm512_load_si512(right + p * tile.right.distance));
#pragma GCC unroll 6
    for (std::int64_t i = 0; i < Rows; ++i) {
      int pair = 0;
      std::memcpy(&pair, left + i * tile.left.row_bytes, sizeof(pair));
      auto const row = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 4
      for (std::int64_t p = 0; p < Panels; ++p) sums[i][p] = _mm512_dpbf16_ps(sums[i][p], row, columns[p]);
    }
  }
  __m512 const alpha = _mm512_set1_ps(tile.alpha);
  auto const last_lanes = static_cast<__mmask16>(0xffffU >> static_cast<unsigned>(Panels * pair_panel_columns - tile.c.columns));
#pragma GCC unroll 6
  for (std::int64_t i = 0; i < Rows; ++i) {
    float* const c = tile.c.data + i * tile.c.stride;
#pragma GCC unroll 4
    for (std::int64_t p = 0; p < Panels; ++p) {
      auto const lanes = p + 1 < Panels ? __mmask16{0xffff} : last_lanes;
      auto sum = _mm512_mul_ps(sums[i][p], alpha);
      if (tile.onto == accumulate::yes) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, c + p * pair_panel_columns), sum);
      _mm512_mask_storeu_ps(c + p * pair_panel_columns, lanes, sum);
    }
  }
}
#else
template <std::int64_t Rows, std::int64_t Panels>
void multiply_pair_tile(pair_tile const&) noexcept {}
#endif

template <std::int64_t Rows>
void multiply_pair_tile(pair_tile const& tile, std::int64_t panels) noexcept {
  switch (panels) {
    case 1: return multiply_pair_tile<Rows, 1>(tile);
    case 2: return multiply_pair_tile<Rows, 2>(tile);
    case 3: return multiply_pair_tile<Rows, 3>(tile);
    default: return multiply_pair_tile<Rows, 4>(tile);
  }
}
inline void multiply_pair_tile(pair_tile const& tile, std::int64_t rows, std::int64_t panels) noexcept {
  switch (rows) {
    case 1: return multiply_pair_tile<1>(tile, panels);
    case 2: return multiply_pair_tile<2>(tile, panels);
    case 3: return multiply_pair_tile<3>(tile, panels);
    case 4: return multiply_pair_tile<4>(tile, panels);
    case 5: return multiply_pair_tile<5>(tile, panels);
    default: return multiply_pair_tile<6>(tile, panels);
  }
}
}  // namespace detail

/// c [M, N] (+)= alpha * left * right; extent_of(first row, rows) says what a tile of rows needs. On one thread, without
/// memory of its own.
template <class ExtentOf>
void multiply_pairs(left_pairs left, right_panels right, matrix_view<float> c, accumulate onto, float alpha,
                    ExtentOf const& extent_of) noexcept {
  constexpr auto tile_columns = pair_tile_panels * pair_panel_columns;
  for (std::int64_t column = 0; column < c.columns; column += tile_columns) {
    for (std::int64_t row = 0; row < c.rows; row += pair_tile_rows) {
      auto const rows = std::min(pair_tile_rows, c.rows - row);
      tile_extent const extent = extent_of(row, rows);
      auto const columns = std::min(extent.columns - column, tile_columns);
      if (columns <= 0) continue;
      detail::multiply_pair_tile({.left = left.from(row, extent.first_step),
                                  .right = right.from(column / pair_panel_columns, extent.first_step),
                                  .steps = extent.steps,
                                  .c = c.block(row, column, rows, columns),
                                  .onto = onto,
                                  .alpha = alpha},
                                 rows, (columns + pair_panel_columns - 1) / pair_panel_columns);
    }
  }
}

}  // namespace trainer

#undef TRAINER_HAS_PAIR_KERNEL
