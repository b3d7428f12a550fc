// Exact numbers of parameters of a transformer.
//
//   attention  h·H·q + h·K·(q + v) + H·v·h        H query, K key/value heads of sizes q and v
//   latent     h·r + r·H·q (or h·H·q) + h·(c + p) + c·H·(q − p + v) + H·v·h    ranks r, c; p rotated
//   FFN        (gated ? 3 : 2)·h·f;  experts: E of that at their width, a router h·E, shared ones
//   embedding  V·e, and as much again for the output unless it is tied; P·h learned positions; where
//              the embedding's width e is not h, two products of h·e beside the layers
//   norms      h or 2·h each; biases: one number an output, of latent attention those of its first products
// Source: the modelling code of the families in Hugging Face transformers; the totals are those of
// the published checkpoints.
#pragma once

#include <kunmetrics/checked.hpp>
#include <kunmetrics/transformer.hpp>

namespace kunmetrics {

// `matmul` counts the weights that one token meets in a matrix product: the output projection yes,
// also when it is the input embedding again; look-ups, norms, biases and experts not chosen no.
struct parameter_counts {
  std::int64_t total{};
  std::int64_t matmul{};
  std::int64_t embedding{};  // input embedding alone
  std::int64_t positions{};  // learned positions
  std::int64_t output{};     // weights of the output product
  std::int64_t router{};     // part of matmul
  std::int64_t active{};     // used for one token; all of them in a dense model
};

namespace detail {
// Weights of a product, all of them and those that one token meets; and what is added or scaled.
struct layer_counts {
  checked weights{}, met{}, others{};
};

constexpr checked norm_size(transformer const& model, checked width) {
  return model.norm == norm_kind::none ? checked{0} : model.norm == norm_kind::rms ? width : width * 2;
}

constexpr layer_counts attention_counts(transformer const& model) {
  checked const h = model.hidden, heads = model.heads, kv_heads = model.kv_heads;
  checked const q = model.head_size, v = model.value_size();
  auto const& latent = model.latent;
  layer_counts counts;
  if (latent.kv_rank > 0) {
    checked const r = latent.query_rank, c = latent.kv_rank, p = latent.rope_head_size;
    auto const queries = latent.query_rank > 0 ? h * r + r * heads * q : h * heads * q;
    counts.weights = queries + h * (c + p) + c * heads * (q - p + v) + heads * v * h;
    counts.others = r + c;  // a norm on each compressed vector
  } else {
    counts.weights = h * heads * q + h * kv_heads * (q + v) + heads * v * h;
  }
  if (model.qkv_bias) {
    counts.others = counts.others + (latent.kv_rank > 0
                                         ? checked{latent.query_rank} + latent.kv_rank + latent.rope_head_size
                                         : heads * q + kv_heads * (q + v));
  }
  if (model.output_bias) counts.others = counts.others + h;
  if (model.attention_sinks) counts.others = counts.others + heads;
  if (model.qk_norm != query_key_norm::none) {
    auto const width = model.qk_norm == query_key_norm::per_head ? q * 2 : (heads + kv_heads) * q;
    counts.others = counts.others + (model.qk_norm_bias ? norm_size(model, width) : width);
  }
  counts.met = counts.weights;
  return counts;
}

constexpr checked ffn_weights(transformer const& model, checked width) {
  return checked{model.gated_ffn ? 3 : 2} * model.hidden * width;
}
constexpr checked ffn_biases(transformer const& model, checked width) {
  return model.ffn_bias ? checked{model.gated_ffn ? 2 : 1} * width + model.hidden : checked{0};
}

constexpr layer_counts dense_ffn_counts(transformer const& model) {
  auto const weights = ffn_weights(model, model.ffn);
  return {.weights = weights, .met = weights, .others = ffn_biases(model, model.ffn)};
}

constexpr checked router_weights(transformer const& model) { return checked{model.hidden} * model.moe.experts; }

constexpr layer_counts expert_ffn_counts(transformer const& model) {
  auto const& moe = model.moe;
  auto const expert = ffn_weights(model, moe.expert_ffn);
  auto const every_token = ffn_weights(model, moe.shared_ffn) + router_weights(model) +
                           (moe.shared_gate ? checked{model.hidden} : checked{0});
  return {.weights = expert * moe.experts + every_token,
          .met = expert * moe.active + every_token,
          .others = ffn_biases(model, moe.expert_ffn) * moe.experts +
                    (moe.router_bias ? checked{moe.experts} : checked{0})};
}

// The layers together, and the share of `others` that experts not chosen have.
struct stack_counts {
  layer_counts sum{};
  checked idle_others{};
};

constexpr stack_counts all_layers(transformer const& model) {
  auto const attention = attention_counts(model);
  auto const dense = model.dense_layers() > 0 ? dense_ffn_counts(model) : layer_counts{};
  auto const experts = model.moe.layers > 0 ? expert_ffn_counts(model) : layer_counts{};
  checked const layers = model.layers, plain = model.dense_layers(), mixed = model.moe.layers;
  auto const norms = norm_size(model, model.hidden) * model.norms_per_layer;
  return {.sum = {.weights = layers * attention.weights + plain * dense.weights + mixed * experts.weights,
                  .met = layers * attention.met + plain * dense.met + mixed * experts.met,
                  .others = layers * (attention.others + norms) + plain * dense.others + mixed * experts.others},
          .idle_others = model.moe.layers > 0 ? mixed * ffn_biases(model, model.moe.expert_ffn) *
                                                    (checked{model.moe.experts} - model.moe.active)
                                              : checked{0}};
}
}  // namespace detail

// Weights that one token meets in the products of all layers.
constexpr std::int64_t layers_matmul_parameters(transformer const& model) {
  require_valid(model);
  return detail::all_layers(model).sum.met.value();
}

// All parameters that one token meets in the layers, norms and biases included.
constexpr std::int64_t layers_active_parameters(transformer const& model) {
  require_valid(model);
  auto const layers = detail::all_layers(model);
  return (layers.sum.met + layers.sum.others - layers.idle_others).value();
}

// Exact counts. Throws precondition_error on an invalid shape or a count beyond 64 bits.
constexpr parameter_counts parameters(transformer const& model) {
  require_valid(model);
  auto const layers = detail::all_layers(model);
  checked const embedding = checked{model.vocabulary} * model.embedding_size();
  auto const projections = model.embedding_width == 0 ? checked{0} : checked{2} * model.hidden * model.embedding_width;
  checked const positions = checked{model.learned_positions} * model.hidden;
  auto const norm = detail::norm_size(model, model.hidden);
  auto const outside = embedding + projections + positions + (model.tied_embedding ? checked{0} : embedding) +
                       (model.final_norm ? norm : checked{0}) + (model.embedding_norm ? norm : checked{0}) +
                       (model.head_bias ? checked{model.vocabulary} : checked{0});
  return {.total = (layers.sum.weights + layers.sum.others + outside).value(),
          .matmul = (layers.sum.met + projections + embedding).value(),
          .embedding = embedding.value(),
          .positions = positions.value(),
          .output = embedding.value(),
          .router = (detail::router_weights(model) * model.moe.layers).value(),
          .active = (layers.sum.met + layers.sum.others - layers.idle_others + outside).value()};
}

}  // namespace kunmetrics
