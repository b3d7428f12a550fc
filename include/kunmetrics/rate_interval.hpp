// How sure a rate of tokens/p/s is.
//
// The true rate lies within rate ± half_width at `level`, steps resembling their neighbours allowed for:
// batch_means.hpp says how. Before enough steps have been measured it is absent, never ± 0.
#pragma once

#include <kunmetrics/batch_means.hpp>
#include <kunmetrics/fields.hpp>
#include <kunmetrics/throughput.hpp>

namespace kunmetrics {

struct rate_interval {
  token_rate_t rate{};
  token_rate_t half_width{};
  double level = 0.95;
  std::int64_t batches = 0;

  using hana_accessors_impl = fields<
      field<"rate", &rate_interval::rate>, field<"half_width", &rate_interval::half_width>,
      field<"level", &rate_interval::level>, field<"batches", &rate_interval::batches>>;
};

// `tokens_and_seconds` has been given each step's tokens and time in s. Absent as batch_means::interval is.
inline maybe<rate_interval> interval_of_rate(batch_means const& tokens_and_seconds, count_of<units::processor> world,
                                             double level = 0.95) {
  auto const of = tokens_and_seconds.interval(level);
  if (!of) return absent{of.reason()};
  constexpr auto unit = units::token / units::second;
  return rate_interval{.rate = of->ratio * unit / world,
                       .half_width = of->half_width * unit / world,
                       .level = of->level,
                       .batches = of->batches};
}

}  // namespace kunmetrics
