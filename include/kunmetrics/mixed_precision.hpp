// Utilization of a run whose operations have different peaks: fp8 products beside bf16 attention.
//
//   utilization = tokens/p/s · Σ FLOPᵢ / peakᵢ      the share of time that work at its own peak would take
//   peak        = Σ FLOPᵢ / Σ (FLOPᵢ / peakᵢ)       the harmonic mean: MFU against it is the same number
// All work over the fp8 peak flatters nobody but compares with nothing; over the bf16 peak it may pass
// 100 % (torchtitan#560). Left out: conversions, and operations bound by memory.
#pragma once

#include <kunmetrics/throughput.hpp>

#include <array>
#include <span>

namespace kunmetrics {

// Work of one token and the peak of the precision that it runs in.
struct precision_share {
  flop_per_token_t work{};
  peak_rate peak{};
};

namespace detail {
using time_per_token = quantity_of<units::processor * units::second / units::token>;

constexpr time_per_token time_at_peak(std::string_view where, std::span<precision_share const> shares) {
  time_per_token time{};
  for (precision_share const& share : shares) {
    if (!(share.peak.rate.coherent() > 0)) {
      broken_precondition(where, "a positive peak in flop/(processor s)", std::to_string(share.peak.rate.coherent()));
    }
    if (!(share.work.coherent() >= 0)) {
      broken_precondition(where, "work of at least 0 flop/token", std::to_string(share.work.coherent()));
    }
    time += share.work / share.peak.rate;
  }
  if (!(time.coherent() > 0)) broken_precondition(where, "some work", "0 flop/token");
  return time;
}
}  // namespace detail

// Throws precondition_error when a peak is not positive or there is no work.
constexpr quantity_of<units::one> mixed_utilization(token_rate_t rate, std::span<precision_share const> shares) {
  return rate * detail::time_at_peak("mixed_utilization", shares);
}

constexpr flop_rate mixed_peak(std::span<precision_share const> shares) {
  auto const time = detail::time_at_peak("mixed_peak", shares);
  flop_per_token_t work{};
  for (precision_share const& share : shares) work += share.work;
  return work / time;
}

// The weights' products at one peak, scores and weighted values at another.
template <layered_convention Convention>
constexpr std::array<precision_share, 2> weights_and_attention(transformer const& model,
                                                               sequence_length_t sequence_length,
                                                               peak_rate const& weights, peak_rate const& attention) {
  auto const core = Convention::attention_per_token(model, sequence_length);
  return {{{Convention::per_token(model, sequence_length) - core, weights}, {core, attention}}};
}

}  // namespace kunmetrics
