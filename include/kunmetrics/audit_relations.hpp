// The relations that an audit holds a run's claims against (audit.hpp).
#pragma once

#include <kunmetrics/audit_account.hpp>
#include <kunmetrics/audit_possible.hpp>
#include <kunmetrics/audit_traps.hpp>
#include <kunmetrics/audit_work.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kunmetrics {

namespace detail {
class auditor {
 public:
  explicit auditor(audit_facts const& facts) : facts_{facts} {}

  audit_account account() && {
    restate();
    if (!facts_.at_the_end) {  // of every step, so that it is told once
      check_tokens();
      check_batch();
    }
    check_rates();
    check_processors();
    check_work();
    check_peak();
    check_possible();
    return std::move(account_);
  }

 private:
  using fact = std::pair<bool, std::string_view>;
  static constexpr double vague = 0.25;  // of a number so rounded any relation would hold

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
  // The same, of the tokens that the log counts where they are fewer than the batch's and nearer to what is claimed;
  // a moving average is of the mean time.
  std::optional<double> rate_to_claim(double claimed) const {
    auto const time = facts_.averaged_rate && facts_.mean_step_time ? facts_.mean_step_time : facts_.step_time;
    auto const tokens = step_tokens();
    if (!tokens || !time || !(*time > 0)) return std::nullopt;
    auto const full = *tokens / *time;
    if (!padded()) return full;
    auto const counted = *facts_.tokens_per_step / *time;
    return std::abs(std::log(claimed / counted)) < std::abs(std::log(claimed / full)) ? counted : full;
  }
  std::optional<double> run_rate() const {
    if (!facts_.run_tokens || !facts_.run_time || !(*facts_.run_time > 0)) return std::nullopt;
    return *facts_.run_tokens / *facts_.run_time;
  }
  std::optional<double> world() const {
    return facts_.processors ? std::optional{static_cast<double>(*facts_.processors)} : std::nullopt;
  }
  std::optional<double> limit() const { return facts_.peak ? facts_.peak : facts_.assumed_peak; }

  void restate() {
    account_.flop_per_token = works_of(facts_);
    account_.peak = limit();
    account_.peak_source = facts_.peak ? facts_.peak_source : "the peak that the program used";
    auto const rate = true_processor_rate();
    if (rate) account_.tokens_per_processor_second = *rate;
    for (auto const& [known, name] : {model(), length(), tokens(), ranks(), fact{limit().has_value(), "peak"}}) {
      bool const of_the_rate = name == tokens().second || name == ranks().second;
      if (!known && !(of_the_rate && rate)) account_.missing.emplace_back(name);
    }
    if (!limit() || !account_.tokens_per_processor_second) return;
    for (auto const& [name, work] : account_.flop_per_token) {
      account_.mfu.emplace(name, *account_.tokens_per_processor_second * work / *limit());
    }
  }

  // By the facts that are least derived: tokens and time, then the job's rate, then what is claimed of one processor.
  std::optional<double> true_processor_rate() const {
    auto const time = facts_.mean_step_time ? facts_.mean_step_time : facts_.step_time;
    auto const tokens = step_tokens();
    if (tokens && time && *time > 0 && world()) return *tokens / *time / *world();
    if (run_rate() && world()) return *run_rate() / *world();
    if (facts_.tokens_per_second && world()) return facts_.tokens_per_second->value / *world();
    if (facts_.tokens_per_processor_second) return facts_.tokens_per_processor_second->value;
    return std::nullopt;
  }

  std::string named(std::string relation) const {
    return facts_.at_the_end ? std::move(relation) + ", at the end" : std::move(relation);
  }

