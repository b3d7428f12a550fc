// When a run will end, from what it has done so far.
//
//   time in steps left = steps left · Σ time / Σ steps              s
//   wall-clock left    = time in steps left / share of wall-clock time spent in measured steps
// The second also foresees the pauses, checkpoints and skipped steps that have been usual so far.
// Start-up happens once and is not foreseen again. A changing step time is followed by giving the sums
// of the latest window instead of the whole run's.
#pragma once

#include <kunmetrics/goodput.hpp>
#include <kunmetrics/requirements.hpp>

namespace kunmetrics {

// Time in steps until step `last`, `done` being finished: zero when it is reached. Absent before a step
// has been measured.
constexpr maybe<quantity_of<units::second>> time_left(count_of<units::step> done, count_of<units::step> last,
                                                      interval const& over) {
  if (over.steps.coherent() == 0) return absent{"no step has been measured after warm-up"};
  if (done >= last) return 0.0 * units::second;
  return (last - done) * (over.time / over.steps);
}

// The same until `last` tokens are trained, for a run that ends by tokens.
constexpr maybe<quantity_of<units::second>> time_left(count_of<units::token> done, count_of<units::token> last,
                                                      interval const& over) {
  if (over.tokens.coherent() == 0) return absent{"no token has been trained after warm-up"};
  if (done >= last) return 0.0 * units::second;
  return (last - done) * (over.time / over.tokens);
}

// Wall-clock time for `in_steps` of step time, pauses included as they have been so far.
constexpr quantity_of<units::second> wall_clock(quantity_of<units::second> in_steps, interval const& over,
                                                goodput const& so_far) {
  auto const pacing = so_far.total() - so_far.initialization - so_far.warm_up;
  if (!(over.time.coherent() > 0) || pacing < over.time) return in_steps;
  return in_steps * (pacing / over.time).coherent();
}

}  // namespace kunmetrics
