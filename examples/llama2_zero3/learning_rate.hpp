// The learning rate of a step: a callable step -> rate.
//
//   warm-up   peak * (step + 1) / warmup_steps               for step < warmup_steps
//   decay     linear from peak at the end of the warm-up to `floor` at total_steps, then `floor`
//
// The engine takes a plain number each step, so any other callable serves as well. The R300 case
// has no schedule: warmup_steps and total_steps 0 give the peak for ever.
#pragma once

#include <algorithm>
#include <cstdint>

namespace trainer {

struct linear_schedule {
  double peak = 1e-5;
  double floor = 0;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 0;  // 0: no decay

  // The rate of a step, counted from 0.
  constexpr double operator()(std::int64_t step) const {
    auto const at = static_cast<double>(step);
    auto const warm = static_cast<double>(warmup_steps);
    if (step < warmup_steps) return peak * (at + 1) / warm;
    if (total_steps == 0) return peak;
    auto const length = std::max(1.0, static_cast<double>(total_steps) - warm);
    return floor + (peak - floor) * std::max(0.0, 1 - (at - warm) / length);
  }
};

}  // namespace trainer