  // Adds a check, and where it does not hold the traps that its ratio fits.
  void check(std::string relation, double left, double right, double tolerance, trap_family family) {
    if (!(left > 0) || !(right > 0)) return;
    if (!(tolerance <= vague)) return leave_vague(relation, family == trap_family::work || family == trap_family::work_or_peak);
    audit_check const made{named(std::move(relation)), left / right, tolerance};
    account_.checks.push_back(made);
    if (made.holds()) return;
    std::ranges::move(traps_of(made.ratio, tolerance, family, facts_), std::back_inserter(account_.findings));
  }

  // A claim that was not checked: which of these facts are not known.
  void leave(std::string claim, std::initializer_list<fact> facts) {
    bool const of_the_work = claim == "FLOP/s" || claim == "MFU";
    unchecked_claim left{named(std::move(claim)), {}, of_the_work};
    for (auto const& [known, name] : facts) {
      if (!known) left.missing.emplace_back(name);
    }
    account_.unchecked.push_back(std::move(left));
  }
  void leave_vague(std::string relation, bool of_the_work) {
    account_.unchecked.push_back({named(std::move(relation)), {"a number of more digits"}, of_the_work});
  }
  fact model() const { return {facts_.model.has_value(), "model"}; }
  fact length() const { return {facts_.sequence_length.has_value(), "sequence length"}; }
  // A step's tokens are known without either, or by both.
  fact tokens() const { return {step_tokens() || facts_.global_batch_size, "global batch size"}; }
  fact length_or_tokens() const { return {step_tokens() || facts_.sequence_length, "sequence length"}; }
  fact batch() const { return {facts_.global_batch_size.has_value(), "global batch size"}; }
  fact time() const { return {facts_.step_time.has_value(), "step time"}; }
  fact ranks() const { return {world().has_value(), "processors"}; }

  // Fewer tokens than the batch has are padding, or the last batch of an epoch, as well as a trap.
  std::optional<double> filled() const {
    if (!facts_.tokens_per_step || !facts_.global_batch_size || !facts_.sequence_length) return std::nullopt;
    return *facts_.tokens_per_step / *step_tokens();
  }
  bool padded() const { return filled() && *filled() < 0.98; }

  void note_padding(std::string text, double share, double tolerance, trap_family family) {
    text = percent_text(share) + " of " + text + ": padding that is not counted, or a batch that is not full";
    for (auto const& trap : traps_of(share, tolerance, family, facts_)) {
      text += ", or " + trap.trap + " (" + trap.explanation + ")";
    }
    account_.notes.push_back(named(std::move(text)));
  }

  void check_tokens() {
    if (!filled()) return;
    if (padded()) {
      return note_padding("global batch size * sequence length are a step's tokens", *filled(), 0.01, trap_family::tokens);
    }
    check("tokens of a step = global batch size * sequence length", *facts_.tokens_per_step, *step_tokens(), 0.01,
          trap_family::tokens);
  }

  // GBS = LBS * GAS * DP. Where the parallel degrees are not all known, DP is any divisor of the world.
  void check_batch() {
    auto const& f = facts_;
    if (!f.global_batch_size || !f.micro_batch_size || !f.gradient_accumulation_steps || !f.processors) return;
    auto const of_one = static_cast<double>(*f.micro_batch_size) * static_cast<double>(*f.gradient_accumulation_steps);
    auto const replicas = static_cast<double>(*f.global_batch_size) / of_one;
    bool const all_known = f.tensor_parallel && f.pipeline_parallel && f.context_parallel;
    auto const most = *world() / static_cast<double>(ranks_of_a_replica(f));
    if (!all_known && replicas <= most && std::fmod(most, replicas) == 0) return;
    check("global batch size = micro-batch size * accumulation steps * replicas", replicas, most, 1e-9,
          trap_family::batch);
  }

  void check_rates() {
    check_job_rate();
    check_samples();
    check_processor_rate();
    check_mean();
  }

