// Buffers of gathered units: what is reused, and which misuse is refused.
#include "gathered_units.hpp"

#include "thread_communicator.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainer;

namespace {

std::vector<unit_cut> cuts_of(std::int64_t world) {
  return {cut(100, world), cut(200, world), cut(200, world), cut(200, world), cut(300, world)};
}

// Numbers only unit `unit`, rank `rank` of version `version` has.
std::vector<float> shard_of(unit_cut const& of, std::size_t unit, int rank, int version) {
  return std::vector<float>(static_cast<std::size_t>(of.shard),
                            static_cast<float>(100 * version + 10 * static_cast<int>(unit) + rank));
}

// One rank, five units, shards of one value each.
struct one_rank {
  thread_group group{1};
  thread_communicator ranks{group, 0};
  std::vector<unit_cut> cuts = cuts_of(1);
  ledger book;
  gathered_units<float> units{book, cuts};

  void gather(std::size_t unit, int version = 0) {
    units.gather(unit, std::span<float const>{shard_of(cuts[unit], unit, 0, version)}, ranks);
  }
  float first_of(std::size_t unit) { return units.use(unit).parameters().front(); }
};

}  // namespace

TEST_CASE("a gathered unit holds every rank's shard at its place") {
  std::atomic<int> wrong{0};
  run_ranks(3, [&](thread_communicator& ranks) {
    auto const cuts = cuts_of(3);
    ledger book;
    gathered_units<float> units{book, cuts};
    for (std::size_t unit = 0; unit < cuts.size(); ++unit) {
      auto const shard = shard_of(cuts[unit], unit, ranks.rank(), 0);
      units.gather(unit, std::span<float const>{shard}, ranks);
      auto const lease = units.use(unit);
      if (static_cast<std::int64_t>(lease.parameters().size()) != cuts[unit].padded()) ++wrong;
      for (int rank = 0; rank < 3; ++rank) {
        auto const at = static_cast<std::size_t>(cuts[unit].first(rank));
        if (lease.parameters()[at] != shard_of(cuts[unit], unit, rank, 0)[0]) ++wrong;
      }
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a unit that is there is not gathered again, until the parameters change") {
  one_rank one;
  one.gather(1);
  one.gather(1, 7);
  CHECK(one.first_of(1) == 10);
  one.units.expire();
  CHECK_FALSE(one.units.holds(1));
  one.gather(1, 7);
  CHECK(one.first_of(1) == 710);
}

TEST_CASE("two layers and one edge unit are live together") {
  one_rank one;
  one.gather(0);
  one.gather(1);
  one.gather(2);
  CHECK((one.units.holds(0) && one.units.holds(1) && one.units.holds(2)));
  one.gather(3);
  CHECK_FALSE(one.units.holds(1));
  one.gather(4);
  CHECK_FALSE(one.units.holds(0));
  CHECK((one.units.holds(2) && one.units.holds(3) && one.units.holds(4)));
}

TEST_CASE("misuse of a buffer throws and says what is there") {
  one_rank one;
  CHECK_THROWS_WITH_AS(one.units.use(1),
                       "use: unit 1 of version 0 needed, its buffer holds nothing",
                       std::logic_error);
  one.gather(3);
  {
    auto const lease = one.units.use(3);
    CHECK_THROWS_WITH_AS(one.gather(1),
                         "gather: a free buffer for unit 1 needed, unit 3 still in use",
                         std::logic_error);
    CHECK_THROWS_WITH_AS(one.units.use(3),
                         "use: unit 3 of version 0 needed, its buffer holds unit 3 of version 0, "
                         "in use",
                         std::logic_error);
    CHECK(lease.parameters()[0] == 30);
  }
  CHECK_THROWS_AS(one.units.use(1), std::logic_error);  // its buffer holds unit 3
  one.units.expire();
  CHECK_THROWS_WITH_AS(one.units.use(3),
                       "use: unit 3 of version 1 needed, its buffer holds unit 3 of version 0",
                       std::logic_error);
  CHECK_THROWS_AS(one.units.use(5), std::logic_error);
  CHECK_THROWS_AS((gathered_units<float>{one.book, {cut(1, 1), cut(1, 1)}}),
                  std::invalid_argument);
}

TEST_CASE("a gather that fails leaves nothing that looks whole") {
  std::atomic<int> aborts{0}, whole{0};
  run_ranks(2, [&](thread_communicator& ranks) {
    auto const cuts = cuts_of(2);
    ledger book;
    gathered_units<float> units{book, cuts};
    auto const gather = [&](std::size_t unit) {
      auto const shard = shard_of(cuts[unit], unit, ranks.rank(), 0);
      units.gather(unit, std::span<float const>{shard}, ranks);
    };
    gather(1);
    ranks.abort("link lost");
    try {
      gather(3);
    } catch (aborted const&) {
      ++aborts;
    }
    if (units.holds(1) || units.holds(3)) ++whole;
  });
  CHECK(aborts == 2);
  CHECK(whole == 0);
}
