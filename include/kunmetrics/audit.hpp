// Is this MFU true? What a run claims, held against what its own facts make of it.
//
//   tokens of a step    Σ tokens / Σ steps                        against  GBS · S
//   batch               GBS                                       against  LBS · GAS · DP
//   rate                claimed tokens/s                          against  tokens of a step / step time
//                                                                 and      tokens of the run / its time
//   rate of a processor claimed tokens/p/s                        against  claimed tokens/s / processors
//   work                claimed FLOP/s / tokens/p/s               against  every convention's FLOP per token
//   peak                claimed FLOP/s / claimed MFU              against  the device's peak
// Each relation that can be checked holds within rounding, or its ratio is looked up among the known
// traps: factors of the run itself (micro-batch, accumulation, processors, nodes) and of the field
// (2 for sparse peaks, 4/3 for recomputation). A ratio that fits two traps names both. What the
// facts do not say is not guessed: a claim that could not be checked is listed with what is missing, and
// with nothing checked, or nothing of the work that is claimed, the verdict is unknown.
#pragma once

#include <kunmetrics/audit_relations.hpp>

namespace kunmetrics {

enum class audit_verdict { consistent, wrong, unknown };
inline constexpr std::array<std::string_view, 3> audit_verdict_names{"consistent", "wrong", "unknown"};
constexpr std::string_view name_of(audit_verdict v) { return audit_verdict_names.at(static_cast<std::size_t>(v)); }

struct audit_result : audit_account {
  audit_verdict verdict = audit_verdict::unknown;
};

// Wrong when a relation does not hold and a trap explains it; consistent when all that could be checked hold,
// the work behind a claim of FLOP/s or MFU among them.
inline audit_verdict verdict_of(audit_account const& account) {
  if (!std::ranges::all_of(account.checks, &audit_check::holds)) {
    return account.findings.empty() ? audit_verdict::unknown : audit_verdict::wrong;
  }
  bool const open = std::ranges::any_of(account.unchecked, &unchecked_claim::of_the_work);
  return account.checks.empty() || open ? audit_verdict::unknown : audit_verdict::consistent;
}

inline audit_result audit(audit_facts const& facts) {
  audit_result result{detail::auditor{facts}.account(), audit_verdict::unknown};
  result.verdict = verdict_of(result);
  return result;
}

// Of what a run claims step by step and of what it claims at its end, each held against itself: the checks
// and findings of both, restated by the steps where they suffice.
inline audit_result audit(audit_facts const& steps, audit_facts const& end) {
  auto result = audit(steps);
  result.add(detail::auditor{end}.account());
  result.verdict = verdict_of(result);
  return result;
}

}  // namespace kunmetrics
