// That a training leaves the same bits behind however it is spread: masters, m, v, losses, norms, loss
// scales and the evaluation after it, over 20 steps of 24 micro-batches.
//
// `Ranks` says how ranks are run (training_run.hpp). Each check compares with one rank at stage 3, without
// a thread but the caller's, and is done for numbers stored as Number.
#pragma once

#include "training_run.hpp"

#include "cpu_backend.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <type_traits>

namespace trainer_test {

inline constexpr int micro_batches_of_a_step = 24;  // divided by 1, 2, 3, 4 and 8

// 20 steps over `world` ranks; fp16 begins with a loss scale that overflows, and raises it again.
template <class Number>
trainer::run_plan spread_over(int world, int stage) {
  trainer::run_plan plan{.world = world, .steps = 20};
  plan.settings.gradient_accumulation_steps = micro_batches_of_a_step / world;
  plan.settings.stage = stage;
  if constexpr (std::is_same_v<Number, trainer::float16>) {
    plan.settings.loss_scale = trainer::loss_scale_settings{.initial = 0x1p20, .window = 4, .hysteresis = 1};
  }
  return plan;
}

// What all others must equal.
template <class Number>
trainer::training<float> const& reference() {
  static auto const alone = trainer::trained<trainer::cpu_backend<Number>>(spread_over<Number>(1, 3));
  return alone;
}

template <class Number, class Ranks>
void check_same(trainer::run_plan const& plan, Ranks const& run) {
  auto const together = trainer::trained<trainer::cpu_backend<Number>>(plan, run);
  if (together.parameters.empty()) return;  // this process has no rank that tells
  auto const& alone = reference<Number>();
  CAPTURE(plan.world);
  CAPTURE(plan.settings.stage);
  CHECK(trainer::same_bits(alone.losses, together.losses));
  CHECK(trainer::same_bits(alone.norms, together.norms));
  CHECK(trainer::same_bits(alone.parameters, together.parameters));
  CHECK(trainer::same_bits(alone.m, together.m));
  CHECK(trainer::same_bits(alone.v, together.v));
  CHECK(trainer::same_bits(alone, together));
}

// Stages 0 to 3 over `world` ranks.
template <class Number, class Ranks>
void check_stages(int world, Ranks const& run) {
  for (int stage : {3, 2, 1, 0}) check_same<Number>(spread_over<Number>(world, stage), run);
}

// Prefetch on and off, activations kept and computed again.
template <class Number, class Ranks>
void check_schedules(int world, int stage, Ranks const& run) {
  for (auto const policy : {trainer::recompute::none, trainer::recompute::layers}) {
    for (bool const prefetch : {false, true}) {
      CAPTURE(prefetch);
      auto plan = spread_over<Number>(world, stage);
      plan.settings.recompute = policy;
      plan.settings.prefetch = prefetch;
      check_same<Number>(plan, run);
    }
  }
}

// One and several ranks, each on one and several threads, on sizes of several blocks of everything that
// threads share.
template <class Number, class Ranks>
void check_threads(Ranks const& run) {
  auto const spread = [](int world, int threads) {
    auto plan = spread_over<Number>(world, 3);
    plan.steps = 3;
    plan.shape = {.layers = 2, .hidden = 40, .heads = 4, .kv_heads = 2, .head_size = 10, .ffn = 150, .vocabulary = 2500};
    plan.settings.samples = 3;
    plan.settings.sequence_length = 130;
    plan.settings.gradient_accumulation_steps = 2 / world;
    plan.settings.compute.threads = threads;
    return plan;
  };
  auto const alone = trainer::trained<trainer::cpu_backend<Number>>(spread(1, 1), run);
  for (int const world : {1, 2}) {
    for (int const threads : {1, 2, 3}) {
      auto const together = trainer::trained<trainer::cpu_backend<Number>>(spread(world, threads), run);
      CAPTURE(world);
      CAPTURE(threads);
      CHECK(trainer::same_bits(alone, together));
    }
  }
}

// A random wait before every collective, another on every rank, at every stage.
template <class Number, class Ranks>
void check_delays(int world, Ranks const& run) {
  for (int stage : {3, 2, 1, 0}) {
    auto plan = spread_over<Number>(world, stage);
    plan.observe = trainer::random_delays(static_cast<unsigned>(100 + stage));
    check_same<Number>(plan, run);
  }
}

// That the reference is a training at all, and one that could differ.
template <class Number>
void check_reference() {
  auto const& alone = reference<Number>();
  REQUIRE(alone.losses.size() == 20);
  CHECK(alone.losses.back() != alone.losses.front());
  CHECK(std::isfinite(alone.evaluated));
  auto other = spread_over<Number>(1, 3);
  other.settings.seed += 1;
  CHECK_FALSE(trainer::same_bits(alone.parameters, trainer::trained<trainer::cpu_backend<Number>>(other).parameters));
  if constexpr (std::is_same_v<Number, trainer::float16>) {
    CHECK(alone.applied < 20);                           // some steps were skipped,
    CHECK(alone.applied > 10);                           // most were not,
    CHECK(alone.scales.back() < alone.scales.front());   // the scale went down
    bool raised = false;                                 // and up
    for (std::size_t i = 1; i < alone.scales.size(); ++i) raised = raised || alone.scales[i] > alone.scales[i - 1];
    CHECK(raised);
  } else {
    CHECK(alone.applied == 20);
  }
}

}  // namespace trainer_test
