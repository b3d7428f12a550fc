// A planned run, from its first step to its last: all ranks train, rank 0 measures and writes the log, each rank its
// shard of the checkpoints.
//
// Every rank draws its own micro-batches and calls the engine; rank 0's meter sees the steps, with
// the tokens of all ranks, and each record goes to steps.jsonl before the next step begins. A wish
// to stop (SIGINT, SIGTERM) travels with the step's own all-gather, so all ranks end at one step.
// A skipped step takes its samples, but the learning rate's schedule counts applied steps alone.
#pragma once

#include "any_communicator.hpp"
#include "backend_of_run.hpp"
#include "checkpoint.hpp"
#include "checkpoint_saver.hpp"
#include "dataset.hpp"
#include "hf_llama.hpp"
#include "rank_comparison.hpp"
#include "sampler.hpp"
#include "step_outputs.hpp"
#include "step_tokens.hpp"
#include "thread_communicator.hpp"
#include "training_plan.hpp"
#include "zero3.hpp"

#include <kunmetrics/meter.hpp>
#include <kunmetrics/summary.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace trainer {

// Tells the running step which phase the engine is in. Of whatever type the step is, so that the engine is compiled
// once for all meters: rank 0 has the run's, the others one that only tells them apart (rank_comparison.hpp).
class meter_hook {
 public:
  template <class RunningStep>
  explicit meter_hook(RunningStep* const* running)
      : running_(running), turn_([](void const* to, phase now) {
          auto* const step = *static_cast<RunningStep* const*>(to);
          if (step != nullptr) step->turn_to(now);
        }) {}

  void operator()(phase now) const { turn_(running_, now); }

 private:
  void const* running_;
  void (*turn_)(void const*, phase);
};

struct training_outcome {
  std::int64_t steps = 0;                  // that were trained
  std::vector<std::int64_t> peak_bytes{};  // by rank
  std::vector<backend_allocations::bytes> libtorch_bytes{};  // by rank; empty where libtorch does not compute
  std::vector<kunmetrics::rank_report_row> by_rank{};  // empty where one rank has no other to compare with
};

// Of a run that has not begun: model, seed and data.
inline checkpoint_meta meta_of(training_plan const& plan, dataset const& tokens) {
  return {.model = plan.shape,
          .seed = static_cast<std::int64_t>(plan.settings.seed),
          .dataset = tokens.name(),
          .dataset_tokens = tokens.size(),
          .dataset_crc = tokens.crc(),
          .sequence_length = plan.settings.sequence_length};
}

template <class Meter>
class training {
 public:
  // What there is beside the plan: where checkpoints go, how often, and the one to go on from.
  struct checkpoints {
    std::filesystem::path folder;
    std::optional<std::int64_t> every{};  // steps; empty: when a signal ends the run, and not else
    std::int64_t keep = 2;
    checkpoint const* from = nullptr;
    hf_llama_weights const* initial = nullptr;  // parameters to begin with, where there is no checkpoint
  };

  training(training_plan const& plan, dataset const& tokens, std::int64_t steps, Meter& meter,
           step_outputs<Meter>* log, std::atomic<bool> const& stop, checkpoints kept)
      : plan_(plan), tokens_(tokens), steps_(steps), meter_(meter), log_(log), stop_(stop), kept_(std::move(kept)) {}

  // Rank 0's operators tell `into` what they take, once warm-up is over.
  void profile(operator_profile& into) { profile_ = &into; }

  // Trains on threads of this process. Throws rank_failure with the first rank's failure.
  training_outcome run(rank_limits const& limits) {
    training_outcome outcome;
    run_ranks(
        plan_.ranks,
        [&](thread_communicator& ranks) {
          auto const mine = run_rank(any_communicator{ranks});
          if (ranks.rank() == 0) outcome = mine;
        },
        limits);
    return outcome;
  }

  // Trains this rank, together with those that `ranks` talks to.
  training_outcome run_rank(any_communicator ranks) {
    use_threads(plan_.backend, plan_.threads);
    return with_backend_of(plan_.backend, plan_.what.precision, [&]<class Backend>() { return run_rank_on<Backend>(ranks); });
  }

 private:
  using running_step = typename Meter::running_step;

