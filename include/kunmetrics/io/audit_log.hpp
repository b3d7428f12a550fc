// A training log and what else is known of its run, as the facts of an audit.
//
// A log claims speeds step by step and at its end; each are held against facts of the same interval: the last
// record's, or those of the whole run. What the log does not say comes from the caller; what the caller says
// goes before it, and where the two differ the audit notes it.
#pragma once

#include <kunmetrics/audit.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/io/training_log.hpp>

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace kunmetrics {

namespace detail {
inline std::optional<claim> last_claim(std::optional<running_statistic> const& statistic) {
  if (!statistic) return std::nullopt;
  // of the smallest number that is printed so: of 0.2 it may be 0.15
  auto const half = statistic->resolution / 2, size = std::abs(statistic->last);
  return claim{statistic->last, size > half ? half / (size - half) : std::numeric_limits<double>::infinity()};
}
// A fact that changed on the way, as a batch that ramps up, is the last record's as last said.
template <typename T>
void fill(std::optional<T>& fact, std::optional<said<T>> const& log) {
  if (!fact && log) fact = log->value;
}
template <typename T>
bool varies(std::optional<said<T>> const& fact) { return fact && fact->changed; }

// Programs that divide by one peak whatever the device is.
inline std::optional<double> assumed_peak(training_log const& log) {
  if (log.peak) return log.peak->value;
  if (log.framework == name_of(log_framework::nanogpt)) return 312e12;  // model.py: A100 bf16
  return std::nullopt;
}

inline std::optional<double> step_tokens(training_log const& log) {
  if (log.tokens_per_step) return log.tokens_per_step->last;
  if (!log.tokens_seen || varies(log.global_batch_size)) return std::nullopt;
  if (auto const each = log.tokens_seen->per_step()) return each;
  bool const from_the_start = log.framework == name_of(log_framework::torchtitan);
  auto const last = log.tokens_seen->last_step ? log.tokens_seen->last_step : log.last_step;
  if (from_the_start && last && *last > 0) return log.tokens_seen->last / static_cast<double>(*last);
  return std::nullopt;
}

// Σ time / Σ steps without the warm-up: the first record, and of the next those that took less than half or more
// than twice of what the others did. A step that was not waited for is such a one.
inline double settled_mean(running_statistic const& time) {
  if (time.count < 2) return time.last;
  auto sum = time.sum - time.first;
  auto count = static_cast<double>(time.count - 1);
  auto const kept = std::min(time.early.size(), static_cast<std::size_t>(time.count));
  for (std::size_t i = 1; i < kept && count > 1; ++i) {
    auto const others = (sum - time.early[i]) / (count - 1);
    if (time.early[i] >= others / 2 && time.early[i] <= 2 * others) continue;
    sum -= time.early[i];
    --count;
  }
  return sum / count;
}

// Whether tokens were seen before this log's first record: the run went on from a checkpoint, and its total is of
// more than its time.
inline bool resumed(training_log const& log) {
  if (!log.tokens_seen || log.steps < 3) return false;
  auto const interval = (log.tokens_seen->last - log.tokens_seen->first) / static_cast<double>(log.steps - 1);
  if (!(log.tokens_seen->first > 3 * interval)) return false;
  // unless it is the tail of a log: what it claims step by step then makes its total in its time
  if (!log.claimed.tokens_per_second || !log.run_time) return true;
  auto const claimed = log.claimed.tokens_per_second->last * log.run_time->value;
  return std::abs(claimed / log.tokens_seen->last - 1) > 0.25;
}

inline void take_device(audit_facts& known, training_log const& log) {
  if (known.processor || known.peak || !log.device) return;
  auto const found = device_named(log.device->value);
  if (!found) return;
  known.processor = *found;
  if (auto const limit = peak(*found, known.precision)) {
    known.peak = limit->rate.coherent();
    known.peak_source = std::string{found->name} + " at " + std::string{name_of(known.precision)} + ", " +
                        std::string{limit->source};
  }
}

// What the log says of the run, whatever the interval.
inline audit_facts run_facts(training_log const& log, audit_facts known) {
  fill(known.sequence_length, log.sequence_length);
  fill(known.global_batch_size, log.global_batch_size);
  fill(known.micro_batch_size, log.micro_batch_size);
  // a batch that ramps up does so by its accumulation steps, of which the log then says one value of many
  if (!varies(log.global_batch_size)) fill(known.gradient_accumulation_steps, log.gradient_accumulation_steps);
  fill(known.processors, log.world_size);
  fill(known.parameters, log.parameters);
  take_device(known, log);
  known.assumed_peak = assumed_peak(log);
  known.confidential_peak = known.confidential_peak || log.confidential_peak;
  known.tokens_per_step = step_tokens(log);
  if (log.step_time) {
    bool const ramp = varies(log.global_batch_size) || varies(log.world_size);
    known.mean_step_time = ramp ? log.step_time->last : settled_mean(*log.step_time);
  }
  return known;
}

// Rates of single steps, and what they would have to average to.
inline void take_means(audit_facts& known, training_log const& log) {
  if (varies(log.global_batch_size) || varies(log.world_size)) return;
  bool const of_job = log.claimed.tokens_per_second.has_value();
  auto const& rates = of_job ? log.claimed.tokens_per_second : log.claimed.tokens_per_processor_second;
  if (!rates || !log.step_time || rates->count != log.step_time->count || rates->count < 3) return;
  auto tokens = known.tokens_per_step;
  if (known.global_batch_size && known.sequence_length) {
    tokens = static_cast<double>(*known.global_batch_size) * static_cast<double>(*known.sequence_length);
  }
  if (!tokens || !(log.step_time->sum > 0) || (!of_job && !known.processors)) return;
  auto const shared_by = of_job ? 1.0 : static_cast<double>(*known.processors);
  known.mean_of_rates = rates->mean();
  known.ratio_of_sums = *tokens * static_cast<double>(rates->count) / log.step_time->sum / shared_by;
}

template <typename T>
void compare(std::vector<std::string>& notes, std::string_view name, std::optional<T> const& stated,
             std::optional<said<T>> const& log) {
  if (!stated || !log || log->changed || *stated == log->value) return;
  notes.push_back(std::string{name} + ": stated as " + std::to_string(*stated) + ", the log says " +
                  std::to_string(log->value) + " in line " + std::to_string(log->line) + "; the stated one is used");
}

// With or without the embedding, rounded as programs print it.
inline bool may_have(transformer const& model, double printed_parameters) {
  auto const counts = parameters(model);
  for (auto const left_out : {std::int64_t{0}, counts.embedding, counts.output, counts.embedding + counts.output}) {
    auto const total = static_cast<double>(counts.total - left_out);
    if (std::abs(printed_parameters / total - 1) < 0.02) return true;
  }
  return false;
}

inline std::vector<std::string> contradictions(training_log const& log, audit_facts const& known) {
  std::vector<std::string> notes;
  compare(notes, "sequence length", known.sequence_length, log.sequence_length);
  compare(notes, "global batch size", known.global_batch_size, log.global_batch_size);
  compare(notes, "micro-batch size", known.micro_batch_size, log.micro_batch_size);
  compare(notes, "gradient accumulation steps", known.gradient_accumulation_steps, log.gradient_accumulation_steps);
  compare(notes, "processors", known.processors, log.world_size);
  if (known.model && log.parameters && !log.parameters->changed && !may_have(*known.model, log.parameters->value)) {
    notes.push_back("model: the stated one has " + std::to_string(parameters(*known.model).total) +
                    " parameters, the log's " + formatted(log.parameters->value, 0));
  }
  if (log.device) {
    auto const found = device_named(log.device->value);
    if (!found && !known.peak) {
      notes.push_back("device of the log, " + log.device->value + ": " + std::string{found.reason()});
    } else if (found && known.processor && found->name != known.processor->name) {
      notes.push_back("device: stated as " + std::string{known.processor->name} + ", the log says " +
                      log.device->value);
    }
  }
  return notes;
}
}  // namespace detail

// Of the last record. `known` is what the caller states of the run.
inline audit_facts facts_of(training_log const& log, audit_facts known) {
  using detail::last_claim;
  known = detail::run_facts(log, std::move(known));
  if (log.step_time) {
    auto const& time = *log.step_time;
    known.step_time = time.last;
    known.step_time_rounding = time.last > 0 ? time.resolution / time.last / 2 : 0;
  }
  known.tokens_per_second = last_claim(log.claimed.tokens_per_second);
  known.samples_per_second = last_claim(log.claimed.samples_per_second);
  known.tokens_per_processor_second = last_claim(log.claimed.tokens_per_processor_second);
  known.flop_rate = last_claim(log.claimed.flop_rate);
  known.mfu = last_claim(log.claimed.mfu);
  if (log.claimed.flop_rate) known.fastest_flop_rate = log.claimed.flop_rate->max;
  known.asynchronous_start = log.framework == name_of(log_framework::maxtext);
  known.averaged_rate = log.framework == name_of(log_framework::llm_c);
  if (log.framework == name_of(log_framework::nanogpt) || log.framework == name_of(log_framework::prime_rl)) {
    known.step_time = known.mean_step_time;  // rate and MFU are of many steps
    known.time_tolerance = 0.2;
  }
  return known;
}

// Of the whole run, as its last lines sum it up; these may have the warm-up in.
inline audit_facts facts_at_end(training_log const& log, audit_facts known) {
  using detail::last_claim;
  known = detail::run_facts(log, std::move(known));
  known.at_the_end = true;
  known.step_time = known.mean_step_time;
  known.time_tolerance = 0.15;
  if (log.run_time && log.run_tokens && !detail::resumed(log)) {
    known.run_time = log.run_time->value;
    known.run_tokens = log.run_tokens->value;
  }
  known.tokens_per_second = last_claim(log.summary.tokens_per_second);
  known.samples_per_second = last_claim(log.summary.samples_per_second);
  known.tokens_per_processor_second = last_claim(log.summary.tokens_per_processor_second);
  known.flop_rate = last_claim(log.summary.flop_rate);
  known.mfu = last_claim(log.summary.mfu);
  detail::take_means(known, log);
  return known;
}

// `known` is what the caller states of the run.
inline audit_result audit(training_log const& log, audit_facts const& known = {}) {
  auto result = audit(facts_of(log, known), facts_at_end(log, known));
  auto differ = detail::contradictions(log, known);
  result.notes.insert(result.notes.begin(), differ.begin(), differ.end());
  return result;
}

}  // namespace kunmetrics
