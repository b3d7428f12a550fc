// Final norm, output product and loss on the threads of a rank, in chunks of predictions.
//
//   loss = mean over predictions of cross_entropy(norm(x) Wlm^T, next token)   (nat)
// x is [T, h] with T = samples * S, Wlm [V, h]. Position S-1 of a sample predicts nothing, so the
// predictions are packed: a chunk holds `chunk_rows` of them whatever sample they come from, and
// logits [T, V] never exist. Each chunk reads Wlm twice and updates the whole of its gradient: at
// V = 32000 and h = 2048 chunks of 32 rows took 1.9 times as long as 128, and 512 a sixth less, so a
// chunk is not made shorter than 512 rows even if its logits then pass 4 MiB. It has at least four blocks
// for threads to share.
// Logits, loss and all sums over predictions are in the arithmetic of Number. Threads share the columns of
// logits, then their rows: a row of 32000 is read from memory once and is in a cache for the rest.
// Source of the label shift: Hugging Face's llama.
#pragma once

#include "arena.hpp"
#include "compute_settings.hpp"
#include "layer_products.hpp"
#include "operators/block_team.hpp"
#include "operators/cross_entropy.hpp"
#include "operators/matrix_view.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
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

  /// Predictions in one chunk: as many times 512 as 4 MiB of logits hold, at least 512, at most all.
  static std::int64_t chunk_rows(llama_shape const& shape, micro_batch const& batch) noexcept {
    constexpr std::int64_t logits_bytes = std::int64_t{4} << 20, step = 512;
    auto const row_bytes = shape.vocabulary * static_cast<std::int64_t>(sizeof(real));
    return std::min(std::max<std::int64_t>(logits_bytes / row_bytes / step, 1) * step, batch.predictions());
  }

  /// Exact bytes of the scratch one object allocates.
  static std::int64_t scratch_bytes(llama_shape const& shape, micro_batch const& batch, compute_settings const& compute = {}) {
    std::int64_t const rooms = product(shape, batch, fc_pass::forward, compute).room_bytes() +
                               product(shape, batch, fc_pass::input_gradient, compute).room_bytes();
    return block_bytes<parts>(shape, batch, rooms) + block_team<Number>::bytes(team_sizes(shape, batch), in_blocks(batch, compute));
  }

  output_head(llama_shape const& shape, micro_batch const& batch, compute_settings const& compute = {})
      : shape_(shape),
        batch_(batch),
        to_logits_(product(shape, batch, fc_pass::forward, compute)),
        from_logits_(product(shape, batch, fc_pass::input_gradient, compute)),
        memory_(block_bytes<parts>(shape, batch, to_logits_.room_bytes() + from_logits_.room_bytes())),
        scratch_(memory_, shape, batch, to_logits_.room_bytes() + from_logits_.room_bytes()),
        team_(team_sizes(shape, batch), in_blocks(batch, compute)) {}

  std::int64_t allocated_bytes() const noexcept { return memory_.allocated_bytes() + team_.allocated_bytes(); }

  /// Mean loss for x [T, h] and T tokens, each in [0, V).
  double forward(head_tensors<Number const> const& w, matrix_view<Number const> x, std::span<std::int32_t const> tokens) {
    double loss = 0.0;
    to_logits_.prepare(w.lm_head, forward_room());
    for_each_chunk([&](chunk const& rows) {
      auto const logits = chunk_logits(w, x, tokens, rows);
      loss += summed_losses(rows, [&](std::int64_t i) { return cross_entropy_forward(logits.block(i, 0, 1, logits.columns), target(i)); });
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
    auto own = team_.laps_of_all();
    to_logits_.prepare(w.lm_head, forward_room());
    from_logits_.prepare(w.lm_head, scratch_.packed.subspan(forward_room().size()));
    own(operator_kind::packing, operator_pass::forward, {});
    for_each_chunk([&](chunk const& rows) {
      auto const logits = chunk_logits(w, x, tokens, rows);
      auto const d_logits = stored(logits);
      loss += summed_losses(rows, [&](std::int64_t i) {
        auto const row = logits.block(i, 0, 1, logits.columns);
        auto const row_loss = cross_entropy_forward_backward(row, target(i), scale);
        if constexpr (half_width<Number>) narrow_rows<Number>(row, d_logits.block(i, 0, 1, d_logits.columns));
        return row_loss;
      });
      product_gradient(d_logits, {scratch_.normed, rows.count, shape_.hidden}, dw.lm_head, rows);
      input_gradient(w, x, d_logits, dx, rows);
    });
    std::ranges::transform(scratch_.d_norm, dw.norm.row(0).begin(),
                           [](double sum) { return narrowed<Number>(static_cast<real>(sum)); });
    return loss / static_cast<double>(batch_.predictions());
  }

 private:
  struct parts {
    std::span<real> logits;           // [chunk, V], then their gradient
    std::span<Number> normed;         // [chunk, h]
    std::span<real> inverse;          // [chunk]
    std::span<std::int32_t> targets;  // [chunk]
    std::span<double> losses;         // [chunk]
    std::span<double> d_norm;         // [h]
    std::span<double> d_chunk_norm;   // [h]
    std::span<std::byte> packed;      // the weights, where kernels want them so
    // where Number has 16 bits:
    std::span<Number> d_logits;       // [chunk, V]
    std::span<real> d_lm_head;        // [V, h] the sum over chunks, if there are several

    parts(arena& from, llama_shape const& shape, micro_batch const& batch, std::int64_t packed_bytes)
        : logits(from.take<real>(chunk_rows(shape, batch) * shape.vocabulary)),
          normed(from.take<Number>(chunk_rows(shape, batch) * shape.hidden)),
          inverse(from.take<real>(chunk_rows(shape, batch))),
          targets(from.take<std::int32_t>(chunk_rows(shape, batch))),
          losses(from.take<double>(chunk_rows(shape, batch))),
          d_norm(from.take<double>(shape.hidden)),
          d_chunk_norm(from.take<double>(shape.hidden)),
          packed(from.take<std::byte>(packed_bytes)) {
      if constexpr (half_width<Number>) {
        d_logits = from.take<Number>(chunk_rows(shape, batch) * shape.vocabulary);
        bool const several = chunk_rows(shape, batch) < batch.predictions();
        d_lm_head = from.take<real>(several ? shape.vocabulary * shape.hidden : 0);
      }
    }
  };

  /// Predictions [first, first + count).
  struct chunk {
    std::int64_t first, count;
  };

  /// Calls body(chunk) for every chunk, in order.
  template <class Body>
  void for_each_chunk(Body const& body) const {
    auto const rows = chunk_rows(shape_, batch_);
    for (std::int64_t first = 0; first < batch_.predictions(); first += rows)
      body(chunk{first, std::min(rows, batch_.predictions() - first)});
  }

  /// Calls body(chunk row, row of x, rows) for the runs of a block of a chunk whose rows follow each other in x.
  /// Row of x that makes prediction p: every sample before it has one row that makes none.
  template <class Body>
  void for_each_run(chunk const& rows, row_block const& block, Body const& body) const {
    auto const per_sample = batch_.positions - 1;
    for (std::int64_t i = block.first; i < block.first + block.rows;) {
      auto const p = rows.first + i;
      auto const count = std::min(block.first + block.rows - i, per_sample - p % per_sample);
      body(i, p + p / per_sample, count);
      i += count;
    }
  }

  std::span<real> inverse(std::int64_t i, std::int64_t count) const noexcept {
    return scratch_.inverse.subspan(static_cast<std::size_t>(i), static_cast<std::size_t>(count));
  }
  std::span<std::int32_t const> target(std::int64_t i) const noexcept {
    return scratch_.targets.subspan(static_cast<std::size_t>(i), 1);
  }

  /// Logits [count, V] of a chunk; notes their targets.
  matrix_view<real> chunk_logits(head_tensors<Number const> const& w, matrix_view<Number const> x,
                                 std::span<std::int32_t const> tokens, chunk const& rows) {
    matrix_view<Number> const normed(scratch_.normed, rows.count, shape_.hidden);
    matrix_view<real> const logits(scratch_.logits, rows.count, shape_.vocabulary);
    team_.for_each_block(rows.count, [&](row_block const& block, auto const& run) {
      auto lap = team_.laps(block.thread);
      for_each_run(rows, block, [&](std::int64_t i, std::int64_t row, std::int64_t count) {
        run.norm_forward(x.block(row, 0, count, x.columns), w.norm, shape_.rms_epsilon,
                         normed.block(i, 0, count, normed.columns), inverse(i, count));
        for (std::int64_t j = 0; j < count; ++j) {
          scratch_.targets[static_cast<std::size_t>(i + j)] = tokens[static_cast<std::size_t>(row + j + 1)];
        }
      });
      lap(operator_kind::norm, operator_pass::forward, moved(2 * block.rows * shape_.hidden, sizeof(Number)));
    });
    if (packs_weights(to_logits_.kernel())) {
      team_.for_each_block(rows.count, [&](row_block const& block, auto const&) {
        auto lap = team_.laps(block.thread);
        to_logits_.multiply(part(normed, block), part(logits, block), block.thread);
        lap(operator_kind::lm_head, operator_pass::forward, product_work(block.rows, shape_.vocabulary, shape_.hidden, sizeof(Number)));
      });
      return logits;
    }
    auto const width = to_logits_.columns_at_once() > 0 ? to_logits_.columns_at_once() : head_columns;
    for_each_row_block(shape_.vocabulary, width, team_.threads(), [&](row_block const& block) {
      auto lap = team_.laps(block.thread);
      to_logits_.multiply_columns(normed, block.first, logits.block(0, block.first, logits.rows, block.rows));
      lap(operator_kind::lm_head, operator_pass::forward, product_work(logits.rows, block.rows, shape_.hidden, sizeof(Number)));
    });
    return logits;
  }

  /// The sum of loss_of(i) over the rows of a chunk, in their order.
  template <class LossOf>
  double summed_losses(chunk const& rows, LossOf const& loss_of) const {
    for_each_row_block(rows.count, rows_at_once, team_.threads(), [&](row_block const& block) {
      auto lap = team_.laps(block.thread);
      with_widest_vectors([&] {
        for (auto i = block.first; i < block.first + block.rows; ++i) scratch_.losses[static_cast<std::size_t>(i)] = loss_of(i);
      });
      lap(operator_kind::cross_entropy, operator_pass::forward, moved(2 * block.rows * shape_.vocabulary, sizeof(real)));
    });
    auto const losses = scratch_.losses.first(static_cast<std::size_t>(rows.count));
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  /// Where the gradient of the logits is as a factor of products: in their own place if it can.
  matrix_view<Number> stored(matrix_view<real> logits) const noexcept {
    if constexpr (half_width<Number>) {
      return {scratch_.d_logits, logits.rows, logits.columns};
    } else {
      return logits;
    }
  }

  /// Adds a chunk's part to the gradient of the output product; 16-bit sums are rounded after the last.
  void product_gradient(matrix_view<Number const> d_logits, matrix_view<Number const> normed, matrix_view<Number> d_lm_head,
                        chunk const& rows) const {
    auto const onto = rows.first == 0 ? accumulate::no : accumulate::yes;
    if (scratch_.d_lm_head.empty()) return team_.weight_gradient(fc_matrix::lm_head, d_logits, normed, d_lm_head, onto);
    matrix_view<real> const sum(scratch_.d_lm_head, shape_.vocabulary, shape_.hidden);
    team_.weight_gradient(fc_matrix::lm_head, d_logits, normed, sum, onto);
    if (rows.first + rows.count < batch_.predictions()) return;
    for_each_row_block(sum.rows, head_columns, team_.threads(), [&](row_block const& block) {
      auto lap = team_.laps(block.thread);
      with_widest_vectors([&] { narrow_rows<Number>(part(sum, block), part(d_lm_head, block)); });
      lap(operator_kind::lm_head, operator_pass::weight_gradient, moved(block.rows * sum.columns, sizeof(real) + sizeof(Number)));
    });
  }

  /// The gradients of x's rows of a chunk, through product and norm; adds to that of the norm's weights.
  void input_gradient(head_tensors<Number const> const& w, matrix_view<Number const> x, matrix_view<Number const> d_logits,
                      matrix_view<Number> dx, chunk const& rows) {
    team_.for_each_block(rows.count, scratch_.d_chunk_norm, [&](row_block const& block, auto const& run, std::span<double> d_norm) {
      auto lap = team_.laps(block.thread);
      auto const d_normed = run.multiplied(part(d_logits, block), from_logits_);
      lap(operator_kind::lm_head, operator_pass::backward, product_work(block.rows, shape_.hidden, shape_.vocabulary, sizeof(Number)));
      for_each_run(rows, block, [&](std::int64_t i, std::int64_t row, std::int64_t count) {
        run.norm_backward(x.block(row, 0, count, x.columns), w.norm, inverse(i, count),
                          d_normed.block(i - block.first, 0, count, d_normed.columns), dx.block(row, 0, count, dx.columns), d_norm);
      });
      lap(operator_kind::norm, operator_pass::backward, moved(4 * block.rows * shape_.hidden, sizeof(Number)));
    });
    for (std::size_t i = 0; i < scratch_.d_norm.size(); ++i) scratch_.d_norm[i] += scratch_.d_chunk_norm[i];
  }

  static fc_product<Number> product(llama_shape const& shape, micro_batch const& batch, fc_pass pass, compute_settings const& compute) {
    auto const plan = in_blocks(batch, compute).fc;
    return {sizes_of(fc_matrix::lm_head, shape, batch.predictions(), plan.height), pass, plan(fc_matrix::lm_head, pass), compute.threads};
  }
  static compute_settings in_blocks(micro_batch const& batch, compute_settings compute) {
    compute.fc = resolved<Number>(compute.fc, batch.rows());
    compute.fc.height = height_of(fc_matrix::lm_head, compute.fc.height);
    return compute;
  }
  static typename block_team<Number>::sizes team_sizes(llama_shape const& shape, micro_batch const& batch) {
    return {.rows = chunk_rows(shape, batch), .widest = shape.hidden, .summed = shape.hidden};
  }
  std::span<std::byte> forward_room() const { return scratch_.packed.first(static_cast<std::size_t>(to_logits_.room_bytes())); }

  static constexpr std::int64_t rows_at_once = 8;

  llama_shape shape_;
  micro_batch batch_;
  fc_product<Number> to_logits_, from_logits_;
  arena memory_;
  parts scratch_;
  block_team<Number> team_;
};

}  // namespace trainer
