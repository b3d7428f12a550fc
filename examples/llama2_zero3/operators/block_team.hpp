// The threads of one rank, each with its own operators and memory, and the work that they share.
//
//   y  = f(x)         block by block of 128 rows, each on the thread that is free
//   dW = dy^T x       block by block of dW's rows, so that no two threads add to one element
//   dw = sum over rows, of a vector: a partial sum for every block, added in the order of blocks
// Neither the blocks nor the order of any sum depends on the number of threads.
#pragma once

#include "arena.hpp"
#include "operators/row_blocks.hpp"
#include "operators/row_operators.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trainer {

template <class Number>
class block_team {
 public:
  using real = arithmetic<Number>;

  static constexpr std::int64_t height = 128;  // rows of a block: enough for a product, few enough for a cache

  /// Exact bytes one object allocates, for matrices of `rows` rows of at most `widest` elements, of which
  /// vectors of at most `summed` are summed up over the rows.
  static std::int64_t bytes(std::int64_t rows, std::int64_t widest, std::int64_t summed, int threads) {
    return threads * row_operators<Number>::bytes(member(widest)) + block_bytes<parts>(rows, summed);
  }

  block_team(std::int64_t rows, std::int64_t widest, std::int64_t summed, int threads)
      : memory_(block_bytes<parts>(rows, summed)), parts_(memory_, rows, summed) {
    for (int i = 0; i < threads; ++i) members_.emplace_back(member(widest));
  }

  std::int64_t allocated_bytes() const noexcept {
    auto bytes = memory_.allocated_bytes();
    for (auto const& one : members_) bytes += one.allocated_bytes();
    return bytes;
  }

  int threads() const noexcept { return static_cast<int>(members_.size()); }

  /// body(row_block, row_operators of its thread) for all blocks of `rows` rows, of those there is memory for.
  template <class Body>
  void for_each_block(std::int64_t rows, Body const& body) const {
    for_each_row_block(rows, height, threads(), [&](row_block const& block) { body(block, members_[block.thread]); });
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
    for (std::size_t index = 0; index < static_cast<std::size_t>(block_count(rows, height)); ++index) {
      auto const partial = partial_sum(index, sums.size());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += partial[i];
    }
  }

  /// dw [out, in] (+)= dy^T x, for dy [T, out] and x [T, in].
  template <class Result>
  void weight_gradient(matrix_view<Number const> dy, matrix_view<Number const> x, matrix_view<Result> dw,
                       accumulate onto = accumulate::no) const {
    for_each_row_block(dw.rows, gradient_rows(dw.columns), threads(), [&](row_block const& block) {
      members_[block.thread].multiply(transposed(dy.block(0, block.first, dy.rows, block.rows)), x,
                                      dw.block(block.first, 0, block.rows, dw.columns), onto);
    });
  }

 private:
  struct parts {
    std::span<double> partial_sums;  // [blocks, summed]

    parts(arena& from, std::int64_t rows, std::int64_t summed)
        : partial_sums(from.take<double>(block_count(rows, height) * summed)) {}
  };

  static typename row_operators<Number>::sizes member(std::int64_t widest) {
    return {.widest = widest, .tile = height * widest};
  }

  /// Rows of a weight's gradient that are computed at once: as many as a tile holds, at most 256.
  std::int64_t gradient_rows(std::int64_t columns) const {
    return std::min(members_.front().tile_elements() / columns, std::int64_t{2} * height);
  }

  std::span<double> partial_sum(std::size_t index, std::size_t size) const noexcept {
    return parts_.partial_sums.subspan(index * size, size);
  }

  arena memory_;
  parts parts_;
  std::vector<row_operators<Number>> members_;
};

}  // namespace trainer
