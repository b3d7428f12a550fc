// ZeRO: parameters, gradients and optimizer state live in shards, 1/N of each on a rank, and a
// unit (embedding | layer | head) is whole only while it computes.
//
//   forward   for each unit u: gather(u), gather(u+1), compute(u), release(u)
//   backward  the same downwards: recompute(u), backward(u), reduce gradients(u) to their shards
//   step      one small all_gather of sums of squares and losses, then AdamW on the own shard
//
// That is stage 3. At the stages below, what is not sharded has a buffer for every unit: gather then finds
// a unit in place but for the first use after an update, and gradients are reduced after backward.
// An explicit schedule, no hooks; gradient checkpointing is a line of it. The master copy of the
// parameters, sums, m and v are fp32; what is sent and computed with is Backend::real, of 16 bits in mixed
// precision, and an fp16 loss is scaled. With N * accumulation steps fixed, losses, norms and parameters
// have the same bits for every N and stage. The cycle follows Rajbhandari et al., arXiv 1910.02054,
// and LLM.Q. Leaves out: files.
#pragma once

#include "communicator.hpp"
#include "gathered_units.hpp"
#include "gradient_reduction.hpp"
#include "ledger.hpp"
#include "loss_scaler.hpp"
#include "master_state.hpp"
#include "memory_plan.hpp"
#include "operators/conversion.hpp"
#include "settings.hpp"
#include "shape.hpp"
#include "shard.hpp"
#include "sharding.hpp"
#include "step_summary.hpp"
#include "training_progress.hpp"
#include "unit.hpp"

#include <kunmetrics/step_record.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
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
  std::int64_t step = 0;     // steps taken, this one included, skipped or not
  std::int64_t applied = 0;  // of them, those that updated the parameters
  double loss = 0;           // mean over the N * accumulation micro-batches, before the update
  double grad_norm = 0;      // of the mean gradient, before clipping; not finite in a skipped step
  std::int64_t tokens = 0;   // of all ranks
  double learning_rate = 0;
  bool stop = false;     // some rank wants to stop; the same on all ranks
  bool skipped = false;  // an overflow at this loss scale: nothing was updated
  std::optional<double> loss_scale{};  // that backward used; absent where losses are not scaled
};

template <class Backend, communicator Communicator, class PhaseHook = no_phase_hook>
class zero3 {
 public:
  using real = typename Backend::real;  // stored, sent, and computed with as the backend says
  using master = arithmetic<real>;

  // Allocates everything and sets the initial parameters; all ranks pass the same shape and
  // settings. Throws std::invalid_argument. `ranks` must outlive the engine.
  zero3(llama_shape const& shape, zero3_settings const& settings, Communicator& ranks,
        PhaseHook hook = {})
      : settings_(checked(settings)),
        shards_(sharding_of_stage(settings.stage)),
        ranks_(ranks),
        enter_(std::move(hook)),
        layers_(static_cast<std::size_t>(shape.layers)),
        units_(llama_units(shape)),
        cuts_(cuts(shape, ranks.size())),
        state_(book_, units_, cuts_, shards_, ranks.rank(), settings.seed),
        gathered_(book_, cuts_, shards_),
        reduction_(book_, cuts_, shards_),
        whole_gradient_(book_, memory_part::exchange, shards_.optimizer ? 0 : largest_padded(cuts_)),
        summary_(book_, cuts_, settings.gradient_accumulation_steps),
        backend_(shape, settings.samples, settings.sequence_length, settings.compute),
        running_gradient_(book_, memory_part::activations, backend_.hidden_elements()) {
    auto const [samples, length] = std::pair{settings.samples, settings.sequence_length};
    auto const kept = settings.recompute == recompute::none ? layers_ : std::size_t{1};
    for (std::size_t i = 0; i <= layers_; ++i) {
      inputs_.emplace_back(book_, memory_part::saved_inputs, backend_.hidden_elements());
    }
    for (std::size_t i = 0; i < kept; ++i) activations_.push_back(backend_.make_activations());
    scratch_charge_ = {book_, memory_part::scratch, Backend::scratch_bytes(shape, samples, length, settings.compute)};
    activation_charge_ = {book_, memory_part::activations,
                          static_cast<std::int64_t>(kept) *
                              Backend::activation_bytes(shape, samples, length)};
    for (auto const& cut : cuts_) gradients_.emplace_back(book_, memory_part::gradients, cut.shard);
    if (settings.loss_scale) scaler_.emplace(*settings.loss_scale);
  }

