#include "sampler.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <numeric>
#include <string>
#include <vector>

using trainer::micro_batches;
using trainer::permutation;
using trainer::sampler;
using trainer_test::message_of;

namespace {

std::vector<std::int64_t> epoch_order(sampler const& stream, std::int64_t epoch) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < stream.samples(); ++i)
    order.push_back(stream.sample(epoch * stream.samples() + i));
  return order;
}

bool every_sample_once(std::vector<std::int64_t> order) {
  std::ranges::sort(order);
  std::vector<std::int64_t> all(order.size());
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return order == all;
}

// The samples of a step in the order of global micro-batches, gathered from all ranks.
std::vector<std::int64_t> step_samples(sampler const& stream, micro_batches const& plan,
                                       std::int64_t step) {
  std::vector<std::int64_t> samples;
  for (std::int64_t k = 0; k < plan.accumulation; ++k)
    for (std::int64_t rank = 0; rank < plan.ranks; ++rank)
      for (std::int64_t i = 0; i < plan.samples; ++i)
        samples.push_back(stream.sample(plan.first_position(step, k, rank) + i));
  return samples;
}

constexpr bool small_permutation_is_one() {
  permutation const order{5, 7};
  unsigned seen = 0;
  for (std::int64_t i = 0; i < 5; ++i) seen |= 1u << order(i);
  return seen == 0b11111;
}

}  // namespace

static_assert(small_permutation_is_one());
static_assert(trainer::mixed_bits(0) == 0xe220a8397b1dcdafu);  // splitmix64's first output, seed 0

TEST_CASE("every sample comes exactly once an epoch, for awkward sizes too") {
  for (std::int64_t const samples : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 97, 255, 257,
                                     1000, 1023, 1025, 4097}) {
    for (std::uint64_t const seed : {0u, 1u, 42u}) {
      sampler const stream{samples, seed};
      for (std::int64_t const epoch : {0, 1, 2, 1000}) {
        CAPTURE(samples);
        CAPTURE(seed);
        CAPTURE(epoch);
        CHECK(every_sample_once(epoch_order(stream, epoch)));
      }
    }
  }
}

TEST_CASE("the steps of all ranks together use every sample once an epoch") {
  // 97 samples, 24 a step: steps straddle the ends of epochs; 97 steps are 24 whole epochs
  sampler const stream{97, 5};
  std::vector<std::int64_t> all;
  for (std::int64_t step = 0; step < 97; ++step)
    std::ranges::copy(step_samples(stream, {4, 2, 3}, step), std::back_inserter(all));
  REQUIRE(all.size() == 97u * 24u);
  for (auto epoch = all.begin(); epoch != all.end(); epoch += 97)
    CHECK(every_sample_once({epoch, epoch + 97}));
}

TEST_CASE("the data of a step do not depend on the number of ranks") {
  sampler const stream{1001, 9};
  for (std::int64_t step = 0; step < 300; ++step) {
    auto const one_rank = step_samples(stream, {1, 8, 3}, step);
    for (std::int64_t const ranks : {2, 4, 8})
      CHECK(step_samples(stream, {ranks, 8 / ranks, 3}, step) == one_rank);
  }
}

TEST_CASE("any position can be asked for at any time") {
  sampler const stream{313, 3};
  std::vector<std::int64_t> forward, backward;
  for (std::int64_t p = 0; p < 1000; ++p) forward.push_back(stream.sample(p));
  for (std::int64_t p = 999; p >= 0; --p) backward.push_back(sampler{313, 3}.sample(p));
  std::ranges::reverse(backward);
  CHECK(forward == backward);
  CHECK(stream.epoch(312) == 0);
  CHECK(stream.epoch(313) == 1);
  CHECK(sampler{std::int64_t{1} << 40, 1}.sample(std::int64_t{1} << 60) < std::int64_t{1} << 40);
}

TEST_CASE("seeds and epochs have orders of their own") {
  using order = std::vector<std::int64_t>;
  auto const agreement = [](order const& a, order const& b) {
    std::size_t same = 0;
    for (std::size_t i = 0; i < a.size(); ++i) same += a[i] == b[i];
    return same;
  };
  sampler const first{1000, 1}, second{1000, 2};
  order file_order(1000);
  std::iota(file_order.begin(), file_order.end(), std::int64_t{0});
  auto const a0 = epoch_order(first, 0), a1 = epoch_order(first, 1);
  auto const b0 = epoch_order(second, 0);
  // two random orders agree in one place on average; more than 10 has probability 1e-8
  CHECK(agreement(a0, file_order) <= 10);
  CHECK(agreement(a0, a1) <= 10);
  CHECK(agreement(a0, b0) <= 10);
  CHECK(agreement(a1, b0) <= 10);
}

