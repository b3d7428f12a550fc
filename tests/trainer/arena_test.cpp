#include "arena.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <utility>

TEST_CASE("a measuring arena counts whole cache lines") {
  trainer::arena counter;
  CHECK(counter.take<float>(1).empty());
  CHECK(counter.used_bytes() == 64);
  CHECK(counter.take<double>(9).empty());
  CHECK(counter.used_bytes() == 192);
  CHECK(counter.allocated_bytes() == 0);
}

TEST_CASE("an owning arena hands out aligned, zero, separate parts and no more than it has") {
  trainer::arena memory(192);
  auto const first = memory.take<float>(1);
  auto const second = memory.take<double>(9);
  CHECK(reinterpret_cast<std::uintptr_t>(first.data()) % 64 == 0);
  CHECK(reinterpret_cast<std::byte*>(second.data()) -
            reinterpret_cast<std::byte*>(first.data()) == 64);
  CHECK(std::ranges::count(second, 0.0) == 9);
  CHECK_THROWS_WITH_AS(memory.take<float>(1), "arena: 256 bytes were needed, there are 192",
                       std::logic_error);
  auto const moved = std::move(memory);
  second[8] = 1.0;
  CHECK(moved.allocated_bytes() == 192);
}
