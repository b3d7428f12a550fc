// A rank's patience with the others: what uses it up, and that it begins again once.
#include "patience.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
using trainer::patience;

TEST_CASE("a rank that looks often waits exactly as long as was asked for") {
  patience::clock::time_point const begin{};
  patience waiting{4s, begin};
  for (auto waited = 50ms; waited < 4s; waited += 50ms) {
    CHECK(waiting.next_look() == std::min(100ms, 4s - waited + 50ms));
    CHECK_FALSE(waiting.ends(begin + waited));
  }
  CHECK(waiting.ends(begin + 4s));
}

TEST_CASE("an hour in which the rank itself was stopped counts half a second") {
  patience::clock::time_point const begin{};
  patience waiting{1s, begin};
  CHECK_FALSE(waiting.ends(begin + 400ms));
  CHECK_FALSE(waiting.ends(begin + 1h));
  CHECK_FALSE(waiting.ends(begin + 1h + 99ms));
  CHECK(waiting.ends(begin + 1h + 100ms));
}

TEST_CASE("patience begins again once, and whole") {
  patience::clock::time_point const begin{};
  patience waiting{300ms, begin};
  CHECK(waiting.ends(begin + 300ms));
  CHECK(waiting.again(begin + 400ms));
  CHECK_FALSE(waiting.ends(begin + 699ms));
  CHECK(waiting.ends(begin + 700ms));
  CHECK_FALSE(waiting.again(begin + 700ms));
}

TEST_CASE("what is said when it ends: who did not answer, and how long in all was waited") {
  patience::clock::time_point const begin{};
  patience waiting{1500ms, begin};
  auto const late = trainer::ranks_that(4, [](int rank) { return rank % 2 == 1; });
  CHECK(late == "rank 1, rank 3");
  CHECK(waiting.reason(late) == "rank 1, rank 3 did not come within 1.5 s");
  CHECK(waiting.again(begin));
  CHECK(waiting.reason(late) == "rank 1, rank 3 did not come within 3 s");
  CHECK(waiting.reason(trainer::ranks_that(4, [](int) { return false; })) == "all ranks answer and yet nothing moved for 3 s");
}
