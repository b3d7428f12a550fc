// MFU and HFU: how much of a processor's peak the model's, or the really executed, FLOPs use.
//
//   MFU<Convention>            = tokens/p/s · FLOP per token / peak
//   HFU<Convention, Recompute> = tokens/p/s · (FLOP per token + recomputed forward) / peak
// The forward pass is a third of a convention's FLOP, or what a convention that leaves gradients out says
// it is (fine_tuning.hpp). Layer checkpointing does not run the output
// product again, so it adds the layers' third only; `all` is the 4/3 of llm-foundry. A result
// carries its convention in its type and its peak, with the peak's source, in its value: results
// of two conventions do not mix. More than 100 % of a run's own peak is refused, with the likely trap in
// the reason. Source: PaLM (2204.02311) section 4.1 and appendix B.
#pragma once

#include <kunmetrics/flops.hpp>
#include <kunmetrics/rate_traps.hpp>
#include <kunmetrics/recompute.hpp>
#include <kunmetrics/throughput.hpp>

namespace kunmetrics {

// The work that MFU is about: a convention's FLOP, recomputation left out.
template <convention Convention>
struct model_work {
  using convention = Convention;
  static constexpr std::string_view name = "mfu";

  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return Convention::per_token(model, sequence_length);
  }
};

// The work that HFU is about. `layers` and `selective` need a convention that tells their share.
template <convention Convention, recompute Recompute>
  requires(Recompute == recompute::none || Recompute == recompute::all || layered_convention<Convention>)
struct hardware_work {
  using convention = Convention;
  static constexpr std::string_view name = "hfu";
  static constexpr recompute recomputed = Recompute;

  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    auto const total = Convention::per_token(model, sequence_length);
    if constexpr (Recompute == recompute::none) return total;
    if constexpr (Recompute == recompute::all) {
      if constexpr (convention_with_forward<Convention>) {
        return total + Convention::forward_per_token(model, sequence_length);
      } else {
        return total + forward_of(total);
      }
    }
    if constexpr (Recompute == recompute::layers) {
      if constexpr (requires { Convention::forward_layers_per_token(model, sequence_length); }) {
        return total + Convention::forward_layers_per_token(model, sequence_length);
      } else {
        return total + forward_of(Convention::layers_per_token(model, sequence_length));
      }
    }
    if constexpr (Recompute == recompute::selective) {
      return total + forward_of(Convention::attention_per_token(model, sequence_length));
    }
  }

 private:
  static constexpr flop_per_token_t forward_of(flop_per_token_t both) {
    return flop_per_token_t::from_coherent(both.coherent() / flops::training_over_forward);
  }
};

template <typename Work>
struct utilization {
  using work = Work;

  quantity_of<units::one> ratio;
  flop_per_token_t flop_per_token;
  peak_rate peak;

  // Of another convention, or HFU for MFU: deleted, so that the error names both.
  template <typename Other>
    requires(!std::same_as<Other, Work>)
  operator utilization<Other>() const = delete;
};

// tokens/p/s is the measured rate of one processor; `peak` that of the same processor.
template <typename Work>
struct utilization_calculator {
  static constexpr std::string_view name = Work::name;

  // Throws precondition_error when the peak is not positive.
  constexpr utilization<Work> operator()(transformer const& model, sequence_length_t sequence_length,
                                         token_rate_t rate, peak_rate const& peak) const {
    if (!(peak.rate.coherent() > 0)) {
      broken_precondition(name, "a positive peak in flop/(processor s)", std::to_string(peak.rate.coherent()));
    }
    auto const work = Work::per_token(model, sequence_length);
    return {.ratio = rate * work / peak.rate, .flop_per_token = work, .peak = peak};
  }
  // Absent, with the reason, when the device has no known peak at the run's precision, when the
  // convention says nothing of the model, and above 100 % or below 0: the reason then names the trap.
  constexpr maybe<utilization<Work>> operator()(training_case const& run, token_rate_t rate) const {
    if (auto const why = flops::undefined_for<typename Work::convention>(run.model); !why.empty()) return absent{why};
    auto const limit = kunmetrics::peak(run.processor, run.precision);
    if (!limit) return absent{limit.reason()};
    auto const use = (*this)(run.model, run.sequence_length, rate, *limit);
    if (auto const why = refusal(use, run); !why.empty()) return absent{why};
    return use;
  }
  constexpr maybe<utilization<Work>> operator()(training_case const& run, interval const& over) const {
    auto const rate = tokens_per_processor_second(run, over);
    if (!rate) return absent{rate.reason()};
    return (*this)(run, *rate);
  }

 private:
  // Why a ratio is none that a processor can have; empty when it is one.
  static constexpr std::string_view refusal(utilization<Work> const& use, training_case const& run) {
    auto const ratio = use.ratio.coherent();
    if (ratio >= 0 && ratio <= 1) return {};
    if (!(ratio > 1)) return "a utilization of at least 0 % was needed, and a number";
    auto const trap = likely_rate_trap(ratio, use.peak, run.processor, run.cluster, masked_attention(use, run));
    return trap ? trap->refusal : no_rate_trap;
  }

  // Pairs that a causal mask leaves out: at a long sequence they are most of what PaLM's attention counts.
  static constexpr rate_trap masked_attention(utilization<Work> const& use, training_case const& run) {
    if constexpr (layered_convention<typename Work::convention>) {
      auto const counted = Work::convention::attention_per_token(run.model, run.sequence_length);
      if (counted == flops::palm::attention_per_token(run.model, run.sequence_length)) {
        auto const work = use.flop_per_token.coherent();
        return {"masked attention", work / (work - counted.coherent() / 2),
                "above 100 % of the peak; likely a convention that counts the pairs a causal mask leaves out"};
      }
    }
    return {};
  }
};

// The braces are for clang (14 to 19): without them `meter{run, mfu<...>}` rejects a constexpr local `run`.
template <convention Convention>
inline constexpr utilization_calculator<model_work<Convention>> mfu{};

template <convention Convention, recompute Recompute>
inline constexpr utilization_calculator<hardware_work<Convention, Recompute>> hfu{};

}  // namespace kunmetrics
