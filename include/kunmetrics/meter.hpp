// The live meter: measures steps, never prints.
//
//   km::meter meter{run, km::tokens_per_processor_second, km::mfu<km::flops::palm>};
//   for (auto const& batch : loader) {
//     auto running = meter.start();
//     { auto scope = running.enter(km::phase::forward); ... }
//     running.finish({.tokens = batch.tokens(), .loss = loss});
//   }
//   meter.results();    // a Hana tuple: a rate, and an MFU with its peak, over all measured steps
//
// Rates are Σ tokens / Σ time over the steps after warm-up. Tokens are those of the whole job. Two
// clock reads a step (and one at each change of phase); all memory is taken in the constructor.
#pragma once

#include <kunmetrics/requirements.hpp>
#include <kunmetrics/step_record.hpp>

#include <boost/hana/transform.hpp>
#include <boost/hana/tuple.hpp>

#include <chrono>
#include <cmath>
#include <span>
#include <vector>

namespace kunmetrics {

struct meter_settings {
  count_of<units::step> warm_up = 2 * units::step;  // recorded, but left out of every sum
  std::size_t records_kept = 4096;                  // the newest; sums cover all steps
};

// What the loop knows at the end of a step.
struct step_outcome {
  count_of<units::token> tokens{};
  std::optional<double> loss{};
  std::optional<double> grad_norm{};
  std::optional<double> learning_rate{};
  std::optional<double> loss_scale{};
  bool skipped = false;
};

namespace detail {
// The newest `capacity` records as one contiguous span. Each is written twice, a capacity apart, so
// that the window never wraps.
class record_window {
 public:
  explicit record_window(std::size_t capacity) : capacity_{capacity}, storage_(2 * capacity) {
    if (capacity == 0) broken_precondition("meter_settings.records_kept", "at least 1", "0");
  }
  step_record const& push(step_record const& record) {
    std::size_t const at = written_++ % capacity_;
    storage_[at] = record;
    storage_[at + capacity_] = record;
    return storage_[at];
  }
  std::span<step_record const> span() const {
    if (written_ <= capacity_) return {storage_.data(), written_};
    return {storage_.data() + written_ % capacity_, capacity_};
  }

 private:
  std::size_t capacity_;
  std::size_t written_ = 0;
  std::vector<step_record> storage_;
};

inline std::optional<double> finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}
}  // namespace detail

// `Clock` is a std::chrono clock; tests give their own.
template <typename Clock, calculator... Calculators>
class basic_meter {
 public:
  class phase_scope;
  class running_step;

  basic_meter(training_case const& run, meter_settings settings, Calculators... calculators)
      : run_{run}, settings_{settings}, records_{settings.records_kept}, calculators_{calculators...} {}

  // Begins a step. A step that is dropped without `finish` leaves no record; its time then belongs
  // to the next one. Throws std::logic_error when a step is already running.
  [[nodiscard]] running_step start() {
    if (running_) throw std::logic_error{"meter: start: needed the last step finished, received a second start"};
    running_ = true;
    moment_ = Clock::now();
    if (!step_began_) step_began_ = moment_;
    times_ = {};
    return running_step{*this};
  }

  training_case const& run() const { return run_; }
  meter_settings const& settings() const { return settings_; }
  std::span<step_record const> records() const { return records_.span(); }
  count_of<units::step> steps() const { return steps_; }  // all finished ones, warm-up included

  // Sums over the steps after warm-up.
  interval const& measured() const { return measured_; }

  // Each calculator's value over `measured()`, as a Hana tuple in the order they were given.
  constexpr auto results() const {
    return boost::hana::transform(calculators_, [this](auto const& calculate) { return calculate(run_, measured_); });
  }
  // The value of any calculator, whether or not the meter was made with it.
  template <calculator Calculator>
  constexpr auto operator()(Calculator const& calculate) const {
    return calculate(run_, measured_);
  }
  constexpr auto const& calculators() const { return calculators_; }

