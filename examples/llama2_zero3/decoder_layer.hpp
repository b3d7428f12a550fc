// One llama decoder layer on one CPU thread, forward and backward.
//
//   a = x + attention(rope(norm(x) Wqkv^T)) Wo^T,   y = a + swiglu(norm(a) [Wgate; Wup]^T) Wdown^T
// x, a and y are [T, h] with T = samples * S rows. Wqkv is wq, wk and wv taken as one matrix
// [(heads + 2 kv_heads) d, h], and [Wgate; Wup] is [2 f, h]: neighbours in the unit's layout.
// Matrices are stored as Number, which may have 16 bits; sums and what lies between two products that
// is not itself a factor of one are in its arithmetic.
// Source: Touvron et al., Llama 2, 2023. Not here: dropout, biases.
#pragma once

#include "arena.hpp"
#include "layer_activations.hpp"
#include "operators/causal_attention.hpp"
#include "operators/matrix_view.hpp"
#include "operators/row_operators.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

namespace trainer {

/// The tensors of a layer, or their gradients, with the fused products made one matrix.
template <class Number>
struct layer_tensors {
  matrix_view<Number> attention_norm, wqkv, wo, ffn_norm, w_gate_up, w_down;

  layer_tensors(std::span<Number> elements, unit_layout const& unit)
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
template <class Number>
void copy_rows(matrix_view<Number const> from, matrix_view<Number> to) noexcept {
  for (std::int64_t i = 0; i < from.rows; ++i) std::ranges::copy(from.row(i), to.row(i).begin());
}

template <class Number>
class decoder_layer {
 public:
  using real = arithmetic<Number>;

  /// Exact bytes of the scratch one object allocates.
  static std::int64_t scratch_bytes(llama_shape const& shape, micro_batch const& batch) {
    return block_bytes<parts>(shape, batch) + row_operators<Number>::bytes(widest_row(shape));
  }

  decoder_layer(llama_shape const& shape, micro_batch const& batch)
      : shape_(shape),
        batch_(batch),
        memory_(block_bytes<parts>(shape, batch)),
        scratch_(memory_, shape, batch),
        run_(widest_row(shape)) {
    fill_rotary_angles(angles(), batch.positions, shape.rope_theta);
  }

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes() + run_.allocated_bytes(); }

  /// y [T, h] of x [T, h] for weights w; fills `saved`.
  void forward(layer_tensors<Number const> const& w, matrix_view<Number const> x, matrix_view<Number> y,
               layer_activations<Number>& saved) {
    auto const normed = hidden(saved->attention_input);
    auto const qkv = rows_of(saved->qkv, qkv_width(shape_));
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto const middle = hidden(saved->middle);
    run_.norm_forward(x, w.attention_norm, shape_.rms_epsilon, normed, saved->attention_inverse);
    run_.multiply(normed, transposed(w.wqkv), qkv);
    run_.rotate(qkv, rotated_heads(), batch_.positions, angles(), rotation::forward);
    causal_attention_forward<Number>(attention(), qkv, attended, saved->lse, scratch_.scores, scratch_.heads);
    copy_rows<Number>(x, middle);
    run_.multiply(attended, transposed(w.wo), middle, accumulate::yes);

    auto const ffn_normed = hidden(saved->ffn_input);
    auto const gate_up = rows_of(saved->gate_up, 2 * shape_.ffn);
    auto const activated = rows_of(saved->swiglu, shape_.ffn);
    run_.norm_forward(middle, w.ffn_norm, shape_.rms_epsilon, ffn_normed, saved->ffn_inverse);
    run_.multiply(ffn_normed, transposed(w.w_gate_up), gate_up);
    run_.activate(gate_up, activated);
    copy_rows<Number>(middle, y);
    run_.multiply(activated, transposed(w.w_down), y, accumulate::yes);
  }

  /// Turns dy [T, h] into dx in place and overwrites the gradients dw; x, w and `saved` are those of
  /// the forward call, and `saved` is consumed.
  void backward(layer_tensors<Number const> const& w, matrix_view<Number const> x,
                layer_activations<Number>& saved, matrix_view<Number> dy,
                layer_tensors<Number> const& dw) {
    feed_forward_backward(w, saved, dy, dw);
    attention_backward(w, x, saved, dy, dw);
  }

 private:
  struct parts {
    std::span<real> cosines, sines;  // [S, d/2]
    std::span<real> scores;          // two blocks of attention rows
    std::span<real> heads;           // fp32 copies of a head's matrices, where Number has 16 bits
    std::span<real> d_activated;     // [T, f] gradient of swiglu
    std::span<Number> d_attended;    // [T, heads d], in the same place if the types are the same
    std::span<Number> d_qkv;         // [T, (heads + 2 kv_heads) d]
    std::span<real> d_normed;        // [T, h]
    std::span<double> d_norm;        // [h]

