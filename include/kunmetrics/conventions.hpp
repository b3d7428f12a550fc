// FLOP per token as single programs and papers count it, where none of flops.hpp says the same; and a visit
// to every convention there is.
//
//   causal_half_window            6·N_mat + half of PaLM's attention, W/2 keys in a windowed layer   MaxText
//   causal_half_window_no_router  the same without the experts' router      Megatron-Bridge's gpt-oss, 26.06
//   megatron_layers               72·L·h², the layers' products of a GPT alone; recomputed it is 8 · 12·L·h²,
//                                 the figure of BLOOM's first logs
//   megatron_selective            72·L·h²·(1 + S/3h + V/12Lh), attention recomputed: Korthikanti et al. 2022
//                                 (2205.05198), appendix; a hardware figure, to be used as it stands
// causal of flops.hpp gives a windowed layer W − W²/2S keys, what half of the masked square is. The paper
// doubles attention where one more forward pass is a third: hfu<megatron_model, selective> is lower.
#pragma once

#include <kunmetrics/flops.hpp>

namespace kunmetrics::flops {

namespace detail {
template <weights Weights>
struct half_window_convention {
  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    return flop(palm::attention_per_token(model, sequence_length).coherent() / 2);
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return six(layer_weights(Weights, model)) + attention_per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return six(all_weights(Weights, model)) + attention_per_token(model, sequence_length);
  }
};
}  // namespace detail

struct causal_half_window : detail::half_window_convention<detail::weights::matmul> {
  static constexpr std::string_view name = "causal_half_window";
};
struct causal_half_window_no_router : detail::half_window_convention<detail::weights::matmul_no_router> {
  static constexpr std::string_view name = "causal_half_window_no_router";
};

// Of a GPT's form as megatron_model is, whatever the model's own; embedding, output and attention left out.
struct megatron_layers {
  static constexpr std::string_view name = "megatron_layers";

  static constexpr flop_per_token_t attention_per_token(transformer const&, sequence_length_t) { return {}; }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t) {
    require_valid(model);
    return detail::six(checked{12} * model.layers * model.hidden * model.hidden);
  }
};

struct megatron_selective {
  static constexpr std::string_view name = "megatron_selective";

  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return megatron_model::per_token(model, sequence_length) +
           megatron_model::attention_per_token(model, sequence_length);
  }
};

// Calls visit with an object of each convention of the model's FLOP, the ones most used first.
// megatron_selective is none of them: it has the recomputation in.
template <typename Visit>
constexpr void for_each_convention(Visit&& visit) {
  visit(palm{}), visit(palm_n_total{}), visit(palm_no_embedding{});
  visit(causal{}), visit(causal_n_total{}), visit(causal_no_embedding{}), visit(causal_no_router{}),
      visit(causal_exact{});
  visit(causal_half_window{}), visit(causal_half_window_no_router{});
  visit(six_n{}), visit(six_n_matmul{}), visit(six_n_no_embedding{});
  visit(flagperf_nominal{}), visit(lingua{}), visit(megatron_model{}), visit(megatron_layers{});
}

// Calls visit(name, FLOP per token) for each convention that is defined for the model.
template <typename Visit>
constexpr void for_each_flop_per_token(transformer const& model, sequence_length_t sequence_length, Visit&& visit) {
  for_each_convention([&]<typename Convention>(Convention) {
    if (undefined_for<Convention>(model).empty()) {
      visit(Convention::name, Convention::per_token(model, sequence_length));
    }
  });
}

static_assert(layered_convention<causal_half_window> && layered_convention<megatron_layers>);
static_assert(convention<megatron_selective> && !layered_convention<megatron_selective>);

}  // namespace kunmetrics::flops
