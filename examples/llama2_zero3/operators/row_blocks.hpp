// Work on the rows of a matrix, block by block, shared by the threads of one rank.
//
// Blocks are cut by the number of rows and a block's height alone, never by the number of threads, so
// what is computed has the same bits on any number of them. A free thread takes the next block: a core
// that is busy with something else delays the last block, not a half of all.
// Within a block oneDNN runs on the block's thread, also where that is the calling one: a product that it splits
// has other bits on processors without AVX-512.
#pragma once

#include "operators/matrix_view.hpp"
#include "operators/openmp_threads.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace trainer {

/// Rows [first, first + rows) of a matrix, the index-th block of it, on the thread-th of a rank's threads.
struct row_block {
  std::int64_t first, rows;
  std::size_t index, thread;
};

/// The height of blocks where a row is one number: what one core's cache holds of several such arrays.
inline constexpr std::int64_t elements_at_once = 1 << 14;

/// The rows of a matrix, or the elements of a vector, that a block names.
template <class Element>
constexpr matrix_view<Element> part(matrix_view<Element> m, row_block const& block) noexcept {
  return m.block(block.first, 0, block.rows, m.columns);
}
template <class Element>
constexpr std::span<Element> part(std::span<Element> values, row_block const& block) noexcept {
  return values.subspan(static_cast<std::size_t>(block.first), static_cast<std::size_t>(block.rows));
}

/// How many blocks of `height` rows there are, the last perhaps of fewer.
constexpr std::int64_t block_count(std::int64_t rows, std::int64_t height) noexcept { return (rows + height - 1) / height; }

/// Calls body(row_block) for every block, on up to `threads` threads, each in [0, threads); throws what
/// one of them threw, after all have ended. Precondition: height and threads of at least 1.
template <class Body>
void for_each_row_block(std::int64_t rows, std::int64_t height, int threads, Body const& body) {
  auto const count = block_count(rows, height);
  auto const block = [&](std::int64_t index, std::size_t thread) {
    auto const first = index * height;
    return row_block{first, std::min(height, rows - first), static_cast<std::size_t>(index), thread};
  };
#ifdef _OPENMP
  if (threads > 1 && count > 1) {
    std::exception_ptr failure;
    std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (std::int64_t index = 0; index < count; ++index) {
      try {
        body(block(index, static_cast<std::size_t>(omp_get_thread_num())));
      } catch (...) {
        if (!failed.exchange(true)) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#else
  static_cast<void>(threads);
#endif
  openmp_threads const alone(1);
  for (std::int64_t index = 0; index < count; ++index) body(block(index, 0));
}

}  // namespace trainer