 private:
  using time_point = typename Clock::time_point;
  static quantity_of<units::second> elapsed(time_point from, time_point to) {
    return std::chrono::duration<double>(to - from).count() * units::second;
  }

  // Gives the time since the last change to the phase that was on, and turns to `next`.
  std::optional<phase> turn_to(std::optional<phase> next) {
    auto const now = Clock::now();
    if (phase_) times_[static_cast<std::size_t>(*phase_)] += elapsed(moment_, now);
    moment_ = now;
    return std::exchange(phase_, next);
  }

  step_record const& finish(step_outcome const& outcome) {
    turn_to(std::nullopt);
    steps_ += 1 * units::step;
    step_record const record{.step = steps_,
                             .time = elapsed(*step_began_, moment_),
                             .tokens = outcome.tokens,
                             .loss = detail::finite(outcome.loss),
                             .grad_norm = detail::finite(outcome.grad_norm),
                             .learning_rate = outcome.learning_rate,
                             .loss_scale = outcome.loss_scale,
                             .skipped = outcome.skipped,
                             .warm_up = steps_ <= settings_.warm_up,
                             .phases = times_};
    step_began_ = moment_;
    running_ = false;
    if (!record.warm_up) {
      if (!record.skipped) measured_.tokens += record.tokens;
      measured_.time += record.time;
      measured_.steps += 1 * units::step;
    }
    return records_.push(record);
  }

  training_case run_;
  meter_settings settings_;
  detail::record_window records_;
  boost::hana::tuple<Calculators...> calculators_;
  interval measured_{};
  count_of<units::step> steps_{};
  std::optional<time_point> step_began_;
  time_point moment_{};
  std::optional<phase> phase_;
  phase_times times_{};
  bool running_ = false;
};

// Time in a phase, until the scope ends; an inner scope takes its time away from the outer one.
template <typename Clock, calculator... Calculators>
class basic_meter<Clock, Calculators...>::phase_scope {
 public:
  phase_scope(phase_scope const&) = delete;
  phase_scope& operator=(phase_scope const&) = delete;
  ~phase_scope() { meter_.turn_to(outer_); }

 private:
  friend class running_step;
  phase_scope(basic_meter& meter, phase inner) : meter_{meter}, outer_{meter.turn_to(inner)} {}

  basic_meter& meter_;
  std::optional<phase> outer_;
};

template <typename Clock, calculator... Calculators>
class basic_meter<Clock, Calculators...>::running_step {
 public:
  running_step(running_step const&) = delete;
  running_step& operator=(running_step const&) = delete;
  ~running_step() {
    if (finished_) return;
    meter_.running_ = false;
    meter_.phase_.reset();
  }

  [[nodiscard]] phase_scope enter(phase p) { return {meter_, p}; }

  // The step is in this phase from now on, until the next change: for a schedule that tells where
  // it is. Inside a scope of `enter` the scope's end turns back to the phase before it.
  void turn_to(phase p) { meter_.turn_to(p); }

  // Ends the step and records it. The reference holds until `records_kept` more steps have ended.
  // Throws std::logic_error on a second call.
  step_record const& finish(step_outcome const& outcome) {
    if (finished_) throw std::logic_error{"meter: finish: needed a running step, received a second finish"};
    finished_ = true;
    return meter_.finish(outcome);
  }

 private:
  friend basic_meter;
  explicit running_step(basic_meter& meter) : meter_{meter} {}

  basic_meter& meter_;
  bool finished_ = false;
};

// The meter on the steady clock.
template <calculator... Calculators>
class meter : public basic_meter<std::chrono::steady_clock, Calculators...> {
  using base = basic_meter<std::chrono::steady_clock, Calculators...>;

 public:
  explicit meter(training_case const& run, Calculators... calculators) : base{run, meter_settings{}, calculators...} {}
  meter(training_case const& run, meter_settings settings, Calculators... calculators)
      : base{run, settings, calculators...} {}
};

}  // namespace kunmetrics
