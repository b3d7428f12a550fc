// The live meter: measures steps, never prints.
//
//   km::meter meter{run, km::tokens_per_processor_second, km::mfu<km::flops::palm>};
//   for (auto const& batch : loader) {
//     auto running = meter.start();
//     { auto scope = running.enter(km::phase::forward); ... }
//     running.finish({.tokens = batch.tokens(), .loss = loss});
//     if (time_to_save) { auto pause = meter.pause(km::phase::checkpoint); save(); }
//   }
//   meter.results();    // a Hana tuple: a rate, and an MFU with its peak, over all measured steps
//   meter.snapshot();   // from any thread, at any time
//
// Rates are Σ tokens / Σ time over the steps after warm-up. Tokens are those of the whole job. Two clock
// reads a step (and one at each change of phase); no allocation and no lock after the constructor. A
// clock that goes backwards makes the step in which it did `untimed`: recorded, counted, in no rate.
#pragma once

#include <kunmetrics/meter_account.hpp>
#include <kunmetrics/rate_interval.hpp>
#include <kunmetrics/requirements.hpp>

#include <boost/hana/transform.hpp>
#include <boost/hana/tuple.hpp>

#include <chrono>
#include <cmath>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

namespace kunmetrics {

// What the loop knows at the end of a step. A loss or norm that is not finite is recorded as none, and
// counted in the snapshot's `losses_not_finite`; the step counts all the same.
struct step_outcome {
  count_of<units::token> tokens{};  // all that were computed, padding included; of the whole job
  std::optional<double> loss{};
  std::optional<double> grad_norm{};
  std::optional<double> learning_rate{};
  std::optional<double> loss_scale{};
  bool skipped = false;    // no update was made (overflow)
  std::int64_t epoch = 0;
  std::optional<count_of<units::token>> useful_tokens{};      // those that are no padding
  std::optional<quantity_of<units::joule>> energy{};          // of all processors in this step; unknown where it is not finite or negative
  quantity_of<units::second> overlapped_communication{};      // as a device tells; beside overlap scopes
  bool warm_up = false;  // one more to leave out of rates, beside the first ones
};

// `Clock` is a std::chrono clock; tests give their own.
template <typename Clock, calculator... Calculators>
class basic_meter {
 public:
  class phase_scope;
  class overlap_scope;
  class pause_scope;
  class running_step;

  // Throws precondition_error when no record or no window is to be kept.
  basic_meter(training_case const& run, meter_settings settings, Calculators... calculators)
      : run_{run}, account_{settings}, calculators_{calculators...}, moment_{Clock::now()} {}

  // Begins a step. A step that is dropped without `finish` leaves no record; its time then belongs
  // to the next one. Throws std::logic_error when a step or a pause is already running.
  [[nodiscard]] running_step start() {
    if (busy_) throw std::logic_error{"meter: start: needed the last step or pause finished, received a second start"};
    busy_ = true;
    auto const now = Clock::now();
    if (!step_began_) {
      account_.add_initialization(seconds(std::max(now - moment_, ticks{})));
      step_began_ = now;
    }
    if (now < step_began_) untimed_ = true;
    moment_ = now;
    times_ = {};
    overlapped_ = {};
    return running_step{*this};
  }

  // Time between two steps that is not training: in no step's time, but in goodput's bucket of `why`,
  // and in the next record's `paused`. Throws std::logic_error while a step or another pause is running.
  [[nodiscard]] pause_scope pause(phase why) {
    if (busy_) throw std::logic_error{"meter: pause: needed the last step or pause finished, received a pause within"};
    busy_ = true;
    return pause_scope{*this, why};
  }

  training_case const& run() const { return run_; }
  meter_settings const& settings() const { return account_.settings(); }
  std::span<step_record const> records() const { return account_.records(); }
  count_of<units::step> steps() const { return account_.totals().steps; }  // finished, warm-up included

  // Sums over the steps after warm-up; `window` over the newest of them.
  interval const& measured() const { return account_.totals().measured; }
  interval const& window() const { return account_.totals().window; }
  meter_snapshot const& totals() const { return account_.totals(); }

  // Each calculator's value over `measured()`, as a Hana tuple in the order they were given.
  constexpr auto results() const { return results(measured()); }
  constexpr auto results(interval const& over) const {
    return boost::hana::transform(calculators_, [&](auto const& calculate) { return calculate(run_, over); });
  }
  // The value of any calculator, whether or not the meter was made with it.
  template <calculator Calculator>
  constexpr auto operator()(Calculator const& calculate) const {
    return calculate(run_, measured());
  }
  template <calculator Calculator>
  constexpr auto operator()(Calculator const& calculate, interval const& over) const {
    return calculate(run_, over);
  }
  constexpr auto const& calculators() const { return calculators_; }

  // For any thread, at any time. The interval of tokens/p/s and the step times may be a step ahead of
  // or behind a snapshot.
  meter_snapshot snapshot() const { return account_.snapshot(); }
  maybe<rate_interval> rate(double level = 0.95) const {
    return interval_of_rate(account_.spread(), processors(run_.cluster), level);
  }
  duration_sketch step_times() const { return account_.step_times(); }

 private:
  using time_point = typename Clock::time_point;
  using ticks = typename Clock::duration;
  static quantity_of<units::second> seconds(ticks time) {
    return std::chrono::duration<double>(time).count() * units::second;
  }

