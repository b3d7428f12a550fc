// What no processor can do, whatever the convention: an MFU below 0 or above 100 %, a step faster than the peak.
#pragma once

#include <kunmetrics/audit_facts.hpp>
#include <kunmetrics/plausibility.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kunmetrics {

// A relation that is broken and why, the likeliest first; or, with no relation, a note.
struct impossibility {
  std::string relation;
  double ratio = 0;  // to what is possible
  std::vector<audit_finding> findings;
  std::string note;
};

namespace detail {
// Of any device of the table that is one processor.
inline double largest_peak() {
  double largest = 0;
  for (device const* each : devices::all) {
    if (each->is == "wafer" || each->is == "board of eight cards") continue;
    for (auto const& rate : each->peaks) {
      if (rate) largest = std::max(largest, rate->rate.coherent());
    }
  }
  return largest;
}

inline int number_of_trap(std::string_view name) {
  if (name == "nodes squared") return 1;
  if (name == "sparse peak" || name == "peak halved twice") return 5;
  if (name == "whole job's rate") return 13;
  if (name == "work of another precision") return 15;
  if (name == "peak of another device") return 4;
  return 7;
}

// The likeliest of the traps that plausibility.hpp names for a ratio over the device's peak.
inline std::optional<audit_finding> suspicion(double ratio, audit_facts const& facts, std::optional<double> limit) {
  if (!facts.processor || !limit) return std::nullopt;
  using namespace units;
  auto const nodes = facts.nodes.value_or(1);
  cluster const size{.nodes = nodes * node, .per_node = facts.processors.value_or(nodes) / nodes * processor / node};
  peak_rate const of{.at = facts.precision, .rate = *limit * flop / (processor * second)};
  auto const traps = likely_traps(quantity_of<one>::from_coherent(ratio), of, *facts.processor, size);
  if (traps.empty()) return std::nullopt;
  auto const& trap = traps.front();
  return audit_finding{trap.name, trap.factor, "perhaps: " + trap.explanation, number_of_trap(trap.name)};
}

inline impossibility above_full_use(audit_facts const& facts, std::optional<double> limit) {
  auto const ratio = facts.mfu->value;
  impossibility found{"MFU of at most 1", ratio, {}, {}};
  found.findings.push_back(
      {"impossible MFU", ratio,
       "above 100 %: the peak of another device, a peak of other units, or tokens counted more than once", 4});
  if (auto likely = suspicion(ratio, facts, limit)) found.findings.push_back(*std::move(likely));
  return found;
}

// A single step beyond the peak was not waited for; a whole run beyond it has another peak or other work.
// FLOP/s without an MFU claim no peak: products in a faster precision are then no mistake.
inline std::optional<impossibility> above_the_peak(audit_facts const& facts, std::optional<double> limit) {
  auto const fastest = facts.fastest_flop_rate ? *facts.fastest_flop_rate : facts.flop_rate->value;
  auto const allowed = facts.asynchronous_start || !limit ? largest_peak() : *limit;
  if (!(fastest > 1.05 * allowed)) return std::nullopt;
  auto const factor = fastest / allowed;
  bool const steady = facts.flop_rate && facts.flop_rate->value > 1.05 * allowed;
  auto likely = suspicion(factor, facts, limit);
  bool const precision = likely && likely->trap == "work of another precision";
  if (precision && !facts.mfu) {
    return impossibility{{}, 0, {}, "a step is faster than the " + std::string{name_of(facts.precision)} +
                                     " peak allows: products in a faster precision, or time without synchronisation"};
  }
  impossibility found{"every step within the peak", factor, {}, {}};
  found.findings.push_back({"time without synchronisation", factor,
                            "a step faster than the peak allows: it was timed before the device had finished", 14});
  if (precision || (steady && likely)) {
    found.findings.insert(steady ? found.findings.begin() : found.findings.end(), *std::move(likely));
  }
  return found;
}
}  // namespace detail

// `limit` is the peak that the run is held against, FLOP/s of one processor.
inline std::vector<impossibility> impossibilities(audit_facts const& facts, std::optional<double> limit) {
  std::vector<impossibility> found;
  if (facts.confidential_peak) found.push_back({{}, 0, {}, "the program keeps its peak confidential: no MFU follows"});
  if (facts.mfu && facts.mfu->value < 0 && !facts.confidential_peak) {
    found.push_back({"MFU of at least 0",
                     facts.mfu->value,
                     {{"unknown device", facts.mfu->value,
                       "a negative MFU is a sentinel: the program knows no peak of this device", 4}},
                     {}});
  }
  if (facts.mfu && facts.mfu->value > 1) found.push_back(detail::above_full_use(facts, limit));
  if (facts.fastest_flop_rate || facts.flop_rate) {
    if (auto above = detail::above_the_peak(facts, limit)) found.push_back(std::move(*above));
  }
  return found;
}

}  // namespace kunmetrics
