// A planned run, from its first step to its last: thread ranks train, rank 0 measures and writes.
//
// Every rank draws its own micro-batches and calls the engine; rank 0's meter sees the steps, with
// the tokens of all ranks, and each record goes to steps.jsonl before the next step begins. A wish
// to stop (SIGINT, SIGTERM) travels with the step's own all-gather, so all ranks end at one step.
// A skipped step takes its samples, but the learning rate's schedule counts applied steps alone.
#pragma once

#include "cpu_backend.hpp"
#include "dataset.hpp"
#include "progress.hpp"
#include "sampler.hpp"
#include "step_tokens.hpp"
#include "thread_communicator.hpp"
#include "training_plan.hpp"
#include "zero3.hpp"

#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/summary.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace trainer {

// Tells the running step which phase the engine is in; there is one on rank 0 alone. Of whatever type the
// step is, so that the engine is compiled once for all meters.
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
};

template <class Meter>
class training {
 public:
  training(training_plan const& plan, dataset const& tokens, std::int64_t steps, Meter& meter,
           kunmetrics::json_lines& log, std::atomic<bool> const& stop)
      : plan_(plan), tokens_(tokens), steps_(steps), meter_(meter), log_(log), stop_(stop) {}

  // Throws rank_failure with the first rank's failure.
  training_outcome run() {
    training_outcome outcome;
    outcome.peak_bytes.resize(static_cast<std::size_t>(plan_.ranks));
    with_number_of(plan_.what.precision, [&]<class Number>() {
      run_ranks(
          plan_.ranks, [&](thread_communicator& ranks) { run_rank<Number>(ranks, outcome); }, plan_.threads);
    });
    return outcome;
  }

 private:
  using running_step = typename Meter::running_step;

  template <class Number>
  void run_rank(thread_communicator& ranks, training_outcome& outcome) {
    running_step* running = nullptr;
    zero3<cpu_backend<Number>, thread_communicator, meter_hook> engine{plan_.shape, plan_.settings, ranks,
                                                                       meter_hook{&running}};
    auto const& settings = plan_.settings;
    sampler const stream{tokens_.sequences(settings.sequence_length), settings.seed};
    micro_batches const deal{plan_.ranks, settings.gradient_accumulation_steps, settings.samples};
    std::vector<std::int32_t> batch(
        static_cast<std::size_t>(settings.micro_batch_tokens() * settings.gradient_accumulation_steps));
    std::int64_t done = 0;
    auto const train = [&] {
      copy_step_tokens(tokens_, stream, deal, done, ranks.rank(), batch);
      return engine.step(batch, plan_.learning_rate(engine.applied_steps()), stop_.load());
    };
    for (bool stop = false; done < steps_ && !stop; ++done) {
      stop = ranks.rank() == 0 ? measured(running, train, stream.epoch(deal.first_position(done, 0, 0))) : train().stop;
    }
    if (ranks.rank() == 0) outcome.steps = done;
    outcome.peak_bytes[static_cast<std::size_t>(ranks.rank())] = engine.memory().peak_total();
  }

  // Trains one step, begun in `epoch`, under the meter and writes its record; whether to stop after it.
  template <class Train>
  bool measured(running_step*& running, Train const& train, std::int64_t epoch) {
    auto step = meter_.start();
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
    log_.append(record);
    if (progress_.due(result.step, steps_)) {
      progress_.show(kunmetrics::live_line(record, steps_ * kunmetrics::units::step,
                                           meter_(kunmetrics::tokens_per_processor_second),
                                           meter_(kunmetrics::mfu<kunmetrics::flops::palm>)));
    }
    return result.stop;
  }

  training_plan const& plan_;
  dataset const& tokens_;
  std::int64_t steps_;
  Meter& meter_;
  kunmetrics::json_lines& log_;
  std::atomic<bool> const& stop_;
  progress progress_{plan_.what.deepspeed ? plan_.what.deepspeed->steps_per_print : 10};
};

}  // namespace trainer
