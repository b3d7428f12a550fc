// How far a training has come: what must be kept of it beside the units' state.
#pragma once

#include "loss_scaler.hpp"

#include <cstdint>
#include <optional>

namespace trainer {

struct training_progress {
  std::int64_t steps = 0;
  std::int64_t applied = 0;
  std::optional<loss_scale_state> loss_scale{};

  friend bool operator==(training_progress const&, training_progress const&) = default;
};

}  // namespace trainer
