// Which ranks share a host, and which of them a rank is.
#include "rank_processes.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <vector>

using trainer::process_identity;
using trainer::rank_processes;

namespace {
// A process of one of several hosts, or of one of its containers.
process_identity at(char host, std::uint64_t container = 0) {
  process_identity one{.id_space = container, .id = 1};
  one.boot[0] = host;
  return one;
}
}  // namespace

TEST_CASE("ranks of a host are counted in the order of all ranks, however the hosts take turns") {
  std::vector const all{at('a'), at('b'), at('a'), at('b'), at('a'), at('c'), at('a', 7)};
  std::vector const places{0, 0, 1, 1, 2, 0, 0}, near{3, 2, 3, 2, 3, 1, 1};
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    CAPTURE(rank);
    rank_processes const seen{all, rank};
    CHECK(seen.place() == places[rank]);
    CHECK(seen.local() == near[rank]);
  }
}

TEST_CASE("this process is there, and an id that nobody has is gone") {
  auto const mine = process_identity::own();
  CHECK_FALSE(mine.gone());
  auto other = mine;
  other.started += 1;  // its id was given to another
  CHECK(other.gone());
  rank_processes const both{{mine, other}, 0};
  CHECK(both.local() == 2);
  CHECK(both.gone() == std::size_t{1});
}