  // One optimizer step on this rank's micro-batches [accumulation steps, samples, S], together
  // with all other ranks. A step that overflows at its loss scale is skipped. Throws
  // std::invalid_argument for another number of tokens, and std::runtime_error, on all ranks, when a loss
  // or gradient is not finite and no smaller loss scale can be tried; the engine is then spent.
  step_result step(std::span<std::int32_t const> tokens, double learning_rate, bool want_stop) {
    auto const micro_steps = settings_.micro_batches(static_cast<std::int64_t>(tokens.size()));
    if (micro_steps != settings_.gradient_accumulation_steps) {
      throw std::invalid_argument("zero3: tokens of " +
                                  std::to_string(settings_.gradient_accumulation_steps) +
                                  " micro-batches needed, received " + std::to_string(micro_steps));
    }
    summary_.start();
    for (std::int64_t k = 0; k < micro_steps; ++k) {
      sums_ = k == 0 ? accumulate::no : accumulate::yes;
      summary_.loss(static_cast<std::size_t>(k)) = forward_backward(micro_batch(tokens, k));
    }
    auto const summary = summarised(static_cast<std::int64_t>(tokens.size()), want_stop);
    auto const scale = loss_scale();
    bool const skipped = overflowed(summary);
    auto const mean = 1 / static_cast<double>(micro_steps * ranks_.size()) / scale;
    auto const norm = std::sqrt(summary.sum_of_squares) * mean;
    auto const clipped = settings_.clip > 0 ? settings_.clip / (norm + 1e-6) : 1.0;
    if (!skipped) apply(learning_rate, mean * std::min(1.0, clipped));
    return {.step = ++steps_, .applied = applied_, .loss = summary.loss, .grad_norm = norm,
            .tokens = summary.tokens, .learning_rate = learning_rate, .stop = summary.stop,
            .skipped = skipped, .loss_scale = scaler_ ? std::optional{scale} : std::nullopt};
  }

