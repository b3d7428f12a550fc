// FLOP per token, forward and backward, under each named convention.
//
//   palm                 6·N_mat + 6·L·H·(q + v)·S     PaLM appendix B (2204.02311), torchtitan, nanotron
//   palm_n_total         6·N     + the same            picotron, llm-foundry
//   palm_no_embedding    6·N'    + the same            torchtitan, NeMo 24.07, nanochat
//   causal               6·N_mat + half of that        Megatron-LM, NeMo, MaxText, llm.c
//   causal_n_total       6·N     + half of that        llm.c, llmq
//   causal_no_embedding  6·N'    + half of that
//   causal_no_router     causal without the experts' router   Megatron-Bridge
//   causal_exact         6·N_mat + the S(S+1)/2 pairs that attend    NeMo gpt_oss
//   six_n  six_n_matmul  six_n_no_embedding     6·N, 6·N_mat, 6·N'    quick estimates
//   flagperf_nominal     6 · advertised size           FlagPerf
//   lingua               6·(N − V·h) + 7·L·h·S         Meta lingua: attention at 3.5, flash recompute in
//   megatron_model       72·L·h²·(1 + S/6h + V/12Lh)   Narayanan et al. 2021 (2104.04473), a GPT of FFN 4h
// N parameters that one token meets (in a mixture of experts those chosen, never all of them), N_mat
// those of them in a matrix product, N' = N less input embedding and learned positions; L layers, H
// heads of sizes q and v, S sequence length or, in a windowed layer, what the window leaves of it.
// 6·L·H·(q + v)·S is PaLM's 12·L·H·Q·S where q = v. Element-wise work is left out by all. Values are
// whole numbers wherever the formula is, exact to 2^53. There is no default. conventions.hpp has those of
// single programs and visits them all.
#pragma once

#include <kunmetrics/attention_span.hpp>
#include <kunmetrics/parameters.hpp>
#include <kunmetrics/requirements.hpp>

namespace kunmetrics::flops {

// Where the 6 of 6·N is from (Kaplan et al. 2020, 2001.08361, section 2.1; PaLM, appendix B). Forward, a
// weight costs a token one multiplication and one addition. Backward, each product y = W·x becomes two of
// the same size, the gradients of its input, Wᵀ·∂y, and of its weight, ∂y·xᵀ; scores and weighted values
// have two inputs and no weight, which is two as well. What recomputation adds is in no convention.
inline constexpr std::int64_t flop_per_weight = 2;
inline constexpr std::int64_t backward_over_forward = 2;
inline constexpr std::int64_t training_over_forward = 1 + backward_over_forward;

namespace detail {
constexpr flop_per_token_t flop(double count) { return flop_per_token_t::from_coherent(count); }

// Of weights that are trained.
constexpr flop_per_token_t six(checked weights) {
  return flop(static_cast<double>((weights * (flop_per_weight * training_over_forward)).value()));
}

// Scores and weighted values of all layers: as much for each of the q + v numbers of a head and each key
// as for a weight.
constexpr flop_per_token_t attention(attention_span span, transformer const& model, std::int64_t sequence_length) {
  auto const keys = static_cast<double>(model.layers - model.windowed.layers) * keys_per_query(span, sequence_length) +
                    (model.windowed.layers == 0 ? 0.0
                                                : static_cast<double>(model.windowed.layers) *
                                                      keys_per_query(span, sequence_length, model.windowed.window));
  return flop(six(checked{model.heads} * (checked{model.head_size} + model.value_size())).coherent() * keys);
}

// Which weights a convention multiplies by six.
enum class weights { matmul, matmul_no_router, met, no_embedding };

constexpr checked all_weights(weights which, transformer const& model) {
  auto const counts = parameters(model);
  switch (which) {
    case weights::matmul: return counts.matmul;
    case weights::matmul_no_router: return checked{counts.matmul} - counts.router;
    case weights::met: return counts.active;
    case weights::no_embedding: break;
  }
  return checked{counts.active} - counts.positions - (model.tied_embedding ? 0 : counts.embedding);
}
constexpr checked layer_weights(weights which, transformer const& model) {
  switch (which) {
    case weights::matmul: return layers_matmul_parameters(model);
    case weights::matmul_no_router: return checked{layers_matmul_parameters(model)} - parameters(model).router;
    case weights::met:
    case weights::no_embedding: break;
  }
  return layers_active_parameters(model);
}

// What the conventions of the form 6·weights + attention share.
template <weights Weights>
struct linear_convention {
  static constexpr flop_per_token_t attention_per_token(transformer const&, sequence_length_t) { return {}; }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t) {
    return six(layer_weights(Weights, model));
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t) {
    return six(all_weights(Weights, model));
  }
};

template <weights Weights, attention_span Span>
struct quadratic_convention {
  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    return attention(Span, model, sequence_length.coherent());
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return six(layer_weights(Weights, model)) + attention_per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return six(all_weights(Weights, model)) + attention_per_token(model, sequence_length);
  }
};
}  // namespace detail

