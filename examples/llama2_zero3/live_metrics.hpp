// What /metrics shows of a running job: the last step, the sums since warm-up, and each calculator's value.
//
// Trivially copyable, so that the training thread hands it over without a lock (kunmetrics/latest.hpp).
#pragma once

#include <kunmetrics/io/device_reading.hpp>
#include <kunmetrics/io/prometheus_text.hpp>
#include <kunmetrics/meter.hpp>

#include <array>
#include <string_view>
#include <type_traits>

namespace trainer {

template <class... Calculators>
struct live_metrics {
  static constexpr std::array<std::string_view, sizeof...(Calculators)> result_names{Calculators::name...};

  kunmetrics::step_record last{};
  kunmetrics::count_of<kunmetrics::units::step> steps{};
  kunmetrics::count_of<kunmetrics::units::token> tokens{};
  kunmetrics::quantity_of<kunmetrics::units::second> time{};
  kunmetrics::device_sample device{};
  boost::hana::tuple<
      std::invoke_result_t<Calculators const&, kunmetrics::training_case const&, kunmetrics::interval const&>...>
      results;

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = live_metrics;
      using namespace kunmetrics;
      return fields<field<"last", &self::last>, field<"steps", &self::steps>, field<"tokens", &self::tokens>,
                    field<"time", &self::time>, field<"device", &self::device>, field<"results", &self::results>>();
    }
  };
};

// Of the meter after `last`.
template <class Clock, class... Calculators>
live_metrics<Calculators...> live_metrics_of(kunmetrics::basic_meter<Clock, Calculators...> const& meter,
                                             kunmetrics::step_record const& last,
                                             kunmetrics::device_sample const& device) {
  auto const& sums = meter.measured();
  return {.last = last,
          .steps = sums.steps,
          .tokens = sums.tokens,
          .time = sums.time,
          .device = device,
          .results = meter.results()};
}

}  // namespace trainer

template <class... Calculators>
inline constexpr std::array<std::string_view, 3> kunmetrics::prometheus_counters<trainer::live_metrics<Calculators...>>{
    "steps", "tokens", "time"};
