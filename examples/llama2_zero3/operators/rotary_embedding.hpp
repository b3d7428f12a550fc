// Rotary position embedding in the half-rotation convention of Hugging Face's llama.
//
// Element i of a head is paired with element i + d/2 (not with its neighbour, as in the original
// llama weights, whose rows are permuted on conversion): for angle a = p theta^(-2 i / d) at position p
//   y[i] = x[i] cos a - x[i + d/2] sin a,   y[i + d/2] = x[i + d/2] cos a + x[i] sin a.
// A rotation is undone by its transpose, so the backward is the rotation by -a.
// Source: Su et al., RoFormer, 2021. Not here: scaled or interpolated frequencies.
#pragma once

#include "operators/matrix_view.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// cosines and sines [S, d/2] of the angles of positions 0 .. S-1.
template <class Real>
struct rotary_angles {
  std::span<Real> cosines, sines;
  std::int64_t pairs;  // d / 2
};

/// Fills the tables for `positions` positions and base frequency theta.
template <class Real>
void fill_rotary_angles(rotary_angles<Real> angles, std::int64_t positions, double theta) {
  auto const pairs = static_cast<double>(angles.pairs);
  for (std::int64_t p = 0; p < positions; ++p)
    for (std::int64_t i = 0; i < angles.pairs; ++i) {
      double const angle =
          static_cast<double>(p) * std::pow(theta, -static_cast<double>(i) / pairs);
      auto const at = static_cast<std::size_t>(p * angles.pairs + i);
      angles.cosines[at] = static_cast<Real>(std::cos(angle));
      angles.sines[at] = static_cast<Real>(std::sin(angle));
    }
}

enum class rotation { forward, backward };

/// Rotates, in place, the first `heads` heads of every row of x [T, >= heads * d], or their gradients
/// back; the position of row t is t modulo `positions`.
template <class Real>
void rotary_embedding(matrix_view<Real> x, std::int64_t heads, std::int64_t positions,
                      rotary_angles<Real> const& angles, rotation direction) noexcept {
  auto const pairs = angles.pairs;
  Real const sign = direction == rotation::forward ? Real{1} : Real{-1};
  for (std::int64_t t = 0; t < x.rows; ++t) {
    auto const position = t % positions;
    Real const* const cosine = angles.cosines.data() + position * pairs;
    Real const* const sine = angles.sines.data() + position * pairs;
    for (std::int64_t head = 0; head < heads; ++head) {
      Real* const low = x.row(t).data() + head * 2 * pairs;
      Real* const high = low + pairs;
      for (std::int64_t i = 0; i < pairs; ++i) {
        Real const a = low[i], b = high[i], s = sign * sine[i];
        low[i] = a * cosine[i] - b * s;
        high[i] = b * cosine[i] + a * s;
      }
    }
  }
}

}  // namespace trainer