struct palm : detail::quadratic_convention<detail::weights::matmul, attention_span::every> {
  static constexpr std::string_view name = "palm";
};
struct palm_n_total : detail::quadratic_convention<detail::weights::met, attention_span::every> {
  static constexpr std::string_view name = "palm_n_total";
};
struct palm_no_embedding : detail::quadratic_convention<detail::weights::no_embedding, attention_span::every> {
  static constexpr std::string_view name = "palm_no_embedding";
};
struct causal : detail::quadratic_convention<detail::weights::matmul, attention_span::half> {
  static constexpr std::string_view name = "causal";
};
struct causal_n_total : detail::quadratic_convention<detail::weights::met, attention_span::half> {
  static constexpr std::string_view name = "causal_n_total";
};
struct causal_no_embedding : detail::quadratic_convention<detail::weights::no_embedding, attention_span::half> {
  static constexpr std::string_view name = "causal_no_embedding";
};
struct causal_no_router : detail::quadratic_convention<detail::weights::matmul_no_router, attention_span::half> {
  static constexpr std::string_view name = "causal_no_router";
};
struct causal_exact : detail::quadratic_convention<detail::weights::matmul, attention_span::exact> {
  static constexpr std::string_view name = "causal_exact";
};
struct six_n : detail::linear_convention<detail::weights::met> { static constexpr std::string_view name = "six_n"; };
struct six_n_matmul : detail::linear_convention<detail::weights::matmul> {
  static constexpr std::string_view name = "six_n_matmul";
};
struct six_n_no_embedding : detail::linear_convention<detail::weights::no_embedding> {
  static constexpr std::string_view name = "six_n_no_embedding";
};

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
  // A fused kernel's 3.5 forward passes, as backward makes the scores again, of 4 FLOP each, half of them masked.
  static constexpr std::int64_t attention_flop = 7;

  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    auto const counts = parameters(model);
    auto const attention = checked{attention_flop} * model.layers * model.hidden * sequence_length.coherent();
    return detail::six(checked{counts.active} - counts.embedding) +
           detail::flop(static_cast<double>(attention.value()));
  }
};

// Of a GPT with as many key as query heads and an FFN four times as wide as it is deep, whatever the
// model's own are: 12·h² weights a layer, so 24·h² forward, and 4·h·S for scores and weighted values. With the
// layers recomputed it is the paper's 96·L·h²·(1 + S/6h + V/16Lh).
struct megatron_model {
  static constexpr std::string_view name = "megatron_model";

  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    return detail::flop(static_cast<double>(
        (checked{4 * training_over_forward} * model.layers * model.hidden * sequence_length.coherent()).value()));
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return detail::six(checked{12} * model.layers * model.hidden * model.hidden) +
           attention_per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return layers_per_token(model, sequence_length) + detail::six(checked{model.vocabulary} * model.hidden);
  }
};

// Why a convention says nothing of a model; empty when it does.
template <convention Convention>
constexpr std::string_view undefined_for(transformer const& model) {
  if constexpr (requires { Convention::undefined_for(model); }) return Convention::undefined_for(model);
  return {};
}

static_assert(layered_convention<palm> && layered_convention<causal_exact> && layered_convention<six_n>);
static_assert(layered_convention<megatron_model> && convention<flagperf_nominal> && convention<lingua>);

}  // namespace kunmetrics::flops
