// FLOP per token, forward and backward, under each named convention.
//
//   flagperf_nominal  6 · advertised size                 FlagPerf
//   six_n             6·N                                 quick estimates
//   six_n_matmul      6·N_mat                             products only
//   palm              6·N_mat + 12·L·H·Q·S                PaLM appendix B (2204.02311), torchtitan, nanotron
//   palm_n_total      6·N     + 12·L·H·Q·S                picotron, llm-foundry
//   causal            6·N_mat + 6·L·H·Q·S                 Megatron-LM, NeMo, MaxText, llm.c
//   causal_exact      6·N_mat + 6·L·H·Q·(S+1)             the S(S+1)/2 pairs that attend, NeMo gpt_oss
//   lingua            6·(N − V·h) + 7·L·h·S               Meta lingua: attention at 3.5, flash recompute in
// N all parameters, N_mat those in a matrix product, L layers, H heads of size Q, S sequence
// length. Element-wise work is left out by all. Counts are exact integers. There is no default.
#pragma once

#include <kunmetrics/requirements.hpp>

namespace kunmetrics::flops {

namespace detail {
using kunmetrics::detail::product;
using kunmetrics::detail::sum;

constexpr flop_per_token_t flop(std::int64_t count) { return flop_per_token_t::from_coherent(count); }

// factor · L · H · Q · positions: `positions` keys are multiplied for each query.
constexpr flop_per_token_t attention(std::int64_t factor, transformer const& model, std::int64_t positions) {
  return flop(product(factor, product(model.layers, product(product(model.heads, model.head_size), positions))));
}
constexpr flop_per_token_t six(std::int64_t weights) { return flop(product<std::int64_t>(6, weights)); }

constexpr std::int64_t layer_matmul_weights(transformer const& model) {
  return product(model.layers, matmul_parameters_per_layer(model));
}
constexpr std::int64_t layer_weights(transformer const& model) {
  return sum(layer_matmul_weights(model), product<std::int64_t>(2, product(model.layers, model.hidden)));
}

// What the conventions of the form 6·weights + factor·L·H·Q·(S + extra) share.
template <bool AllParameters, std::int64_t Factor, std::int64_t Extra = 0>
struct linear_convention {
  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    if constexpr (Factor == 0) return {};
    return attention(Factor, model, sum(sequence_length.coherent(), Extra));
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return six(AllParameters ? layer_weights(model) : layer_matmul_weights(model)) +
           attention_per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    auto const counts = parameters(model);
    return six(AllParameters ? counts.total : counts.matmul) + attention_per_token(model, sequence_length);
  }
};
}  // namespace detail

struct palm : detail::linear_convention<false, 12> { static constexpr std::string_view name = "palm"; };
struct palm_n_total : detail::linear_convention<true, 12> { static constexpr std::string_view name = "palm_n_total"; };
struct causal : detail::linear_convention<false, 6> { static constexpr std::string_view name = "causal"; };
struct causal_exact : detail::linear_convention<false, 6, 1> { static constexpr std::string_view name = "causal_exact"; };
struct six_n : detail::linear_convention<true, 0> { static constexpr std::string_view name = "six_n"; };
struct six_n_matmul : detail::linear_convention<false, 0> { static constexpr std::string_view name = "six_n_matmul"; };

struct flagperf_nominal {
  static constexpr std::string_view name = "flagperf_nominal";

  // Why the convention says nothing of a model; empty when it does.
  static constexpr std::string_view undefined_for(transformer const& model) {
    return model.nominal_parameters > 0 ? std::string_view{} : "this model has no advertised size";
  }
  // Throws precondition_error for a model without an advertised size.
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t) {
    if (!undefined_for(model).empty()) {
      broken_precondition("flagperf_nominal", "a model with an advertised size", std::string{model.name});
    }
    return detail::six(model.nominal_parameters);
  }
};

struct lingua {
  static constexpr std::string_view name = "lingua";

  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    using detail::product;
    auto const counts = parameters(model);
    auto const attention = product<std::int64_t>(
        7, product(model.layers, product(model.hidden, sequence_length.coherent())));
    return detail::six(counts.total - counts.embedding) + detail::flop(attention);
  }
};

static_assert(layered_convention<palm> && layered_convention<palm_n_total> && layered_convention<causal>);
static_assert(layered_convention<causal_exact> && layered_convention<six_n> && layered_convention<six_n_matmul>);
static_assert(convention<flagperf_nominal> && convention<lingua>);

}  // namespace kunmetrics::flops
