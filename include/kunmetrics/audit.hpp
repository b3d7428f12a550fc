// Is this MFU true? What a run claims, held against what its own facts make of it.
//
//   tokens of a step    Σ tokens / Σ steps                        against  GBS · S
//   rate                claimed tokens/s                          against  tokens of a step / step time
//   rate of a processor claimed tokens/p/s                        against  claimed tokens/s / processors
//   work                claimed FLOP/s / tokens/p/s               against  every convention's FLOP per token
//   peak                claimed FLOP/s / claimed MFU              against  the device's peak
// Each relation that can be checked holds within rounding, or its ratio is looked up among the known
// traps: factors of the run itself (micro-batch, accumulation, processors, nodes) and of the field
// (2 for sparse peaks, 4/3 for recomputation). A ratio that fits two traps names both. What the
// facts do not say is not guessed: with nothing to check the verdict is unknown.
#pragma once

#include <kunmetrics/audit_traps.hpp>
#include <kunmetrics/utilization.hpp>

#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kunmetrics {

enum class audit_verdict { consistent, wrong, unknown };
inline constexpr std::array<std::string_view, 3> audit_verdict_names{"consistent", "wrong", "unknown"};
constexpr std::string_view name_of(audit_verdict v) { return audit_verdict_names.at(static_cast<std::size_t>(v)); }

// A relation that could be checked: the quotient of its two sides, and how far rounding may move it.
struct audit_check {
  std::string relation;
  double ratio = 1;
  double tolerance = 0;
  bool holds() const { return std::abs(ratio - 1) <= tolerance; }
};

struct audit_result {
  audit_verdict verdict = audit_verdict::unknown;
  maybe<double> tokens_per_processor_second = absent{"neither a rate nor a step's tokens and time are known"};
  std::map<std::string, double> flop_per_token;  // by convention, when the model is known
  std::map<std::string, double> mfu;             // by convention, when the peak is known too
  std::string convention;                        // the one that the claim follows, empty when none was found
  std::vector<audit_check> checks;
  std::vector<audit_finding> findings;
};

namespace detail {
class auditor {
 public:
  explicit auditor(audit_facts const& facts) : facts_{facts} {}

  audit_result result() && {
    restate();
    check_tokens();
    check_rates();
    check_processors();
    check_work();
    check_peak();
    check_possible();
    judge();
    return std::move(result_);
  }

 private:
  // Tokens that a step really has, by its batch; else as the log counts them.
  std::optional<double> step_tokens() const {
    if (facts_.global_batch_size && facts_.sequence_length) {
      return static_cast<double>(*facts_.global_batch_size) * static_cast<double>(*facts_.sequence_length);
    }
    return facts_.tokens_per_step;
  }
  // Of the whole job, from a step's tokens and time alone.
  std::optional<double> measured_rate() const {
    auto const tokens = step_tokens();
    if (!tokens || !facts_.step_time || !(*facts_.step_time > 0)) return std::nullopt;
    return *tokens / *facts_.step_time;
  }
  std::optional<double> world() const {
    return facts_.processors ? std::optional{static_cast<double>(*facts_.processors)} : std::nullopt;
  }

  void restate() {
    auto const world_size = world();
    auto const time = facts_.mean_step_time ? facts_.mean_step_time : facts_.step_time;
    if (auto const tokens = step_tokens(); tokens && time && *time > 0 && world_size) {
      result_.tokens_per_processor_second = *tokens / *time / *world_size;
    } else if (auto const rate = measured_rate(); rate && world_size) {
      result_.tokens_per_processor_second = *rate / *world_size;
    } else if (facts_.tokens_per_processor_second) {
      result_.tokens_per_processor_second = facts_.tokens_per_processor_second->value;
    } else if (facts_.tokens_per_second && world_size) {
      result_.tokens_per_processor_second = facts_.tokens_per_second->value / *world_size;
    }
    if (!facts_.model || !facts_.sequence_length) return;
    auto const length = *facts_.sequence_length * units::token / units::sample;
    flops::for_each_flop_per_token(*facts_.model, length, [&](std::string_view name, flop_per_token_t work) {
      result_.flop_per_token.emplace(name, work.coherent());
      if (facts_.peak && result_.tokens_per_processor_second) {
        result_.mfu.emplace(name, *result_.tokens_per_processor_second * work.coherent() / *facts_.peak);
      }
    });
  }

