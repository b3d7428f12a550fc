// Forward and backward of the units of a llama on a CPU, for one fixed micro-batch shape.
//
// T = samples * S rows; positions are 0 .. S-1 in every sample, and the labels are the tokens shifted
// by one inside a sample, so S-1 predictions each. The object owns scratch only, allocated once;
// parameters, gradients and activations are the caller's, and only numel elements of the two former
// are touched (a shard's padding is not). Equal arguments at equally aligned addresses give equal
// bits, so activations may be dropped and computed again. Number is float or double, or bfloat16 or
// float16: stored so, computed with in fp32, of which the products and their factors say more. The
// threads that compute_settings names share the work, and change no bit of it. OpenMP's own setting
// must be one thread on the calling thread: products within a block are that block's thread's.
#pragma once

#include "decoder_layer.hpp"
#include "layer_activations.hpp"
#include "operators/matrix_view.hpp"
#include "operators/token_embedding.hpp"
#include "output_head.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace trainer {

template <class Number>
class cpu_backend {
 public:
  using real = Number;  // what parameters, activations and gradients are stored and sent as
  using layer_activations = trainer::layer_activations<Number>;

  /// Allocates scratch_bytes(shape, samples, S, compute) bytes and fills the rotary tables. Throws
  /// std::invalid_argument for what valid_shape or valid_batch refuses.
  cpu_backend(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length, compute_settings const& compute = {})
      : shape_(valid_shape(shape)),
        batch_(valid_batch({samples, sequence_length})),
        embedding_unit_(embedding_unit(shape)),
        layer_unit_(layer_unit(shape, "layer")),
        head_unit_(head_unit(shape)),
        layer_(shape_, batch_, compute),
        head_(shape_, batch_, compute),
        profile_(compute.profile),
        embedding_memory_(block_bytes<embedding_parts>(shape_, batch_)),
        embedding_scratch_(embedding_memory_, shape_, batch_) {}

  /// Elements of a unit's input or output: samples * S * hidden.
  std::int64_t hidden_elements() const noexcept { return batch_.rows() * shape_.hidden; }

  /// Room for the activations of one layer; as many as the caller likes may be alive.
  layer_activations make_activations() const { return layer_activations(shape_, batch_); }

  /// Exact bytes of one layer_activations.
  static std::int64_t activation_bytes(llama_shape const& shape, std::int64_t samples,
                                       std::int64_t sequence_length) {
    return layer_activations::bytes(shape, {samples, sequence_length});
  }

  /// Exact bytes of a backend's scratch, rotary tables included.
  static std::int64_t scratch_bytes(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length,
                                    compute_settings const& compute = {}) {
    micro_batch const batch{samples, sequence_length};
    return decoder_layer<Number>::scratch_bytes(shape, batch, compute) +
           output_head<Number>::scratch_bytes(shape, batch, compute) + block_bytes<embedding_parts>(shape, batch);
  }

  /// Bytes of scratch this object allocated.
  std::int64_t allocated_bytes() const noexcept {
    return layer_.allocated_bytes() + head_.allocated_bytes() + embedding_memory_.allocated_bytes();
  }

  /// y [T, hidden] of T tokens. Throws std::invalid_argument for an id outside the vocabulary.
  void embedding_forward(std::span<Number const> parameters, std::span<std::int32_t const> tokens,
                         std::span<Number> y) {
    require("embedding_forward: parameters", parameters.size(), embedding_unit_.numel);
    require("embedding_forward: tokens", tokens.size(), batch_.rows());
    auto lap = operator_laps::of_all(profile_);
    token_embedding_forward<Number>(tensor_view(parameters, embedding_unit_, "embedding"), tokens,
                                  hidden("embedding_forward: y", y));
    lap(operator_kind::embedding, moved(2 * hidden_elements(), sizeof(Number)));
  }

  /// Overwrites d_parameters, for dy [T, hidden]. Throws std::invalid_argument as the forward does.
  void embedding_backward(std::span<std::int32_t const> tokens, std::span<Number const> dy,
                          std::span<Number> d_parameters) {
    require("embedding_backward: tokens", tokens.size(), batch_.rows());
    require("embedding_backward: d_parameters", d_parameters.size(), embedding_unit_.numel);
    auto lap = operator_laps::of_all(profile_);
    token_embedding_backward<Number>(tokens, hidden("embedding_backward: dy", dy),
                                   tensor_view(d_parameters, embedding_unit_, "embedding"), embedding_scratch_);
    lap(operator_kind::embedding, operator_pass::weight_gradient, moved(hidden_elements() + embedding_unit_.numel, sizeof(Number)));
  }

