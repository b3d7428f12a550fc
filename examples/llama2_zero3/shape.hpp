// Shape of a decoder-only llama with separate input embedding and output product.
//
// Sizes are element counts: hidden is the width of the residual stream, heads * head_size the width
// of the queries, kv_heads * head_size that of keys and values (kv_heads < heads is grouped-query
// attention), ffn the inner width of SwiGLU, vocabulary the number of token ids.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace trainer {

struct llama_shape {
  std::int64_t layers, hidden, heads, kv_heads, head_size, ffn, vocabulary;
  double rms_epsilon = 1e-5, rope_theta = 10000.0;
};

/// The shape itself, once it is known to be one the operators can run.
/// Throws std::invalid_argument naming the field: every size is positive, heads is a multiple of
/// kv_heads, head_size is even (rotary pairs), epsilon and theta are positive.
inline llama_shape const& valid_shape(llama_shape const& shape) {
  auto const require = [](bool holds, char const* field, char const* needed, auto received) {
    if (!holds)
      throw std::invalid_argument(std::string("llama_shape: ") + field + " must be " + needed +
                                  ", received " + std::to_string(received));
  };
  require(shape.layers > 0, "layers", "positive", shape.layers);
  require(shape.hidden > 0, "hidden", "positive", shape.hidden);
  require(shape.heads > 0, "heads", "positive", shape.heads);
  require(shape.kv_heads > 0, "kv_heads", "positive", shape.kv_heads);
  require(shape.heads % shape.kv_heads == 0, "heads", "a multiple of kv_heads", shape.heads);
  require(shape.head_size > 0, "head_size", "positive", shape.head_size);
  require(shape.head_size % 2 == 0, "head_size", "even", shape.head_size);
  require(shape.ffn > 0, "ffn", "positive", shape.ffn);
  require(shape.vocabulary > 0, "vocabulary", "positive", shape.vocabulary);
  require(shape.rms_epsilon > 0, "rms_epsilon", "positive", shape.rms_epsilon);
  require(shape.rope_theta > 0, "rope_theta", "positive", shape.rope_theta);
  return shape;
}

/// Width of one row of fused queries, keys and values: (heads + 2 * kv_heads) * head_size.
constexpr std::int64_t qkv_width(llama_shape const& shape) noexcept {
  return (shape.heads + 2 * shape.kv_heads) * shape.head_size;
}

/// Width of one row of attention output: heads * head_size.
constexpr std::int64_t attention_width(llama_shape const& shape) noexcept {
  return shape.heads * shape.head_size;
}

/// One micro-batch: `samples` rows of tokens, `positions` tokens each.
struct micro_batch {
  std::int64_t samples, positions;

  constexpr std::int64_t rows() const noexcept { return samples * positions; }
  /// Next-token predictions: the last position of a sample has nothing to predict.
  constexpr std::int64_t predictions() const noexcept { return samples * (positions - 1); }
};

/// The micro-batch itself; throws std::invalid_argument unless it has a sample and two positions.
inline micro_batch const& valid_batch(micro_batch const& batch) {
  if (batch.samples < 1 || batch.positions < 2)
    throw std::invalid_argument(
        "micro_batch: at least 1 sample of 2 positions was needed, received " +
        std::to_string(batch.samples) + " of " + std::to_string(batch.positions));
  return batch;
}

}  // namespace trainer