  // Mean loss over all ranks' micro-batches, as many on each rank, without training; every rank
  // must call it. Throws std::invalid_argument for tokens that are not whole micro-batches.
  double loss(std::span<std::int32_t const> tokens) {
    auto const count = settings_.micro_batches(static_cast<std::int64_t>(tokens.size()));
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

  // This rank's share of a unit, unit_cuts()[unit].owned(rank) elements of it; the shares of all ranks are
  // the whole, at every stage.
  unit_state<master const> shard(std::size_t unit) const { return state_.share(unit); }

  // What this rank keeps of a unit, to be filled by a resumed training: its share, or at stage 0 all of it.
  unit_state<master> kept(std::size_t unit) { return state_.kept(unit); }

  training_progress progress() const {
    return {.steps = steps_, .applied = applied_,
            .loss_scale = scaler_ ? std::optional{scaler_->state()} : std::nullopt};
  }

  // Goes on from there; to be called after every kept(unit) was filled, on all ranks.
  void resume(training_progress const& from) {
    steps_ = from.steps;
    applied_ = from.applied;
    if (scaler_ && from.loss_scale) scaler_->restore(*from.loss_scale);
    gathered_.expire();
  }

 private:
  using lease = typename gathered_units<real>::lease;
  using tokens_view = std::span<std::int32_t const>;

  // --- the schedule -------------------------------------------------------------------------

  double forward_backward(tokens_view tokens) {
    forward(tokens);
    auto const loss = head_forward_backward(tokens);
    if (!std::isfinite(loss)) summary_.saw_forward(first_not_finite_output());
    for (auto layer = layers_; layer-- > 0;) layer_backward(layer);
    backend_.embedding_backward(tokens, std::as_const(running_gradient_).span(),
                                reduction_.unit_gradients(0));
    reduced(0);
    if (!shards_.gradients) {
      for (auto unit = units_.size(); unit-- > 0;) reduce(unit);
    }
    return loss;
  }

  // Fills the inputs of every layer and of the head. Layer l is unit l + 1.
  void forward(tokens_view tokens) {
    enter_(phase::forward);
    enter_pass(operator_pass::forward);
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
          running_gradient_.span(), reduction_.unit_gradients(unit), loss_scale());
    }
    reduced(unit);
    return loss;
  }

  void layer_backward(std::size_t layer) {
    auto const below = std::max<std::size_t>(layer, 1);  // the embedding has no need of its values
    {
      auto const unit = ready(layer + 1, below, phase::backward);
      if (settings_.recompute == recompute::layers) {
        enter_pass(operator_pass::recompute);
        layer_forward(layer, unit);
      }
      enter_pass(operator_pass::backward);
      backend_.layer_backward(unit.parameters(), std::as_const(inputs_[layer]).span(),
                              activations(layer), running_gradient_.span(),
                              reduction_.unit_gradients(layer + 1));
    }
    reduced(layer + 1);
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
    locate(ranks_, steps_ + 1, units_[unit].name);
    auto lap = laps();
    gathered_.gather(unit, state_.padded_parameters(unit), ranks_, settings_.compute.threads);
    lap(operator_kind::gather, moved(cuts_[unit].padded(), sizeof(master) + sizeof(real)));
    enter_(computing);
  }

  // The unit's gradients are complete: their buffer must be free for the next unit's where it is shared.
  void reduced(std::size_t unit) {
    if (shards_.gradients) reduce(unit);
  }

  void reduce(std::size_t unit) {
    enter_(phase::communication);
    locate(ranks_, steps_ + 1, units_[unit].name);
    auto lap = laps();
    auto const strange = reduction_.add_to(gradients_[unit].span(), unit, ranks_, sums_, settings_.compute.threads);
    lap(operator_kind::reduce, moved(cuts_[unit].padded(), 2 * sizeof(master) + sizeof(real)));
    if (strange) summary_.saw_backward(unit, *strange);
    enter_(phase::backward);
  }

  // --- the step -----------------------------------------------------------------------------

  step_summary summarised(std::int64_t tokens, bool want_stop) {
    enter_(phase::optimizer);
    enter_pass(operator_pass::update);
    auto lap = laps();
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      summary_.measure(unit, own_sum(unit), settings_.compute.threads);
      lap(operator_kind::square_sum, moved(std::ssize(own_sum(unit)), sizeof(master)));
    }
    enter_(phase::communication);
    locate(ranks_, steps_ + 1, "summary");
    return summary_.gathered(tokens, want_stop, ranks_);
  }

  double loss_scale() const { return scaler_ ? scaler_->scale() : 1.0; }

  // Whether the step must be skipped; the loss scale moves. Throws where another scale is no remedy. All
  // ranks have the same summary, so they agree.
  bool overflowed(step_summary const& summary) {
    auto const& strange = summary.not_finite;
    if (!scaler_) {
      if (strange) fail(*strange);
      return false;
    }
    auto const scale = scaler_->scale();
    if (scaler_->after(strange.has_value()) == scale_change::exhausted) {
      fail(*strange, ", at the smallest loss scale of " + shortest(scale));
    }
    if (strange && strange->forward && !scaler_->settings().dynamic) fail(*strange);
    return strange.has_value();
  }

  [[noreturn]] void fail(non_finite const& strange, std::string const& when = {}) const {
    auto const& unit = units_[strange.unit].name;
    auto const text = "zero3: finite " + std::string{strange.forward ? "activations" : "gradients"} +
                      " needed, received others at step " + std::to_string(steps_ + 1) + " in unit " +
                      std::to_string(strange.unit) + " (" + unit + ") from " +
                      (strange.rank ? "rank " + std::to_string(*strange.rank) : std::string{"the sum over ranks"}) + when;
    throw failure_of_origin(strange.rank, {steps_ + 1, unit}, text);
  }

  // The unit whose output was the first that is not finite, for a loss that is not.
  std::size_t first_not_finite_output() const {
    auto const strange = std::ranges::find_if(inputs_, [](buffer<real> const& output) {
      return !std::ranges::all_of(output.span(), [](real x) { return is_finite(x); });
    });
    return static_cast<std::size_t>(strange - inputs_.begin());
  }

  void apply(double learning_rate, double gradient_scale) {
    enter_(phase::optimizer);
    adamw_step<master> const step{settings_.adamw, learning_rate, gradient_scale, ++applied_};
    auto lap = laps();
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      auto const gradient = shards_.optimizer ? own_sum(unit) : whole_sum(unit);
      state_.update(step, unit, gradient, settings_.compute.threads);
      lap(operator_kind::adamw, moved(std::ssize(gradient), 7 * sizeof(master)));
    }
    gathered_.expire();
  }

  // This rank's share of the summed gradients, without padding.
  std::span<master const> own_sum(std::size_t unit) const {
    return gradients_[unit].span(0, cuts_[unit].owned(ranks_.rank()));
  }

  // All of the summed gradients, for a rank that updates all parameters.
  std::span<master const> whole_sum(std::size_t unit) {
    enter_(phase::communication);
    auto const whole = whole_gradient_.span(0, cuts_[unit].padded());
    ranks_.all_gather(std::as_bytes(gradients_[unit].span()), std::as_writable_bytes(whole));
    enter_(phase::optimizer);
    return whole.first(static_cast<std::size_t>(cuts_[unit].numel));
  }

  // --- the profile --------------------------------------------------------------------------

  void enter_pass(operator_pass pass) {
    if (settings_.compute.profile != nullptr) settings_.compute.profile->enter(pass);
  }
  operator_laps laps() const { return operator_laps::of_all(settings_.compute.profile); }

  tokens_view micro_batch(tokens_view tokens, std::int64_t k) const {
    auto const size = static_cast<std::size_t>(settings_.micro_batch_tokens());
    return tokens.subspan(static_cast<std::size_t>(k) * size, size);
  }

  zero3_settings settings_;
  sharding shards_;
  Communicator& ranks_;
  [[no_unique_address]] PhaseHook enter_;
  std::size_t layers_;
  std::vector<unit_layout> units_;
  std::vector<unit_cut> cuts_;
  std::int64_t steps_ = 0;    // taken
  std::int64_t applied_ = 0;  // of them, those that were not skipped
  std::optional<loss_scaler> scaler_;

  ledger book_;  // before all that is charged to it
  master_state<master> state_;
  std::vector<buffer<master>> gradients_;  // this rank's shards of the fp32 sums
  accumulate sums_ = accumulate::no;       // whether they go on from those of the micro-step before
  gathered_units<real> gathered_;
  gradient_reduction<real> reduction_;
  buffer<master> whole_gradient_;  // of one unit, where the optimizer state is whole
  summary_exchange summary_;
  Backend backend_;
  buffer<real> running_gradient_;  // of the loss, by the input of what is next in backward
  std::vector<buffer<real>> inputs_;
  std::vector<typename Backend::layer_activations> activations_;
  charged scratch_charge_, activation_charge_;
};

}  // namespace trainer
