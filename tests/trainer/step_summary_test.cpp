// The summary of a step: its sums by hand, and that all ranks read the same.
#include "step_summary.hpp"

#include "thread_communicator.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

using namespace trainer;

namespace {

// Gradients of two units, of 100 and 300 elements: the numbers 1, 2, 3, ... through both.
std::vector<std::vector<float>> counted() {
  std::vector<std::vector<float>> units{std::vector<float>(100), std::vector<float>(300)};
  std::iota(units[0].begin(), units[0].end(), 1.0F);
  std::iota(units[1].begin(), units[1].end(), 101.0F);
  return units;
}

// The summaries that `world` ranks read; micro-batch j has loss j + 1, rank r has 10 + r tokens.
std::vector<step_summary> summaries(std::int64_t world, std::int64_t micro_steps, int stopping,
                                    std::vector<std::vector<float>> const& gradients) {
  std::vector<step_summary> read(static_cast<std::size_t>(world));
  run_ranks(static_cast<int>(world), [&](thread_communicator& ranks) {
    auto const rank = ranks.rank();
    std::vector<unit_cut> const cuts{cut(100, world), cut(300, world)};
    ledger book;
    summary_exchange summary{book, cuts, micro_steps};
    for (std::int64_t k = 0; k < micro_steps; ++k) {
      summary.loss(static_cast<std::size_t>(k)) = static_cast<double>(k * world + rank + 1);
    }
    for (std::size_t unit = 0; unit < 2; ++unit) {
      auto const owned = static_cast<std::size_t>(cuts[unit].owned(rank));
      auto const first = owned == 0 ? 0 : static_cast<std::size_t>(cuts[unit].first(rank));
      summary.measure(unit, std::span{gradients[unit]}.subspan(first, owned));
    }
    read[static_cast<std::size_t>(rank)] = summary.gathered(10 + rank, rank == stopping, ranks);
  });
  return read;
}

}  // namespace

TEST_CASE("sums of squares are exact where they can be, whatever the length") {
  for (std::size_t size : {0U, 1U, 7U, 8U, 9U, 64U, 100U}) {
    std::vector<float> values(size);
    std::iota(values.begin(), values.end(), 1.0F);
    auto const n = static_cast<double>(size);
    CHECK(sum_of_squares(std::span<float const>{values}) == n * (n + 1) * (2 * n + 1) / 6);
  }
}

TEST_CASE("all ranks read the same sums, losses, tokens and stop flag") {
  for (std::int64_t world : {1, 2, 3, 6}) {
    CAPTURE(world);
    for (auto const& read : summaries(world, 6 / world, -1, counted())) {
      CHECK(read.sum_of_squares == 400.0 * 401 * 801 / 6);
      CHECK(read.loss == 3.5);
      CHECK(read.tokens == 10 * world + world * (world - 1) / 2);
      CHECK_FALSE(read.stop);
      CHECK_FALSE(read.not_finite.has_value());
    }
    for (auto const& read : summaries(world, 1, static_cast<int>(world) - 1, counted())) {
      CHECK(read.stop);
    }
  }
}

TEST_CASE("the first unit that is not finite is named, wherever in it that stands") {
  for (auto const value : {std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN()}) {
    for (std::size_t unit : {0U, 1U}) {
      for (std::size_t at : {0U, 63U, 64U, 99U}) {
        auto gradients = counted();
        gradients[unit][at] = value;
        gradients[1][299] = value;
        for (auto const& read : summaries(3, 1, -1, gradients)) {
          CHECK(read.not_finite == non_finite{.unit = unit});
        }
      }
    }
  }
}

TEST_CASE("gradients whose squares exceed a float are finite still") {
  auto gradients = counted();
  gradients[0][5] = std::numeric_limits<float>::max();
  for (auto const& read : summaries(2, 1, -1, gradients)) CHECK_FALSE(read.not_finite.has_value());
}

TEST_CASE("where it began: forward before backward, its first unit, backward's last, and the first rank") {
  auto const origin = [](auto saw) {
    std::optional<non_finite> read;
    run_ranks(3, [&](thread_communicator& ranks) {
      ledger book;
      summary_exchange summary{book, {cut(100, 3), cut(300, 3)}, 1};
      for (int step = 0; step < 2; ++step) {  // a second step has forgotten the first
        summary.start();
        if (step == 0) saw(summary, ranks.rank());
        auto const of_step = summary.gathered(1, false, ranks);
        if (step == 1) CHECK_FALSE(of_step.not_finite);
        if (step == 0 && ranks.rank() == 2) read = of_step.not_finite;
      }
    });
    return read;
  };
  auto const backward = [](summary_exchange& summary, int rank) {
    if (rank == 0) summary.saw_backward(0, 1);
    if (rank == 1) summary.saw_backward(1, 2);
    if (rank == 2) summary.saw_backward(1, 1);
    summary.saw_backward(0, 0);
  };
  CHECK(origin([](summary_exchange&, int) {}) == std::nullopt);
  CHECK(origin(backward) == non_finite{.unit = 1, .rank = 1});
  CHECK(origin([&](summary_exchange& summary, int rank) {
          backward(summary, rank);
          if (rank == 1) summary.saw_forward(1);
          if (rank == 1) summary.saw_forward(0);  // of a later micro-step: the first stays
        }) == non_finite{.unit = 1, .rank = 1, .forward = true});
  CHECK(origin([&](summary_exchange& summary, int rank) {
          backward(summary, rank);
          if (rank > 0) summary.saw_forward(static_cast<std::size_t>(2 - rank));
        }) == non_finite{.unit = 0, .rank = 2, .forward = true});
}
