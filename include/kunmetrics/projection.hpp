// What a run would take: rates, times and bounds that nobody has measured, and that say so by their type.
//
//   rate at an MFU     = MFU · peak / FLOP per token                       token/(processor s)
//   time               = tokens / (rate · processors)                      s
//   processors         = tokens / (rate · time), rounded up                processor
//   bound of a step    = max(executed FLOP of a step / peak, 2 · bytes sent / link)     s/step
//   ceiling of MFU     = FLOP of a step / (peak · bound of a step)
// A link's bandwidth is that of both directions together, and as much is received as is sent. The bound takes all
// communication for hidden behind computation, memory traffic and everything that is no product for free: no run
// is faster. A projected<T> does not become a T by itself, so that it cannot pass for a measurement.
#pragma once

#include <kunmetrics/communication.hpp>
#include <kunmetrics/utilization.hpp>

#include <algorithm>

namespace kunmetrics {

template <typename T>
struct projected {
  T value;
};
template <typename T>
projected(T) -> projected<T>;  // clang before 17 has none of its own for an aggregate

// The rate of one processor at an MFU of `Convention`. Throws precondition_error for an MFU outside (0, 1] or a peak that
// is not positive.
template <convention Convention>
constexpr projected<token_rate_t> rate_at_mfu(transformer const& model, sequence_length_t sequence_length, peak_rate const& peak,
                                              quantity_of<units::one> mfu) {
  if (!(mfu.coherent() > 0 && mfu.coherent() <= 1)) {
    broken_precondition("rate_at_mfu", "an MFU in (0, 1]", std::to_string(mfu.coherent()));
  }
  if (!(peak.rate.coherent() > 0)) {
    broken_precondition("rate_at_mfu", "a positive peak in flop/(processor s)", std::to_string(peak.rate.coherent()));
  }
  return {mfu * peak.rate / Convention::per_token(model, sequence_length)};
}

// Throws precondition_error when a factor is not positive; so do the next two.
constexpr projected<quantity_of<units::second>> training_time(quantity_of<units::token> tokens, token_rate_t rate,
                                                              count_of<units::processor> processors) {
  detail::require_positive("training_time", tokens);
  detail::require_positive("training_time", rate);
  detail::require_positive("training_time", processors);
  return {tokens / (rate * processors)};
}

// What a fleet is booked by.
constexpr auto processor_time(projected<quantity_of<units::second>> time, count_of<units::processor> processors) {
  detail::require_positive("processor_time", processors);
  return projected{time.value * processors};
}

constexpr projected<count_of<units::processor>> processors_needed(quantity_of<units::token> tokens, token_rate_t rate,
                                                                  quantity_of<units::second> time) {
  detail::require_positive("processors_needed", tokens);
  detail::require_positive("processors_needed", rate);
  detail::require_positive("processors_needed", time);
  auto const exact = (tokens / (rate * time)).coherent();
  if (!(exact < 9e15)) broken_precondition("processors_needed", "fewer than 9e15 processors", std::to_string(exact));
  auto const whole = static_cast<std::int64_t>(exact);
  return {(static_cast<double>(whole) < exact ? whole + 1 : whole) * units::processor};
}

// The least time of a step, and what sets it.
struct step_bound {
  quantity_of<units::second / units::step> computation{};
  maybe<quantity_of<units::second / units::step>> communication = absent{"no link bandwidth is known for this device"};

  constexpr quantity_of<units::second / units::step> whole() const {
    return communication ? std::max(computation, *communication) : computation;
  }
  constexpr bool is_of_communication() const { return communication && *communication > computation; }
};

// For a run whose data-parallel ranks send `traffic`; `executed` is the FLOP of a token, recomputation included. Throws
// precondition_error when the peak is not positive.
constexpr projected<step_bound> bound_of_step(training_case const& run, flop_per_token_t executed, peak_rate const& peak,
                                              data_parallel_traffic const& traffic) {
  if (!(peak.rate.coherent() > 0)) {
    broken_precondition("bound_of_step", "a positive peak in flop/(processor s)", std::to_string(peak.rate.coherent()));
  }
  auto const tokens_of_processor = 1.0 * tokens_per_step(run) / processors(run.cluster);
  step_bound bound{.computation = tokens_of_processor * executed / peak.rate};
  if (run.processor.link_bandwidth.coherent() > 0) {
    bound.communication = 2.0 * traffic.total() / run.processor.link_bandwidth;
  }
  return {bound};
}

// The MFU of `Convention` that a step of that length would have. Throws precondition_error for a time that is not positive.
template <convention Convention>
constexpr projected<quantity_of<units::one>> mfu_at(training_case const& run, peak_rate const& peak,
                                                    quantity_of<units::second / units::step> step_time) {
  detail::require_positive("mfu_at", step_time);
  auto const rate = 1.0 * tokens_per_step(run) / processors(run.cluster) / step_time;
  return {rate * Convention::per_token(run.model, run.sequence_length) / peak.rate};
}

// The energy of a job at its processors' rated power; the hosts' and the network's is not in it.
constexpr projected<quantity_of<units::joule>> energy_at_rated_power(projected<quantity_of<units::second>> time,
                                                                     count_of<units::processor> processors, device_power power) {
  return {power * processors * time.value};
}

}  // namespace kunmetrics
