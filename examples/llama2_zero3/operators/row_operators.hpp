// The operators of a layer on a block of rows of any stored format, for one thread.
//
// The operators themselves know fp32 (and fp64, for tests) only, so norms, rotations, activations
// and their sums are the same code at every precision. fp32 and fp64 matrices are passed on as they
// are, whole; 16-bit ones go row by row through memory that this object owns, allocated once. So does the
// fp32 result of a product that is rounded to 16 bits: it stays in the core's cache.
// Loops run at the processor's widest vectors, products on the calling thread.
#pragma once

#include "arena.hpp"
#include "operators/conversion.hpp"
#include "operators/fc_product.hpp"
#include "operators/mixed_product.hpp"
#include "operators/rms_norm.hpp"
#include "operators/rotary_embedding.hpp"
#include "operators/swiglu.hpp"
#include "operators/widest_vectors.hpp"

#include <algorithm>
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

  /// Rows of at most `widest` elements, and products of at most `tile` elements [rows, columns]; whose they are
  /// among a rank's threads.
  struct sizes {
    std::int64_t widest, tile;
    std::size_t thread = 0;
  };

  /// Exact bytes one object allocates.
  static std::int64_t bytes(sizes const& most) { return block_bytes<parts>(most); }

  explicit row_operators(sizes const& most) : thread_(most.thread), memory_(bytes(most)), parts_(memory_, most) {}

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes(); }
  std::int64_t tile_elements() const noexcept { return static_cast<std::int64_t>(parts_.tile.size()); }

  /// a [rows, .] * the weights of `fc` in this object's tile, until the next product.
  matrix_view<real> multiplied(matrix_view<Number const> a, fc_product<Number>& fc) const {
    matrix_view<real> const c(parts_.tile, a.rows, fc.columns());
    fc.multiply(a, c, thread_);
    return c;
  }

  /// c (+)= a * the weights of `fc`; sums are rounded once.
  void multiply(matrix_view<Number const> a, fc_product<Number>& fc, matrix_view<Number> c, accumulate onto = accumulate::no) const {
    if constexpr (!half_width<Number>) {
      if (onto == accumulate::no && c.stride == c.columns) return fc.multiply(a, c, thread_);
    }
    auto const sums = multiplied(a, fc);
    with_widest_vectors([&] {
      if constexpr (half_width<Number>) {
        round_into<Number>(sums, c, onto);
      } else {
        add_rows(sums, c, onto);
      }
    });
  }

  /// c (+)= a * b by an unpacked kernel, c of Number or of its arithmetic; a sum of 16-bit numbers is rounded once.
  template <class Result>
  void multiply(fc_kernel kernel, std::type_identity_t<factor<Number>> const& a, std::type_identity_t<factor<Number>> const& b,
                matrix_view<Result> c, accumulate onto = accumulate::no) const {
    if constexpr (std::is_same_v<Result, real>) {
      unpacked_product<Number>(kernel, a, b, c, onto);
    } else {
      matrix_view<real> const sums(parts_.tile, c.rows, c.columns);
      unpacked_product<Number>(kernel, a, b, sums);
      with_widest_vectors([&] { round_into<Number>(sums, c, onto); });
    }
  }

  /// c = x + a * the weights of `fc`, which does not overlap x; rounded once.
  void multiply_and_add(matrix_view<Number const> a, fc_product<Number>& fc, matrix_view<Number const> x,
                        matrix_view<Number> c) const {
    for (std::int64_t i = 0; i < c.rows; ++i) std::ranges::copy(x.row(i), c.row(i).begin());
    multiply(a, fc, c, accumulate::yes);
  }

  /// rms_norm_forward of x [T, h] into y [T, h] and r [T], for weights w [1, h].
  void norm_forward(matrix_view<Number const> x, matrix_view<Number const> w, double epsilon, matrix_view<Number> y,
                    std::span<real> r) const noexcept {
    with_widest_vectors([&] {
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
    });
  }

  /// rms_norm_backward: adds the input gradient to dx [T, h] and the weight gradient to dw [h].
  void norm_backward(matrix_view<Number const> x, matrix_view<Number const> w, std::span<real const> r,
                     matrix_view<real const> dy, matrix_view<Number> dx, std::span<double> dw) const noexcept {
    with_widest_vectors([&] {
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
    });
  }

  /// rotary_embedding of the first `heads` heads of every row of x, in place; row 0 of x is row `first` of its
  /// matrix.
  void rotate(matrix_view<Number> x, std::int64_t first, std::int64_t heads, std::int64_t positions,
              rotary_angles<real> const& angles, rotation direction) const noexcept {
    with_widest_vectors([&] {
      auto const width = heads * 2 * angles.pairs;
      for (std::int64_t t = 0; t < x.rows; ++t) {
        auto const at = static_cast<std::size_t>((first + t) % positions * angles.pairs);
        rotary_angles<real> const here{angles.cosines.subspan(at), angles.sines.subspan(at), angles.pairs};
        auto const rotated = x.block(t, 0, 1, width);
        if constexpr (half_width<Number>) {
          auto const row = read(rotated.row(0), 0);
          rotary_embedding<real>(row, heads, 1, here, direction);
          narrow<Number>(row.row(0), rotated.row(0));
        } else {
          rotary_embedding<real>(rotated, heads, 1, here, direction);
        }
      }
    });
  }

  /// swiglu_forward of gate_up [T, 2f] into y [T, f].
  void activate(matrix_view<Number const> gate_up, matrix_view<Number> y) const noexcept {
    with_widest_vectors([&] {
      if constexpr (half_width<Number>) {
        for (std::int64_t t = 0; t < y.rows; ++t) {
          auto const out = room(y.columns, 1);
          swiglu_forward<real>(read(gate_up.row(t), 0), out);
          narrow<Number>(out.row(0), y.row(t));
        }
      } else {
        swiglu_forward<real>(gate_up, y);
      }
    });
  }

  /// swiglu_backward: replaces gate_up [T, 2f] by its gradient, for dy [T, f].
  void activation_backward(matrix_view<real const> dy, matrix_view<Number> gate_up) const noexcept {
    with_widest_vectors([&] {
      if constexpr (half_width<Number>) {
        for (std::int64_t t = 0; t < dy.rows; ++t) {
          auto const row = read(gate_up.row(t), 0);
          swiglu_backward<real>(dy.block(t, 0, 1, dy.columns), row);
          narrow<Number>(row.row(0), gate_up.row(t));
        }
      } else {
        swiglu_backward<real>(dy, gate_up);
      }
    });
  }

 private:
  struct parts {
    std::array<std::span<real>, 3> rows;  // [widest] each, where Number has 16 bits
    std::span<real> tile;

    parts(arena& from, sizes const& most) : tile(from.take<real>(most.tile)) {
      if constexpr (half_width<Number>) rows = {from.take<real>(most.widest), from.take<real>(most.widest), from.take<real>(most.widest)};
    }
  };

  static void add_rows(matrix_view<real const> sums, matrix_view<real> c, accumulate onto) noexcept {
    for (std::int64_t i = 0; i < c.rows; ++i) {
      real const* const sum = sums.row(i).data();
      real* const to = c.row(i).data();
      for (std::int64_t j = 0; j < c.columns; ++j) to[j] = onto == accumulate::yes ? to[j] + sum[j] : sum[j];
    }
  }

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

  std::size_t thread_;
  arena memory_;
  parts parts_;
};

}  // namespace trainer
