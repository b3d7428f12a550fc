// One llama decoder layer on the threads of a rank, forward and backward.
//
//   a = x + attention(rope(norm(x) Wqkv^T)) Wo^T,   y = a + swiglu(norm(a) [Wgate; Wup]^T) Wdown^T
// x, a and y are [T, h] with T = samples * S rows. Wqkv is wq, wk and wv taken as one matrix
// [(heads + 2 kv_heads) d, h], and [Wgate; Wup] is [2 f, h]: neighbours in the unit's layout.
// Matrices are stored as Number, which may have 16 bits; sums and what lies between two products that
// is not itself a factor of one are in its arithmetic.
// All but attention goes by blocks of rows: a block is normalised, multiplied, rotated while it is in a core's
// cache, and threads meet only where attention and the gradients of weights need all rows.
// Source: Touvron et al., Llama 2, 2023. Not here: dropout, biases.
#pragma once

#include "arena.hpp"
#include "compute_settings.hpp"
#include "layer_activations.hpp"
#include "layer_products.hpp"
#include "operators/block_team.hpp"
#include "operators/causal_attention.hpp"
#include "operators/matrix_view.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

template <class Number>
class decoder_layer {
 public:
  using real = arithmetic<Number>;

  /// Exact bytes of the scratch one object allocates.
  static std::int64_t scratch_bytes(llama_shape const& shape, micro_batch const& batch, compute_settings const& compute = {}) {
    auto const room = layer_products<Number>(shape, batch.rows(), compute).room_bytes();
    return block_bytes<parts>(shape, batch, compute.threads, room) + block_team<Number>::bytes(team_sizes(shape, batch), compute);
  }