  // Adds a check, and where it does not hold the traps that its ratio fits.
  void check(std::string relation, double left, double right, double tolerance, trap_family family) {
    if (!(left > 0) || !(right > 0)) return;
    audit_check const made{std::move(relation), left / right, tolerance};
    result_.checks.push_back(made);
    if (made.holds()) return;
    auto found = traps_of(made.ratio, tolerance, family, facts_);
    result_.findings.insert(result_.findings.end(), found.begin(), found.end());
  }

  void check_tokens() {
    if (!facts_.tokens_per_step || !facts_.global_batch_size || !facts_.sequence_length) return;
    check("tokens of a step = global batch size * sequence length", *facts_.tokens_per_step, *step_tokens(), 0.01,
          trap_family::tokens);
  }

  void check_rates() {
    auto const rate = measured_rate();
    if (rate && facts_.tokens_per_second) {
      check("tokens/s = tokens of a step / step time", facts_.tokens_per_second->value, *rate,
            (facts_.averaged_rate ? 0.2 : facts_.time_tolerance) + facts_.tokens_per_second->rounding,
            trap_family::rate);
    }
    if (facts_.samples_per_second && facts_.global_batch_size && facts_.step_time) {
      check("samples/s = global batch size / step time", facts_.samples_per_second->value,
            static_cast<double>(*facts_.global_batch_size) / *facts_.step_time,
            facts_.time_tolerance + facts_.samples_per_second->rounding, trap_family::rate);
    }
    if (facts_.samples_per_second && facts_.tokens_per_second && facts_.sequence_length) {
      auto const full = facts_.samples_per_second->value * static_cast<double>(*facts_.sequence_length);
      auto const share = facts_.tokens_per_second->value / full;
      // between half of them and all: tokens without their padding
      check("tokens/s = samples/s * sequence length", share > 0.5 && share < 1 ? full : facts_.tokens_per_second->value,
            full, 0.02 + facts_.samples_per_second->rounding + facts_.tokens_per_second->rounding, trap_family::rate);
    }
    if (rate && world() && facts_.tokens_per_processor_second) {
      check("tokens/p/s = tokens of a step / step time / processors", facts_.tokens_per_processor_second->value,
            *rate / *world(), facts_.time_tolerance + facts_.tokens_per_processor_second->rounding,
            trap_family::processor_rate);
    }
  }

  void check_processors() {
    if (!facts_.tokens_per_second || !facts_.tokens_per_processor_second || !world()) return;
    check("tokens/p/s = tokens/s / processors", facts_.tokens_per_processor_second->value,
          facts_.tokens_per_second->value / *world(),
          0.01 + facts_.tokens_per_second->rounding + facts_.tokens_per_processor_second->rounding,
          trap_family::processor_rate);
  }

  // The rate that the claimed FLOP/s stand on: the claim's own, so that one error is not told twice.
  std::optional<claim> claimed_processor_rate() const {
    if (auto const rate = measured_rate(); facts_.averaged_rate && rate && world()) {
      return claim{*rate / *world(), facts_.step_time_rounding};
    }
    if (facts_.tokens_per_processor_second) return facts_.tokens_per_processor_second;
    if (facts_.tokens_per_second && world()) {
      return claim{facts_.tokens_per_second->value / *world(), facts_.tokens_per_second->rounding};
    }
    if (auto const rate = measured_rate(); rate && world()) return claim{*rate / *world(), facts_.step_time_rounding};
    return std::nullopt;
  }

  // FLOP/s of one processor as claimed, or as the claimed MFU makes them.
  std::optional<claim> claimed_flop_rate() const {
    if (facts_.flop_rate) return facts_.flop_rate;
    if (facts_.mfu && facts_.peak) return claim{facts_.mfu->value * *facts_.peak, facts_.mfu->rounding};
    return std::nullopt;
  }

