// Final norm, output product and loss on one CPU thread, in chunks of predictions.
//
//   loss = mean over predictions of cross_entropy(norm(x) Wlm^T, next token)   (nat)
// x is [T, h] with T = samples * S, Wlm [V, h]. Position S-1 of a sample predicts nothing, so the
// predictions are packed: a chunk holds `chunk_rows` of them whatever sample they come from, and
// logits [T, V] never exist. Each chunk reads Wlm twice and updates the whole of its gradient: at
// V = 32000 and h = 2048 chunks of 32 rows took 1.9 times as long as 128, and 512 a sixth less, so a
// chunk is not made shorter than 256 rows even if its logits then pass 4 MiB.
// Source of the label shift: Hugging Face's llama.
#pragma once

#include "arena.hpp"
#include "operators/cross_entropy.hpp"
#include "operators/matrix_view.hpp"
#include "operators/product.hpp"
#include "operators/rms_norm.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// The tensors of the head, or their gradients.
template <class Real>
struct head_tensors {
  matrix_view<Real> norm, lm_head;

  head_tensors(std::span<Real> elements, unit_layout const& unit)
      : norm(tensor_view(elements, unit, "norm")),
        lm_head(tensor_view(elements, unit, "lm_head")) {}
};

template <class Real>
class output_head {
 public:
  /// Predictions in one chunk: as many as 4 MiB of logits hold, at least 256, at most all.
  static std::int64_t chunk_rows(llama_shape const& shape, micro_batch const& batch) noexcept {
    constexpr std::int64_t logits_bytes = std::int64_t{4} << 20;
    auto const row_bytes = shape.vocabulary * static_cast<std::int64_t>(sizeof(Real));
    return std::min(std::max<std::int64_t>(logits_bytes / row_bytes, 256), batch.predictions());
  }

  /// Exact bytes of the scratch one object allocates.
  static std::int64_t scratch_bytes(llama_shape const& shape, micro_batch const& batch) {
    return block_bytes<parts>(shape, batch);
  }

  output_head(llama_shape const& shape, micro_batch const& batch)
      : shape_(shape),
        batch_(batch),
        memory_(scratch_bytes(shape, batch)),
        scratch_(memory_, shape, batch) {}

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes(); }

  /// Mean loss for x [T, h] and T tokens, each in [0, V).
  double forward(head_tensors<Real const> const& w, matrix_view<Real const> x,
                 std::span<std::int32_t const> tokens) {
    double loss = 0.0;
    for_each_chunk([&](std::int64_t first, std::int64_t count) {
      auto const logits = chunk_logits(w, x, tokens, first, count);
      loss += cross_entropy_forward(logits, targets(count));
    });
    return loss / static_cast<double>(batch_.predictions());
  }

  /// The same loss, to the bit; overwrites its gradients dx [T, h] and dw.
  double forward_backward(head_tensors<Real const> const& w, matrix_view<Real const> x,
                          std::span<std::int32_t const> tokens, matrix_view<Real> dx,
                          head_tensors<Real> const& dw) {
    double const scale = 1.0 / static_cast<double>(batch_.predictions());
    double loss = 0.0;
    for (std::int64_t t = 0; t < dx.rows; ++t) std::ranges::fill(dx.row(t), Real{0});
    std::ranges::fill(scratch_.d_norm, 0.0);
    for_each_chunk([&](std::int64_t first, std::int64_t count) {
      auto const logits = chunk_logits(w, x, tokens, first, count);
      loss += cross_entropy_forward_backward(logits, targets(count), scale);
      matrix_view<Real> const normed(scratch_.normed, count, shape_.hidden);
      product(transposed(logits), normed, dw.lm_head, first == 0 ? accumulate::no : accumulate::yes);
      product(logits, w.lm_head, normed);  // the normalised rows are spent: their gradient replaces them
      for (std::int64_t i = 0; i < count; ++i)
        rms_norm_backward<Real>(one_row(x, first + i), w.norm.row(0), inverse(i),
                                normed.block(i, 0, 1, shape_.hidden), one_row(dx, first + i),
                                scratch_.d_norm);
    });
    std::ranges::transform(scratch_.d_norm, dw.norm.row(0).begin(),
                           [](double sum) { return static_cast<Real>(sum); });
    return loss / static_cast<double>(batch_.predictions());
  }

 private:
  struct parts {
    std::span<Real> logits;           // [chunk, V], then their gradient
    std::span<Real> normed;           // [chunk, h], then its gradient
    std::span<Real> inverse;          // [chunk]
    std::span<std::int32_t> targets;  // [chunk]
    std::span<double> d_norm;         // [h]

    parts(arena& from, llama_shape const& shape, micro_batch const& batch)
        : logits(from.take<Real>(chunk_rows(shape, batch) * shape.vocabulary)),
          normed(from.take<Real>(chunk_rows(shape, batch) * shape.hidden)),
          inverse(from.take<Real>(chunk_rows(shape, batch))),
          targets(from.take<std::int32_t>(chunk_rows(shape, batch))),
          d_norm(from.take<double>(shape.hidden)) {}
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
  std::span<Real> inverse(std::int64_t i) const noexcept {
    return scratch_.inverse.subspan(static_cast<std::size_t>(i), 1);
  }
  std::span<std::int32_t const> targets(std::int64_t count) const noexcept {
    return scratch_.targets.first(static_cast<std::size_t>(count));
  }

  /// Logits [count, V] of predictions first .. first + count - 1; notes their targets.
  matrix_view<Real> chunk_logits(head_tensors<Real const> const& w, matrix_view<Real const> x,
                                 std::span<std::int32_t const> tokens, std::int64_t first,
                                 std::int64_t count) {
    matrix_view<Real> const normed(scratch_.normed, count, shape_.hidden);
    matrix_view<Real> const logits(scratch_.logits, count, shape_.vocabulary);
    for (std::int64_t i = 0; i < count; ++i) {
      rms_norm_forward<Real>(one_row(x, first + i), w.norm.row(0), shape_.rms_epsilon,
                             normed.block(i, 0, 1, shape_.hidden), inverse(i));
      scratch_.targets[static_cast<std::size_t>(i)] =
          tokens[static_cast<std::size_t>(prediction_row(first + i) + 1)];
    }
    product(normed, transposed(w.lm_head), logits);
    return logits;
  }

  llama_shape shape_;
  micro_batch batch_;
  arena memory_;
  parts scratch_;
};

}  // namespace trainer
