// Thread ranks: both collectives for 1 to 8 ranks, and every way in which a rank can fail.
#include "thread_communicator.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

using trainer::aborted;
using trainer::rank_failure;
using trainer::run_ranks;
using trainer::thread_communicator;

namespace {

using numbers = std::vector<std::int64_t>;

std::span<std::byte const> bytes_of(numbers const& values) {
  return std::as_bytes(std::span{values});
}
std::span<std::byte> bytes_of(numbers& values) {
  return std::as_writable_bytes(std::span{values});
}

// The number that `from` says to `to` in a round, different for every triple.
std::int64_t said(int from, int to, int round) { return round * 10000 + from * 100 + to; }

void pause_at_random(std::mt19937& random) {
  std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
}

bool gathered_rightly(thread_communicator& ranks, int round) {
  auto const mine = numbers{said(ranks.rank(), 0, round), round};
  numbers all(static_cast<std::size_t>(2 * ranks.size()), -1);
  ranks.all_gather(bytes_of(mine), bytes_of(all));
  numbers expected;
  for (int from = 0; from < ranks.size(); ++from) {
    expected.insert(expected.end(), {said(from, 0, round), round});
  }
  return all == expected;
}

bool exchanged_rightly(thread_communicator& ranks, int round) {
  numbers send;
  numbers expected;
  for (int other = 0; other < ranks.size(); ++other) {
    send.push_back(said(ranks.rank(), other, round));
    expected.push_back(said(other, ranks.rank(), round));
  }
  numbers received(send.size(), -1);
  ranks.all_to_all(bytes_of(std::as_const(send)), bytes_of(received));
  return received == expected;
}

void barrier(thread_communicator& ranks) {
  std::byte const mine{};
  std::vector<std::byte> all(static_cast<std::size_t>(ranks.size()));
  ranks.all_gather(std::span{&mine, 1}, all);
}

// What run_ranks throws for a body: the message, the rank, and whether `Cause` is nested inside.
struct outcome {
  std::string message;
  int rank = -1;
  bool nests_cause = false;
};

template <class Cause>
outcome failure_of(int size, auto&& body) {
  try {
    run_ranks(size, body);
  } catch (rank_failure const& failure) {
    outcome seen{failure.what(), failure.rank()};
    try {
      std::rethrow_if_nested(failure);
    } catch (Cause const&) {
      seen.nests_cause = true;
    } catch (...) {
      seen.nests_cause = false;
    }
    return seen;
  }
  return {};
}

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("collectives bring every part to its place, for 1 to 8 ranks") {
  for (int size = 1; size <= 8; ++size) {
    CAPTURE(size);
    std::atomic<int> wrong{0};
    std::atomic<int> ran{0};
    run_ranks(size, [&](thread_communicator& ranks) {
      ++ran;
      for (int round = 0; round < 30; ++round) {
        if (!gathered_rightly(ranks, round)) ++wrong;
        if (!exchanged_rightly(ranks, round)) ++wrong;
      }
      ranks.all_gather({}, {});  // no bytes is a barrier too
    });
    CHECK(ran == size);
    CHECK(wrong == 0);
  }
}

TEST_CASE("random delays between collectives mix nothing up") {
  std::atomic<int> wrong{0};
  run_ranks(5, [&](thread_communicator& ranks) {
    std::mt19937 random(static_cast<unsigned>(ranks.rank()));
    for (int round = 0; round < 40; ++round) {
      pause_at_random(random);
      if (!gathered_rightly(ranks, round)) ++wrong;
      pause_at_random(random);
      if (!exchanged_rightly(ranks, round)) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("a rank that throws before any collective releases all others") {
  for (int size = 1; size <= 8; ++size) {
    for (int failing = 0; failing < size; ++failing) {
      for (int at = 0; at < 4; ++at) {
        CAPTURE(size);
        CAPTURE(failing);
        CAPTURE(at);
        std::atomic<int> released{0};
        auto const seen = failure_of<std::out_of_range>(size, [&](thread_communicator& ranks) {
          for (int round = 0; round < 4; ++round) {
            if (ranks.rank() == failing && round == at) throw std::out_of_range("no such row");
            try {
              if (round % 2 == 0) gathered_rightly(ranks, round);
              if (round % 2 == 1) exchanged_rightly(ranks, round);
            } catch (aborted const& echo) {
              if (contains(echo.what(), "rank " + std::to_string(failing) + ": no such row") &&
                  round == at) {
                ++released;
              }
              throw;
            }
          }
        });
        CHECK(released == size - 1);
        CHECK(seen.rank == failing);
        CHECK(seen.nests_cause);
        CHECK(seen.message == "rank " + std::to_string(failing) + " of " + std::to_string(size) +
                                  ": no such row");
      }
    }
  }
}

TEST_CASE("the first failure is told, not what others throw because of it") {
  auto const seen = failure_of<std::domain_error>(4, [](thread_communicator& ranks) {
    if (ranks.rank() == 2) throw std::domain_error("the cause");
    try {
      barrier(ranks);
    } catch (aborted const&) {
      throw std::runtime_error("a consequence");
    }
  });
  CHECK(seen.rank == 2);
  CHECK(seen.nests_cause);
  CHECK(contains(seen.message, "the cause"));
}

TEST_CASE("of a failure told on several lines, as libtorch's are, the first is told") {
  auto const seen = failure_of<std::runtime_error>(2, [](thread_communicator& ranks) {
    if (ranks.rank() == 1) throw std::runtime_error("out of memory\nException raised from somewhere");
    barrier(ranks);
  });
  CHECK(seen.message.ends_with(": out of memory"));
  CHECK(seen.nests_cause);
}

TEST_CASE("a failure that is no std::exception is told too") {
  auto const seen = failure_of<int>(3, [](thread_communicator& ranks) {
    if (ranks.rank() == 1) throw 7;
    barrier(ranks);
  });
  CHECK(seen.rank == 1);
  CHECK(seen.nests_cause);
}

TEST_CASE("abort ends pending and later calls with the first reason given") {
  std::atomic<int> pending{0};
  std::atomic<int> later{0};
  auto const seen = failure_of<aborted>(4, [&](thread_communicator& ranks) {
    if (ranks.rank() == 3) {
      ranks.abort("out of tokens");
      ranks.abort("a second reason");
    }
    for (auto* count : {&pending, &later}) {
      try {
        barrier(ranks);
      } catch (aborted const& echo) {
        if (std::string{echo.what()} == "aborted: out of tokens") ++*count;
      }
    }
    barrier(ranks);
  });
  CHECK(pending == 4);
  CHECK(later == 4);
  CHECK(seen.nests_cause);
  CHECK(contains(seen.message, "out of tokens"));
}

TEST_CASE("an abort from outside while ranks copy lets the copy end") {
  for (int round = 0; round < 50; ++round) {
    std::vector<std::byte> const value(1 << 16, std::byte{1});
    CHECK(failure_of<aborted>(3, [&](thread_communicator& ranks) {
            std::vector<std::byte> mine(value);
            std::vector<std::byte> all(3 * mine.size());
            std::jthread const outsider([&ranks, round] {
              if (ranks.rank() != 0) return;
              std::this_thread::sleep_for(std::chrono::microseconds(20 * round));
              ranks.abort("from outside");
            });
            for (;;) ranks.all_gather(mine, all);
          }).nests_cause);
  }
}

TEST_CASE("ranks that disagree about the bytes all hear both counts, and can go on") {
  std::atomic<int> told{0};
  std::atomic<int> wrong{0};
  run_ranks(4, [&](thread_communicator& ranks) {
    std::size_t const size = ranks.rank() == 2 ? 24 : 16;
    std::vector<std::byte> const mine(size);
    std::vector<std::byte> all(4 * size);
    try {
      ranks.all_gather(mine, all);
    } catch (std::logic_error const& error) {
      if (contains(error.what(), "all_gather of 16 bytes to receive 64 on rank 0") &&
          contains(error.what(), "all_gather of 24 bytes to receive 96 on rank 2")) {
        ++told;
      }
    }
    if (!gathered_rightly(ranks, 0)) ++wrong;
  });
  CHECK(told == 4);
  CHECK(wrong == 0);
}

TEST_CASE("ranks that call different collectives all hear both names") {
  std::atomic<int> told{0};
  run_ranks(2, [&](thread_communicator& ranks) {
    std::array<std::byte, 8> const mine{};
    std::array<std::byte, 16> all{};
    try {
      if (ranks.rank() == 0) ranks.all_gather(mine, all);
      if (ranks.rank() == 1) ranks.all_to_all(mine, std::span{all}.first(8));
    } catch (std::logic_error const& error) {
      if (contains(error.what(), "all_gather") && contains(error.what(), "all_to_all")) ++told;
    }
  });
  CHECK(told == 2);
}

TEST_CASE("bytes that are not one equal part a rank are refused") {
  std::array<std::byte, 9> const nine{};
  for (int size : {1, 2, 4}) {
    CAPTURE(size);
    CHECK(failure_of<std::logic_error>(size, [&](thread_communicator& ranks) {
            std::array<std::byte, 10> ten{};
            ranks.all_to_all(nine, ten);
          }).nests_cause);
    CHECK(failure_of<std::logic_error>(size, [&](thread_communicator& ranks) {
            std::vector<std::byte> all(9 * static_cast<std::size_t>(ranks.size()) + 1);
            ranks.all_gather(nine, all);
          }).nests_cause);
  }
  CHECK(failure_of<std::logic_error>(2, [&](thread_communicator& ranks) {
          std::array<std::byte, 9> other{};
          ranks.all_to_all(nine, other);  // nine bytes for two ranks
        }).nests_cause);
}

TEST_CASE("a group of no ranks is refused") {
  CHECK_THROWS_AS(run_ranks(0, [](thread_communicator&) {}), std::invalid_argument);
}

#ifdef _OPENMP
TEST_CASE("each rank has the OpenMP threads it was given") {
  std::atomic<int> threads{0};
  run_ranks(2, [&](thread_communicator&) { threads += omp_get_max_threads(); }, 3);
  CHECK(threads == 6);
}
#endif

TEST_CASE("what all ranks see is told as the failure of the one that it came from") {
  auto const told = [](std::optional<std::int64_t> origin) {
    return failure_of<trainer::failure_of_origin>(4, [&](thread_communicator& ranks) {
      barrier(ranks);
      throw trainer::failure_of_origin(origin, {7, "layer1"}, "numbers that are none");
    });
  };
  auto const named = told(2);
  CHECK(named.message == "rank 2 of 4, step 7, unit layer1: numbers that are none");
  CHECK(named.rank == 2);
  CHECK(named.nests_cause);
  CHECK(told({}).message.ends_with(" of 4, step 7, unit layer1: numbers that are none"));
}

TEST_CASE("a rank that does not come in time is named, with where it was last seen") {
  std::atomic<bool> released{false};
  std::string told;
  try {
    run_ranks(
        4,
        [&](thread_communicator& ranks) {
          ranks.at({6, "layer1"});
          barrier(ranks);
          ranks.at({7, "layer2"});
          if (ranks.rank() == 2) {  // late for the others, but it does end
            while (!released) std::this_thread::sleep_for(std::chrono::milliseconds{1});
            return;
          }
          try {
            barrier(ranks);
          } catch (...) {
            released = true;
            throw;
          }
        },
        trainer::rank_limits{.timeout = std::chrono::milliseconds{250}});
  } catch (rank_failure const& failure) {
    told = failure.what();
    CHECK(failure.at().step == 7);
  }
  CHECK(contains(told, " of 4, step 7, unit layer2: rank 2 did not come to all_gather within 0.25 s, "
                       "last seen at step 6, unit layer1"));
}

namespace {
struct given_up {
  std::string what;
};
std::atomic<bool> may_end{false};
}  // namespace

TEST_CASE("a rank that hangs for good: the group waits no longer than the timeout and a second") {
  may_end = false;
  auto const since = std::chrono::steady_clock::now();
  try {
    run_ranks(
        3,
        [](thread_communicator& ranks) {
          ranks.at({1, "embedding"});
          while (ranks.rank() == 1 && !may_end) std::this_thread::sleep_for(std::chrono::milliseconds{1});
          barrier(ranks);
        },
        trainer::rank_limits{.timeout = std::chrono::milliseconds{300}, .stuck = [](rank_failure const& failure) {
                               may_end = true;  // so that the threads can be joined: a program would end here
                               throw given_up{failure.what()};
                             }});
  } catch (given_up const& told) {
    CHECK(contains(told.what, "rank 1 did not come to all_gather within 0.3 s, and was never seen"));
  }
  CHECK(may_end);
  CHECK(std::chrono::steady_clock::now() - since < std::chrono::seconds{20});
}

TEST_CASE("positions: a longer name is cut, and what is not known is not told") {
  CHECK(described(trainer::run_position{3, "layer7"}) == "step 3, unit layer7");
  CHECK(described(trainer::run_position{3, ""}) == "step 3");
  CHECK(described(trainer::run_position{0, "data"}) == "before the first step, unit data");
  CHECK(!trainer::run_position{}.known());
  CHECK(trainer::run_position{1, "a name of more than twenty-three letters"}.name() == "a name of more than twe");
  CHECK(trainer::seconds_text(std::chrono::milliseconds{120'000}) == "120 s");
  CHECK(trainer::seconds_text(std::chrono::milliseconds{50}) == "0.05 s");
}