  /// y [T, hidden] of x [T, hidden], which do not overlap; fills `saved`.
  void layer_forward(std::span<Number const> parameters, std::span<Number const> x, std::span<Number> y,
                     layer_activations& saved) {
    require("layer_forward: parameters", parameters.size(), layer_unit_.numel);
    layer_.forward({parameters, layer_unit_}, hidden("layer_forward: x", x),
                   hidden("layer_forward: y", y), saved);
  }

  /// Turns dy into dx in place and overwrites d_parameters, for the x of the forward call. Consumes
  /// `saved`: another layer_backward needs another layer_forward first.
  void layer_backward(std::span<Number const> parameters, std::span<Number const> x,
                      layer_activations& saved, std::span<Number> dy_to_dx,
                      std::span<Number> d_parameters) {
    require("layer_backward: parameters", parameters.size(), layer_unit_.numel);
    require("layer_backward: d_parameters", d_parameters.size(), layer_unit_.numel);
    layer_.backward({parameters, layer_unit_}, hidden("layer_backward: x", x), saved,
                    hidden("layer_backward: dy_to_dx", dy_to_dx), {d_parameters, layer_unit_});
  }

  /// Mean cross-entropy in nat over the samples * (S-1) predictions made from x [T, hidden]; overwrites
  /// dx [T, hidden] and d_parameters with the gradients of `loss_scale` times it. Throws as
  /// embedding_forward does.
  double head_forward_backward(std::span<Number const> parameters, std::span<Number const> x,
                               std::span<std::int32_t const> tokens, std::span<Number> dx,
                               std::span<Number> d_parameters, double loss_scale = 1.0) {
    require("head_forward_backward: parameters", parameters.size(), head_unit_.numel);
    require("head_forward_backward: d_parameters", d_parameters.size(), head_unit_.numel);
    require("head_forward_backward: tokens", tokens.size(), batch_.rows());
    require_tokens(tokens, shape_.vocabulary);
    return head_.forward_backward({parameters, head_unit_}, hidden("head_forward_backward: x", x),
                                  tokens, hidden("head_forward_backward: dx", dx),
                                  {d_parameters, head_unit_}, loss_scale);
  }

  /// The same loss, to the bit, without gradients.
  double head_forward(std::span<Number const> parameters, std::span<Number const> x,
                      std::span<std::int32_t const> tokens) {
    require("head_forward: parameters", parameters.size(), head_unit_.numel);
    require("head_forward: tokens", tokens.size(), batch_.rows());
    require_tokens(tokens, shape_.vocabulary);
    return head_.forward({parameters, head_unit_}, hidden("head_forward: x", x), tokens);
  }

 private:
  struct embedding_parts : embedding_scratch<Number> {
    embedding_parts(arena& from, llama_shape const& shape, micro_batch const& batch)
        : embedding_scratch<Number>{from.take<std::uint64_t>(batch.rows()),
                                    from.take<arithmetic<Number>>(2 * shape.hidden)} {}
  };

  /// Throws std::invalid_argument if fewer elements were received than are needed.
  static void require(char const* where, std::size_t received, std::int64_t needed) {
    if (received < static_cast<std::size_t>(needed))
      throw std::invalid_argument(std::string(where) + " needs " + std::to_string(needed) +
                                  " elements, received " + std::to_string(received));
  }
  template <class Element>
  matrix_view<Element> hidden(char const* where, std::span<Element> elements) const {
    require(where, elements.size(), hidden_elements());
    return {elements, batch_.rows(), shape_.hidden};
  }

  llama_shape shape_;
  micro_batch batch_;
  unit_layout embedding_unit_, layer_unit_, head_unit_;
  decoder_layer<Number> layer_;
  output_head<Number> head_;
  operator_profile* profile_;
  arena embedding_memory_;
  embedding_parts embedding_scratch_;
};

}  // namespace trainer
