// Energy per token, where the loop has a source of power or energy.
//
//   energy per token = Σ energy of all processors over the steps / Σ tokens         J/token
//   energy of a step = its counter's difference (RAPL), or ∫ power dt by trapezoids  J
// Absent, with the reason, as soon as one measured step came without energy. What the source leaves out
// (hosts, network, cooling) the number leaves out.
#pragma once

#include <kunmetrics/requirements.hpp>

#include <chrono>
#include <cmath>
#include <optional>

namespace kunmetrics {

using energy_per_token_t = quantity_of<units::joule / units::token>;

struct energy_per_token_calculator {
  static constexpr std::string_view name = "energy_per_token";

  constexpr maybe<energy_per_token_t> operator()(training_case const&, interval const& over) const {
    if (over.steps.coherent() == 0) return absent{"no step has been measured after warm-up"};
    if (over.steps_with_energy != over.steps) return absent{"no power source gave the energy of every step"};
    if (over.tokens.coherent() == 0) return absent{"the measured steps trained no token"};
    return over.energy / over.tokens;
  }
};
inline constexpr energy_per_token_calculator energy_per_token{};

// Energy from samples of power, for a source that tells watts: sample at will, take once a step.
class sampled_energy {
 public:
  using clock = std::chrono::steady_clock;

  // The power of all processors at a moment. A sample that is negative or not finite, or not after the
  // one before, is left out.
  void sample(quantity_of<units::watt> power, clock::time_point at = clock::now()) {
    double const watts = power.coherent();
    if (!(std::isfinite(watts) && watts >= 0) || (samples_ > 0 && at <= at_)) return;
    if (samples_++ > 0) joules_ += (watts_ + watts) / 2 * std::chrono::duration<double>(at - at_).count();
    watts_ = watts;
    at_ = at;
  }

  // The energy since the last call; empty when fewer than two samples say what it was.
  std::optional<quantity_of<units::joule>> taken() {
    if (samples_ < 2) return std::nullopt;
    samples_ = 1;
    return std::exchange(joules_, 0.0) * units::joule;
  }

 private:
  double watts_ = 0, joules_ = 0;
  clock::time_point at_{};
  std::int64_t samples_ = 0;  // the last one of the interval before included
};

}  // namespace kunmetrics
