// What an audit found: what was checked, what could not be, and the run restated.
#pragma once

#include <kunmetrics/audit_facts.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kunmetrics {

// A relation that could be checked: the quotient of its two sides, and how far rounding may move it.
struct audit_check {
  std::string relation;
  double ratio = 1;
  double tolerance = 0;
  bool holds() const { return std::abs(ratio - 1) <= tolerance; }
};

// A claim that no relation could be made of, and the facts that one would take.
struct unchecked_claim {
  std::string claim;
  std::vector<std::string> missing;
  bool of_the_work = false;  // FLOP/s or an MFU: what an audit is about
};

struct audit_account {
  maybe<double> tokens_per_processor_second = absent{"neither a rate nor a step's tokens and time are known"};
  std::optional<double> peak{};  // FLOP/s of one processor, that `mfu` is of
  std::string peak_source{};
  std::map<std::string, double> flop_per_token{};  // by convention, when the model is known
  std::map<std::string, double> mfu{};             // by convention, when the peak is known too
  std::vector<std::string> conventions{};          // those that the claim fits, the nearest first
  std::vector<audit_check> checks{};
  std::vector<audit_finding> findings{};
  std::vector<unchecked_claim> unchecked{};
  std::vector<std::string> missing{};  // what restating the run under every convention would take
  std::vector<std::string> notes{};  // odd, or not to be decided from what is known, and not called wrong

  // The nearest convention, empty when none was found.
  std::string convention() const { return conventions.empty() ? std::string{} : conventions.front(); }

  // What a second account has that this one has not.
  void add(audit_account other) {
    if (!tokens_per_processor_second && other.tokens_per_processor_second) {
      tokens_per_processor_second = other.tokens_per_processor_second;
      mfu = std::move(other.mfu);
      missing = std::move(other.missing);
    }
    if (conventions.empty()) conventions = std::move(other.conventions);
    auto const append = [](auto& to, auto& from, auto const& same) {
      for (auto& each : from) {
        bool const known = std::ranges::any_of(to, [&](auto const& one) { return same(one, each); });
        if (!known) to.push_back(std::move(each));
      }
    };
    append(checks, other.checks, [](auto const& a, auto const& b) { return a.relation == b.relation; });
    append(findings, other.findings,
           [](auto const& a, auto const& b) { return a.trap == b.trap && a.explanation == b.explanation; });
    append(unchecked, other.unchecked, [](auto const& a, auto const& b) { return a.claim == b.claim; });
    append(notes, other.notes, std::equal_to<>{});
  }
};

}  // namespace kunmetrics
