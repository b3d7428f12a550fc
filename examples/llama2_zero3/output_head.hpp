// Final norm, output product and loss on one CPU thread, in chunks of predictions.
//
//   loss = mean over predictions of cross_entropy(norm(x) Wlm^T, next token)   (nat)
// x is [T, h] with T = samples * S, Wlm [V, h]. Position S-1 of a sample predicts nothing, so the
// predictions are packed: a chunk holds `chunk_rows` of them whatever sample they come from, and
// logits [T, V] never exist. Each chunk reads Wlm twice and updates the whole of its gradient: at
// V = 32000 and h = 2048 chunks of 32 rows took 1.9 times as long as 128, and 512 a sixth less, so a
// chunk is not made shorter than 256 rows even if its logits then pass 4 MiB.
// Logits, loss and all sums over predictions are in the arithmetic of Number.
// Source of the label shift: Hugging Face's llama.
#pragma once

#include "arena.hpp"
#include "operators/cross_entropy.hpp"
#include "operators/matrix_view.hpp"
#include "operators/row_operators.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// The tensors of the head, or their gradients.
template <class Number>
struct head_tensors {
  matrix_view<Number> norm, lm_head;

  head_tensors(std::span<Number> elements, unit_layout const& unit)
      : norm(tensor_view(elements, unit, "norm")),
        lm_head(tensor_view(elements, unit, "lm_head")) {}
};

template <class Number>
class output_head {
 public:
  using real = arithmetic<Number>;

  /// Predictions in one chunk: as many as 4 MiB of logits hold, at least 256, at most all.
  static std::int64_t chunk_rows(llama_shape const& shape, micro_batch const& batch) noexcept {
    constexpr std::int64_t logits_bytes = std::int64_t{4} << 20;
    auto const row_bytes = shape.vocabulary * static_cast<std::int64_t>(sizeof(real));
    return std::min(std::max<std::int64_t>(logits_bytes / row_bytes, 256), batch.predictions());
  }

  /// Exact bytes of the scratch one object allocates.
  static std::int64_t scratch_bytes(llama_shape const& shape, micro_batch const& batch) {
    return block_bytes<parts>(shape, batch) + row_operators<Number>::bytes(shape.hidden);
  }

