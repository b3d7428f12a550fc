// What the backward pass of one decoder layer needs beside the layer's input.
//
// All parts lie in one block, 64-byte aligned each. T = samples * S rows, h = hidden, f = ffn. The
// attention probabilities are not among them: the log-sum-exps [samples, heads, S] bring them back.
// Matrices are stored as Number; one number a row (inverses, log-sum-exps) in its arithmetic.
#pragma once

#include "arena.hpp"
#include "operators/number_formats.hpp"
#include "shape.hpp"

#include <cstdint>
#include <span>

namespace trainer {

template <class Number>
class layer_activations {
 public:
  using real = arithmetic<Number>;

  struct parts {
    std::span<real> attention_inverse;  // [T] inverse root mean squares of the layer's input
    std::span<Number> attention_input;    // [T, h] normalised input
    std::span<Number> qkv;                // [T, (heads + 2 kv_heads) d] after the rotation
    std::span<real> lse;                // [samples, heads, S]
    std::span<Number> attention_output;   // [T, heads d] before wo
    std::span<Number> middle;             // [T, h] after the first residual sum
    std::span<real> ffn_inverse;        // [T] inverse root mean squares of middle
    std::span<Number> ffn_input;          // [T, h] normalised middle
    std::span<Number> gate_up;            // [T, 2 f]; backward leaves its gradient here
    std::span<Number> swiglu;             // [T, f]

    parts(arena& from, llama_shape const& shape, micro_batch const& batch)
        : attention_inverse(from.take<real>(batch.rows())),
          attention_input(from.take<Number>(batch.rows() * shape.hidden)),
          qkv(from.take<Number>(batch.rows() * qkv_width(shape))),
          lse(from.take<real>(batch.rows() * shape.heads)),
          attention_output(from.take<Number>(batch.rows() * attention_width(shape))),
          middle(from.take<Number>(batch.rows() * shape.hidden)),
          ffn_inverse(from.take<real>(batch.rows())),
          ffn_input(from.take<Number>(batch.rows() * shape.hidden)),
          gate_up(from.take<Number>(batch.rows() * 2 * shape.ffn)),
          swiglu(from.take<Number>(batch.rows() * shape.ffn)) {}
  };

  /// Exact bytes of the block.
  static std::int64_t bytes(llama_shape const& shape, micro_batch const& batch) {
    return block_bytes<parts>(shape, batch);
  }

  layer_activations(llama_shape const& shape, micro_batch const& batch)
      : memory_(bytes(shape, batch)), parts_(memory_, shape, batch) {}

  parts const& operator*() const noexcept { return parts_; }
  parts const* operator->() const noexcept { return &parts_; }
  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes(); }

 private:
  arena memory_;
  parts parts_;
};

}  // namespace trainer
