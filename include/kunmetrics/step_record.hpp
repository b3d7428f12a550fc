// What is known of one finished step.
//
// `time` runs from the end of the step before, or of a pause after it, to the end of this one, so that
// loading data between steps is never left out and a pause between steps never in. Phase times are
// exclusive and add up to `time`: what is in no phase is `idle`. Communication that ran behind
// computation has a field of its own and is in no phase's time. A value that was not given, or is not
// finite, is empty.
#pragma once

#include <kunmetrics/fields.hpp>
#include <kunmetrics/quantity.hpp>
#include <kunmetrics/requirements.hpp>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>

namespace kunmetrics {

enum class phase { data, forward, backward, communication, optimizer, checkpoint, evaluation, idle };

inline constexpr std::array<std::string_view, 8> phase_names{
    "data", "forward", "backward", "communication", "optimizer", "checkpoint", "evaluation", "idle"};
constexpr std::string_view name_of(phase p) { return phase_names.at(static_cast<std::size_t>(p)); }

using phase_times = std::array<quantity_of<units::second>, phase_names.size()>;

// Members stand so that what sums are made of lies close together; writers keep the order of `apply`.
struct step_record {
  count_of<units::step> step{};
  quantity_of<units::second> time{};
  count_of<units::token> tokens{};                        // of the whole job: all that were computed, padding too
  std::optional<count_of<units::token>> useful_tokens{};  // those that are not padding
  std::optional<quantity_of<units::joule>> energy{};      // of all processors
  std::optional<double> loss{};
  std::optional<double> grad_norm{};
  std::optional<double> learning_rate{};
  std::optional<double> loss_scale{};
  bool skipped = false;  // no update was made: its time counts, its tokens do not
  bool warm_up = false;  // left out of every rate
  bool untimed = false;  // the clock went backwards: no time is known, and it counts nowhere
  bool slow = false;     // against the steps before it: slow_steps.hpp
  std::int64_t epoch = 0;  // as the loop counts them
  phase_times phases{};
  quantity_of<units::second> overlapped_communication{};  // behind computation, in no phase
  quantity_of<units::second> paused{};                    // before the step, not in `time`

  using hana_accessors_impl = fields<
      field<"step", &step_record::step>, field<"time", &step_record::time>, field<"tokens", &step_record::tokens>,
      field<"loss", &step_record::loss>, field<"grad_norm", &step_record::grad_norm>,
      field<"learning_rate", &step_record::learning_rate>, field<"loss_scale", &step_record::loss_scale>,
      field<"skipped", &step_record::skipped>, field<"warm_up", &step_record::warm_up>,
      field<"phases", &step_record::phases>, field<"untimed", &step_record::untimed>,
      field<"slow", &step_record::slow>, field<"epoch", &step_record::epoch>,
      field<"useful_tokens", &step_record::useful_tokens>,
      field<"overlapped_communication", &step_record::overlapped_communication>, field<"paused", &step_record::paused>,
      field<"energy", &step_record::energy>>;
};

constexpr quantity_of<units::second> in_phase(step_record const& record, phase p) {
  return record.phases[static_cast<std::size_t>(p)];
}

namespace detail {
// The counts that the sum of tokens bounds are added without a check of their own: a check can throw, and that
// effect would keep a sum alive in a loop over records where nobody reads it.
constexpr void count_one(count_of<units::step>& steps) {
  steps = count_of<units::step>::from_coherent(steps.coherent() + 1);
}
// At most the greatest count, where a record says that more of its tokens are useful than it has.
constexpr void add_useful(count_of<units::token>& useful, count_of<units::token> more) {
  std::int64_t result{};
  bool const beyond = __builtin_add_overflow(useful.coherent(), more.coherent(), &result);
  useful = count_of<units::token>::from_coherent(beyond ? std::numeric_limits<std::int64_t>::max() : result);
}
}  // namespace detail

// Adds what a step brings to sums. A skipped step's time and energy count, its tokens do not; an untimed one
// brings nothing. Warm-up is the caller's to leave out.
constexpr void add(interval& over, step_record const& record) {
  if (record.untimed) [[unlikely]] return;
  over.time += record.time;
  detail::count_one(over.steps);
  if (!record.skipped) over.tokens += record.tokens;
  if (record.skipped || record.useful_tokens) detail::count_one(over.steps_with_useful_tokens);
  if (!record.skipped && record.useful_tokens) detail::add_useful(over.useful_tokens, *record.useful_tokens);
  if (record.energy) {
    over.energy += *record.energy;
    detail::count_one(over.steps_with_energy);
  }
}
constexpr interval contribution(step_record const& record) {
  interval alone;
  add(alone, record);
  return alone;
}

}  // namespace kunmetrics
