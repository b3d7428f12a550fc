// ZeRO-3: parameters, gradients and optimizer state live in shards, 1/N of each on a rank, and a
// unit (embedding | layer | head) is whole only while it computes.
//
//   forward   for each unit u: gather(u), gather(u+1), compute(u), release(u)
//   backward  the same downwards: recompute(u), backward(u), reduce gradients(u) to their shards
//   step      one small all_gather of sums of squares and losses, then AdamW on the own shard
//
// An explicit schedule, no hooks; gradient checkpointing is a line of it. In fp32 the master copy
// of the parameters is the shard itself, there is no second one. With N * accumulation steps
// fixed, losses, norms and parameters have the same bits for every N. The cycle follows Rajbhandari
// et al., arXiv 1910.02054, and LLM.Q. Leaves out: loss scaling, lower precisions, checkpoints.
#pragma once

#include "adamw.hpp"
#include "communicator.hpp"
#include "gathered_units.hpp"
#include "gradient_reduction.hpp"
#include "ledger.hpp"
#include "memory_plan.hpp"
#include "settings.hpp"
#include "shape.hpp"
#include "shard.hpp"
#include "step_summary.hpp"
#include "unit.hpp"

#include <kunmetrics/step_record.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace trainer {

// What a rank is doing is told to the phase hook on entering; the head counts as backward.
using kunmetrics::phase;

struct no_phase_hook {
  constexpr void operator()(phase) const noexcept {}
};

struct step_result {
  std::int64_t step = 0;   // applied steps, this one included
  double loss = 0;         // mean over the N * accumulation micro-batches, before the update
  double grad_norm = 0;    // of the mean gradient, before clipping
  std::int64_t tokens = 0;  // of all ranks
  double learning_rate = 0;
  bool stop = false;  // some rank wants to stop; the same on all ranks
};

// One rank's parameters, m and v of one unit, without padding.
template <class Real>
struct unit_shard {
  std::span<Real const> parameters, m, v;
};

template <class Backend, communicator Communicator, class PhaseHook = no_phase_hook>
class zero3 {
 public:
  using real = typename Backend::real;

