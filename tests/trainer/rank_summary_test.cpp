// Ranks that are threads: each has a meter of its own, and all of them are told who is slow.
#include "../hand_clock.hpp"
#include "thread_communicator.hpp"

#include <kunmetrics/meter.hpp>
#include <kunmetrics/rank_summary.hpp>
#include <kunmetrics/throughput.hpp>

#include <doctest/doctest.h>

#include <atomic>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr training_case run{.model = models::llama2_7b, .cluster = {.per_node = 8 * processor / node}};
}  // namespace

TEST_CASE("thread ranks compare their steps by phase, and name the straggler") {
  std::atomic<int> right = 0;
  trainer::run_ranks(8, [&](trainer::thread_communicator& ranks) {
    basic_meter<hand_clock, tokens_per_processor_second_t> meter{run, {.warm_up = 0 * step}, {}};
    int const forward = ranks.rank() == 5 ? 700 : 400;
    for (int i = 0; i < 10; ++i) {
      auto running = meter.start();
      running.turn_to(phase::forward);
      hand_clock::at += std::chrono::milliseconds{forward};
      running.turn_to(phase::communication);  // the others wait for the straggler
      hand_clock::at += std::chrono::milliseconds{1000 - forward};
      running.finish({.tokens = 8 * token});
    }
    auto const mine = times_of_rank({ranks.rank(), node_name{"here"}}, meter.records());
    auto const all = rank_summary_of(mine, ranks);
    right += all->ranks == 8 && all->straggler().who.rank == 5 && all->straggler().who.node.text() == "here" &&
             all->straggler().time.in(second) == doctest::Approx(0.7) && all->step().least.time == all->step().most.time &&
             all->in(phase::communication).least.who.rank == 5;
  });
  CHECK(right == 8);  // every rank has the same answer
}
