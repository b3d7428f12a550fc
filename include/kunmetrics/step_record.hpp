// What is known of one finished step.
//
// `time` runs from the end of the step before to the end of this one, so that loading data between
// steps is never left out. Phase times are exclusive and add up to at most `time`; the rest is time
// in no phase. A value that was not given, or is not finite, is empty.
#pragma once

#include <kunmetrics/fields.hpp>
#include <kunmetrics/quantity.hpp>

#include <array>
#include <optional>

namespace kunmetrics {

enum class phase { data, forward, backward, communication, optimizer, checkpoint, evaluation };

inline constexpr std::array<std::string_view, 7> phase_names{
    "data", "forward", "backward", "communication", "optimizer", "checkpoint", "evaluation"};
constexpr std::string_view name_of(phase p) { return phase_names.at(static_cast<std::size_t>(p)); }

using phase_times = std::array<quantity_of<units::second>, phase_names.size()>;

struct step_record {
  count_of<units::step> step{};
  quantity_of<units::second> time{};
  count_of<units::token> tokens{};
  std::optional<double> loss{};
  std::optional<double> grad_norm{};
  std::optional<double> learning_rate{};
  std::optional<double> loss_scale{};
  bool skipped = false;  // no update was made: its time counts, its tokens do not
  bool warm_up = false;  // left out of every rate
  phase_times phases{};

  struct hana_accessors_impl {
    static constexpr auto apply() {
      return fields<field<"step", &step_record::step>, field<"time", &step_record::time>,
                    field<"tokens", &step_record::tokens>, field<"loss", &step_record::loss>,
                    field<"grad_norm", &step_record::grad_norm>, field<"learning_rate", &step_record::learning_rate>,
                    field<"loss_scale", &step_record::loss_scale>, field<"skipped", &step_record::skipped>,
                    field<"warm_up", &step_record::warm_up>, field<"phases", &step_record::phases>>();
    }
  };
};

}  // namespace kunmetrics