  void check_job_rate() {
    if (!facts_.tokens_per_second) return;
    auto const& claimed = *facts_.tokens_per_second;
    auto const rate = rate_to_claim(claimed.value);
    if (rate) {
      check("tokens/s = tokens of a step / step time", claimed.value, *rate,
            (facts_.averaged_rate ? 0.2 : facts_.time_tolerance) + claimed.rounding, trap_family::rate);
    }
    if (run_rate()) {
      check("tokens/s = tokens of the run / its time", claimed.value, *run_rate(), 0.03 + claimed.rounding,
            trap_family::rate);
    }
    if (!rate && !run_rate()) leave("tokens/s", {tokens(), length_or_tokens(), time()});
  }

  void check_samples() {
    if (!facts_.samples_per_second) return;
    auto const& claimed = *facts_.samples_per_second;
    if (facts_.global_batch_size && facts_.step_time) {
      check("samples/s = global batch size / step time", claimed.value,
            static_cast<double>(*facts_.global_batch_size) / *facts_.step_time,
            facts_.time_tolerance + claimed.rounding, trap_family::rate);
    } else {
      leave("samples/s", {batch(), time()});
    }
    if (facts_.tokens_per_second && facts_.sequence_length) check_tokens_of_samples();
  }

  // Fewer tokens than full samples have are padding as well as a trap: said, and not called wrong.
  void check_tokens_of_samples() {
    auto const full = facts_.samples_per_second->value * static_cast<double>(*facts_.sequence_length);
    auto const tolerance = 0.02 + facts_.samples_per_second->rounding + facts_.tokens_per_second->rounding;
    auto const share = facts_.tokens_per_second->value / full;
    if (!(share < 1 - tolerance)) {
      return check("tokens/s = samples/s * sequence length", facts_.tokens_per_second->value, full, tolerance,
                   trap_family::rate);
    }
    if (!account_.findings.empty()) return;  // told by the run's own tokens already
    note_padding("samples/s * sequence length are the tokens/s", share, tolerance, trap_family::rate);
  }

  void check_processor_rate() {
    if (!facts_.tokens_per_processor_second) return;
    auto const& claimed = *facts_.tokens_per_processor_second;
    if (auto const rate = world() ? rate_to_claim(claimed.value * *world()) : std::nullopt) {
      check("tokens/p/s = tokens of a step / step time / processors", claimed.value, *rate / *world(),
            facts_.time_tolerance + claimed.rounding, trap_family::processor_rate);
    } else if (!(facts_.tokens_per_second && world())) {
      leave("tokens/p/s", {tokens(), length_or_tokens(), time(), ranks()});
    }
  }

