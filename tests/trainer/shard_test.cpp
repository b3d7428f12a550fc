// Laws of the cut over many sizes of unit and world.
#include "shard.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <vector>

using trainer::block_elements;
using trainer::cut;

static_assert(block_elements(1) == 64);
static_assert(block_elements(64 * 4096) == 64);
static_assert(block_elements(64 * 4096 + 1) == 128);
static_assert(block_elements(202'383'360) == 49'472);  // a layer of llama2-7b
static_assert(cut(202'383'360, 8).shard == 512 * 49'472);
static_assert(cut(202'383'360, 8).padded() == 202'637'312);
static_assert(cut(65, 1).shard == 128);
static_assert(cut(65, 8).shard == 64);
static_assert(cut(65, 8).owned(0) == 64);
static_assert(cut(65, 8).owned(1) == 1);
static_assert(cut(65, 8).owned(2) == 0);

namespace {

constexpr std::array<std::int64_t, 14> numels{1,   63,  64,   65,    127,    795,     810,
                                              1605, 4096, 64 * 4096 - 1, 64 * 4096, 64 * 4096 + 1,
                                              300'165, 202'383'360};
constexpr std::array<std::int64_t, 9> worlds{1, 2, 3, 4, 5, 7, 8, 16, 1000};

void for_each_cut(auto&& law) {
  for (auto const numel : numels) {
    for (auto const world : worlds) {
      CAPTURE(numel);
      CAPTURE(world);
      law(numel, world, cut(numel, world));
    }
  }
}

}  // namespace

TEST_CASE("the owned ranges cover the unit exactly once, in rank order") {
  for_each_cut([](std::int64_t numel, std::int64_t world, auto const& of) {
    std::int64_t next = 0;
    bool in_order = true;
    for (std::int64_t rank = 0; rank < world; ++rank) {
      in_order = in_order && (of.owned(rank) == 0 || of.first(rank) == next);
      next += of.owned(rank);
    }
    CHECK(in_order);
    CHECK(next == numel);
  });
}

TEST_CASE("blocks do not depend on the world, and none is divided between ranks") {
  for_each_cut([](std::int64_t numel, std::int64_t, auto const& of) {
    CHECK(of.block == cut(numel, 1).block);
    CHECK(of.blocks() == cut(numel, 1).blocks());
    CHECK(of.shard % of.block == 0);
    CHECK(of.block % 64 == 0);
    CHECK(of.blocks() <= 4096);
  });
}

TEST_CASE("the padded unit holds the unit, and a shard exceeds its part by less than a block") {
  for_each_cut([](std::int64_t numel, std::int64_t world, auto const& of) {
    CHECK(of.padded() >= numel);
    CHECK(of.padded() == world * of.shard);
    CHECK(of.shard * world < numel + of.block * world);
  });
}

TEST_CASE("no elements or no ranks are refused") {
  CHECK_THROWS_AS(cut(0, 1), std::invalid_argument);
  CHECK_THROWS_AS(cut(1, 0), std::invalid_argument);
  CHECK_THROWS_WITH(cut(-3, 2),
                    "cut: at least one element and one rank needed, received -3 elements and 2 "
                    "ranks");
}
