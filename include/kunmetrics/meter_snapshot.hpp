// What a meter knows at one moment: the latest step and the sums, as one value.
//
// Trivially copyable, so that another thread can have a whole one at any time (seqlock.hpp), and a Hana
// Struct, so that every writer can walk it. `measured` and all sums but `steps`, `tokens_trained` and
// `goodput` leave out warm-up and untimed steps.
#pragma once

#include <kunmetrics/goodput.hpp>
#include <kunmetrics/step_record.hpp>

#include <type_traits>

namespace kunmetrics {

struct meter_snapshot {
  step_record latest{};
  count_of<units::step> steps{};            // finished since this start, all of them
  count_of<units::token> tokens_trained{};  // since the run's first step, earlier starts included
  interval measured{};
  interval window{};                        // of the newest measured steps
  phase_times phases{};                     // Σ
  quantity_of<units::second> overlapped_communication{};  // Σ
  quantity_of<units::second> longest_step{};
  count_of<units::step> slow_steps{};
  count_of<units::step> skipped_steps{};
  count_of<units::step> untimed_steps{};      // the clock went backwards in these
  count_of<units::step> warm_up_steps{};      // left out of what is measured
  count_of<units::step> losses_not_finite{};  // steps that gave a loss of NaN or infinity
  kunmetrics::goodput goodput{};

  using hana_accessors_impl = fields<
      field<"latest", &meter_snapshot::latest>, field<"steps", &meter_snapshot::steps>,
      field<"tokens_trained", &meter_snapshot::tokens_trained>, field<"measured", &meter_snapshot::measured>,
      field<"window", &meter_snapshot::window>, field<"phases", &meter_snapshot::phases>,
      field<"overlapped_communication", &meter_snapshot::overlapped_communication>,
      field<"longest_step", &meter_snapshot::longest_step>, field<"slow_steps", &meter_snapshot::slow_steps>,
      field<"skipped_steps", &meter_snapshot::skipped_steps>, field<"untimed_steps", &meter_snapshot::untimed_steps>,
      field<"warm_up_steps", &meter_snapshot::warm_up_steps>,
      field<"losses_not_finite", &meter_snapshot::losses_not_finite>, field<"goodput", &meter_snapshot::goodput>>;
};
static_assert(std::is_trivially_copyable_v<meter_snapshot>);

}  // namespace kunmetrics
