// The shape of a decoder-only transformer of the llama family, and its exact parameter counts.
//
//   attention  (h·H·Q + 2·h·K·Q + H·Q·h) a layer    H query heads, K key/value heads of size Q
//   FFN        (gated ? 3 : 2)·h·f a layer          f FFN width
//   norms      2·h a layer and h at the end
//   embedding  V·h, and as much again for the output unless it is tied to the input
// Head size is a number of its own: it is not always h / H. Biases, mixtures of experts and other
// attention kinds are left out; a shape that has them must not be described by this one.
#pragma once

#include <kunmetrics/quantity.hpp>

#include <cstdint>
#include <string_view>

namespace kunmetrics {

struct transformer {
  std::string_view name{};
  std::int64_t layers{};
  std::int64_t hidden{};
  std::int64_t heads{};
  std::int64_t kv_heads{};
  std::int64_t head_size{};
  std::int64_t ffn{};
  std::int64_t vocabulary{};
  bool gated_ffn = true;
  bool tied_embedding = false;
  std::int64_t nominal_parameters{};  // the advertised size ("7B"), 0 when there is none
};

// Numbers of parameters. `matmul` counts the weights that enter a matrix product: the output
// projection yes, also when it is the input embedding again; the look-up and the norms no.
struct parameter_counts {
  std::int64_t total{};
  std::int64_t matmul{};
  std::int64_t embedding{};  // input embedding alone
  std::int64_t output{};     // weights of the output product
  std::int64_t active{};     // used for one token; all of them in a dense model
};

// Throws precondition_error naming the field when a size is not positive or heads do not group.
constexpr void require_valid(transformer const& model) {
  auto const positive = [](std::string_view field, std::int64_t value) {
    if (value <= 0) broken_precondition("transformer." + std::string{field}, "a positive number", std::to_string(value));
  };
  positive("layers", model.layers);
  positive("hidden", model.hidden);
  positive("heads", model.heads);
  positive("kv_heads", model.kv_heads);
  positive("head_size", model.head_size);
  positive("ffn", model.ffn);
  positive("vocabulary", model.vocabulary);
  if (model.heads % model.kv_heads != 0) {
    broken_precondition("transformer.kv_heads", "a divisor of heads = " + std::to_string(model.heads),
                        std::to_string(model.kv_heads));
  }
}

// Weights of one layer that enter a matrix product.
constexpr std::int64_t matmul_parameters_per_layer(transformer const& model) {
  using detail::product, detail::sum;
  std::int64_t const queries = product(model.heads, model.head_size);
  std::int64_t const keys = product(model.kv_heads, model.head_size);
  std::int64_t const attention = product(model.hidden, sum(product<std::int64_t>(2, queries), product<std::int64_t>(2, keys)));
  std::int64_t const ffn = product<std::int64_t>(model.gated_ffn ? 3 : 2, product(model.hidden, model.ffn));
  return sum(attention, ffn);
}

// Exact counts. Throws precondition_error on an invalid shape or a count beyond 64 bits.
constexpr parameter_counts parameters(transformer const& model) {
  using detail::product, detail::sum;
  require_valid(model);
  parameter_counts counts;
  counts.embedding = product(model.vocabulary, model.hidden);
  counts.output = counts.embedding;
  counts.matmul = sum(product(model.layers, matmul_parameters_per_layer(model)), counts.output);
  std::int64_t const norms = product(model.hidden, sum(product<std::int64_t>(2, model.layers), std::int64_t{1}));
  counts.total = sum(sum(counts.matmul, norms), model.tied_embedding ? 0 : counts.embedding);
  counts.active = counts.total;
  return counts;
}

}  // namespace kunmetrics