TEST_CASE("every place of the order is filled evenly") {
  // 20,000 epochs of 10 samples, 2,000 expected a cell; the standard deviation is 42
  std::vector<std::vector<int>> counts(10, std::vector<int>(10));
  sampler const stream{10, 11};
  for (std::int64_t p = 0; p < 200'000; ++p)
    ++counts[static_cast<std::size_t>(p % 10)][static_cast<std::size_t>(stream.sample(p))];
  for (auto const& place : counts)
    for (int const count : place) CHECK(std::abs(count - 2000) < 220);
}

TEST_CASE("neighbours in the file do not stay neighbours") {
  auto const order = epoch_order(sampler{10'000, 4}, 0);
  int neighbours = 0;
  for (std::size_t i = 1; i < order.size(); ++i) neighbours += order[i] == order[i - 1] + 1;
  CHECK(neighbours < 10);  // one is expected
}

TEST_CASE("over all ranks and nodes an epoch has every sample once, and a run resumed in it goes on where it was") {
  // 8 ranks, 24 samples a step, 1000 samples: epochs end in the midst of steps
  for (auto const& deal : {micro_batches{8, 1, 3}, micro_batches{4, 2, 3}, micro_batches{3, 4, 2}, micro_batches{16, 1, 1}}) {
    sampler const stream{1000, 77};
    auto const per_step = deal.ranks * deal.accumulation * deal.samples;
    std::vector<int> seen(1000);
    for (std::int64_t step = 0; step * per_step < 3000 + per_step; ++step) {
      for (std::int64_t rank = 0; rank < deal.ranks; ++rank) {
        for (std::int64_t k = 0; k < deal.accumulation; ++k) {
          for (std::int64_t i = 0; i < deal.samples; ++i) {
            auto const position = deal.first_position(step, k, rank) + i;
            if (position < 3000) ++seen[static_cast<std::size_t>(stream.sample(position))];
          }
        }
      }
    }
    CHECK(std::ranges::all_of(seen, [](int times) { return times == 3; }));
  }
  // the cursor is a number of samples, so that another deal of another size can take over at any step
  micro_batches const before{8, 1, 3}, after{.ranks = 5, .accumulation = 2, .samples = 4, .first_sample = 7 * 24};
  sampler const stream{1000, 77};
  std::vector<int> seen(1000);
  auto const count = [&](micro_batches const& deal, std::int64_t steps) {
    for (std::int64_t step = 0; step < steps; ++step) {
      for (std::int64_t rank = 0; rank < deal.ranks; ++rank) {
        for (std::int64_t k = 0; k < deal.accumulation; ++k) {
          for (std::int64_t i = 0; i < deal.samples; ++i) {
            auto const position = deal.first_position(step, k, rank) + i;
            if (position < 1000) ++seen[static_cast<std::size_t>(stream.sample(position))];
          }
        }
      }
    }
  };
  count(before, 7);
  count(after, 21);  // 168 + 840 samples
  CHECK(std::ranges::all_of(seen, [](int times) { return times == 1; }));
}

TEST_CASE("sizes and places that make no sense are refused") {
  CHECK(message_of([] { static_cast<void>(sampler{0, 1}); }) ==
        "sampler: needed at least one sample, received 0");
  CHECK(message_of([] { static_cast<void>(sampler{4, 1}.sample(-1)); }) ==
        "sampler: needed a position of 0 or more, received -1");
  CHECK(message_of([] { static_cast<void>(permutation{0, 1}); }) ==
        "permutation: needed a size in [1, 2^62], received 0");
  CHECK(message_of([] { static_cast<void>(permutation{4, 1}(4)); }) ==
        "permutation: needed an index in [0, 4), received 4");
  CHECK(message_of([] { static_cast<void>(micro_batches{8, 0, 1}.first_position(0, 0, 0)); }) ==
        "micro_batches: needed sizes of 1 or more, received 8, 0, 1");
  CHECK(message_of([] { static_cast<void>(micro_batches{8, 1, 1}.first_position(3, 0, 8)); }) ==
        "micro_batches: needed a step, micro-step and rank in range, received 3, 0, 8");
}
