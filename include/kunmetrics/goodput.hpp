// Goodput: how much of the wall-clock time went into training steps that count.
//
//   goodput = productive / (productive + everything below)
// Each moment from the meter's construction to the end of the latest step is in exactly one bucket. A
// step's time is its bucket's (productive, warm_up, skipped or repeated) less what it spent in the
// phases data, checkpoint and evaluation, which have buckets of their own, as have pauses between steps.
// Communication within a step is part of training and stays productive; so does `idle`, which is also
// where a loop that names no phases spends its steps.
// Source of the notion: Google, ml-goodput-measurement (productive time over total, badput by cause).
#pragma once

#include <kunmetrics/fields.hpp>
#include <kunmetrics/step_record.hpp>

namespace kunmetrics {

struct goodput {
  using time = quantity_of<units::second>;

  time productive{};
  time warm_up{};         // steps left out of the rates
  time skipped{};         // steps that made no update
  time repeated{};        // steps that an earlier start had already trained
  time data{};            // waiting for data
  time checkpoint{};      // within steps and between them
  time evaluation{};      // the same
  time paused{};          // other pauses between steps
  time initialization{};  // from the meter's construction to the first step

  constexpr time total() const {
    return productive + warm_up + skipped + repeated + data + checkpoint + evaluation + paused + initialization;
  }
  // productive / total; absent before the first step.
  constexpr maybe<quantity_of<units::one>> ratio() const {
    if (!(total().coherent() > 0)) return absent{"no time has passed"};
    return productive / total();
  }

  using hana_accessors_impl = fields<
      field<"productive", &goodput::productive>, field<"warm_up", &goodput::warm_up>,
      field<"skipped", &goodput::skipped>, field<"repeated", &goodput::repeated>, field<"data", &goodput::data>,
      field<"checkpoint", &goodput::checkpoint>, field<"evaluation", &goodput::evaluation>,
      field<"paused", &goodput::paused>, field<"initialization", &goodput::initialization>>;
};

// The bucket that a pause between steps falls into.
constexpr goodput::time& bucket_of(goodput& of, phase paused_for) {
  switch (paused_for) {
    case phase::data: return of.data;
    case phase::checkpoint: return of.checkpoint;
    case phase::evaluation: return of.evaluation;
    default: return of.paused;
  }
}

// Spreads a step's time over the buckets. `repeated`: an earlier start had already trained it.
constexpr void add_step(goodput& of, step_record const& record, bool repeated = false) {
  auto const data = in_phase(record, phase::data);
  auto const checkpoint = in_phase(record, phase::checkpoint);
  auto const evaluation = in_phase(record, phase::evaluation);
  auto& rest = record.warm_up ? of.warm_up : repeated ? of.repeated : record.skipped ? of.skipped : of.productive;
  rest += record.time - data - checkpoint - evaluation;
  of.data += data;
  of.checkpoint += checkpoint;
  of.evaluation += evaluation;
}

}  // namespace kunmetrics
