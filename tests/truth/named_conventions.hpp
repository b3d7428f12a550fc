// What the names of conventions in the collected rows mean to the library.
#pragma once

#include <kunmetrics/conventions.hpp>
#include <kunmetrics/fine_tuning.hpp>
#include <kunmetrics/multi_token_prediction.hpp>
#include <kunmetrics/utilization.hpp>

#include <map>
#include <string>

namespace truth {

namespace km = kunmetrics;

struct named_convention {
  km::flop_per_token_t (*per_token)(km::transformer const&, km::sequence_length_t);
  double (*percent)(km::transformer const&, km::sequence_length_t, km::token_rate_t, km::peak_rate const&);
};

template <typename Work>
named_convention by() {
  return {
      [](km::transformer const& model, km::sequence_length_t length) { return Work::per_token(model, length); },
      [](km::transformer const& model, km::sequence_length_t length, km::token_rate_t rate, km::peak_rate const& peak) {
        return km::utilization_calculator<Work>{}(model, length, rate, peak).ratio.in(km::units::percent);
      }};
}
template <km::convention Convention>
named_convention model() {
  return by<km::model_work<Convention>>();
}

// NeMo Automodel's recipes of LoRA: rank 16 on all linear layers.
inline constexpr km::low_rank_adapters automodel_adapters{.rank = 16};

inline std::map<std::string, named_convention> const& named_conventions() {
  using namespace km::flops;
  static std::map<std::string, named_convention> const all{
      {"palm", model<palm_n_total>()},
      {"palm_noemb", model<palm_no_embedding>()},
      {"palm without positions", model<palm_no_embedding>()},  // tied: the embedding stays
      {"palm without positions (EMA 0.9)", model<palm_no_embedding>()},
      {"sum_of_matmuls(non-causal)", model<palm>()},
      {"matmul_causal", model<causal>()},
      {"matmul_causal_norouter", model<causal_no_router>()},
      {"matmul_causal_norouter+MTP", model<with_prediction_layers<causal_no_router>>()},
      {"gptoss causal+window/2 (router)", model<causal_half_window>()},
      {"gptoss causal+window/2 (no router)", model<causal_half_window_no_router>()},
      {"gptoss all-full causal, MLP counted as 2 matrices (no router)", model<causal_no_router>()},
      {"llm.c 6N+6LCT (causal-halved, padded vocab)", model<causal_n_total>()},
      {"causal_noemb x 2/3 (LoRA)", model<scaled_low_rank<causal, automodel_adapters>>()},
      {"megatron_model_72", model<megatron_model>()},
      {"megatron_hw_96", by<km::hardware_work<megatron_model, km::recompute::layers>>()},
      {"megatron_hw_selective", model<megatron_selective>()},
      {"8*(12Lh^2)", by<km::hardware_work<megatron_layers, km::recompute::layers>>()},
      {"6N", model<six_n>()},
      {"6N_nominal", model<flagperf_nominal>()}};
  return all;
}

// The shape as the convention's source takes it.
inline km::transformer as_counted(std::string const& convention, km::transformer shape) {
  if (convention.starts_with("gptoss all-full")) {
    shape.gated_ffn = false;
    shape.windowed = {};
  }
  return shape;
}

}  // namespace truth
