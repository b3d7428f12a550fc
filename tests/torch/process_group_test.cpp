// Sums over the ranks of a gloo group: three ranks, each a thread of this process.
#include <kunmetrics/torch/process_group.hpp>

#include <torch/csrc/distributed/c10d/HashStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <doctest/doctest.h>

#include <functional>
#include <thread>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr int ranks = 3;

void on_each_rank(std::function<void(c10d::ProcessGroupGloo&, int)> const& work) {
  auto const store = c10::make_intrusive<c10d::HashStore>();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < ranks; ++rank) {
    threads.emplace_back([&, rank] {
      auto const options = c10d::ProcessGroupGloo::Options::create();
      options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
      c10d::ProcessGroupGloo group{store, rank, ranks, options};
      work(group, rank);
    });
  }
  for (auto& thread : threads) thread.join();
}
}  // namespace

TEST_CASE("tokens add up, the slowest rank's time is the run's") {
  std::array<interval, ranks> all;
  on_each_rank([&](auto& group, int rank) {
    interval const mine{.tokens = (100 + rank) * token, .time = (1.0 + 0.5 * rank) * second, .steps = 7 * step};
    all.at(static_cast<std::size_t>(rank)) = interval_of_all(group, mine);
  });
  for (auto const& each : all) {
    CHECK(each.tokens == 303 * token);
    CHECK(each.time == 2.0 * second);
    CHECK(each.steps == 7 * step);
  }
}

TEST_CASE("each kind of FLOP adds up exactly") {
  std::array<executed_flop, ranks> all;
  on_each_rank([&](auto& group, int rank) {
    all.at(static_cast<std::size_t>(rank)) = executed_by_all(group, {1'000'000'000'000'001 * rank, 2 * rank, rank, 1});
  });
  for (auto const& each : all) CHECK(each == executed_flop{3'000'000'000'000'003, 6, 3, 3});
}
