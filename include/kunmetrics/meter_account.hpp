// What a meter keeps of finished steps. It knows no clock: the meter measures, this adds up.
//
// All of it is O(1) a step in memory taken by the constructor. One thread adds; `snapshot`, `spread` and
// `step_times` may be called by any thread at any time and never hold the adding one up.
#pragma once

#include <kunmetrics/batch_means.hpp>
#include <kunmetrics/duration_sketch.hpp>
#include <kunmetrics/meter_snapshot.hpp>
#include <kunmetrics/record_window.hpp>
#include <kunmetrics/seqlock.hpp>
#include <kunmetrics/slow_steps.hpp>

#include <algorithm>
#include <cstddef>

namespace kunmetrics {

// What an earlier start of the run left to this one.
struct resume_point {
  count_of<units::step> step{};     // the checkpoint's: the first step now is one later
  count_of<units::token> tokens{};  // trained up to it; they enter no rate
  count_of<units::step> reached{};  // steps up to this one were trained before and are repeated now
};

struct meter_settings {
  count_of<units::step> warm_up = 2 * units::step;  // of this start: recorded, but left out of every rate
  std::size_t records_kept = 4096;                  // the newest; sums cover all steps
  std::size_t window = 50;                          // steps of the rolling window; at most records_kept
  resume_point resumed{};
  slow_step_settings slow{};
};

class meter_account {
 public:
  // Throws precondition_error when no record or no window is to be kept.
  explicit meter_account(meter_settings const& settings)
      : settings_{settings},
        window_{std::min(settings.window, settings.records_kept)},
        records_{settings.records_kept},
        slow_{settings.slow} {
    if (window_ == 0) broken_precondition("meter_settings.window", "at least 1", "0");
    totals_.tokens_trained = settings.resumed.tokens;
    published_.store(totals_);
  }

  // The step to be closed: its caller sets every field but `step` and `slow`, and `warm_up` where it
  // knows of a reason beside the settings'.
  step_record& next() { return totals_.latest; }

  // Takes that step in, and returns the kept record. Out of line, so that what comes before it is short enough to
  // be inlined where a step ends: its step_outcome is then never in memory.
  [[gnu::noinline]] step_record const& close_next() {
    step_record& record = totals_.latest;
    totals_.steps += 1 * units::step;
    record.step = settings_.resumed.step + totals_.steps;
    record.warm_up = record.warm_up || totals_.steps <= settings_.warm_up;
    record.slow = false;
    if (!record.skipped) totals_.tokens_trained += record.tokens;
    if (record.untimed) totals_.untimed_steps += 1 * units::step;
    if (record.warm_up) totals_.warm_up_steps += 1 * units::step;
    add_step(totals_.goodput, record, record.step <= settings_.resumed.reached);
    roll_out();
    if (!record.warm_up && !record.untimed) measure(record);
    step_record const& kept = records_.push(record);
    published_.store(totals_);
    return kept;
  }

  // A loss of NaN or infinity came with the step that is being finished.
  void note_loss_not_finite() { totals_.losses_not_finite += 1 * units::step; }
  void add_pause(phase why, quantity_of<units::second> time) {
    bucket_of(totals_.goodput, why) += time;
    published_.store(totals_);
  }
  void add_initialization(quantity_of<units::second> time) { totals_.goodput.initialization += time; }

  // By the adding thread.
  meter_settings const& settings() const { return settings_; }
  meter_snapshot const& totals() const { return totals_; }
  std::span<step_record const> records() const { return records_.span(); }

  // By any thread. The two last may be a step ahead of or behind a snapshot.
  meter_snapshot snapshot() const { return published_.load(); }
  batch_means spread() const { return published_spread_.load(); }  // of the full batches of tokens and seconds
  duration_sketch step_times() const { return duration_sketch{step_times_}; }

 private:
  void measure(step_record& record) {
    double const seconds = record.time.coherent();
    auto const tokens = static_cast<double>(record.tokens.coherent());
    // a step of more tokens may take longer without being slow
    if (tokens > 0) record.slow = slow_.judge(seconds / tokens);
    if (record.slow) totals_.slow_steps += 1 * units::step;
    if (record.skipped) totals_.skipped_steps += 1 * units::step;
    add(totals_.measured, record);
    add(totals_.window, record);
    for (std::size_t p = 0; p < phase_names.size(); ++p) totals_.phases[p] += record.phases[p];
    totals_.overlapped_communication += record.overlapped_communication;
    totals_.longest_step = std::max(totals_.longest_step, record.time);
    step_times_.add(record.time);
    if (spread_.add(record.skipped ? 0 : tokens, seconds)) published_spread_.store(spread_);
  }

  // The window lets go of the step that the next one pushes out of its newest records.
  void roll_out() {
    auto const newest = records_.newest(window_);
    if (newest.size() == window_ && !newest.front().warm_up) totals_.window -= contribution(newest.front());
  }

  meter_settings settings_;
  std::size_t window_;
  record_window records_;
  meter_snapshot totals_{};
  batch_means spread_{};
  slow_steps slow_;
  seqlock<meter_snapshot> published_;
  seqlock<batch_means> published_spread_;
  shared_duration_sketch step_times_;
};

}  // namespace kunmetrics
