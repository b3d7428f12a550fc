// A training log and what else is known of its run, as the facts of an audit.
//
// Claims and times are those of the log's last record, so that both sides of a relation are of one
// step; what the log does not say comes from the caller, and what the caller says goes before it.
#pragma once

#include <kunmetrics/audit.hpp>
#include <kunmetrics/io/training_log.hpp>

#include <optional>

namespace kunmetrics {

namespace detail {
inline std::optional<claim> last_claim(std::optional<running_statistic> const& statistic) {
  if (!statistic) return std::nullopt;
  auto const rounding = statistic->last == 0 ? 0 : std::abs(statistic->resolution / statistic->last) / 2;
  return claim{statistic->last, rounding};
}
template <typename T>
void fill(std::optional<T>& fact, std::optional<said<T>> const& log) {
  if (!fact && log && !log->changed) fact = log->value;
}

// Programs that divide by one peak whatever the device is.
inline std::optional<double> assumed_peak(std::string_view framework) {
  if (framework == name_of(log_framework::nanogpt)) return 312e12;  // model.py: A100 bf16
  return std::nullopt;
}

inline std::optional<double> step_tokens(training_log const& log) {
  if (log.tokens_per_step) return log.tokens_per_step->last;
  if (!log.tokens_seen) return std::nullopt;
  if (auto const each = log.tokens_seen->per_step()) return each;
  bool const from_the_start = log.framework == name_of(log_framework::torchtitan);
  auto const last = log.tokens_seen->last_step ? log.tokens_seen->last_step : log.last_step;
  if (from_the_start && last && *last > 0) return log.tokens_seen->last / static_cast<double>(*last);
  return std::nullopt;
}
}  // namespace detail

// `known` is what the caller states of the run.
inline audit_facts facts_of(training_log const& log, audit_facts known) {
  using detail::fill, detail::last_claim;
  fill(known.sequence_length, log.sequence_length);
  fill(known.global_batch_size, log.global_batch_size);
  fill(known.micro_batch_size, log.micro_batch_size);
  fill(known.gradient_accumulation_steps, log.gradient_accumulation_steps);
  fill(known.processors, log.world_size);
  if (log.step_time) {
    auto const& time = *log.step_time;
    known.step_time = time.last;
    known.step_time_rounding = time.last > 0 ? time.resolution / time.last / 2 : 0;
    known.mean_step_time = time.count > 1 ? (time.sum - time.first) / static_cast<double>(time.count - 1) : time.last;
  }
  known.tokens_per_step = detail::step_tokens(log);
  // A pair of rates of one kind: at the end of the run where both are said there, else step by step.
  bool const at_the_end = log.summary.tokens_per_second && log.summary.samples_per_second;
  auto const& rates = at_the_end ? log.summary : log.claimed;
  known.tokens_per_second = last_claim(rates.tokens_per_second);
  known.samples_per_second = last_claim(rates.samples_per_second);
  known.tokens_per_processor_second = last_claim(log.claimed.tokens_per_processor_second);
  known.flop_rate = last_claim(log.claimed.flop_rate);
  known.mfu = last_claim(log.claimed.mfu);
  if (log.claimed.flop_rate) known.fastest_flop_rate = log.claimed.flop_rate->max;
  known.asynchronous_start = log.framework == name_of(log_framework::maxtext);
  known.averaged_rate = log.framework == name_of(log_framework::llm_c);
  known.assumed_peak = detail::assumed_peak(log.framework);
  return known;
}

}  // namespace kunmetrics
