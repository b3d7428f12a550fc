// The ledger counts what buffers hold, and the buffers are what the engine relies on.
#include "ledger.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

using trainer::buffer;
using trainer::charged;
using trainer::ledger;
using trainer::memory_part;

TEST_CASE("live bytes follow the buffers' lives, peaks stay") {
  ledger book;
  {
    buffer<float> const parameters{book, memory_part::parameters, 100};
    {
      buffer<double> const scratch{book, memory_part::scratch, 10};
      CHECK(book.live()[memory_part::parameters] == 400);
      CHECK(book.live()[memory_part::scratch] == 80);
      CHECK(book.live().total() == 480);
    }
    buffer<double> const exchange{book, memory_part::exchange, 5};
    CHECK(book.live().total() == 440);
  }
  CHECK(book.live().total() == 0);
  CHECK(book.peak()[memory_part::scratch] == 80);
  CHECK(book.peak()[memory_part::exchange] == 40);
  CHECK(book.peak().total() == 520);  // parts at their own peaks
  CHECK(book.peak_total() == 480);    // the peak of the sum
}

TEST_CASE("a moved buffer keeps its bytes and its charge") {
  ledger book;
  std::vector<buffer<float>> each;
  for (int i = 1; i <= 9; ++i) {
    each.emplace_back(book, memory_part::gradients, i);
    each.back().span()[0] = static_cast<float>(i);
  }
  CHECK(book.live()[memory_part::gradients] == 4 * 45);
  CHECK(std::ranges::all_of(each, [](auto const& one) {
    return one.span()[0] == static_cast<float>(one.span().size());
  }));
  each[0] = buffer<float>{book, memory_part::gradients, 100};
  CHECK(book.live()[memory_part::gradients] == 4 * 144);
  each.clear();
  CHECK(book.live().total() == 0);
}

TEST_CASE("buffers are zero and start on a cache line") {
  ledger book;
  for (std::int64_t size : {1, 3, 64, 1000}) {
    buffer<float> fresh{book, memory_part::gradients, size};
    CHECK(reinterpret_cast<std::uintptr_t>(fresh.span().data()) % 64 == 0);
    CHECK(std::ranges::all_of(fresh.span(), [](float value) { return value == 0; }));
    std::ranges::fill(fresh.span(), 7.0F);  // so that memory used again would show
  }
}

TEST_CASE("a negative size and giving back too much are refused") {
  ledger book;
  CHECK_THROWS_AS(buffer<float>(book, memory_part::scratch, -1), std::invalid_argument);
  charged const some{book, memory_part::scratch, 8};
  CHECK_THROWS_WITH_AS(book.charge(memory_part::scratch, -9),
                       "ledger: at most 8 bytes of scratch to give back needed, received 9",
                       std::logic_error);
  CHECK(book.live()[memory_part::scratch] == 8);
}
