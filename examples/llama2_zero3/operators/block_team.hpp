// The threads of one rank, each with its own operators and memory, and the work that they share.
//
//   y  = f(x)         block by block of rows (128, or as tuned), each on the thread that is free
//   dW = dy^T x       block by block of dW's rows, so that no two threads add to one element
//   dw = sum over rows, of a vector: a partial sum for every block, added in the order of blocks
// Neither the blocks nor the order of any sum depends on the number of threads.
#pragma once

#include "arena.hpp"
#include "compute_settings.hpp"
#include "untuned_fc_plan.hpp"
#include "operators/row_blocks.hpp"
#include "operators/row_operators.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace trainer {

/// The operator that a matrix's products are, whatever their pass.
constexpr operator_kind operator_of(fc_matrix matrix) noexcept {
  constexpr std::array kinds{operator_kind::qkv, operator_kind::wo, operator_kind::gate_up, operator_kind::down, operator_kind::lm_head};
  return kinds[static_cast<std::size_t>(matrix)];
}

template <class Number>
class block_team {
 public:
  using real = arithmetic<Number>;

  /// Matrices of `rows` rows of at most `widest` elements, of which vectors of at most `summed` elements are
  /// summed up over the rows.
  struct sizes {
    std::int64_t rows, widest, summed;
  };

  /// Exact bytes one object allocates.
  static std::int64_t bytes(sizes const& most, compute_settings const& compute) {
    auto const height = resolved<Number>(compute.fc, most.rows).height;
    return compute.threads * row_operators<Number>::bytes(member(most, height, 0)) + block_bytes<parts>(most, height);
  }

  block_team(sizes const& most, compute_settings const& compute)
      : plan_(resolved<Number>(compute.fc, most.rows)), profile_(compute.profile), memory_(block_bytes<parts>(most, plan_.height)), parts_(memory_, most, plan_.height) {
    for (int i = 0; i < compute.threads; ++i) members_.emplace_back(member(most, plan_.height, static_cast<std::size_t>(i)));
  }

  std::int64_t allocated_bytes() const noexcept {
    auto bytes = memory_.allocated_bytes();
    for (auto const& one : members_) bytes += one.allocated_bytes();
    return bytes;
  }

  int threads() const noexcept { return static_cast<int>(members_.size()); }
  operator_laps laps(std::size_t thread) const noexcept { return {profile_, thread}; }
  operator_laps laps_of_all() const noexcept { return operator_laps::of_all(profile_); }

  /// body(row_block, row_operators of its thread) for all blocks of `rows` rows, of those there is memory for.
  template <class Body>
  void for_each_block(std::int64_t rows, Body const& body) const {
    for_each_row_block(rows, plan_.height, threads(), [&](row_block const& block) { body(block, members_[block.thread]); });
  }

  /// The same, where every block adds to a sum [size] of its own; `sums` becomes their sum.
  template <class Body>
  void for_each_block(std::int64_t rows, std::span<double> sums, Body const& body) const {
    for_each_block(rows, [&](row_block const& block, row_operators<Number> const& run) {
      auto const partial = partial_sum(block.index, sums.size());
      std::ranges::fill(partial, 0.0);
      body(block, run, partial);
    });
    std::ranges::fill(sums, 0.0);
    for (std::size_t index = 0; index < static_cast<std::size_t>(block_count(rows, plan_.height)); ++index) {
      auto const partial = partial_sum(index, sums.size());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += partial[i];
    }
  }

  /// dw [out, in] (+)= dy^T x, for dy [T, out] and x [T, in].
  template <class Result>
  void weight_gradient(fc_matrix matrix, matrix_view<Number const> dy, matrix_view<Number const> x, matrix_view<Result> dw,
                       accumulate onto = accumulate::no) const {
    auto const how = plan_.gradients[static_cast<std::size_t>(matrix)];
    bool const in_place = std::is_same_v<Result, real>;  // else a block is summed in a tile, and rounded
    auto const rows = std::min(rows_of_block(how, dw.rows, threads()), in_place ? dw.rows : members_.front().tile_elements() / dw.columns);
    for_each_row_block(dw.rows, rows, threads(), [&](row_block const& block) {
      auto lap = laps(block.thread);
      members_[block.thread].multiply(how.kernel, transposed(dy.block(0, block.first, dy.rows, block.rows)), x, part(dw, block), onto);
      lap(operator_of(matrix), operator_pass::weight_gradient, product_work(block.rows, dw.columns, dy.rows, sizeof(Number)));
    });
  }

 private:
  struct parts {
    std::span<double> partial_sums;  // [blocks, summed]

    parts(arena& from, sizes const& most, std::int64_t height)
        : partial_sums(from.take<double>(block_count(most.rows, height) * most.summed)) {}
  };

  // A tile holds a block of a result, and enough rows of a weight's gradient.
  static typename row_operators<Number>::sizes member(sizes const& most, std::int64_t height, std::size_t thread) {
    return {.widest = most.widest, .tile = std::max<std::int64_t>(height, 128) * most.widest, .thread = thread};
  }

  std::span<double> partial_sum(std::size_t index, std::size_t size) const noexcept {
    return parts_.partial_sums.subspan(index * size, size);
  }

  fc_plan plan_;
  operator_profile* profile_;
  arena memory_;
  parts parts_;
  std::vector<row_operators<Number>> members_;
};

}  // namespace trainer
