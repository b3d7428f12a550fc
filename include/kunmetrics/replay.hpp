// The summary of steps that were recorded earlier: what a meter would have said had it seen them.
//
//   auto const log = read_step_log("steps.jsonl");
//   auto const run = summary_of_records(what, log.records, tokens_per_processor_second, mfu<flops::palm>);
// The records run through a meter on a clock that they set, so that there is one set of sums, percentiles
// and rules for skipped and warm-up steps, not two. Warm-up are the leading records that say so. Times are
// rounded to the nanosecond as a whole, not step by step; one that is not finite, or negative, is nothing.
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
  static inline thread_local double seconds = 0;

  static time_point now() { return time_point{duration{std::llround(seconds * 1e9)}}; }
};

// Steps through one record: the pause before it, its phases in the order of their enum, then the time in
// no phase. For an untimed record the clock goes backwards, as it did.
template <typename Meter>
void replay_step(Meter& meter, step_record const& record) {
  if (record.paused.coherent() > 0) {
    auto const pause = meter.pause(phase::idle);  // what it was for is not recorded
    replay_clock::seconds += record.paused.coherent();
  }
  auto running = meter.start();
  auto const begin = replay_clock::seconds;
  auto const length = record.time.coherent();
  for (std::size_t p = 0; p < record.phases.size(); ++p) {
    auto const part = record.phases[p].coherent();
    if (!(part > 0)) continue;
    auto const scope = running.enter(static_cast<phase>(p));
    replay_clock::seconds += part;
  }
  replay_clock::seconds = begin + (length > 0 && std::isfinite(length) ? length : 0) - (record.untimed ? 1e-6 : 0);
  running.finish({.tokens = record.tokens, .loss = record.loss, .grad_norm = record.grad_norm,
                  .learning_rate = record.learning_rate, .loss_scale = record.loss_scale, .skipped = record.skipped,
                  .epoch = record.epoch, .useful_tokens = record.useful_tokens, .energy = record.energy,
                  .overlapped_communication = record.overlapped_communication});
}
}  // namespace detail

template <calculator... Calculators>
summary<Calculators...> summary_of_records(training_case const& run, std::span<step_record const> records,
                                           Calculators... calculators) {
  auto const measured = std::ranges::find(records, false, &step_record::warm_up);
  meter_settings const settings{.warm_up = (measured - records.begin()) * units::step,
                                .records_kept = std::max<std::size_t>(records.size(), 1)};
  detail::replay_clock::seconds = 0;
  basic_meter<detail::replay_clock, Calculators...> meter{run, settings, calculators...};
  for (step_record const& record : records) detail::replay_step(meter, record);
  return summary_of(meter);
}

}  // namespace kunmetrics