  decoder_layer(llama_shape const& shape, micro_batch const& batch, compute_settings const& compute = {})
      : shape_(shape),
        batch_(batch),
        profile_(compute.profile),
        products_(shape, batch.rows(), compute),
        memory_(block_bytes<parts>(shape, batch, compute.threads, products_.room_bytes())),
        scratch_(memory_, shape, batch, compute.threads, products_.room_bytes()),
        team_(team_sizes(shape, batch), compute) {
    fill_rotary_angles(angles(), batch.positions, shape.rope_theta);
  }

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes() + team_.allocated_bytes(); }

  /// y [T, h] of x [T, h] for weights w; fills `saved`.
  void forward(layer_tensors<Number const> const& w, matrix_view<Number const> x, matrix_view<Number> y,
               layer_activations<Number>& saved) {
    auto const qkv = rows_of(saved->qkv, qkv_width(shape_));
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto own = team_.laps_of_all();
    products_.prepare(fc_pass::forward, {w.wqkv, w.wo, w.w_gate_up, w.w_down}, scratch_.packed);
    own(operator_kind::packing);
    auto const fc = [this](fc_matrix matrix) -> auto& { return products_(matrix, fc_pass::forward); };
    team_.for_each_block(batch_.rows(), [&](row_block const& b, auto const& run) {
      auto const normed = part(hidden(saved->attention_input), b);
      auto lap = team_.laps(b.thread);
      run.norm_forward(part(x, b), w.attention_norm, shape_.rms_epsilon, normed, part(saved->attention_inverse, b));
      lap(operator_kind::norm, rows_moved(b, 2 * shape_.hidden));
      run.multiply(normed, fc(fc_matrix::qkv), part(qkv, b));
      lap(operator_kind::qkv, work(b, fc_matrix::qkv));
      run.rotate(part(qkv, b), b.first, rotated_heads(), batch_.positions, angles(), rotation::forward);
      lap(operator_kind::rotation, rows_moved(b, 2 * rotated_heads() * shape_.head_size));
    });
    causal_attention_forward<Number>(attention(), qkv, attended, saved->lse, scratch_.attention, profile_);
    team_.for_each_block(batch_.rows(), [&](row_block const& b, auto const& run) {
      auto const middle = part(hidden(saved->middle), b), normed = part(hidden(saved->ffn_input), b);
      auto lap = team_.laps(b.thread);
      run.multiply_and_add(part(attended, b), fc(fc_matrix::wo), part(x, b), middle);
      lap(operator_kind::wo, work(b, fc_matrix::wo));
      run.norm_forward(middle, w.ffn_norm, shape_.rms_epsilon, normed, part(saved->ffn_inverse, b));
      lap(operator_kind::norm, rows_moved(b, 2 * shape_.hidden));
      auto const gate_up = part(rows_of(saved->gate_up, 2 * shape_.ffn), b);
      auto const activated = part(rows_of(saved->swiglu, shape_.ffn), b);
      run.multiply(normed, fc(fc_matrix::gate_up), gate_up);
      lap(operator_kind::gate_up, work(b, fc_matrix::gate_up));
      run.activate(gate_up, activated);
      lap(operator_kind::swiglu, rows_moved(b, 3 * shape_.ffn));
      run.multiply_and_add(activated, fc(fc_matrix::down), middle, part(y, b));
      lap(operator_kind::down, work(b, fc_matrix::down));
    });
  }

  /// Turns dy [T, h] into dx in place and overwrites the gradients dw; x, w and `saved` are those of
  /// the forward call, and `saved` is consumed.
  void backward(layer_tensors<Number const> const& w, matrix_view<Number const> x,
                layer_activations<Number>& saved, matrix_view<Number> dy,
                layer_tensors<Number> const& dw) {
    auto own = team_.laps_of_all();
    products_.prepare(fc_pass::input_gradient, {w.wqkv, w.wo, w.w_gate_up, w.w_down}, scratch_.packed);
    own(operator_kind::packing);
    feed_forward_backward(w, saved, dy, dw);
    attention_backward(w, x, saved, dy, dw);
  }

 private:
  struct parts {
    std::span<real> cosines, sines;  // [S, d/2]
    std::span<Number> d_attended;    // [T, heads d]
    std::span<Number> d_qkv;         // [T, (heads + 2 kv_heads) d]
    std::span<double> d_norm;        // [h]
    std::span<std::byte> packed;     // weights of the pass, where kernels want them so
    std::vector<attention_scratch<Number>> attention;  // a thread's each

    parts(arena& from, llama_shape const& shape, micro_batch const& batch, int threads, std::int64_t packed_bytes)
        : cosines(from.take<real>(batch.positions * shape.head_size / 2)),
          sines(from.take<real>(batch.positions * shape.head_size / 2)),
          d_attended(from.take<Number>(batch.rows() * attention_width(shape))),
          d_qkv(from.take<Number>(batch.rows() * qkv_width(shape))),
          d_norm(from.take<double>(shape.hidden)),
          packed(from.take<std::byte>(packed_bytes)) {
      for (int i = 0; i < threads; ++i) attention.emplace_back(from, attention_sizes(shape, batch));
    }
  };

  static std::int64_t widest_row(llama_shape const& shape) {
    return std::max({shape.hidden, 2 * shape.ffn, qkv_width(shape)});
  }
  static typename block_team<Number>::sizes team_sizes(llama_shape const& shape, micro_batch const& batch) {
    return {.rows = batch.rows(), .widest = widest_row(shape), .summed = shape.hidden};
  }
  fc_product<Number>& through(fc_matrix matrix) { return products_(matrix, fc_pass::input_gradient); }
  operator_work work(row_block const& b, fc_matrix matrix) const {
    auto const [out, in] = size_of(matrix, shape_);
    return product_work(b.rows, out, in, sizeof(Number));
  }
  static operator_work rows_moved(row_block const& b, std::int64_t numbers) { return moved(b.rows * numbers, sizeof(Number)); }
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

  /// Down to the gradient of the attention's output, in d_attended; dy becomes that of the middle.
  void feed_forward_backward(layer_tensors<Number const> const& w, layer_activations<Number>& saved,
                             matrix_view<Number> dy, layer_tensors<Number> const& dw) {
    auto const gate_up = rows_of(saved->gate_up, 2 * shape_.ffn);
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto const d_attended = rows_of(scratch_.d_attended, attention_width(shape_));
    team_.weight_gradient(fc_matrix::down, dy, rows_of(saved->swiglu, shape_.ffn), dw.w_down);
    team_.for_each_block(batch_.rows(), scratch_.d_norm, [&](row_block const& b, auto const& run, std::span<double> d_norm) {
      auto lap = team_.laps(b.thread);
      auto const d_activated = run.multiplied(part(dy, b), through(fc_matrix::down));
      lap(operator_kind::down, work(b, fc_matrix::down));
      run.activation_backward(d_activated, part(gate_up, b));
      lap(operator_kind::swiglu, rows_moved(b, 5 * shape_.ffn));
      auto const d_normed = run.multiplied(part(gate_up, b), through(fc_matrix::gate_up));
      lap(operator_kind::gate_up, work(b, fc_matrix::gate_up));
      run.norm_backward(part(hidden(saved->middle), b), w.ffn_norm, part(saved->ffn_inverse, b), d_normed, part(dy, b), d_norm);
      lap(operator_kind::norm, rows_moved(b, 4 * shape_.hidden));
      run.multiply(part(dy, b), through(fc_matrix::wo), part(d_attended, b));
      lap(operator_kind::wo, work(b, fc_matrix::wo));
    });
    keep_norm_gradient(dw.ffn_norm);
    team_.weight_gradient(fc_matrix::gate_up, gate_up, hidden(saved->ffn_input), dw.w_gate_up);
    team_.weight_gradient(fc_matrix::wo, dy, attended, dw.wo);
  }

  void attention_backward(layer_tensors<Number const> const& w, matrix_view<Number const> x,
                          layer_activations<Number>& saved, matrix_view<Number> dy,
                          layer_tensors<Number> const& dw) {
    auto const qkv = rows_of(saved->qkv, qkv_width(shape_));
    auto const attended = rows_of(saved->attention_output, attention_width(shape_));
    auto const d_qkv = rows_of(scratch_.d_qkv, qkv_width(shape_));
    causal_attention_backward<Number>(attention(), qkv, attended, saved->lse,
                                      rows_of(scratch_.d_attended, attention_width(shape_)), d_qkv, scratch_.attention, profile_);
    team_.for_each_block(batch_.rows(), scratch_.d_norm, [&](row_block const& b, auto const& run, std::span<double> d_norm) {
      auto lap = team_.laps(b.thread);
      run.rotate(part(d_qkv, b), b.first, rotated_heads(), batch_.positions, angles(), rotation::backward);
      lap(operator_kind::rotation, rows_moved(b, 2 * rotated_heads() * shape_.head_size));
      auto const d_normed = run.multiplied(part(d_qkv, b), through(fc_matrix::qkv));
      lap(operator_kind::qkv, work(b, fc_matrix::qkv));
      run.norm_backward(part(x, b), w.attention_norm, part(saved->attention_inverse, b), d_normed, part(dy, b), d_norm);
      lap(operator_kind::norm, rows_moved(b, 4 * shape_.hidden));
    });
    keep_norm_gradient(dw.attention_norm);
    team_.weight_gradient(fc_matrix::qkv, d_qkv, hidden(saved->attention_input), dw.wqkv);
  }

  void keep_norm_gradient(matrix_view<Number> dw) const {
    std::ranges::transform(scratch_.d_norm, dw.row(0).begin(),
                           [](double sum) { return narrowed<Number>(static_cast<real>(sum)); });
  }

  llama_shape shape_;
  micro_batch batch_;
  operator_profile* profile_;
  layer_products<Number> products_;
  arena memory_;
  parts scratch_;
  block_team<Number> team_;
};

}  // namespace trainer
