// What is known of a run, what it claims of itself, and what an audit may find.
#pragma once

#include <kunmetrics/devices.hpp>
#include <kunmetrics/transformer.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace kunmetrics {

// A printed number, and how far its last digit leaves it uncertain, as a share of it.
struct claim {
  double value = 0;
  double rounding = 0;
};

// From a log and from whoever asks; what is not known is empty.
struct audit_facts {
  std::optional<transformer> model{};
  std::optional<double> parameters{};  // N as the log prints it
  std::optional<std::int64_t> sequence_length{};
  std::optional<std::int64_t> global_batch_size{};
  std::optional<std::int64_t> micro_batch_size{};
  std::optional<std::int64_t> gradient_accumulation_steps{};
  std::optional<std::int64_t> processors{};
  std::optional<std::int64_t> nodes{};
  std::optional<std::int64_t> tensor_parallel{};
  std::optional<std::int64_t> pipeline_parallel{};
  std::optional<std::int64_t> context_parallel{};

  std::optional<device> processor{};  // what the run ran on
  kunmetrics::precision precision = bf16;
  std::optional<double> peak{};          // FLOP/s of one processor
  std::string peak_source{};             // where it is from
  std::optional<double> assumed_peak{};  // that the program took, for this device or for every one
  bool confidential_peak = false;        // the program says that it has none to show

  std::optional<double> step_time{};        // of the step that the claims are about, in s
  double step_time_rounding = 1e-3;         // as a share of it
  std::optional<double> mean_step_time{};   // Σ time / Σ steps without the warm-up, in s
  double time_tolerance = 0.03;             // how far a claim of another interval may lie from it
  std::optional<double> run_time{};         // since the start, in s
  std::optional<double> run_tokens{};       // in that time, of the whole job
  std::optional<double> tokens_per_step{};  // as the log counts them
  std::optional<claim> tokens_per_second{};
  std::optional<claim> tokens_per_processor_second{};
  std::optional<claim> samples_per_second{};
  std::optional<claim> flop_rate{};           // FLOP/s of one processor
  std::optional<claim> mfu{};                 // a ratio
  std::optional<double> fastest_flop_rate{};  // of any step, FLOP/s of one processor
  std::optional<double> mean_of_rates{};      // Σ (tokens/s of a step) / steps, of the kind that is claimed
  std::optional<double> ratio_of_sums{};      // Σ tokens / Σ time of the same steps
  bool asynchronous_start = false;            // the first steps are known not to have been waited for
  bool at_the_end = false;                    // claims of the whole run, not of a step
  bool averaged_rate = false;                 // the rate is a moving average, an MFU beside it is of the step
};

// That share one replica, as far as the degrees are known.
inline std::int64_t ranks_of_a_replica(audit_facts const& facts) {
  return facts.tensor_parallel.value_or(1) * facts.pipeline_parallel.value_or(1) * facts.context_parallel.value_or(1);
}

struct audit_finding {
  std::string trap;
  double factor = 1;  // claimed over true
  std::string explanation;
  int number = 0;  // of the project's list of fifteen, 0 for none of them
};

enum class trap_family { tokens, batch, rate, processor_rate, work, peak, work_or_peak };

}  // namespace kunmetrics
