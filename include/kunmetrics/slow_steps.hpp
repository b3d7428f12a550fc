// Which steps are slow, against the median of steps shortly before them.
//
//   slow:  x > 1.25 · median   and   x > median + 5 · 1.4826 · MAD
// MAD is the median absolute deviation from the median; 1.4826 of it estimates a normal distribution's
// standard deviation. Both withstand anything in up to half of the steps they are taken of, so slow steps
// cannot raise the bar for those that follow, and a lasting change of pace is soon the new normal. They
// are taken of the latest 32 steps once every 64 (at the start: of the first 8, 16 and 32), so that a step
// costs a comparison and a store. What is not a positive finite number is refused.
// Source: Hampel, The influence curve and its role in robust estimation, JASA 69 (1974).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace kunmetrics {

struct slow_step_settings {
  double least_excess = 0.25;  // over the median, however even the steps are
  double deviations = 5;       // of 1.4826 MAD above the median
};

class slow_steps {
 public:
  static constexpr std::size_t window = 32;  // steps that the medians are taken of
  static constexpr std::size_t period = 64;  // steps from one time to the next
  static constexpr std::size_t fewest = 8;   // before them nothing is called slow

  constexpr explicit slow_steps(slow_step_settings settings = {}) : settings_{settings} {}

  // Whether `value` is slow against the steps before it; then it joins them.
  bool judge(double value) {
    if (!(value > 0 && value < std::numeric_limits<double>::infinity())) {
      ++refused_;
      return false;
    }
    bool const slow = value > suspect_ && value > bar();
    latest_[count_ % window] = value;
    if (++count_ == next_look_) look();
    return slow;
  }

  // What a value is compared with; empty before the first `fewest` values.
  std::optional<double> median() const { return median_ > 0 ? std::optional{median_} : std::nullopt; }
  std::int64_t refused() const { return refused_; }

 private:
  // The middle value, by quickselect without a branch on a single value: it would be mispredicted every other time.
  static double median_of(std::span<double const> values) {
    std::array<double, window> below, above;  // of these `values` may be a part: no write overtakes the reading
    auto rank = values.size() / 2;
    while (true) {
      double const pivot = values[values.size() / 2];
      std::size_t count_below = 0, count_above = 0;
      for (double const value : values) {
        below[count_below] = above[count_above] = value;
        count_below += value < pivot;
        count_above += value > pivot;
      }
      auto const up_to_pivot = values.size() - count_above;
      if (rank < count_below) {
        values = std::span{below}.first(count_below);
      } else if (rank >= up_to_pivot) {
        rank -= up_to_pivot;
        values = std::span{above}.first(count_above);
      } else {
        return pivot;
      }
    }
  }

  void look() {
    seen_ = latest_;
    of_ = std::min<std::size_t>(count_, window);
    median_ = median_of(std::span{seen_}.first(of_));
    suspect_ = median_ + settings_.least_excess * median_;
    bar_ = 0;
    next_look_ = count_ < period ? 2 * count_ : count_ + period;
  }

  // MAD is taken when the first step since the last look is suspected.
  double bar() {
    if (bar_ > 0) return bar_;
    auto const seen = std::span{seen_}.first(of_);
    for (double& value : seen) value = std::abs(value - median_);
    return bar_ = median_ + settings_.deviations * 1.4826 * median_of(seen);
  }

  slow_step_settings settings_;
  std::array<double, window> latest_{}, seen_{};
  std::size_t count_ = 0, of_ = 0, next_look_ = fewest;
  double median_ = 0, bar_ = 0;
  double suspect_ = std::numeric_limits<double>::infinity();
  std::int64_t refused_ = 0;
};

}  // namespace kunmetrics
