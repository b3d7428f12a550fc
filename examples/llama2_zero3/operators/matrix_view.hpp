// A row-major matrix in somebody else's memory: what every operator takes and returns.
//
// Rows may lie further apart than they are long, so one head of a fused [T, width] tensor is a view
// too. Sizes and distances are in elements. It owns nothing and checks nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// A row-major [rows, columns] matrix in somebody else's memory, consecutive rows `stride` apart.
template <class Real>
struct matrix_view {
  Real* data;
  std::int64_t rows, columns, stride;

  constexpr matrix_view(Real* first, std::int64_t height, std::int64_t width,
                        std::int64_t row_distance) noexcept
      : data(first), rows(height), columns(width), stride(row_distance) {}
  constexpr matrix_view(std::span<Real> elements, std::int64_t height, std::int64_t width) noexcept
      : matrix_view(elements.data(), height, width, width) {}
  constexpr operator matrix_view<Real const>() const noexcept {
    return {data, rows, columns, stride};
  }

  /// Elements of row i.
  constexpr std::span<Real> row(std::int64_t i) const noexcept {
    return {data + i * stride, static_cast<std::size_t>(columns)};
  }
  /// The `height` x `width` matrix whose first element is (i, j) of this one.
  constexpr matrix_view block(std::int64_t i, std::int64_t j, std::int64_t height,
                              std::int64_t width) const noexcept {
    return {data + i * stride + j, height, width, stride};
  }
};

}  // namespace trainer
