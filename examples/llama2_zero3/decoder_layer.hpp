// One llama decoder layer on one CPU thread, forward and backward.
//
//   a = x + attention(rope(norm(x) Wqkv^T)) Wo^T,   y = a + swiglu(norm(a) [Wgate; Wup]^T) Wdown^T
// x, a and y are [T, h] with T = samples * S rows. Wqkv is wq, wk and wv taken as one matrix
// [(heads + 2 kv_heads) d, h], and [Wgate; Wup] is [2 f, h]: neighbours in the unit's layout.
// Source: Touvron et al., Llama 2, 2023. Not here: dropout, biases.
#pragma once

#include "arena.hpp"
#include "layer_activations.hpp"
#include "operators/causal_attention.hpp"
#include "operators/matrix_view.hpp"
#include "operators/product.hpp"
#include "operators/rms_norm.hpp"
#include "operators/rotary_embedding.hpp"
#include "operators/swiglu.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace trainer {

/// The tensors of a layer, or their gradients, with the fused products made one matrix.
template <class Real>
struct layer_tensors {
  matrix_view<Real> attention_norm, wqkv, wo, ffn_norm, w_gate_up, w_down;

  layer_tensors(std::span<Real> elements, unit_layout const& unit)
      : attention_norm(tensor_view(elements, unit, "attention_norm")),
        wqkv(tensor_view(elements, unit, "wq")),
        wo(tensor_view(elements, unit, "wo")),
        ffn_norm(tensor_view(elements, unit, "ffn_norm")),
        w_gate_up(tensor_view(elements, unit, "w_gate")),
        w_down(tensor_view(elements, unit, "w_down")) {
    wqkv.rows += unit.slot("wk").rows + unit.slot("wv").rows;
    w_gate_up.rows += unit.slot("w_up").rows;
  }
};

/// Copies one matrix onto another of the same size.
template <class Real>
void copy_rows(matrix_view<Real const> from, matrix_view<Real> to) noexcept {
  for (std::int64_t i = 0; i < from.rows; ++i) std::ranges::copy(from.row(i), to.row(i).begin());
}

template <class Real>
class decoder_layer {
 public:
  /// Exact bytes of the scratch one object allocates.
  static std::int64_t scratch_bytes(llama_shape const& shape, micro_batch const& batch) {
    return block_bytes<parts>(shape, batch);
  }