  // Allocates everything and sets the initial parameters; all ranks pass the same shape and
  // settings. Throws std::invalid_argument. `ranks` must outlive the engine.
  zero3(llama_shape const& shape, zero3_settings const& settings, Communicator& ranks,
        PhaseHook hook = {})
      : settings_(checked(settings)),
        ranks_(ranks),
        enter_(std::move(hook)),
        layers_(static_cast<std::size_t>(shape.layers)),
        units_(llama_units(shape)),
        cuts_(cuts(shape, ranks.size())),
        parameters_(shards(memory_part::parameters)),
        gradients_(shards(memory_part::gradients)),
        m_(shards(memory_part::optimizer_state)),
        v_(shards(memory_part::optimizer_state)),
        gathered_(book_, cuts_),
        reduction_(book_, cuts_),
        summary_(book_, cuts_, settings.gradient_accumulation_steps),
        backend_(shape, settings.samples, settings.sequence_length),
        running_gradient_(book_, memory_part::activations, backend_.hidden_elements()) {
    auto const [samples, length] = std::pair{settings.samples, settings.sequence_length};
    auto const kept = settings.recompute == recompute::none ? layers_ : std::size_t{1};
    for (std::size_t i = 0; i <= layers_; ++i) {
      inputs_.emplace_back(book_, memory_part::saved_inputs, backend_.hidden_elements());
    }
    for (std::size_t i = 0; i < kept; ++i) activations_.push_back(backend_.make_activations());
    scratch_charge_ = {book_, memory_part::scratch, Backend::scratch_bytes(shape, samples, length)};
    activation_charge_ = {book_, memory_part::activations,
                          static_cast<std::int64_t>(kept) *
                              Backend::activation_bytes(shape, samples, length)};
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      initialise<real>(units_[unit], settings.seed, unit, cuts_[unit].first(ranks.rank()),
                       parameters_[unit].span());
    }
  }

  // One optimizer step on this rank's micro-batches [accumulation steps, samples, S], together
  // with all other ranks. Throws std::invalid_argument for another number of tokens, and
  // std::runtime_error, on all ranks, when a gradient is not finite; the engine is then spent.
  step_result step(std::span<std::int32_t const> tokens, double learning_rate, bool want_stop) {
    auto const micro_steps = micro_batches(tokens);
    if (micro_steps != settings_.gradient_accumulation_steps) {
      throw std::invalid_argument("zero3: tokens of " +
                                  std::to_string(settings_.gradient_accumulation_steps) +
                                  " micro-batches needed, received " + std::to_string(micro_steps));
    }
    for (auto& shard : gradients_) std::ranges::fill(shard.span(), real{0});
    for (std::int64_t k = 0; k < micro_steps; ++k) {
      summary_.loss(static_cast<std::size_t>(k)) = forward_backward(micro_batch(tokens, k));
    }
    auto const summary = summarised(static_cast<std::int64_t>(tokens.size()), want_stop);
    auto const mean = 1 / static_cast<double>(micro_steps * ranks_.size());
    auto const norm = std::sqrt(summary.sum_of_squares) * mean;
    auto const clipped = settings_.clip > 0 ? settings_.clip / (norm + 1e-6) : 1.0;
    apply(learning_rate, mean * std::min(1.0, clipped));
    return {.step = applied_, .loss = summary.loss, .grad_norm = norm, .tokens = summary.tokens,
            .learning_rate = learning_rate, .stop = summary.stop};
  }

  // Mean loss over all ranks' micro-batches, as many on each rank, without training; every rank
  // must call it. Throws std::invalid_argument for tokens that are not whole micro-batches.
  double loss(std::span<std::int32_t const> tokens) {
    auto const count = micro_batches(tokens);
    buffer<double> mine{book_, memory_part::exchange, count};
    buffer<double> all{book_, memory_part::exchange, count * ranks_.size()};
    for (std::int64_t k = 0; k < count; ++k) {
      forward(micro_batch(tokens, k));
      auto const head = ready(layers_ + 1, layers_ + 1, phase::forward);
      mine.span()[static_cast<std::size_t>(k)] = backend_.head_forward(
          head.parameters(), std::as_const(inputs_[layers_]).span(), micro_batch(tokens, k));
    }
    enter_(phase::communication);
    ranks_.all_gather(std::as_bytes(mine.span()), std::as_writable_bytes(all.span()));
    return mean_loss(all.span(), static_cast<std::size_t>(ranks_.size()), 0,
                     static_cast<std::size_t>(count));
  }

  ledger const& memory() const { return book_; }
  std::int64_t applied_steps() const { return applied_; }
  std::vector<unit_layout> const& units() const { return units_; }
  std::vector<unit_cut> const& unit_cuts() const { return cuts_; }

  unit_shard<real> shard(std::size_t unit) const {
    return {owned(parameters_, unit), owned(m_, unit), owned(v_, unit)};
  }

 private:
  using shard_per_unit = std::vector<buffer<real>>;
  using lease = typename gathered_units<real>::lease;
  using tokens_view = std::span<std::int32_t const>;

  // --- the schedule -------------------------------------------------------------------------

  double forward_backward(tokens_view tokens) {
    forward(tokens);
    auto const loss = head_forward_backward(tokens);
    for (auto layer = layers_; layer-- > 0;) layer_backward(layer);
    backend_.embedding_backward(tokens, std::as_const(running_gradient_).span(),
                                reduction_.unit_gradients(cuts_[0]));
    reduce(0);
    return loss;
  }

  // Fills the inputs of every layer and of the head. Layer l is unit l + 1.
  void forward(tokens_view tokens) {
    enter_(phase::forward);
    {
      auto const unit = ready(0, 1, phase::forward);
      backend_.embedding_forward(unit.parameters(), tokens, inputs_[0].span());
    }
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      auto const unit = ready(layer + 1, layer + 2, phase::forward);
      layer_forward(layer, unit);
    }
  }

  // The loss; leaves its gradient by the head's input in running_gradient_.
  double head_forward_backward(tokens_view tokens) {
    enter_(phase::backward);
    auto const unit = layers_ + 1;
    double loss = 0;
    {
      auto const head = ready(unit, layers_, phase::backward);
      loss = backend_.head_forward_backward(
          head.parameters(), std::as_const(inputs_[layers_]).span(), tokens,
          running_gradient_.span(), reduction_.unit_gradients(cuts_[unit]));
    }
    reduce(unit);
    return loss;
  }

  void layer_backward(std::size_t layer) {
    auto const below = std::max<std::size_t>(layer, 1);  // the embedding has no need of its values
    {
      auto const unit = ready(layer + 1, below, phase::backward);
      if (settings_.recompute == recompute::layers) layer_forward(layer, unit);
      backend_.layer_backward(unit.parameters(), std::as_const(inputs_[layer]).span(),
                              activations(layer), running_gradient_.span(),
                              reduction_.unit_gradients(cuts_[layer + 1]));
    }
    reduce(layer + 1);
  }

  // Also the recomputation, which writes the next layer's input again, with the same bits.
  void layer_forward(std::size_t layer, lease const& unit) {
    backend_.layer_forward(unit.parameters(), std::as_const(inputs_[layer]).span(),
                           inputs_[layer + 1].span(), activations(layer));
  }

  auto& activations(std::size_t layer) { return activations_[layer % activations_.size()]; }

  // --- communication ------------------------------------------------------------------------

  // The unit, whole, and the next one on its way, or the unit itself where none is next;
  // `computing` is the phase to come back to.
  lease ready(std::size_t unit, std::size_t next, phase computing) {
    gather(unit, computing);
    if (settings_.prefetch) gather(next, computing);
    return gathered_.use(unit);
  }

  void gather(std::size_t unit, phase computing) {
    if (gathered_.holds(unit)) return;
    enter_(phase::communication);
    gathered_.gather(unit, std::as_const(parameters_[unit]).span(), ranks_);
    enter_(computing);
  }

  void reduce(std::size_t unit) {
    enter_(phase::communication);
    reduction_.add_to(gradients_[unit].span(), cuts_[unit], ranks_);
    enter_(phase::backward);
  }

  // --- the step -----------------------------------------------------------------------------

  step_summary summarised(std::int64_t tokens, bool want_stop) {
    enter_(phase::optimizer);
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      summary_.measure(unit, owned(std::as_const(gradients_), unit));
    }
    enter_(phase::communication);
    auto const summary = summary_.gathered(tokens, want_stop, ranks_);
    if (!summary.not_finite) return summary;
    throw std::runtime_error("zero3: finite gradients needed, received others at step " +
                             std::to_string(applied_ + 1) + " in unit " +
                             std::to_string(*summary.not_finite) + " (" +
                             units_[*summary.not_finite].name + ")");
  }

  void apply(double learning_rate, double gradient_scale) {
    enter_(phase::optimizer);
    adamw_step<real> const step{settings_.adamw, learning_rate, gradient_scale, ++applied_};
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      adamw_update(step, owned(parameters_, unit), owned(std::as_const(gradients_), unit),
                   owned(m_, unit), owned(v_, unit));
    }
    gathered_.expire();
  }

  // --- shapes -------------------------------------------------------------------------------

  shard_per_unit shards(memory_part part) {
    shard_per_unit each;
    for (auto const& cut : cuts_) each.emplace_back(book_, part, cut.shard);
    return each;
  }

  // This rank's elements of a unit, without padding.
  auto owned(auto& shards, std::size_t unit) const {
    return shards[unit].span(0, cuts_[unit].owned(ranks_.rank()));
  }

  std::int64_t micro_batches(tokens_view tokens) const {
    auto const size = static_cast<std::int64_t>(tokens.size());
    if (size > 0 && size % settings_.micro_batch_tokens() == 0) {
      return size / settings_.micro_batch_tokens();
    }
    throw std::invalid_argument("zero3: whole micro-batches of " +
                                std::to_string(settings_.micro_batch_tokens()) +
                                " tokens needed, received " + std::to_string(size) + " tokens");
  }

  tokens_view micro_batch(tokens_view tokens, std::int64_t k) const {
    auto const size = static_cast<std::size_t>(settings_.micro_batch_tokens());
    return tokens.subspan(static_cast<std::size_t>(k) * size, size);
  }

  zero3_settings settings_;
  Communicator& ranks_;
  [[no_unique_address]] PhaseHook enter_;
  std::size_t layers_;
  std::vector<unit_layout> units_;
  std::vector<unit_cut> cuts_;
  std::int64_t applied_ = 0;

  ledger book_;  // before all that is charged to it
  shard_per_unit parameters_, gradients_, m_, v_;
  gathered_units<real> gathered_;
  gradient_reduction<real> reduction_;
  summary_exchange summary_;
  Backend backend_;
  buffer<real> running_gradient_;  // of the loss, by the input of what is next in backward
  std::vector<buffer<real>> inputs_;
  std::vector<typename Backend::layer_activations> activations_;
  charged scratch_charge_, activation_charge_;
};

}  // namespace trainer