  template <class Backend>
  training_outcome run_rank_on(any_communicator& ranks) {
    bool const reports = ranks.rank() == 0;
    auto const card = plan_.device.card_of(plan_.processes ? plan_.processes->local : ranks.rank());
    backend_allocations const allocations{plan_.backend, card};
    running_step* running = nullptr;
    rank_meter::running_step* timed = nullptr;
    auto const interval = reporting_interval(plan_);
    rank_meter own{meter_.run(), settings_of_rank(meter_.settings(), interval)};
    auto told = plan_.settings;
    told.compute.profile = reports ? profile_ : nullptr;
    told.compute.card = card;
    zero3<Backend, any_communicator, meter_hook> engine{plan_.shape, told, ranks,
                                                        reports ? meter_hook{&running} : meter_hook{&timed}};
    auto const& settings = plan_.settings;
    sampler const stream{tokens_.sequences(settings.sequence_length), settings.seed};
    auto const before = resumed(engine, ranks);
    if (log_ != nullptr && reports) log_->go_on();
    micro_batches const deal{plan_.ranks, settings.gradient_accumulation_steps, settings.samples, before.samples};
    std::vector<std::int32_t> batch(
        static_cast<std::size_t>(settings.micro_batch_tokens() * settings.gradient_accumulation_steps));
    auto done = before.steps;
    checkpoint_saver saver{kept_.folder, kept_.keep, ranks};
    auto const train = [&] {
      locate(ranks, done + 1, "data");
      copy_step_tokens(tokens_, stream, deal, done - before.steps, ranks.rank(), batch);
      return engine.step(batch, plan_.learning_rate(engine.applied_steps()), stop_.load());
    };
    for (bool stop = false; done < steps_ && !stop;) {
      auto const epoch = stream.epoch(deal.first_position(done - before.steps, 0, 0));
      stop = reports ? measured(meter_, running, train, epoch, log_) : measured(own, timed, train, epoch);
      ++done;
      if (told.compute.profile != nullptr && done - before.steps == meter_.settings().warm_up.coherent()) profile_->clear();
      saver.poll();
      if (ranks.size() > 1 && done % interval == 0) compare(ranks, done, reports ? meter_.records() : own.records());
      bool const due = kept_.every && (done % *kept_.every == 0 || done == steps_);
      if (!due && !stop) continue;
      between_steps(reports ? nullptr : &own, [&] { saver.save(engine, meta_at(done, before, engine.progress())); });
    }
    saver.finish();
    training_outcome outcome{.steps = done, .peak_bytes = gathered(engine.memory().peak_total(), ranks)};
    if (auto const held = allocations.counted()) outcome.libtorch_bytes = gathered(*held, ranks);
    if (ranks.size() > 1) {
      auto const& totals = reports ? meter_.totals() : own.totals();
      outcome.by_rank = compared(times_of_rank(identity_of(ranks.rank()), totals), ranks);
    }
    return outcome;
  }

  // A checkpoint's time is in no step's time, but in goodput's. `own`: of a rank that does not report.
  template <class Save>
  void between_steps(rank_meter* own, Save const& save) {
    if (own != nullptr) {
      auto const pause = own->pause(phase::checkpoint);
      return save();
    }
    auto const pause = meter_.pause(phase::checkpoint);
    save();
  }

  // Puts the ranks' last interval side by side, up to step `done`; each tells its newest records.
  void compare(any_communicator& ranks, std::int64_t done, std::span<kunmetrics::step_record const> records) {
    locate(ranks, done, "comparison");
    auto const rows = compared(newest_times(ranks.rank(), records, reporting_interval(plan_)), ranks);
    if (ranks.rank() == 0) log_->append(rows);
  }

  template <class Value>
  static std::vector<Value> gathered(Value const& mine, any_communicator& ranks) {
    std::vector<Value> all(static_cast<std::size_t>(ranks.size()));
    ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
    return all;
  }

  struct start {
    std::int64_t steps = 0, samples = 0;
  };

  // A training that goes on from none; its parameters may be another's.
  template <class Engine>
  start begun(Engine& engine) const {
    for (std::size_t unit = 0; kept_.initial != nullptr && unit < engine.units().size(); ++unit) {
      auto const state = engine.kept(unit);
      kept_.initial->load(unit, state.first, state.parameters);
    }
    engine.resume({.loss_scale = engine.progress().loss_scale});
    return {};
  }

  // Fills the engine from the checkpoint to go on from, if there is one.
  template <class Engine>
  start resumed(Engine& engine, any_communicator& ranks) const {
    if (kept_.from == nullptr) return begun(engine);
    auto const& meta = kept_.from->meta();
    locate(ranks, meta.progress.steps, "checkpoint");
    for (std::size_t unit = 0; unit < engine.units().size(); ++unit) kept_.from->load(unit, engine.kept(unit));
    engine.resume(meta.progress);
    barrier(ranks);  // a rank that cannot read its part ends the run before any trains
    return {meta.progress.steps, meta.samples};
  }

  checkpoint_meta meta_at(std::int64_t done, start const& before, training_progress const& progress) const {
    auto const& settings = plan_.settings;
    auto meta = meta_of(plan_, tokens_);
    meta.progress = progress;
    meta.samples = before.samples +
                   (done - before.steps) * plan_.ranks * settings.gradient_accumulation_steps * settings.samples;
    return meta;
  }

  // Trains one step, begun in `epoch`, under a meter, and writes its record where there is a log; whether to stop
  // after it.
  template <class AnyMeter, class Train>
  static bool measured(AnyMeter& meter, typename AnyMeter::running_step*& running, Train const& train,
                       std::int64_t epoch, step_outputs<Meter>* log = nullptr) {
    auto step = meter.start();
    running = &step;
    step.turn_to(phase::data);
    step_result const result = train();
    running = nullptr;
    auto const& record = step.finish({.tokens = result.tokens * kunmetrics::units::token,
                                      .loss = result.loss,
                                      .grad_norm = result.grad_norm,
                                      .learning_rate = result.learning_rate,
                                      .loss_scale = result.loss_scale,
                                      .skipped = result.skipped,
                                      .epoch = epoch});
    if (log != nullptr) log->append(record);
    return result.stop;
  }

  training_plan const& plan_;
  dataset const& tokens_;
  std::int64_t steps_;
  Meter& meter_;
  step_outputs<Meter>* log_;  // rank 0's; none elsewhere
  std::atomic<bool> const& stop_;
  checkpoints kept_;
  operator_profile* profile_ = nullptr;
};

}  // namespace trainer