  // The time since the last change goes to the phase that was on, and behind computation too while
  // communication overlaps it.
  void pass() {
    auto const now = Clock::now();
    auto const passed = now - moment_;
    moment_ = now;
    if (passed < ticks{}) {
      untimed_ = true;
      return;
    }
    if (phase_) times_[static_cast<std::size_t>(*phase_)] += passed;
    if (overlaps_ > 0 && phase_ != phase::communication) overlapped_ += passed;
  }
  std::optional<phase> turn_to(std::optional<phase> next) {
    pass();
    return std::exchange(phase_, next);
  }

  step_record const& finish(step_outcome const& outcome) {
    turn_to(std::nullopt);
    step_record& record = account_.next();
    record.tokens = outcome.tokens;
    set_finite(record.loss, outcome.loss);
    set_finite(record.grad_norm, outcome.grad_norm);
    set_finite(record.learning_rate, outcome.learning_rate);
    set_finite(record.loss_scale, outcome.loss_scale);
    record.skipped = outcome.skipped;
    record.untimed = untimed_;
    record.warm_up = outcome.warm_up;
    record.epoch = outcome.epoch;
    set(record.useful_tokens, outcome.useful_tokens);
    record.paused = seconds(paused_);
    record.energy.reset();
    if (outcome.energy && possible(outcome.energy->coherent())) record.energy.emplace(*outcome.energy);
    time(record, outcome.overlapped_communication);
    if (outcome.loss && !record.loss) account_.note_loss_not_finite();
    step_began_ = moment_;
    paused_ = {};
    untimed_ = busy_ = false;
    return account_.close_next();
  }

  // By parts: a fresh std::optional copied as a whole would wait for the stores of its two parts.
  template <typename T>
  static void set(std::optional<T>& to, std::optional<T> const& from) {
    to.reset();
    if (from) to.emplace(*from);
  }
  // Of a sensor or a device, whose failure must not stay in a sum for ever.
  static bool possible(double amount) { return amount >= 0 && std::isfinite(amount); }
  static void set_finite(std::optional<double>& to, std::optional<double> const& from) {
    to.reset();
    if (from && std::isfinite(*from)) to.emplace(*from);
  }

  // Phases in ticks, so that they add up to the step exactly before they become seconds; no time at all
  // when the clock went backwards.
  void time(step_record& record, quantity_of<units::second> overlapped_elsewhere) {
    auto const all = untimed_ ? ticks{} : moment_ - *step_began_;
    if (untimed_) times_ = {}, overlapped_ = {};
    if (untimed_ || !possible(overlapped_elsewhere.coherent())) overlapped_elsewhere = {};
    auto& idle = times_[static_cast<std::size_t>(phase::idle)];
    idle = all - std::accumulate(times_.begin(), std::prev(times_.end()), ticks{});
    for (std::size_t p = 0; p < times_.size(); ++p) record.phases[p] = seconds(times_[p]);
    record.time = seconds(all);
    record.overlapped_communication = seconds(overlapped_) + overlapped_elsewhere;
  }

  training_case run_;
  meter_account account_;
  boost::hana::tuple<Calculators...> calculators_;
  time_point moment_;
  std::optional<time_point> step_began_;
  std::optional<phase> phase_;
  std::array<ticks, phase_names.size()> times_{};
  ticks overlapped_{}, paused_{};
  int overlaps_ = 0;
  bool busy_ = false;  // a step or a pause is running
  bool untimed_ = false;
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

// Communication is under way until the scope ends. Its time in any phase but communication is recorded
// as overlapped; scopes that overlap each other count once.
template <typename Clock, calculator... Calculators>
class basic_meter<Clock, Calculators...>::overlap_scope {
 public:
  overlap_scope(overlap_scope const&) = delete;
  overlap_scope& operator=(overlap_scope const&) = delete;
  ~overlap_scope() {
    meter_.pass();
    --meter_.overlaps_;
  }

 private:
  friend class running_step;
  explicit overlap_scope(basic_meter& meter) : meter_{meter} {
    meter_.pass();
    ++meter_.overlaps_;
  }

  basic_meter& meter_;
};

template <typename Clock, calculator... Calculators>
class basic_meter<Clock, Calculators...>::pause_scope {
 public:
  pause_scope(pause_scope const&) = delete;
  pause_scope& operator=(pause_scope const&) = delete;
  ~pause_scope() {
    // a clock that went backwards meanwhile has measured no pause
    auto const time = std::max(Clock::now() - began_, ticks{});
    if (meter_.step_began_) *meter_.step_began_ += time;
    else meter_.moment_ += time;  // the time before the first step goes on after the pause
    meter_.paused_ += time;
    meter_.account_.add_pause(why_, seconds(time));
    meter_.busy_ = false;
  }

 private:
  friend basic_meter;
  pause_scope(basic_meter& meter, phase why) : meter_{meter}, why_{why}, began_{Clock::now()} {}

  basic_meter& meter_;
  phase why_;
  time_point began_;
};

template <typename Clock, calculator... Calculators>
class basic_meter<Clock, Calculators...>::running_step {
 public:
  running_step(running_step const&) = delete;
  running_step& operator=(running_step const&) = delete;
  ~running_step() {
    if (finished_) return;
    meter_.busy_ = false;
    meter_.phase_.reset();
  }

  [[nodiscard]] phase_scope enter(phase p) { return {meter_, p}; }
  [[nodiscard]] overlap_scope overlap_communication() { return overlap_scope{meter_}; }

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
