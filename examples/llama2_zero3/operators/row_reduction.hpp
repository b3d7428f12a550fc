// Sums, products and maxima over one row, in an order that is a function of the length only.
//
// A row is taken in `reduction_lanes` interleaved partial results, which a compiler may keep in vector
// registers without reordering anything; the partials are then joined in lane order. Sums are
// carried in double, so that a row of 32000 floats loses nothing a float could show.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace trainer {

inline constexpr std::size_t reduction_lanes = 16;

/// Combines element(0), ..., element(count - 1), starting every lane from `initial`, by `join`.
template <class Partial, class Element, class Join>
Partial reduction(std::size_t count, Partial initial, Element element, Join join) noexcept {
  std::array<Partial, reduction_lanes> partial;
  partial.fill(initial);
  std::size_t i = 0;
  for (; i + reduction_lanes <= count; i += reduction_lanes)
    for (std::size_t lane = 0; lane < reduction_lanes; ++lane)
      partial[lane] = join(partial[lane], element(i + lane));
  for (std::size_t lane = 0; i < count; ++i, ++lane) partial[lane] = join(partial[lane], element(i));
  Partial whole = partial[0];
  for (std::size_t lane = 1; lane < reduction_lanes; ++lane) whole = join(whole, partial[lane]);
  return whole;
}

/// Sum of a row, in double; 0 for an empty row.
template <class Real>
double row_sum(std::span<Real const> row) noexcept {
  Real const* const x = row.data();
  return reduction(
      row.size(), 0.0, [x](std::size_t i) { return static_cast<double>(x[i]); },
      [](double a, double b) { return a + b; });
}

/// Inner product of two rows of a.size() elements, in double; 0 for empty rows.
template <class Real>
double row_product(std::span<Real const> a, std::span<Real const> b) noexcept {
  Real const* const x = a.data();
  Real const* const y = b.data();
  return reduction(
      a.size(), 0.0,
      [x, y](std::size_t i) { return static_cast<double>(x[i]) * static_cast<double>(y[i]); },
      [](double p, double q) { return p + q; });
}

/// Largest element of a row; precondition: at least one element.
template <class Real>
Real row_maximum(std::span<Real const> row) noexcept {
  Real const* const x = row.data();
  return reduction(
      row.size(), x[0], [x](std::size_t i) { return x[i]; },
      [](Real a, Real b) { return a < b ? b : a; });
}

}  // namespace trainer