  decoder_layer(llama_shape const& shape, micro_batch const& batch)
      : shape_(shape),
        batch_(batch),
        memory_(scratch_bytes(shape, batch)),
        scratch_(memory_, shape, batch) {
    fill_rotary_angles(angles(), batch.positions, shape.rope_theta);
  }

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes(); }

  /// y [T, h] of x [T, h] for weights w; fills `saved`.
  void forward(layer_tensors<Real const> const& w, matrix_view<Real const> x, matrix_view<Real> y,
               layer_activations<Real>& saved) {
    auto const normed = hidden(saved->attention_input);
    auto const qkv = rows_of(saved->qkv, qkv_width(shape_));
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto const middle = hidden(saved->middle);
    rms_norm_forward<Real>(x, w.attention_norm.row(0), shape_.rms_epsilon, normed,
                           saved->attention_inverse);
    product(normed, transposed(w.wqkv), qkv);
    rotary_embedding(qkv, rotated_heads(), batch_.positions, angles(), rotation::forward);
    causal_attention_forward<Real>(attention(), qkv, attended, saved->lse, scratch_.scores);
    copy_rows<Real>(x, middle);
    product(attended, transposed(w.wo), middle, accumulate::yes);

    auto const ffn_normed = hidden(saved->ffn_input);
    auto const gate_up = rows_of(saved->gate_up, 2 * shape_.ffn);
    auto const activated = rows_of(saved->swiglu, shape_.ffn);
    rms_norm_forward<Real>(middle, w.ffn_norm.row(0), shape_.rms_epsilon, ffn_normed,
                           saved->ffn_inverse);
    product(ffn_normed, transposed(w.w_gate_up), gate_up);
    swiglu_forward<Real>(gate_up, activated);
    copy_rows<Real>(middle, y);
    product(activated, transposed(w.w_down), y, accumulate::yes);
  }

  /// Turns dy [T, h] into dx in place and overwrites the gradients dw; x, w and `saved` are those of
  /// the forward call, and `saved` is consumed.
  void backward(layer_tensors<Real const> const& w, matrix_view<Real const> x,
                layer_activations<Real>& saved, matrix_view<Real> dy,
                layer_tensors<Real> const& dw) {
    feed_forward_backward(w, saved, dy, dw);
    attention_backward(w, x, saved, dy, dw);
  }

 private:
  struct parts {
    std::span<Real> cosines, sines;  // [S, d/2]
    std::span<Real> scores;          // two blocks of attention rows
    std::span<Real> d_inner;         // [T, max(f, heads d)] gradient of swiglu, then of attention
    std::span<Real> d_qkv;           // [T, (heads + 2 kv_heads) d]
    std::span<Real> d_normed;        // [T, h]
    std::span<double> d_norm;        // [h]

    parts(arena& from, llama_shape const& shape, micro_batch const& batch)
        : cosines(from.take<Real>(batch.positions * shape.head_size / 2)),
          sines(from.take<Real>(batch.positions * shape.head_size / 2)),
          scores(from.take<Real>(2 * attention_sizes(shape, batch).block_elements())),
          d_inner(from.take<Real>(batch.rows() * std::max(shape.ffn, attention_width(shape)))),
          d_qkv(from.take<Real>(batch.rows() * qkv_width(shape))),
          d_normed(from.take<Real>(batch.rows() * shape.hidden)),
          d_norm(from.take<double>(shape.hidden)) {}
  };

  static attention_shape attention_sizes(llama_shape const& shape, micro_batch const& batch) {
    return {batch.samples, batch.positions, shape.heads, shape.kv_heads, shape.head_size};
  }
  attention_shape attention() const noexcept { return attention_sizes(shape_, batch_); }
  std::int64_t rotated_heads() const noexcept { return shape_.heads + shape_.kv_heads; }
  rotary_angles<Real> angles() const noexcept {
    return {scratch_.cosines, scratch_.sines, shape_.head_size / 2};
  }
  matrix_view<Real> rows_of(std::span<Real> elements, std::int64_t width) const noexcept {
    return {elements, batch_.rows(), width};
  }
  matrix_view<Real> hidden(std::span<Real> elements) const noexcept {
    return rows_of(elements, shape_.hidden);
  }

  void feed_forward_backward(layer_tensors<Real const> const& w, layer_activations<Real>& saved,
                             matrix_view<Real> dy, layer_tensors<Real> const& dw) {
    auto const normed = hidden(saved->ffn_input);
    auto const gate_up = rows_of(saved->gate_up, 2 * shape_.ffn);
    auto const activated = rows_of(saved->swiglu, shape_.ffn);
    auto const d_activated = rows_of(scratch_.d_inner, shape_.ffn);
    product(transposed(dy), activated, dw.w_down);
    product(dy, w.w_down, d_activated);
    swiglu_backward<Real>(d_activated, gate_up);
    product(transposed(gate_up), normed, dw.w_gate_up);
    product(gate_up, w.w_gate_up, hidden(scratch_.d_normed));
    norm_backward(hidden(saved->middle), w.ffn_norm, saved->ffn_inverse, dy, dw.ffn_norm);
  }

  void attention_backward(layer_tensors<Real const> const& w, matrix_view<Real const> x,
                          layer_activations<Real>& saved, matrix_view<Real> dy,
                          layer_tensors<Real> const& dw) {
    auto const normed = hidden(saved->attention_input);
    auto const qkv = rows_of(saved->qkv, qkv_width(shape_));
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto const d_attended = rows_of(scratch_.d_inner, attention_width(shape_));
    auto const d_qkv = rows_of(scratch_.d_qkv, qkv_width(shape_));
    product(transposed(dy), attended, dw.wo);
    product(dy, w.wo, d_attended);
    causal_attention_backward<Real>(attention(), qkv, attended, saved->lse, d_attended, d_qkv,
                                    scratch_.scores);
    rotary_embedding(d_qkv, rotated_heads(), batch_.positions, angles(), rotation::backward);
    product(transposed(d_qkv), normed, dw.wqkv);
    product(d_qkv, w.wqkv, hidden(scratch_.d_normed));
    norm_backward(x, w.attention_norm, saved->attention_inverse, dy, dw.attention_norm);
  }

  /// Adds the gradient that d_normed sends through a norm of x to `dx`; overwrites that of its
  /// weights.
  void norm_backward(matrix_view<Real const> x, matrix_view<Real const> w,
                     std::span<Real const> inverse, matrix_view<Real> dx, matrix_view<Real> dw) {
    std::ranges::fill(scratch_.d_norm, 0.0);
    rms_norm_backward<Real>(x, w.row(0), inverse, hidden(scratch_.d_normed), dx, scratch_.d_norm);
    std::ranges::transform(scratch_.d_norm, dw.row(0).begin(),
                           [](double sum) { return static_cast<Real>(sum); });
  }

  llama_shape shape_;
  micro_batch batch_;
  arena memory_;
  parts scratch_;
};

}  // namespace trainer
