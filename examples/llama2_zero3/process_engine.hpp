// Ranks that are processes, whatever joins them: what they prepare alike, and the failure of one as everyone's.
//
// Compiled once for all transports, as the engine is; what a transport alone knows, the ranks on this host
// (local_size), which of them this one is (local_rank) and where it is (position), is asked of it in train_alike.
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

struct process_engine {
  any_communicator ranks;
  bool reports() const { return ranks.rank() == 0; }
  training_outcome run(auto& training, rank_limits const&) const { return training.run_rank(ranks); }
};

// All ranks multiply as rank 0 has tuned.
inline void multiply_alike(training_plan& plan, any_communicator& ranks) {
  if (!plan.tuning) return;
  std::vector<fc_plan> all(static_cast<std::size_t>(ranks.size()));
  auto const mine = plan.tuning->plan;
  ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
  plan.tuning->plan = all.front();
  use_tuning(plan, *std::move(plan.tuning));
}

// What all ranks prepare alike, or the refusal that the first of those that refuse has to tell.
inline std::optional<job> prepared_alike(options const& o, any_communicator& ranks, process_ranks const& processes) {
  std::optional<job> what;
  std::string refusal;
  try {
    what.emplace(prepared(o, processes));
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
template <communicator Transport>
int train_alike(options const& o, Transport& transport, std::atomic<bool> const& stop) {
  any_communicator ranks{transport};
  auto const what = prepared_alike(o, ranks, {ranks.size(), transport.local_size(), transport.local_rank()});
  if (what) run_rank(transport, [&](Transport&) { train(*what, process_engine{ranks}, stop); });
  return what ? 0 : 2;
}

}  // namespace trainer
