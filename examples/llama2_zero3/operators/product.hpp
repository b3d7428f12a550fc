// Matrix products over row-major views: c = alpha * a * b, or c += alpha * a * b.
//
// The three forms training needs, for x [T, K], W [N, K], y and dy [T, N]:
//   forward         y  = x W^T     product(x, transposed(w), y)
//   input gradient  dx = dy W      product(dy, w, dx)
//   weight gradient dW = dy^T x    product(transposed(dy), x, dw)
// float goes to oneDNN's dnnl_sgemm (row-major, run by as many threads as OpenMP allows the caller:
// the rank launcher sets one). double is a plain blocked loop that serves the gradient tests.
// Not here: choice of blocking per shape; 16-bit factors are mixed_product.hpp's.
#pragma once

#include "operators/matrix_view.hpp"

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace trainer {

/// A factor of a product: a matrix [rows, columns], or the transpose of one stored [columns, rows].
template <class Real>
struct factor {
  Real const* data;
  std::int64_t rows, columns, stride;
  bool is_transposed;

  constexpr factor(Real const* first, std::int64_t height, std::int64_t width,
                   std::int64_t row_distance, bool flipped) noexcept
      : data(first), rows(height), columns(width), stride(row_distance), is_transposed(flipped) {}
  constexpr factor(matrix_view<Real const> m) noexcept
      : factor(m.data, m.rows, m.columns, m.stride, false) {}
  constexpr factor(matrix_view<Real> m) noexcept : factor(matrix_view<Real const>(m)) {}
};

/// The transpose of a matrix as a factor; nothing is moved.
template <class Real>
constexpr factor<std::remove_const_t<Real>> transposed(matrix_view<Real> m) noexcept {
  return {m.data, m.columns, m.rows, m.stride, true};
}

/// Part [rows, columns] of a factor from (i, j) on.
template <class Number>
constexpr factor<Number> part(factor<Number> const& whole, std::int64_t i, std::int64_t j, std::int64_t rows,
                    std::int64_t columns) noexcept {
  auto const offset = whole.is_transposed ? j * whole.stride + i : i * whole.stride + j;
  return {whole.data + offset, rows, columns, whole.stride, whole.is_transposed};
}

/// What happens to the elements that stood in the result before.
enum class accumulate : bool { no, yes };

/// c [M, N] (+)= alpha * a [M, K] * b [K, N] by dnnl_sgemm; throws std::runtime_error if it fails.
inline void unchecked_product(factor<float> const& a, factor<float> const& b, matrix_view<float> c,
                              accumulate onto, float alpha) {
  auto const status = dnnl_sgemm(a.is_transposed ? 'T' : 'N', b.is_transposed ? 'T' : 'N', c.rows,
                                 c.columns, a.columns, alpha, a.data, a.stride, b.data, b.stride,
                                 onto == accumulate::yes ? 1.0F : 0.0F, c.data, c.stride);
  if (status != dnnl_success)
    throw std::runtime_error("product: dnnl_success was needed from dnnl_sgemm, received status " +
                             std::to_string(static_cast<int>(status)));
}

/// c [M, N] (+)= alpha * a [M, K] * b [K, N], tile by tile of b, in ascending order of k.
inline void unchecked_product(factor<double> const& a, factor<double> const& b,
                              matrix_view<double> c, accumulate onto, double alpha) {
  constexpr std::int64_t tile = 32;
  std::array<double, static_cast<std::size_t>(tile * tile)> packed;
  auto const [a_row, a_column] = a.is_transposed ? std::pair{std::int64_t{1}, a.stride}
                                                 : std::pair{a.stride, std::int64_t{1}};
  auto const [b_row, b_column] = b.is_transposed ? std::pair{std::int64_t{1}, b.stride}
                                                 : std::pair{b.stride, std::int64_t{1}};
  if (onto == accumulate::no)
    for (std::int64_t i = 0; i < c.rows; ++i) std::ranges::fill(c.row(i), 0.0);
  for (std::int64_t k0 = 0; k0 < a.columns; k0 += tile)
    for (std::int64_t j0 = 0; j0 < c.columns; j0 += tile) {
      auto const depth = std::min(tile, a.columns - k0);
      auto const width = std::min(tile, c.columns - j0);
      for (std::int64_t k = 0; k < depth; ++k)
        for (std::int64_t j = 0; j < width; ++j)
          packed[static_cast<std::size_t>(k * tile + j)] =
              b.data[(k0 + k) * b_row + (j0 + j) * b_column];
      for (std::int64_t i = 0; i < c.rows; ++i) {
        double* const to = c.data + i * c.stride + j0;
        for (std::int64_t k = 0; k < depth; ++k) {
          double const weight = alpha * a.data[i * a_row + (k0 + k) * a_column];
          double const* const from = packed.data() + k * tile;
          for (std::int64_t j = 0; j < width; ++j) to[j] += weight * from[j];
        }
      }
    }
}

/// Throws std::invalid_argument unless a [M, K] b [K, N] gives c [M, N].
template <class Number, class Result>
void require_product_sizes(factor<Number> const& a, factor<Number> const& b, matrix_view<Result> c) {
  if (a.rows == c.rows && a.columns == b.rows && b.columns == c.columns) return;
  auto const size = [](auto const& m) {
    return "[" + std::to_string(m.rows) + ", " + std::to_string(m.columns) + "]";
  };
  throw std::invalid_argument("product: [M, K] [K, N] into [M, N] was needed, received " + size(a) +
                              " " + size(b) + " into " + size(c));
}

/// c [M, N] = alpha * a [M, K] * b [K, N], or c += that; a and b do not overlap c.
/// Throws std::invalid_argument if the sizes do not agree.
template <class Real>
void product(std::type_identity_t<factor<Real>> const& a,
             std::type_identity_t<factor<Real>> const& b, matrix_view<Real> c,
             accumulate onto = accumulate::no, std::type_identity_t<Real> alpha = Real{1}) {
  require_product_sizes(a, b, c);
  unchecked_product(a, b, c, onto, alpha);
}

}  // namespace trainer
