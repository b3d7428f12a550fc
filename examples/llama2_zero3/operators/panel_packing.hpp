// Factors laid out for the panel kernel: fp32, in panels, 16-bit numbers widened on the way.
//
//   left  [m, k]   panels of 6 rows:      for every k its 6 numbers, panel after panel
//   right [k, n]   panels of 16 columns:  for every k its 16 numbers
// A last panel that is not full has the first of its rows or columns again where there is none: what comes of
// them is not stored. So nothing is read outside of the factor, and no room need be cleared.
#pragma once

#include "operators/number_formats.hpp"
#include "operators/panel_kernel.hpp"
#include "operators/product.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstdint>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_HAS_PANEL_KERNEL 1
#include <immintrin.h>
#endif

namespace trainer::detail {

/// Elements of packed panels, of which the left ones need `packing_slack` behind them.
constexpr std::int64_t panel_elements(std::int64_t length, std::int64_t of_panel, std::int64_t k) noexcept {
  return (length + of_panel - 1) / of_panel * of_panel * k;
}
inline constexpr std::int64_t packing_slack = 8 - panel_rows;  // eight numbers are stored where six are meant

#ifdef TRAINER_HAS_PANEL_KERNEL
#define TRAINER_PANEL_TARGET [[gnu::target("avx2,fma,f16c")]]

/// Eight numbers, widened.
template <class Number>
TRAINER_PANEL_TARGET inline __m256 load_eight(Number const* from) noexcept {
  if constexpr (std::same_as<Number, float>) {
    return _mm256_loadu_ps(from);
  } else {
    auto const bits = _mm_loadu_si128(reinterpret_cast<__m128i const*>(from));
    if constexpr (std::same_as<Number, float16>) return _mm256_cvtph_ps(bits);
    else return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
}

/// rows[i][j] becomes rows[j][i].
TRAINER_PANEL_TARGET inline void transpose(__m256 (&rows)[8]) noexcept {
  __m256 pairs[8], quads[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = _mm256_unpacklo_ps(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_ps(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {
    quads[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
    quads[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
    quads[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
    quads[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    rows[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
  }
}
#else
#define TRAINER_PANEL_TARGET
#endif

/// A panel across what is stored in rows of k numbers: `lines` of them, `stride` apart, of the Width of a panel.
template <std::int64_t Width, class Number>
TRAINER_PANEL_TARGET void pack_across(Number const* from, std::int64_t stride, std::int64_t lines, std::int64_t k, float* to) noexcept {
  std::array<Number const*, 16> line;  // the last of an eight that a panel of 6 has not, too
  for (std::int64_t i = 0; i < 16; ++i) line[static_cast<std::size_t>(i)] = from + (i < lines ? i * stride : 0);
  std::int64_t step = 0;
#ifdef TRAINER_HAS_PANEL_KERNEL
  for (; step + 8 <= k; step += 8) {
    for (std::int64_t first = 0; first < Width; first += 8) {
      __m256 block[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) block[i] = load_eight(line[static_cast<std::size_t>(first + i)] + step);
      transpose(block);
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) _mm256_storeu_ps(to + (step + i) * Width + first, block[i]);
    }
  }
#endif
  for (; step < k; ++step) {
    for (std::int64_t i = 0; i < Width; ++i) to[step * Width + i] = widened(line[static_cast<std::size_t>(i)][step]);
  }
}

/// `k` lines of a panel along what is stored in lines of its numbers, of which there are `width`.
template <std::int64_t Width, class Number>
TRAINER_PANEL_TARGET void pack_along(Number const* from, std::int64_t stride, std::int64_t width, std::int64_t k, float* to) noexcept {
  [[maybe_unused]] constexpr std::int64_t read = (Width + 7) / 8 * 8;
  for (std::int64_t step = 0; step < k; ++step, from += stride, to += Width) {
#ifdef TRAINER_HAS_PANEL_KERNEL
    if (width >= read) {
#pragma GCC unroll 2
      for (std::int64_t i = 0; i < read; i += 8) _mm256_storeu_ps(to + i, load_eight(from + i));
      continue;
    }
#endif
    for (std::int64_t i = 0; i < Width; ++i) to[i] = widened(from[i < width ? i : 0]);
  }
}

/// Panels of the rows of a factor [m, k], one behind the other.
template <class Number>
void pack_left(factor<Number> const& from, float* to) noexcept {
  for (std::int64_t i = 0; i < from.rows; i += panel_rows, to += panel_rows * from.columns) {
    if (from.is_transposed) {
      pack_along<panel_rows>(from.data + i, from.stride, from.rows - i, from.columns, to);
    } else {
      pack_across<panel_rows>(from.data + i * from.stride, from.stride, from.rows - i, from.columns, to);
    }
  }
}

/// Panels of the columns of a factor [k, n], each `distance` numbers behind the one before; a few lines of k of
/// all panels at a time, so that rows are read as they lie.
template <class Number>
void pack_right(factor<Number> const& from, float* to, std::int64_t distance) noexcept {
  if (from.is_transposed) {
    for (std::int64_t j = 0; j < from.columns; j += panel_columns, to += distance) {
      pack_across<panel_columns>(from.data + j * from.stride, from.stride, from.columns - j, from.rows, to);
    }
    return;
  }
  constexpr std::int64_t lines = 8;
  for (std::int64_t step = 0; step < from.rows; step += lines) {
    auto const count = std::min(lines, from.rows - step);
    for (std::int64_t j = 0; j < from.columns; j += panel_columns) {
      pack_along<panel_columns>(from.data + step * from.stride + j, from.stride, from.columns - j, count,
                                to + j / panel_columns * distance + step * panel_columns);
    }
  }
}
#undef TRAINER_PANEL_TARGET

}  // namespace trainer::detail

#undef TRAINER_HAS_PANEL_KERNEL
