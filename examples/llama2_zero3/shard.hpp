// How a unit's flat vector is cut into one shard a rank.
//
//   block  = max(64, numel / 4096 rounded up to a multiple of 64)    [elements]
//   blocks = ceil(numel / block)                                     at most 4096
//   shard  = ceil(blocks / world) * block                            the same on every rank
//   padded = world * shard;  rank r owns [r * shard, (r + 1) * shard), its end may be padding
//
// Padding stands only at the unit's end, so an element's offset does not depend on the world
// size. The block depends on numel alone and is never divided between ranks, so that a block's
// sum of squares is the same double for every world size, and with it the gradient norm.
// 64 elements keep every shard, for every number format, at a whole number of cache lines.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace trainer {

constexpr std::int64_t ceil_division(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

struct unit_cut {
  std::int64_t numel = 0;   // elements of the unit itself
  std::int64_t block = 64;  // elements of a norm block
  std::int64_t shard = 0;   // elements a rank keeps, padding included
  std::int64_t world = 1;

  constexpr std::int64_t blocks() const { return ceil_division(numel, block); }
  constexpr std::int64_t blocks_per_shard() const { return shard / block; }
  constexpr std::int64_t padded() const { return world * shard; }
  constexpr std::int64_t first(std::int64_t rank) const { return rank * shard; }
  // Elements of a rank's shard that are not padding.
  constexpr std::int64_t owned(std::int64_t rank) const {
    return std::clamp(numel - first(rank), std::int64_t{0}, shard);
  }

  friend constexpr bool operator==(unit_cut const&, unit_cut const&) = default;
};

// Elements of a norm block of a unit of `numel` elements.
constexpr std::int64_t block_elements(std::int64_t numel) {
  return std::max<std::int64_t>(64, 64 * ceil_division(ceil_division(numel, 4096), 64));
}

// The cut of a unit of `numel` elements over `world` ranks, both at least 1; throws
// std::invalid_argument.
constexpr unit_cut cut(std::int64_t numel, std::int64_t world) {
  if (numel < 1 || world < 1) {
    throw std::invalid_argument("cut: at least one element and one rank needed, received " +
                                std::to_string(numel) + " elements and " + std::to_string(world) +
                                " ranks");
  }
  auto const block = block_elements(numel);
  auto const blocks = ceil_division(numel, block);
  return {.numel = numel, .block = block, .shard = ceil_division(blocks, world) * block,
          .world = world};
}

}  // namespace trainer
