#include "hand_clock.hpp"
#include "r300_case.hpp"

#include <kunmetrics/meter.hpp>
#include <kunmetrics/rank_summary.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
rank_times times_of(std::int64_t rank, double step_time, double forward) {
  rank_times times{.who = {rank, node_name{"node" + std::to_string(rank / 8)}}};
  times.mean[whole_step] = step_time * second;
  times.mean[own_work] = forward * second;
  times.mean[first_phase + static_cast<std::size_t>(phase::forward)] = forward * second;
  return times;
}

bool same(rank_summary const& a, rank_summary const& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
}  // namespace

TEST_CASE("a rank's times are the means of its steps, waiting apart from its own work") {
  std::vector<step_record> records(3);
  for (std::size_t i = 0; i < 2; ++i) {
    records[i].time = (10.0 + 2.0 * static_cast<double>(i)) * second;
    records[i].phases[static_cast<std::size_t>(phase::communication)] = 4.0 * second;
    records[i].phases[static_cast<std::size_t>(phase::forward)] = 5.0 * second;
    records[i].phases[static_cast<std::size_t>(phase::idle)] = 1.0 * second;
  }
  records[2].untimed = true;
  auto const times = times_of_rank({3, node_name{"a"}}, records);
  CHECK(times.mean[whole_step].in(second) == 11.0);
  CHECK(times.mean[own_work].in(second) == 6.0);
  CHECK(times.mean[first_phase + static_cast<std::size_t>(phase::communication)].in(second) == 4.0);
  CHECK(times_of_rank({3, node_name{"a"}}, std::vector<step_record>{}).mean[whole_step].in(second) == 0.0);
}

TEST_CASE("a meter's totals say of all its steps what their records say") {
  basic_meter<hand_clock> meter{r300_case, {.warm_up = 1 * step}};
  CHECK(times_of_rank({}, meter.totals()).mean[whole_step].coherent() == 0);
  for (int i = 1; i <= 5; ++i) {
    auto running = meter.start();
    for (phase const p : {phase::data, phase::forward, phase::communication}) {
      running.turn_to(p);
      hand_clock::at += std::chrono::milliseconds{100 * i};
    }
    running.finish({.tokens = 1 * token});
  }
  auto const of_totals = times_of_rank({3, node_name{"a"}}, meter.totals());
  auto const of_records = times_of_rank({3, node_name{"a"}}, meter.records().subspan(1));
  for (std::size_t i = 0; i < rank_statistics; ++i) {
    CHECK(of_totals.mean[i].coherent() == doctest::Approx(of_records.mean[i].coherent()));
  }
  CHECK(of_totals.mean[own_work].in(second) == doctest::Approx(0.7));  // two of the three phases
  CHECK(of_totals.who.rank == 3);
}

TEST_CASE("the straggler is named by rank and node") {
  auto all = std::make_unique<rank_summary>();
  for (int rank = 0; rank < 32; ++rank) all->merge(rank_summary{times_of(rank, 2.0, rank == 19 ? 1.5 : 1.0)});
  CHECK(all->ranks == 32);
  CHECK(all->straggler().who.rank == 19);
  CHECK(all->straggler().who.node.text() == "node2");
  CHECK(all->straggler().time.in(second) == 1.5);
  CHECK(all->in(phase::forward).least.time.in(second) == 1.0);
  CHECK(all->in(phase::forward).least.who.rank == 0);  // the lowest of those of one time
  CHECK(all->in(phase::forward).median().in(second) == doctest::Approx(1.0).epsilon(0.008));
  CHECK(all->step().median().in(second) == 2.0);  // between least and most there is nothing else
  auto const rows = rows_of(*all);
  CHECK(rows[own_work].name == "own_work");
  CHECK(rows[own_work].slowest_rank == 19);
  CHECK(rows.back().name == "idle");
  auto const told = straggler_of(rows);
  CHECK(told.rank == 19);
  CHECK(told.node.text() == "node2");
  CHECK(told.own_work.in(second) == 1.5);
  CHECK(told.median_own_work.in(second) == doctest::Approx(1.0).epsilon(0.008));
}

TEST_CASE("merging is associative and commutative to the last bit") {
  std::mt19937_64 random{11};
  std::lognormal_distribution<double> draw{0, 0.3};
  std::vector<rank_summary> ranks;
  for (int rank = 0; rank < 24; ++rank) ranks.emplace_back(times_of(rank, draw(random), rank % 3 == 0 ? 1.0 : draw(random)));
  auto const merged = [&](std::vector<std::size_t> const& order, std::size_t first_part) {
    auto left = std::make_unique<rank_summary>(), right = std::make_unique<rank_summary>();
    for (std::size_t i = 0; i < order.size(); ++i) (i < first_part ? left : right)->merge(ranks[order[i]]);
    left->merge(*right);
    return left;
  };
  std::vector<std::size_t> order(ranks.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  auto const reference = merged(order, 24);
  for (int i = 0; i < 50; ++i) {
    std::ranges::shuffle(order, random);
    CHECK(same(*merged(order, random() % 25), *reference));
  }
}

TEST_CASE("the median over ranks is within 0.8 % of the exact one") {
  std::mt19937_64 random{13};
  for (double const spread : {0.001, 0.05, 1.0}) {
    std::lognormal_distribution<double> draw{0, spread};
    auto all = std::make_unique<rank_summary>();
    std::vector<double> exact;
    for (int rank = 0; rank < 1001; ++rank) {
      exact.push_back(draw(random));
      all->merge(rank_summary{times_of(rank, exact.back(), 1)});
    }
    std::ranges::sort(exact);
    CHECK(all->step().median().in(second) == doctest::Approx(exact[500]).epsilon(duration_sketch::relative_error));
    CHECK(all->step().least.time.in(second) == exact.front());
    CHECK(all->step().most.time.in(second) == exact.back());
  }
}

TEST_CASE("a long node name keeps its beginning") {
  CHECK(node_name{std::string(100, 'x')}.text() == std::string(55, 'x'));
}
