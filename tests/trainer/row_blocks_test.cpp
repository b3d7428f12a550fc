#include "operators/row_blocks.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

using namespace trainer;

TEST_CASE("every row is in one block, whatever the number of threads") {
  for (int const threads : {1, 2, 5}) {
    for (std::int64_t const rows : {0, 1, 7, 8, 9, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<std::size_t>(rows));
      for_each_row_block(rows, 8, threads, [&](row_block const& block) {
        CHECK_UNARY(block.first == static_cast<std::int64_t>(block.index) * 8);
        CHECK_UNARY(block.thread < static_cast<std::size_t>(threads));
        for (auto i = block.first; i < block.first + block.rows; ++i) ++seen[static_cast<std::size_t>(i)];
      });
      for (auto const& times : seen) CHECK_UNARY(times == 1);
    }
  }
}

TEST_CASE("what one thread throws is thrown to the caller, after all have ended") {
  for (int const threads : {1, 2}) {
    CHECK_THROWS_WITH_AS(for_each_row_block(100, 8, threads,
                                            [](row_block const& block) {
                                              if (block.index == 5) throw std::runtime_error("no block");
                                            }),
                         "no block", std::runtime_error);
  }
}

#ifdef _OPENMP
TEST_CASE("a parallel region within a block is of one thread, whatever the caller's setting") {
  for (int const threads : {1, 2}) {
    for (std::int64_t const rows : {8, 100}) {
      openmp_threads const setting(3);
      std::atomic<int> most{0};
      for_each_row_block(rows, 8, threads, [&](row_block const&) {
#pragma omp parallel
        if (omp_get_num_threads() > most) most = omp_get_num_threads();
      });
      CHECK(most == 1);
      CHECK(omp_get_max_threads() == 3);  // and is the caller's again
    }
  }
}
#endif
