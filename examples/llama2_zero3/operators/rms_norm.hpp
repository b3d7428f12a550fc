// Root-mean-square normalisation of rows, forward and backward.
//
//   r[t] = 1 / sqrt(mean_i x[t,i]^2 + epsilon),   y[t,i] = w[i] x[t,i] r[t]
//   dx[t,i] = r[t] (g[t,i] - x[t,i] r[t]^2 mean_j g[t,j] x[t,j]),   g[t,i] = w[i] dy[t,i]
//   dw[i]   = sum_t dy[t,i] x[t,i] r[t]
// x, y, dx, dy are [T, h], w and dw [h], r [T]. Sums over a row and sums over rows are in double.
// Source: Zhang and Sennrich, Root Mean Square Layer Normalization, 2019; epsilon inside the root.
#pragma once

#include "operators/matrix_view.hpp"
#include "operators/row_reduction.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// y [T, h] and the inverse root mean squares r [T] of x [T, h], for weights w [h].
template <class Real>
void rms_norm_forward(matrix_view<Real const> x, std::span<Real const> w, double epsilon,
                      matrix_view<Real> y, std::span<Real> r) noexcept {
  auto const h = static_cast<std::size_t>(x.columns);
  for (std::int64_t t = 0; t < x.rows; ++t) {
    auto const row = x.row(t);
    double const mean_square = row_product(row, row) / static_cast<double>(h);
    auto const inverse = static_cast<Real>(1.0 / std::sqrt(mean_square + epsilon));
    r[static_cast<std::size_t>(t)] = inverse;
    Real* const out = y.row(t).data();
    for (std::size_t i = 0; i < h; ++i) out[i] = w[i] * (row[i] * inverse);
  }
}

/// Adds the input gradient to dx [T, h] and the weight gradient to dw [h] (in double, so that it may
/// be gathered over many calls); x, w and r are those of the forward call, dy [T, h].
template <class Real>
void rms_norm_backward(matrix_view<Real const> x, std::span<Real const> w, std::span<Real const> r,
                       matrix_view<Real const> dy, matrix_view<Real> dx,
                       std::span<double> dw) noexcept {
  auto const h = static_cast<std::size_t>(x.columns);
  for (std::int64_t t = 0; t < x.rows; ++t) {
    Real const* const row = x.row(t).data();
    Real const* const gradient = dy.row(t).data();
    Real const* const weight = w.data();
    Real const inverse = r[static_cast<std::size_t>(t)];
    double const projection = reduction(
        h, 0.0,
        [weight, row, gradient](std::size_t i) {
          return static_cast<double>(weight[i] * gradient[i]) * static_cast<double>(row[i]);
        },
        [](double a, double b) { return a + b; });
    auto const pull = static_cast<Real>(projection / static_cast<double>(h) *
                                        static_cast<double>(inverse) * static_cast<double>(inverse));
    Real* const out = dx.row(t).data();
    double* const d_weight = dw.data();
    for (std::size_t i = 0; i < h; ++i) {
      out[i] += inverse * (weight[i] * gradient[i] - row[i] * pull);
      d_weight[i] += static_cast<double>(gradient[i] * (row[i] * inverse));
    }
  }
}

}  // namespace trainer
