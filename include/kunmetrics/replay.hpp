// The summary of steps that were recorded earlier: what a meter would have said had it seen them.
//
//   auto const log = read_step_log("steps.jsonl");
//   auto const run = summary_of_records(what, log.records, tokens_per_processor_second, mfu<flops::palm>);
// The records run through a meter on a clock that they set, so that there is one set of sums, percentiles
// and rules for skipped and warm-up steps, not two. Times are rounded to the nanosecond as a whole, not step by
// step, and phases end with their step at the latest. A step whose time is not finite, negative or longer than
// three years is untimed; a pause of that kind was none.
#pragma once

#include <kunmetrics/summary.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

namespace kunmetrics {

namespace detail {
// Shows what the replay of its thread last set.
struct replay_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<replay_clock>;
  static constexpr bool is_steady = true;
  static inline thread_local rep nanoseconds = 0;
  static inline thread_local double rounded_away = 0;  // of a nanosecond, from all times before

  static time_point now() { return time_point{duration{nanoseconds}}; }
  static void pass(double seconds) {
    auto const exact = seconds * 1e9 + rounded_away;
    auto const whole = std::llround(exact);
    rounded_away = exact - static_cast<double>(whole);
    nanoseconds += whole;
  }
};

// Whether a clock of nanoseconds that has come this far can show a time.
inline bool can_pass(quantity_of<units::second> time) {
  constexpr double longest = 1e8;
  constexpr replay_clock::rep latest = 9'000'000'000'000'000'000;
  return time.coherent() >= 0 && time.coherent() <= longest && replay_clock::nanoseconds < latest - std::llround(longest * 1e9);
}

// Steps through one record: the pause before it, its phases in the order of their enum, then the time in
// no phase. For an untimed record the clock goes backwards, as it did.
template <typename Meter>
void replay_step(Meter& meter, step_record const& record) {
  if (record.paused.coherent() > 0 && can_pass(record.paused)) {
    auto const pause = meter.pause(phase::idle);  // what it was for is not recorded
    replay_clock::pass(record.paused.coherent());
  }
  auto running = meter.start();
  auto const begin = replay_clock::nanoseconds;
  bool const timed = !record.untimed && can_pass(record.time);
  if (timed) replay_clock::pass(record.time.coherent());
  auto const end = timed ? replay_clock::nanoseconds : begin - 1000;
  double in_phases = 0;
  replay_clock::nanoseconds = begin;
  for (std::size_t p = 0; p < record.phases.size() && timed; ++p) {
    if (!(record.phases[p].coherent() > 0)) continue;
    auto const scope = running.enter(static_cast<phase>(p));
    in_phases += std::min(record.phases[p], record.time).coherent();
    replay_clock::nanoseconds = std::min(begin + std::llround(in_phases * 1e9), static_cast<long long>(end));
  }
  replay_clock::nanoseconds = end;
  running.finish({.tokens = record.tokens, .loss = record.loss, .grad_norm = record.grad_norm,
                  .learning_rate = record.learning_rate, .loss_scale = record.loss_scale, .skipped = record.skipped,
                  .epoch = record.epoch, .useful_tokens = record.useful_tokens, .energy = record.energy,
                  .overlapped_communication = record.overlapped_communication, .warm_up = record.warm_up});
}
}  // namespace detail

template <calculator... Calculators>
summary<Calculators...> summary_of_records(training_case const& run, std::span<step_record const> records,
                                           Calculators... calculators) {
  meter_settings const settings{.warm_up = 0 * units::step,  // the records say themselves which those were
                                .records_kept = std::max<std::size_t>(records.size(), 1)};
  detail::replay_clock::nanoseconds = 0;
  detail::replay_clock::rounded_away = 0;
  basic_meter<detail::replay_clock, Calculators...> meter{run, settings, calculators...};
  for (step_record const& record : records) detail::replay_step(meter, record);
  return summary_of(meter);
}

}  // namespace kunmetrics
