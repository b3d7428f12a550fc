// Ranks that are processes, whatever joins them: what they prepare alike, and the failure of one as everyone's.
//
// A Communicator here also says how many ranks are on this host (local_size) and where this one is (position).
#pragma once

#include "any_communicator.hpp"
#include "job.hpp"
#include "process_rank.hpp"
#include "reported_training.hpp"
#include "run_tuning.hpp"
#include "training.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace trainer {

template <class Communicator>
struct process_engine {
  Communicator* ranks;
  bool reports() const { return ranks->rank() == 0; }
  training_outcome run(auto& training, rank_limits const&) const { return training.run_rank(any_communicator{*ranks}); }
};

// All ranks multiply as rank 0 has tuned.
template <class Communicator>
void multiply_alike(training_plan& plan, Communicator& ranks) {
  if (!plan.tuning) return;
  std::vector<fc_plan> all(static_cast<std::size_t>(ranks.size()));
  auto const mine = plan.tuning->plan;
  ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
  plan.tuning->plan = all.front();
  use_tuning(plan, *std::move(plan.tuning));
}

// What all ranks prepare alike, or the refusal that the first of those that refuse has to tell.
template <class Communicator>
std::optional<job> prepared_alike(options const& o, Communicator& ranks) {
  std::optional<job> what;
  std::string refusal;
  try {
    what.emplace(prepared(o, process_ranks{ranks.size(), ranks.local_size()}));
  } catch (std::exception const& failure) {
    refusal = failure.what();
  }
  std::vector<char> refused(static_cast<std::size_t>(ranks.size()));
  char const mine = refusal.empty() ? 0 : 1;
  ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{refused}));
  auto const first = std::ranges::find(refused, char{1});
  if (first == refused.end()) {
    multiply_alike(what->plan, ranks);
    return what;
  }
  if (first - refused.begin() == ranks.rank()) say(refusal);
  return std::nullopt;
}

// Trains what all ranks prepare alike; the exit status of a rank that ends well.
template <class Communicator>
int train_alike(options const& o, Communicator& ranks, std::atomic<bool> const& stop) {
  auto const what = prepared_alike(o, ranks);
  if (what) run_rank(ranks, [&](Communicator& all) { train(*what, process_engine<Communicator>{&all}, stop); });
  return what ? 0 : 2;
}

}  // namespace trainer
