// The FC blocking of a planned run: as it is, from the cache, or measured now.
#pragma once

#include "fc_cache.hpp"
#include "number_of_precision.hpp"
#include "options.hpp"
#include "training_plan.hpp"

#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace trainer {

// Tunes a plan as the command line says; only our own operators have a blocking of ours.
inline void tune(training_plan& plan, options const& o) {
  if (o.fc_tuning == "off" || plan.backend != "cpu") return;
  fc_situation const where{plan.shape, plan.settings.micro_batch_tokens(), plan.threads, plan.what.precision};
  auto const key = fc_key(where);
  auto const path = fc_cache_path();
  std::optional<fc_cache> cache;
  if (path) cache.emplace(*path);
  if (cache && o.fc_tuning == "cache") {
    if (auto found = cache->find(key)) return use_tuning(plan, *std::move(found));
  }
  use_threads(plan.backend, plan.threads);
  auto tuning = with_number_of(plan.what.precision, [&]<class Number>() { return tuned_fc<Number>(where.shape, where.rows, where.threads); });
  try {
    if (cache && tuning.complete) cache->keep(key, tuning);
  } catch (std::exception const& failure) {
    std::cerr << "note: the FC tuning is not kept: " << failure.what() << '\n';
  }
  use_tuning(plan, std::move(tuning));
}

}  // namespace trainer