    parts(arena& from, llama_shape const& shape, micro_batch const& batch)
        : cosines(from.take<real>(batch.positions * shape.head_size / 2)),
          sines(from.take<real>(batch.positions * shape.head_size / 2)),
          scores(from.take<real>(2 * attention_sizes(shape, batch).block_elements())),
          heads(from.take<real>(attention_sizes(shape, batch).template copied_elements<Number>())),
          d_activated(from.take<real>(batch.rows() * inner_width(shape))),
          d_attended(second_inner(from, shape, batch)),
          d_qkv(from.take<Number>(batch.rows() * qkv_width(shape))),
          d_normed(from.take<real>(batch.rows() * shape.hidden)),
          d_norm(from.take<double>(shape.hidden)) {}

    static std::int64_t inner_width(llama_shape const& shape) {
      return half_width<Number> ? shape.ffn : std::max(shape.ffn, attention_width(shape));
    }
    std::span<Number> second_inner(arena& from, llama_shape const& shape, micro_batch const& batch) const {
      if constexpr (half_width<Number>) {
        return from.take<Number>(batch.rows() * attention_width(shape));
      } else {
        return d_activated;
      }
    }
  };

  static std::int64_t widest_row(llama_shape const& shape) {
    return std::max({shape.hidden, 2 * shape.ffn, qkv_width(shape)});
  }
  static attention_shape attention_sizes(llama_shape const& shape, micro_batch const& batch) {
    return {batch.samples, batch.positions, shape.heads, shape.kv_heads, shape.head_size};
  }
  attention_shape attention() const noexcept { return attention_sizes(shape_, batch_); }
  std::int64_t rotated_heads() const noexcept { return shape_.heads + shape_.kv_heads; }
  rotary_angles<real> angles() const noexcept {
    return {scratch_.cosines, scratch_.sines, shape_.head_size / 2};
  }
  template <class Element>
  matrix_view<Element> rows_of(std::span<Element> elements, std::int64_t width) const noexcept {
    return {elements, batch_.rows(), width};
  }
  template <class Element>
  matrix_view<Element> hidden(std::span<Element> elements) const noexcept {
    return rows_of(elements, shape_.hidden);
  }

  void feed_forward_backward(layer_tensors<Number const> const& w, layer_activations<Number>& saved,
                             matrix_view<Number> dy, layer_tensors<Number> const& dw) {
    auto const normed = hidden(saved->ffn_input);
    auto const gate_up = rows_of(saved->gate_up, 2 * shape_.ffn);
    auto const activated = rows_of(saved->swiglu, shape_.ffn);
    auto const d_activated = rows_of(scratch_.d_activated, shape_.ffn);
    run_.multiply(transposed(dy), activated, dw.w_down);
    run_.multiply(dy, w.w_down, d_activated);
    run_.activation_backward(d_activated, gate_up);
    run_.multiply(transposed(gate_up), normed, dw.w_gate_up);
    run_.multiply(gate_up, w.w_gate_up, hidden(scratch_.d_normed));
    norm_backward(hidden(saved->middle), w.ffn_norm, saved->ffn_inverse, dy, dw.ffn_norm);
  }

  void attention_backward(layer_tensors<Number const> const& w, matrix_view<Number const> x,
                          layer_activations<Number>& saved, matrix_view<Number> dy,
                          layer_tensors<Number> const& dw) {
    auto const normed = hidden(saved->attention_input);
    auto const qkv = rows_of(saved->qkv, qkv_width(shape_));
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto const d_attended = rows_of(scratch_.d_attended, attention_width(shape_));
    auto const d_qkv = rows_of(scratch_.d_qkv, qkv_width(shape_));
    run_.multiply(transposed(dy), attended, dw.wo);
    run_.multiply(dy, w.wo, d_attended);
    causal_attention_backward<Number>(attention(), qkv, attended, saved->lse, d_attended, d_qkv,
                                      scratch_.scores, scratch_.heads);
    run_.rotate(d_qkv, rotated_heads(), batch_.positions, angles(), rotation::backward);
    run_.multiply(transposed(d_qkv), normed, dw.wqkv);
    run_.multiply(d_qkv, w.wqkv, hidden(scratch_.d_normed));
    norm_backward(x, w.attention_norm, saved->attention_inverse, dy, dw.attention_norm);
  }

  /// Adds the gradient that d_normed sends through a norm of x to `dx`; overwrites that of its
  /// weights.
  void norm_backward(matrix_view<Number const> x, matrix_view<Number const> w,
                     std::span<real const> inverse, matrix_view<Number> dx, matrix_view<Number> dw) {
    std::ranges::fill(scratch_.d_norm, 0.0);
    run_.norm_backward(x, w, inverse, hidden(scratch_.d_normed), dx, scratch_.d_norm);
    std::ranges::transform(scratch_.d_norm, dw.row(0).begin(),
                           [](double sum) { return narrowed<Number>(static_cast<real>(sum)); });
  }

  llama_shape shape_;
  micro_batch batch_;
  arena memory_;
  parts scratch_;
  row_operators<Number> run_;
};

}  // namespace trainer
