// SwiGLU of a fused gate/up product, forward and backward.
//
//   z = gate_up[t, 0:f] (gate), u = gate_up[t, f:2f] (up), s = 1 / (1 + exp(-z)),   y = z s u
//   dz = dy u s (1 + z (1 - s)),   du = dy z s
// gate_up is [T, 2f], y and dy [T, f]. Source: Shazeer, GLU Variants Improve Transformer, 2020.
#pragma once

#include "operators/exponential.hpp"
#include "operators/matrix_view.hpp"

#include <cstdint>

namespace trainer {

/// y [T, f] of gate_up [T, 2f].
template <class Real>
void swiglu_forward(matrix_view<Real const> gate_up, matrix_view<Real> y) noexcept {
  for (std::int64_t t = 0; t < y.rows; ++t) {
    Real const* const gate = gate_up.row(t).data();
    Real const* const up = gate + y.columns;
    Real* const out = y.row(t).data();
    for (std::int64_t i = 0; i < y.columns; ++i)
      out[i] = gate[i] * up[i] / (Real{1} + exponential(-gate[i]));
  }
}

/// Replaces gate_up [T, 2f] by its gradient, for dy [T, f].
template <class Real>
void swiglu_backward(matrix_view<Real const> dy, matrix_view<Real> gate_up) noexcept {
  for (std::int64_t t = 0; t < dy.rows; ++t) {
    Real* const gate = gate_up.row(t).data();
    Real* const up = gate + dy.columns;
    Real const* const gradient = dy.row(t).data();
    for (std::int64_t i = 0; i < dy.columns; ++i) {
      Real const z = gate[i], u = up[i];
      Real const sigmoid = Real{1} / (Real{1} + exponential(-z));
      Real const silu = z * sigmoid;
      gate[i] = gradient[i] * u * (sigmoid + silu * (Real{1} - sigmoid));
      up[i] = gradient[i] * silu;
    }
  }
}

}  // namespace trainer
