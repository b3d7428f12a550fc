// What /metrics shows of a running job: the latest step, sums since warm-up, where the time went, the rate
// with its interval, each calculator's value, and whom the ranks last waited for. Made of the meter's snapshot, on
// the thread that asks.
#pragma once

#include <kunmetrics/io/device_reading.hpp>
#include <kunmetrics/io/prometheus_text.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/rank_summary.hpp>

#include <array>
#include <string_view>
#include <type_traits>

namespace trainer {

namespace km = kunmetrics;

template <class... Calculators>
struct live_metrics {
  static constexpr std::array<std::string_view, sizeof...(Calculators)> result_names{Calculators::name...};

  km::step_record last;
  km::count_of<km::units::step> steps;
  km::count_of<km::units::token> tokens;
  km::quantity_of<km::units::second> time;
  km::count_of<km::units::step> skipped_steps;
  km::count_of<km::units::step> slow_steps;
  km::count_of<km::units::step> untimed_steps;
  km::count_of<km::units::step> losses_not_finite;
  km::count_of<km::units::token> tokens_trained;
  km::goodput goodput;
  km::maybe<km::rate_interval> rate;
  km::device_sample device;
  km::maybe<km::straggler_report> straggler;  // of the last reporting interval
  boost::hana::tuple<std::invoke_result_t<Calculators const&, km::training_case const&, km::interval const&>...> results;

  using hana_accessors_impl = km::fields<
      km::field<"last", &live_metrics::last>, km::field<"steps", &live_metrics::steps>,
      km::field<"tokens", &live_metrics::tokens>, km::field<"time", &live_metrics::time>,
      km::field<"skipped_steps", &live_metrics::skipped_steps>, km::field<"slow_steps", &live_metrics::slow_steps>,
      km::field<"untimed_steps", &live_metrics::untimed_steps>, km::field<"losses_not_finite", &live_metrics::losses_not_finite>,
      km::field<"tokens_trained", &live_metrics::tokens_trained>, km::field<"goodput", &live_metrics::goodput>,
      km::field<"rate", &live_metrics::rate>, km::field<"device", &live_metrics::device>,
      km::field<"straggler", &live_metrics::straggler>, km::field<"results", &live_metrics::results>>;
};

// Absent until measured steps of several ranks have been compared: before that nobody's work took time.
inline km::maybe<km::straggler_report> told(km::straggler_report const& straggler) {
  if (!(straggler.own_work.coherent() > 0)) return km::absent{"no measured steps of several ranks have been compared"};
  return straggler;
}

template <class Clock, class... Calculators>
live_metrics<Calculators...> live_metrics_of(km::basic_meter<Clock, Calculators...> const& meter,
                                             km::device_sample const& device,
                                             km::straggler_report const& straggler) {
  auto const now = meter.snapshot();
  return {.last = now.latest,
          .steps = now.measured.steps,
          .tokens = now.measured.tokens,
          .time = now.measured.time,
          .skipped_steps = now.skipped_steps,
          .slow_steps = now.slow_steps,
          .untimed_steps = now.untimed_steps,
          .losses_not_finite = now.losses_not_finite,
          .tokens_trained = now.tokens_trained,
          .goodput = now.goodput,
          .rate = meter.rate(),
          .device = device,
          .straggler = told(straggler),
          .results = meter.results(now.measured)};
}

}  // namespace trainer

template <class... Calculators>
inline constexpr std::array<std::string_view, 8> kunmetrics::prometheus_counters<trainer::live_metrics<Calculators...>>{
    "steps", "tokens", "time", "skipped_steps", "slow_steps", "untimed_steps", "losses_not_finite",
    "tokens_trained"};
