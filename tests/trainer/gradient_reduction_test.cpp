// The reduction sums over ranks in rank order, part by part, and sends no stale padding.
#include "gradient_reduction.hpp"

#include "observed_communicator.hpp"
#include "thread_communicator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

using namespace trainer;

namespace {

// Gradients of micro-batch j: large numbers that cancel, so that another order gives other bits.
float gradient(std::int64_t j, std::size_t i) {
  constexpr std::array<float, 6> parts{1e8F, 1.25F, -1e8F, 3.5F, -7.75F, 0.1F};
  return parts[static_cast<std::size_t>(j)] * static_cast<float>(i % 5 + 1);
}

// The sum of six micro-batches over `world` ranks, whole.
std::vector<float> reduced(std::int64_t world) {
  std::vector<float> whole(777);
  run_ranks(static_cast<int>(world), [&](thread_communicator& ranks) {
    auto const of = cut(777, world);
    ledger book;
    gradient_reduction<float> reduction{book, {cut(64, world), of}};
    std::vector<float> accumulated(static_cast<std::size_t>(of.shard));
    for (std::int64_t k = 0; k < 6 / world; ++k) {
      auto const gradients = reduction.unit_gradients(1);
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        gradients[i] = gradient(k * world + ranks.rank(), i);
      }
      CHECK_FALSE(reduction.add_to(std::span{accumulated}, 1, ranks, accumulate::yes));
    }
    auto const owned = of.owned(ranks.rank());
    if (owned > 0) {
      std::copy_n(accumulated.begin(), owned, whole.begin() + of.first(ranks.rank()));
    }
  });
  return whole;
}

}  // namespace

TEST_CASE("the sum follows the micro-batch order for every number of ranks") {
  std::vector<float> expected(777);
  for (std::int64_t j = 0; j < 6; ++j) {
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += gradient(j, i);
  }
  for (std::int64_t world : {1, 2, 3, 6}) {
    CAPTURE(world);
    CHECK(reduced(world) == expected);
  }
}

TEST_CASE("padding arrives as zero, whatever a larger unit left there") {
  std::atomic<int> wrong{0};
  run_ranks(4, [&](thread_communicator& ranks) {
    auto const large = cut(1000, 4);
    auto const small = cut(70, 4);
    ledger book;
    gradient_reduction<float> reduction{book, {large, small}};
    std::ranges::fill(reduction.unit_gradients(0), 9.0F);
    std::ranges::fill(reduction.unit_gradients(1), 1.0F);
    std::vector<float> accumulated(static_cast<std::size_t>(small.shard));
    reduction.add_to(std::span{accumulated}, 1, ranks, accumulate::yes);
    auto const owned = small.owned(ranks.rank());
    for (std::size_t i = 0; i < accumulated.size(); ++i) {
      auto const expected = static_cast<std::int64_t>(i) < owned ? 4.0F : 0.0F;
      if (accumulated[i] != expected) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("16-bit gradients are summed in fp32, so that none is lost beside a larger one", Number, bfloat16,
                   float16) {
  std::atomic<int> wrong{0};
  run_ranks(3, [&](thread_communicator& ranks) {
    auto const of = cut(1000, 3);
    ledger book;
    gradient_reduction<Number> reduction{book, {of}};
    float const mine = ranks.rank() == 0 ? 2048.0F : 0.5F;  // their sum has more digits than either format
    std::ranges::fill(reduction.unit_gradients(0), narrowed<Number>(mine));
    std::vector<float> accumulated(static_cast<std::size_t>(of.shard));
    reduction.add_to(std::span{accumulated}, 0, ranks, accumulate::yes);
    for (std::int64_t i = 0; i < of.owned(ranks.rank()); ++i) {
      if (accumulated[static_cast<std::size_t>(i)] != 2049.0F) ++wrong;
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("the first rank whose gradients are not finite is told to the shard that holds them", Number, float,
                   bfloat16, float16) {
  std::atomic<int> told{0};
  run_ranks(4, [&](thread_communicator& ranks) {
    auto const of = cut(1000, 4);
    ledger book;
    gradient_reduction<Number> reduction{book, {of}, sharding_of_stage(1)};
    std::ranges::fill(reduction.unit_gradients(0), narrowed<Number>(1.0F));
    if (ranks.rank() >= 1 && ranks.rank() <= 2) {
      reduction.unit_gradients(0)[700] = narrowed<Number>(std::numeric_limits<float>::infinity());
    }
    std::vector<float> accumulated(static_cast<std::size_t>(of.shard));
    auto const source = reduction.add_to(std::span{accumulated}, 0, ranks, accumulate::yes);
    bool const mine = of.first(ranks.rank()) <= 700 && 700 < of.first(ranks.rank()) + of.shard;
    if (source == (mine ? std::optional<std::int64_t>{1} : std::nullopt)) ++told;
  });
  CHECK(told == 4);
}

TEST_CASE("whole gradients have a buffer for every unit, sharded ones share one") {
  std::vector<unit_cut> const cuts{cut(1000, 4), cut(70, 4)};
  ledger book;
  gradient_reduction<float> shared{book, cuts, sharding_of_stage(2)}, apart{book, cuts, sharding_of_stage(1)};
  CHECK(shared.unit_gradients(0).data() == shared.unit_gradients(1).data());
  CHECK(apart.unit_gradients(0).data() != apart.unit_gradients(1).data());
  CHECK(book.live()[memory_part::unit_gradients] == 4 * (2 * cuts[0].padded() + cuts[1].padded()));
}