  void check_work() {
    auto const rate = claimed_processor_rate();
    auto const flop = claimed_flop_rate();
    if (!rate || !flop || result_.flop_per_token.empty() || !(rate->value > 0) || !(flop->value > 0)) return;
    auto const implied = flop->value / rate->value;
    auto const tolerance = 0.004 + rate->rounding + flop->rounding;
    auto const best = closest_convention(implied, facts_, result_.flop_per_token);
    if (std::abs(implied / best.flop_per_token - 1) <= tolerance) {
      result_.convention = best.name;
      if (best.recomputed && !facts_.flop_rate) {  // FLOP/s may be the hardware's, an MFU may not
        result_.checks.push_back({"MFU without recomputation", best.flop_per_token / best.model_flop_per_token, 0});
        result_.findings.push_back({"recomputation folded in", best.flop_per_token / best.model_flop_per_token,
                                    "an HFU called MFU: " + best.name, 15});
        return;
      }
      check("FLOP per token = " + best.name, implied, best.flop_per_token, tolerance, trap_family::work);
      return;
    }
    check("FLOP per token = palm", implied, result_.flop_per_token.at("palm"), tolerance,
          facts_.flop_rate ? trap_family::work : trap_family::work_or_peak);
  }

  void check_peak() {
    if (facts_.mfu && facts_.assumed_peak && facts_.peak) {
      check("the program's peak = the device's peak", *facts_.assumed_peak, *facts_.peak, 0.01, trap_family::peak);
      return;
    }
    if (!facts_.mfu || !facts_.flop_rate || !(facts_.mfu->value > 0)) return;
    auto const implied = facts_.flop_rate->value / facts_.mfu->value;
    if (!facts_.peak) return;
    check("FLOP/s / MFU = the device's peak", implied, *facts_.peak,
          0.005 + facts_.mfu->rounding + facts_.flop_rate->rounding, trap_family::peak);
  }

  // What no processor can do, whatever the convention.
  void check_possible() {
    if (facts_.mfu && facts_.mfu->value < 0) {
      result_.findings.push_back({"unknown device", facts_.mfu->value,
                                  "a negative MFU is a sentinel: the program knows no peak of this device", 4});
      result_.checks.push_back({"MFU of at least 0", facts_.mfu->value, 0});
    }
    if (facts_.mfu && facts_.mfu->value > 1) {
      result_.findings.push_back(
          {"impossible MFU", facts_.mfu->value,
           "above 100 %: the peak of another device, a peak of other units, or tokens counted more than once", 4});
      result_.checks.push_back({"MFU of at most 1", facts_.mfu->value, 0});
    }
    // A first step that was known not to be waited for, and is left out of what is claimed, may pass the
    // device's peak, but nothing passes that of every device.
    auto const limit = facts_.asynchronous_start || !facts_.peak ? largest_peak() : *facts_.peak;
    if (facts_.fastest_flop_rate && *facts_.fastest_flop_rate > 1.05 * limit) {
      auto const factor = *facts_.fastest_flop_rate / limit;
      result_.findings.push_back({"time without synchronisation", factor,
                                  "a step faster than the peak allows: it was timed before the device had finished",
                                  14});
      result_.checks.push_back({"every step within the peak", factor, 0});
    }
  }

  static double largest_peak() {
    double largest = 0;
    for (device const* each : devices::all) {
      if (each->is == "wafer" || each->is == "board of eight cards") continue;
      for (auto const& rate : each->peaks) {
        if (rate) largest = std::max(largest, rate->rate.coherent());
      }
    }
    return largest;
  }

  void judge() {
    if (result_.checks.empty()) return;
    bool const all = std::ranges::all_of(result_.checks, &audit_check::holds);
    if (all) {
      result_.verdict = audit_verdict::consistent;
    } else if (!result_.findings.empty()) {
      result_.verdict = audit_verdict::wrong;
    }
  }

  audit_facts const& facts_;
  audit_result result_;
};
}  // namespace detail

inline audit_result audit(audit_facts const& facts) { return detail::auditor{facts}.result(); }

}  // namespace kunmetrics
