// A training that nothing can refuse any more: its plan, its tokens, and what it begins with.
//
// Everything that can be refused is refused here, before a byte is allocated for training or written.
#pragma once

#include "available_memory.hpp"
#include "checkpoint.hpp"
#include "dataset.hpp"
#include "hf_llama.hpp"
#include "imported_model.hpp"
#include "options.hpp"
#include "run_tuning.hpp"
#include "thread_communicator.hpp"
#include "training.hpp"
#include "training_plan.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace trainer {

// One line in one write: ranks that are processes share standard error.
inline void say(std::string const& what) { std::cerr << "llama2_zero3: " + what + '\n' << std::flush; }

inline int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// What is trained, once nothing about it can be refused any more.
struct job {
  training_plan plan;
  dataset tokens;
  std::int64_t steps;
  std::int64_t memory;  // bytes available at the start
  rank_limits limits;
  std::optional<checkpoint> from;
  std::optional<hf_llama_weights> initial;
  options const& asked;
};

// Throws input_error for what cannot be trained.
inline job prepared(options const& o, std::optional<process_ranks> processes) {
  auto what = kunmetrics::read_case(o.case_path);
  if (o.tokens) what.tokens = *o.tokens;
  auto const available = available_memory();
  auto plan = planned(std::move(what), o, available, cores(), processes);
  tune(plan, o);
  require_memory(plan, available);
  dataset tokens{plan.what.tokens, plan.shape.vocabulary, o.seed};
  require_sequence(plan, tokens);
  auto const steps = o.steps.value_or(default_steps(plan, tokens));
  rank_limits const limits{.timeout = std::chrono::milliseconds{static_cast<std::int64_t>(o.timeout * 1000)},
                           .stuck = [](rank_failure const& failure) {
                             say(failure.what());
                             std::_Exit(1);
                           }};
  std::optional<checkpoint> from;
  if (o.resume) {
    from.emplace(*o.resume);
    require_same_training(*from, meta_of(plan, tokens));
    if (from->meta().progress.steps >= steps) {
      throw kunmetrics::input_error{kunmetrics::detail::needed_found("--resume", "a checkpoint of fewer than the " + std::to_string(steps) +
                                                     " steps to train", std::to_string(from->meta().progress.steps))};
    }
  }
  std::optional<hf_llama_weights> initial;
  if (o.import_safetensors) {
    require_imported_model(*o.import_safetensors, plan.shape);
    initial.emplace(*o.import_safetensors, plan.shape);
  }
  return {std::move(plan), std::move(tokens), steps, available.value_or(0), limits, std::move(from), std::move(initial), o};
}

}  // namespace trainer