  // Rates of single steps do not average to the rate of all: that is Σ tokens / Σ time.
  void check_mean() {
    auto const& claimed = facts_.tokens_per_second ? facts_.tokens_per_second : facts_.tokens_per_processor_second;
    if (!claimed || !facts_.mean_of_rates || !facts_.ratio_of_sums) return;
    auto const tolerance = 0.01 + claimed->rounding;
    bool const is_mean = std::abs(claimed->value / *facts_.mean_of_rates - 1) <= 0.002 + claimed->rounding;
    auto const factor = *facts_.mean_of_rates / *facts_.ratio_of_sums;
    if (!is_mean || std::abs(factor - 1) <= tolerance) return;
    account_.checks.push_back({named("rate of the run = its tokens / its time"), factor, tolerance});
    account_.findings.push_back(
        {"mean of rates", factor, "the rates of the steps averaged, in place of all tokens over all time", 14});
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

  // FLOP/s of one processor as claimed, or as the claimed MFU makes them of the peak that the program took.
  std::optional<claim> claimed_flop_rate() const {
    if (facts_.flop_rate) return facts_.flop_rate;
    auto const taken = facts_.assumed_peak ? facts_.assumed_peak : facts_.peak;
    if (facts_.mfu && taken) return claim{facts_.mfu->value * *taken, facts_.mfu->rounding};
    return std::nullopt;
  }

  void check_work() {
    if (!facts_.flop_rate && !facts_.mfu) return;
    auto const rate = claimed_processor_rate();
    auto const flop = claimed_flop_rate();
    if (!rate || !flop || account_.flop_per_token.empty()) return leave_work();
    if (!(rate->value > 0) || !(flop->value > 0)) return leave_vague(facts_.flop_rate ? "FLOP/s" : "MFU", true);
    auto const implied = flop->value / rate->value;
    auto const tolerance = 0.004 + rate->rounding + flop->rounding;
    if (!(tolerance <= vague)) return leave_vague(facts_.flop_rate ? "FLOP/s" : "MFU", true);
    auto const fits = fitting_works(implied, tolerance, facts_, account_.flop_per_token);
    if (!fits.empty()) return take_conventions(fits, implied, tolerance);
    if (!facts_.model || padded()) return leave_work();  // 6 N alone says nothing of attention, padding is work too
    bool const known_peak = facts_.flop_rate || facts_.assumed_peak;
    check("FLOP per token = palm", implied, account_.flop_per_token.at("palm"), tolerance,
          known_peak ? trap_family::work : trap_family::work_or_peak);
  }

  void leave_work() {
    bool const peaked = facts_.flop_rate || limit();
    leave(facts_.flop_rate ? "FLOP/s" : "MFU",
          {model(), length(), {claimed_processor_rate().has_value(), "tokens/p/s, or processors"}, {peaked, "peak"}});
  }

  // FLOP/s may be the hardware's, an MFU may not.
  void take_conventions(std::vector<named_work> const& fits, double implied, double tolerance) {
    for (auto const& each : fits) account_.conventions.push_back(each.name);
    auto const& best = fits.front();
    if (!best.recomputed()) {
      return check("FLOP per token = " + best.name, implied, best.flop_per_token, tolerance, trap_family::work);
    }
    auto const factor = best.flop_per_token / best.model_flop_per_token;
    if (facts_.mfu) {
      account_.checks.push_back({named("MFU without recomputation"), factor, 0});
      account_.findings.push_back({"recomputation folded in", factor, "an HFU called MFU: " + best.name, 15});
      return;
    }
    account_.notes.push_back(named("the FLOP/s have the recomputation in: of the peak they are an HFU"));
    check("FLOP per token = " + best.name, implied, best.flop_per_token, tolerance, trap_family::work);
  }

  void check_peak() {
    if (!facts_.mfu || !(facts_.mfu->value > 0)) return;
    if (facts_.assumed_peak && facts_.peak) {
      check("the program's peak = the device's peak", *facts_.assumed_peak, *facts_.peak, 0.01, trap_family::peak);
    }
    if (facts_.flop_rate && limit() && !(facts_.assumed_peak && facts_.peak)) {
      check(facts_.peak ? "FLOP/s / MFU = the device's peak" : "FLOP/s / MFU = the program's peak",
            facts_.flop_rate->value / facts_.mfu->value, *limit(),
            0.005 + facts_.mfu->rounding + facts_.flop_rate->rounding, trap_family::peak);
    }
    if (!facts_.peak) leave("peak", {{false, facts_.confidential_peak ? "a peak that is not confidential" : "device"}});
  }

  void check_possible() {
    bool const explained = !account_.findings.empty();  // what else might be behind it is then of no use
    for (auto& [check, ratio, findings, note] : impossibilities(facts_, limit())) {
      if (!note.empty()) account_.notes.push_back(std::move(note));
      if (check.empty()) continue;
      account_.checks.push_back({named(std::move(check)), ratio, 0});
      if (explained) findings.resize(1);
      for (auto& finding : findings) {
        auto const same = [&](audit_finding const& known) { return known.trap == finding.trap; };
        if (std::ranges::none_of(account_.findings, same)) account_.findings.push_back(std::move(finding));
      }
    }
  }

  audit_facts const& facts_;
  audit_account account_;
};
}  // namespace detail

}  // namespace kunmetrics
