// MFU and HFU of counted work: the FLOP that ran, not those of a formula.
//
//   MFU = (forward + backward) / (processors · time · peak)
//   HFU = (forward + backward + recomputed) / (processors · time · peak)
// The counted square of causal attention is whole where the program computed it whole; causal_model_flop leaves
// out what a causal operator was told to skip. A result's type says that it was counted, so that it does not
// mix with a convention's.
#pragma once

#include <kunmetrics/torch/flop_counter.hpp>
#include <kunmetrics/utilization.hpp>

namespace kunmetrics {

namespace flops {
struct counted {
  static constexpr std::string_view name = "counted";
};
}  // namespace flops

struct counted_model_work {
  using convention = flops::counted;
  static constexpr std::string_view name = "mfu";
};
struct counted_hardware_work {
  using convention = flops::counted;
  static constexpr std::string_view name = "hfu";
};

// The counter's FLOP over the tokens that they were counted for: flop/token. Throws precondition_error for no token.
inline flop_per_token_t flop_per_token(std::int64_t flop, count_of<units::token> tokens) {
  detail::require_positive("flop_per_token", tokens);
  return flop_per_token_t::from_coherent(static_cast<double>(flop) / static_cast<double>(tokens.coherent()));
}

namespace detail {
template <typename Work>
utilization<Work> counted_utilization(flop_per_token_t work, token_rate_t rate, peak_rate const& peak) {
  if (!(peak.rate.coherent() > 0)) {
    broken_precondition(Work::name, "a positive peak in flop/(processor s)", std::to_string(peak.rate.coherent()));
  }
  return {.ratio = rate * work / peak.rate, .flop_per_token = work, .peak = peak};
}
}  // namespace detail

// `rate` is the measured one of one processor, `tokens` those that `ran` was counted for.
inline utilization<counted_model_work> counted_mfu(executed_flop const& ran, count_of<units::token> tokens,
                                                   token_rate_t rate, peak_rate const& peak) {
  return detail::counted_utilization<counted_model_work>(flop_per_token(ran.model(), tokens), rate, peak);
}
inline utilization<counted_hardware_work> counted_hfu(executed_flop const& ran, count_of<units::token> tokens,
                                                      token_rate_t rate, peak_rate const& peak) {
  return detail::counted_utilization<counted_hardware_work>(flop_per_token(ran.hardware(), tokens), rate, peak);
}

}  // namespace kunmetrics