  output_head(llama_shape const& shape, micro_batch const& batch)
      : shape_(shape),
        batch_(batch),
        memory_(block_bytes<parts>(shape, batch)),
        scratch_(memory_, shape, batch),
        run_(shape.hidden) {}

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes() + run_.allocated_bytes(); }

  /// Mean loss for x [T, h] and T tokens, each in [0, V).
  double forward(head_tensors<Number const> const& w, matrix_view<Number const> x,
                 std::span<std::int32_t const> tokens) {
    double loss = 0.0;
    for_each_chunk([&](std::int64_t first, std::int64_t count) {
      auto const logits = chunk_logits(w, x, tokens, first, count);
      loss += cross_entropy_forward(logits, targets(count));
    });
    return loss / static_cast<double>(batch_.predictions());
  }

  /// The same loss, to the bit; overwrites dx [T, h] and dw with the gradients of `loss_scale` times it.
  double forward_backward(head_tensors<Number const> const& w, matrix_view<Number const> x,
                          std::span<std::int32_t const> tokens, matrix_view<Number> dx,
                          head_tensors<Number> const& dw, double loss_scale) {
    double const scale = loss_scale / static_cast<double>(batch_.predictions());
    double loss = 0.0;
    for (std::int64_t t = 0; t < dx.rows; ++t) std::ranges::fill(dx.row(t), Number{});
    std::ranges::fill(scratch_.d_norm, 0.0);
    for_each_chunk([&](std::int64_t first, std::int64_t count) {
      auto const logits = chunk_logits(w, x, tokens, first, count);
      loss += cross_entropy_forward_backward(logits, targets(count), scale);
      auto const d_logits = stored(logits, count);
      product_gradient(d_logits, {scratch_.normed, count, shape_.hidden}, dw.lm_head, first);
      auto const d_normed = normed_gradient(count);
      run_.multiply(d_logits, w.lm_head, d_normed);
      for (std::int64_t i = 0; i < count; ++i)
        run_.norm_backward(one_row(x, first + i), w.norm, inverse(i), d_normed.block(i, 0, 1, shape_.hidden),
                           one_row(dx, first + i), scratch_.d_norm);
    });
    std::ranges::transform(scratch_.d_norm, dw.norm.row(0).begin(),
                           [](double sum) { return narrowed<Number>(static_cast<real>(sum)); });
    return loss / static_cast<double>(batch_.predictions());
  }

 private:
  struct parts {
    std::span<real> logits;           // [chunk, V], then their gradient
    std::span<Number> normed;         // [chunk, h], then its gradient unless Number has 16 bits
    std::span<real> inverse;          // [chunk]
    std::span<std::int32_t> targets;  // [chunk]
    std::span<double> d_norm;         // [h]
    // where Number has 16 bits:
    std::span<Number> d_logits;       // [chunk, V]
    std::span<real> d_normed;         // [chunk, h]
    std::span<real> d_lm_head;        // [V, h] the sum over chunks, if there are several

    parts(arena& from, llama_shape const& shape, micro_batch const& batch)
        : logits(from.take<real>(chunk_rows(shape, batch) * shape.vocabulary)),
          normed(from.take<Number>(chunk_rows(shape, batch) * shape.hidden)),
          inverse(from.take<real>(chunk_rows(shape, batch))),
          targets(from.take<std::int32_t>(chunk_rows(shape, batch))),
          d_norm(from.take<double>(shape.hidden)) {
      if constexpr (half_width<Number>) {
        d_logits = from.take<Number>(chunk_rows(shape, batch) * shape.vocabulary);
        d_normed = from.take<real>(chunk_rows(shape, batch) * shape.hidden);
        bool const several = chunk_rows(shape, batch) < batch.predictions();
        d_lm_head = from.take<real>(several ? shape.vocabulary * shape.hidden : 0);
      }
    }
  };

  /// Calls body(first prediction, predictions) for every chunk, in order.
  template <class Body>
  void for_each_chunk(Body&& body) const {
    auto const rows = chunk_rows(shape_, batch_);
    for (std::int64_t first = 0; first < batch_.predictions(); first += rows)
      body(first, std::min(rows, batch_.predictions() - first));
  }

  /// Row of x that makes prediction p: every sample before it has one row that makes none.
  std::int64_t prediction_row(std::int64_t p) const noexcept {
    return p + p / (batch_.positions - 1);
  }
  template <class Element>
  matrix_view<Element> one_row(matrix_view<Element> m, std::int64_t prediction) const noexcept {
    return m.block(prediction_row(prediction), 0, 1, m.columns);
  }
  std::span<real> inverse(std::int64_t i) const noexcept {
    return scratch_.inverse.subspan(static_cast<std::size_t>(i), 1);
  }
  std::span<std::int32_t const> targets(std::int64_t count) const noexcept {
    return scratch_.targets.first(static_cast<std::size_t>(count));
  }

  /// Logits [count, V] of predictions first .. first + count - 1; notes their targets.
  matrix_view<real> chunk_logits(head_tensors<Number const> const& w, matrix_view<Number const> x,
                                 std::span<std::int32_t const> tokens, std::int64_t first,
                                 std::int64_t count) {
    matrix_view<Number> const normed(scratch_.normed, count, shape_.hidden);
    matrix_view<real> const logits(scratch_.logits, count, shape_.vocabulary);
    for (std::int64_t i = 0; i < count; ++i) {
      run_.norm_forward(one_row(x, first + i), w.norm, shape_.rms_epsilon,
                        normed.block(i, 0, 1, shape_.hidden), inverse(i));
      scratch_.targets[static_cast<std::size_t>(i)] =
          tokens[static_cast<std::size_t>(prediction_row(first + i) + 1)];
    }
    run_.multiply(normed, transposed(w.lm_head), logits);
    return logits;
  }

  /// The gradient of the logits as a factor of products.
  matrix_view<Number> stored(matrix_view<real> d_logits, std::int64_t count) const noexcept {
    if constexpr (half_width<Number>) {
      matrix_view<Number> const rounded(scratch_.d_logits, count, shape_.vocabulary);
      narrow_rows<Number>(d_logits, rounded);
      return rounded;
    } else {
      return d_logits;
    }
  }

  /// Where the gradient of the normalised rows goes: in their own place, as they are spent, if it can.
  matrix_view<real> normed_gradient(std::int64_t count) const noexcept {
    if constexpr (half_width<Number>) {
      return {scratch_.d_normed, count, shape_.hidden};
    } else {
      return {scratch_.normed, count, shape_.hidden};
    }
  }

  /// Adds a chunk's part to the gradient of the output product; 16-bit sums are rounded after the last.
  void product_gradient(matrix_view<Number> d_logits, matrix_view<Number> normed, matrix_view<Number> d_lm_head,
                        std::int64_t first) const {
    auto const onto = first == 0 ? accumulate::no : accumulate::yes;
    if (scratch_.d_lm_head.empty()) {
      run_.multiply(transposed(d_logits), normed, d_lm_head, onto);
    } else if constexpr (half_width<Number>) {
      matrix_view<real> const sum(scratch_.d_lm_head, shape_.vocabulary, shape_.hidden);
      run_.multiply(transposed(d_logits), normed, sum, onto);
      if (first + d_logits.rows == batch_.predictions()) narrow_rows<Number>(sum, d_lm_head);
    }
  }

  llama_shape shape_;
  micro_batch batch_;
  arena memory_;
  parts scratch_;
  row_operators<Number> run_;
};

}  // namespace trainer
