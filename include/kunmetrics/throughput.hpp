// Throughput: the ratio of sums, never a mean of rates.
//
//   throughput                  = Σ tokens / Σ time                 token/s
//   tokens/p/s                  = Σ tokens / Σ time / processors    token/(processor s)
//   useful tokens/p/s           = Σ tokens that are no padding / Σ time / processors
// Tokens are those of the whole job; a per-replica count must be multiplied by the replicas first.
// The first two count every token that was computed: what the hardware did, and what MFU is of.
// Source: FlagPerf's tokens/p/s, with the division by *all* processors: its llama2_7b script
// divides by processors a node and multiplies by nodes, which is token node^2/(processor s).
#pragma once

#include <kunmetrics/batch.hpp>
#include <kunmetrics/requirements.hpp>

namespace kunmetrics {

using throughput_t = quantity_of<units::token / units::second>;
using token_rate_t = quantity_of<units::token / (units::processor * units::second)>;

// Throws precondition_error when the time is not positive.
constexpr throughput_t throughput(quantity_of<units::token> tokens, quantity_of<units::second> time) {
  if (!(time.coherent() > 0)) {
    broken_precondition("throughput", "a positive time in s", std::to_string(time.coherent()));
  }
  return tokens / time;
}

// The calculator of tokens/p/s, and the function: tokens_per_processor_second(tokens, time, world).
struct tokens_per_processor_second_t {
  static constexpr std::string_view name = "tokens_per_processor_second";

  constexpr token_rate_t operator()(quantity_of<units::token> tokens, quantity_of<units::second> time,
                                    count_of<units::processor> world) const {
    detail::require_positive("tokens_per_processor_second", world);
    return throughput(tokens, time) / world;
  }
  // Absent when nothing has been measured yet.
  constexpr maybe<token_rate_t> operator()(training_case const& run, interval const& over) const {
    if (!(over.time.coherent() > 0)) return absent{"no step has been measured after warm-up"};
    return (*this)(over.tokens, over.time, processors(run.cluster));
  }
  // The end of a pipeline over records or groups of them: views.hpp.
  constexpr auto operator()(training_case const& run) const { return over(run, *this); }
};
inline constexpr tokens_per_processor_second_t tokens_per_processor_second;

// The same of the tokens that are not padding. Absent when a measured step did not say its own.
struct useful_tokens_per_processor_second_t {
  static constexpr std::string_view name = "useful_tokens_per_processor_second";

  constexpr maybe<token_rate_t> operator()(training_case const& run, interval const& over) const {
    if (!(over.time.coherent() > 0)) return absent{"no step has been measured after warm-up"};
    if (over.steps_with_useful_tokens != over.steps) {
      return absent{"not every step said how many tokens are no padding"};
    }
    return tokens_per_processor_second(over.useful_tokens, over.time, processors(run.cluster));
  }
};
inline constexpr useful_tokens_per_processor_second_t useful_tokens_per_processor_second;

}  // namespace kunmetrics
