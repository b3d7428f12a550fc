// DeepSpeed's WarmupLR and WarmupDecayLR: the learning rate of every step.
//
//   rate(i) = min + (max - min) * g(i)                      i: the scheduler's iteration
//   g(i)    = log(i + 1) / log(W)  or  i / W                for i < W, by warmup_type
//           = 1                                             after it, WarmupLR
//           = max(0, (T - i) / max(1, T - W))               after it, WarmupDecayLR
// W = max(2, warmup_num_steps), T = total_num_steps. The scheduler moves after the optimizer, so
// step t, counted from 0, runs with rate(t - 1), and step 0 with min. Steps are applied ones: a
// step skipped for overflow does not count. Source: DeepSpeed runtime/lr_schedules.py; versions
// before its PR 6597 (2024) ran step 0 with the optimizer's own rate.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kunmetrics {

enum class warmup_growth { logarithmic, linear };

struct deepspeed_schedule {
  double min_rate = 0;
  double max_rate = 0.001;
  std::int64_t warmup_steps = 1000;
  std::int64_t total_steps = 0;  // 0: no decay, WarmupLR
  warmup_growth growth = warmup_growth::logarithmic;

  // The rate of step t, counted from 0.
  double operator()(std::int64_t step) const {
    return step < 1 ? min_rate : min_rate + (max_rate - min_rate) * share(step - 1);
  }

 private:
  double share(std::int64_t iteration) const {
    auto const at = static_cast<double>(iteration);
    auto const warm = static_cast<double>(std::max<std::int64_t>(2, warmup_steps));
    if (at < warm) return growth == warmup_growth::linear ? at / warm : std::log(at + 1) / std::log(warm);
    if (total_steps == 0) return 1;
    auto const total = static_cast<double>(total_steps);
    return std::max(0.0, (total - at) / std::max(1.0, total - warm));
  }
};

}  // namespace kunmetrics
