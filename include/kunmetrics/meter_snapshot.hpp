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
  count_of<units::step> losses_not_finite{};  // steps that gave a loss of NaN or infinity
  kunmetrics::goodput goodput{};

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = meter_snapshot;
      return fields<field<"latest", &self::latest>, field<"steps", &self::steps>,
                    field<"tokens_trained", &self::tokens_trained>, field<"measured", &self::measured>,
                    field<"window", &self::window>, field<"phases", &self::phases>,
                    field<"overlapped_communication", &self::overlapped_communication>,
                    field<"longest_step", &self::longest_step>, field<"slow_steps", &self::slow_steps>,
                    field<"skipped_steps", &self::skipped_steps>, field<"untimed_steps", &self::untimed_steps>,
                    field<"losses_not_finite", &self::losses_not_finite>, field<"goodput", &self::goodput>>();
    }
  };
};
static_assert(std::is_trivially_copyable_v<meter_snapshot>);

}  // namespace kunmetrics
