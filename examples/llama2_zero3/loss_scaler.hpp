// The factor on the loss that keeps fp16 gradients from vanishing, as DeepSpeed moves it.
//
//   overflow, patience left      patience falls by one, the scale stays
//   overflow, patience spent     scale / 2, not below the minimum; at the minimum: exhausted
//   window clean steps in a row  scale * 2, and patience is refilled (hysteresis - 1 overflows)
//   consecutive_hysteresis       every clean step refills patience
//   dynamic false                the scale never moves
//
// An overflow is a step whose reduced gradients are not all finite; it is skipped. Source: DeepSpeed
// 0.10.1, runtime/fp16/loss_scaler.py; that it gives up at the minimum is its PR 1958. It differs in
// two points: the scale stops growing at 2^24, and whoever unscales must use the scale that backward
// used, which DeepSpeed's own optimizer does not in a step that moves it (its issue 2686).
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace trainer {

// The shortest decimal that reads back as x: "65536", not "65536.000000".
inline std::string shortest(double x) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), x).ptr};
}

struct loss_scale_settings {  // the defaults are DeepSpeed's documented ones
  bool dynamic = true;
  double initial = 65536;   // 2 to the initial_scale_power, or the static loss_scale
  std::int64_t window = 1000;
  std::int64_t hysteresis = 2;
  bool consecutive_hysteresis = false;
  double minimum = 1;

  friend bool operator==(loss_scale_settings const&, loss_scale_settings const&) = default;
};

// What a step did to the scale.
enum class scale_change {
  none,       // also: an overflow of a static scale
  tolerated,  // an overflow that cost patience alone
  lowered,
  raised,
  exhausted   // an overflow at the minimum: no smaller scale can be tried
};

// What a checkpoint must keep.
struct loss_scale_state {
  double scale = 1;
  std::int64_t patience = 1;     // overflows until the scale is lowered, that one included
  std::int64_t clean_steps = 0;  // since the last overflow

  friend bool operator==(loss_scale_state const&, loss_scale_state const&) = default;
};

class loss_scaler {
 public:
  static constexpr double factor = 2;
  static constexpr double largest = 16777216;  // 2^24

  // Throws std::invalid_argument unless the scale and the minimum are positive and finite, and window
  // and hysteresis are at least 1.
  explicit loss_scaler(loss_scale_settings const& settings)
      : settings_(checked(settings)), state_{.scale = settings.initial, .patience = settings.hysteresis} {}

  // To multiply the loss of the coming step with, and to divide its gradients by.
  double scale() const { return state_.scale; }
  loss_scale_settings const& settings() const { return settings_; }
  loss_scale_state const& state() const { return state_; }
  // Goes on from a checkpoint; a static scale stays what the settings say, whatever was saved.
  void restore(loss_scale_state const& state) {
    if (settings_.dynamic) state_ = state;
  }

  // The step taken with scale() is over; moves the scale for the next one.
  scale_change after(bool overflow) {
    if (!settings_.dynamic) return scale_change::none;
    return overflow ? after_overflow() : after_clean_step();
  }

 private:
  scale_change after_overflow() {
    state_.clean_steps = 0;
    if (state_.patience > 1) {
      --state_.patience;
      return scale_change::tolerated;
    }
    if (state_.scale <= settings_.minimum) return scale_change::exhausted;
    state_.scale = std::max(state_.scale / factor, settings_.minimum);
    return scale_change::lowered;
  }

  scale_change after_clean_step() {
    ++state_.clean_steps;
    bool const due = state_.clean_steps % settings_.window == 0;
    if (due || settings_.consecutive_hysteresis) state_.patience = settings_.hysteresis;
    if (!due || state_.scale >= largest) return scale_change::none;
    state_.scale = std::min(state_.scale * factor, largest);
    return scale_change::raised;
  }

  static loss_scale_settings const& checked(loss_scale_settings const& settings) {
    auto const require = [](bool holds, char const* field, char const* needed, auto received) {
      if (holds) return;
      throw std::invalid_argument(std::string{"loss_scaler: "} + field + " of " + needed + " needed, received " +
                                  shortest(static_cast<double>(received)));
    };
    auto const positive = [](double value) { return value > 0 && std::isfinite(value); };
    require(positive(settings.initial), "initial", "more than 0", settings.initial);
    require(positive(settings.minimum), "minimum", "more than 0", settings.minimum);
    require(settings.window >= 1, "window", "at least 1", settings.window);
    require(settings.hysteresis >= 1, "hysteresis", "at least 1", settings.hysteresis);
    return settings;
  }

  loss_scale_settings settings_;
  loss_scale_state state_;
};

}  // namespace trainer
