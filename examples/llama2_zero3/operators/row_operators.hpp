// The operators of a layer on matrices of any stored format: 16-bit rows become fp32 for the operator
// and are rounded once after it.
//
// The operators themselves know fp32 (and fp64, for tests) only, so norms, rotations, activations
// and their sums are the same code at every precision. fp32 and fp64 matrices are passed on as they
// are, whole; 16-bit ones go row by row through memory that this object owns, allocated once.
#pragma once

#include "arena.hpp"
#include "operators/conversion.hpp"
#include "operators/mixed_product.hpp"
#include "operators/rms_norm.hpp"
#include "operators/rotary_embedding.hpp"
#include "operators/swiglu.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace trainer {

template <class Number>
class row_operators {
 public:
  using real = arithmetic<Number>;

  /// Exact bytes one object allocates, for rows of at most `widest` elements.
  static std::int64_t bytes(std::int64_t widest) { return half_width<Number> ? block_bytes<parts>(widest) : 0; }

  explicit row_operators(std::int64_t widest)
      : memory_(bytes(widest)), parts_(memory_, half_width<Number> ? widest : 0) {}

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes(); }

  /// c (+)= a * b, see mixed_product; c is of Number or of its arithmetic.
  template <class Result>
  void multiply(std::type_identity_t<factor<Number>> const& a, std::type_identity_t<factor<Number>> const& b,
                matrix_view<Result> c, accumulate onto = accumulate::no) const {
    mixed_product<Number>(a, b, c, onto);
  }

  /// rms_norm_forward of x [T, h] into y [T, h] and r [T], for weights w [1, h].
  void norm_forward(matrix_view<Number const> x, matrix_view<Number const> w, double epsilon, matrix_view<Number> y,
                    std::span<real> r) const noexcept {
    if constexpr (half_width<Number>) {
      auto const weights = read(w.row(0), 0);
      for (std::int64_t t = 0; t < x.rows; ++t) {
        auto const row = read(x.row(t), 1), out = room(x.columns, 2);
        rms_norm_forward<real>(row, weights.row(0), epsilon, out, r.subspan(static_cast<std::size_t>(t), 1));
        narrow<Number>(out.row(0), y.row(t));
      }
    } else {
      rms_norm_forward<real>(x, w.row(0), epsilon, y, r);
    }
  }

  /// rms_norm_backward: adds the input gradient to dx [T, h] and the weight gradient to dw [h].
  void norm_backward(matrix_view<Number const> x, matrix_view<Number const> w, std::span<real const> r,
                     matrix_view<real const> dy, matrix_view<Number> dx, std::span<double> dw) const noexcept {
    if constexpr (half_width<Number>) {
      auto const weights = read(w.row(0), 0);
      for (std::int64_t t = 0; t < x.rows; ++t) {
        auto const row = read(x.row(t), 1), gradient = read(dx.row(t), 2);
        rms_norm_backward<real>(row, weights.row(0), r.subspan(static_cast<std::size_t>(t), 1),
                                dy.block(t, 0, 1, dy.columns), gradient, dw);
        narrow<Number>(gradient.row(0), dx.row(t));
      }
    } else {
      rms_norm_backward<real>(x, w.row(0), r, dy, dx, dw);
    }
  }

  /// rotary_embedding of the first `heads` heads of every row of x, in place.
  void rotate(matrix_view<Number> x, std::int64_t heads, std::int64_t positions, rotary_angles<real> const& angles,
              rotation direction) const noexcept {
    if constexpr (half_width<Number>) {
      auto const width = heads * 2 * angles.pairs;
      for (std::int64_t t = 0; t < x.rows; ++t) {
        auto const at = static_cast<std::size_t>(t % positions * angles.pairs);
        auto const rotated = x.block(t, 0, 1, width).row(0);
        auto const row = read(rotated, 0);
        rotary_angles<real> const here{angles.cosines.subspan(at), angles.sines.subspan(at), angles.pairs};
        rotary_embedding<real>(row, heads, 1, here, direction);
        narrow<Number>(row.row(0), rotated);
      }
    } else {
      rotary_embedding<real>(x, heads, positions, angles, direction);
    }
  }

  /// swiglu_forward of gate_up [T, 2f] into y [T, f].
  void activate(matrix_view<Number const> gate_up, matrix_view<Number> y) const noexcept {
    if constexpr (half_width<Number>) {
      for (std::int64_t t = 0; t < y.rows; ++t) {
        auto const out = room(y.columns, 1);
        swiglu_forward<real>(read(gate_up.row(t), 0), out);
        narrow<Number>(out.row(0), y.row(t));
      }
    } else {
      swiglu_forward<real>(gate_up, y);
    }
  }

  /// swiglu_backward: replaces gate_up [T, 2f] by its gradient, for dy [T, f].
  void activation_backward(matrix_view<real const> dy, matrix_view<Number> gate_up) const noexcept {
    if constexpr (half_width<Number>) {
      for (std::int64_t t = 0; t < dy.rows; ++t) {
        auto const row = read(gate_up.row(t), 0);
        swiglu_backward<real>(dy.block(t, 0, 1, dy.columns), row);
        narrow<Number>(row.row(0), gate_up.row(t));
      }
    } else {
      swiglu_backward<real>(dy, gate_up);
    }
  }

 private:
  struct parts {
    std::array<std::span<real>, 3> rows;  // [widest] each

    parts(arena& from, std::int64_t widest)
        : rows{from.take<real>(widest), from.take<real>(widest), from.take<real>(widest)} {}
  };

  /// Row `place` of this object's memory, as a matrix of one row.
  matrix_view<real> room(std::int64_t width, std::size_t place) const noexcept {
    return {parts_.rows[place], 1, width};
  }

  template <class Element>
  matrix_view<real> read(std::span<Element> row, std::size_t place) const noexcept {
    auto const to = room(static_cast<std::int64_t>(row.size()), place);
    widen<Number>(row, to.row(0));
    return to;
  }

  arena memory_;
  parts parts_;
};

}  // namespace trainer
