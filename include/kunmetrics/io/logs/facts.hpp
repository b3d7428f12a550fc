// What a training log says: the facts of a run, its steps, and what is claimed of its speed.
//
// Everything that a log need not say is optional; what is not said stays empty, and nothing is
// derived. Times are in s, FLOP/s are of one processor, utilizations are ratios. A number of a
// step, of which there may be millions, is kept as a running statistic of constant size.
#pragma once

#include <kunmetrics/io/logs/printed_number.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kunmetrics {

// A number that a log says again and again.
struct running_statistic {
  std::int64_t count = 0;
  double first = 0;
  double last = 0;
  double min = 0;
  double max = 0;
  double sum = 0;
  double resolution = 0;  // one unit of the last printed digit, of the coarsest that was printed
  std::int64_t line = 0;  // where it was first said
  std::array<double, 5> early{};  // the first ones: what is warm-up is known only later
  double mean() const { return sum / static_cast<double>(count); }
};

// A number that grows with the steps: tokens seen, samples consumed.
struct running_total {
  double first = 0;
  double last = 0;
  std::optional<std::int64_t> first_step;
  std::optional<std::int64_t> last_step;
  double resolution = 0;   // one unit of the last printed digit, of the coarsest that was printed
  double least_gain = 0;   // of such a pair as follows
  double gained = 0;       // over the pairs of records of which both the step and the total grew
  std::int64_t steps = 0;  // of these pairs
  std::int64_t line = 0;   // where it was first said
  // Σ gained / Σ steps; nothing before two records with their step numbers, nor where what is gained is a digit
  // or two of what was printed.
  std::optional<double> per_step() const {
    bool const rounded = resolution > 1;
    if (steps == 0 || (rounded && resolution > 0.01 * least_gain)) return std::nullopt;
    return gained / static_cast<double>(steps);
  }
};

// A fact of the run: as last said, and where it was first said.
template <typename T>
struct said {
  T value{};
  std::int64_t line = 0;
  bool changed = false;  // a batch size that ramps up, or two runs in one log
};

// Speeds as the log claims them.
struct log_claims {
  std::optional<running_statistic> tokens_per_second;            // of the whole job
  std::optional<running_statistic> tokens_per_processor_second;
  std::optional<running_statistic> samples_per_second;           // of the whole job
  std::optional<running_statistic> flop_rate;                    // FLOP/s of one processor
  std::optional<running_statistic> hardware_flop_rate;           // the same where recomputation is said to be in
  std::optional<running_statistic> mfu;                          // a ratio; a sentinel as printed, -1 for -100 %
  std::optional<running_statistic> hfu;
};

struct training_log {
  std::string_view framework;  // as people write it; empty when the log is not recognised
  std::int64_t lines = 0;

  std::int64_t steps = 0;     // records of steps, each counted once
  std::int64_t repeats = 0;   // records left out: another rank, or another file handle, said them already
  std::int64_t restarts = 0;  // how often the step number went back
  std::optional<std::int64_t> first_step;
  std::optional<std::int64_t> last_step;
  std::optional<said<std::int64_t>> total_steps;  // that the run was to have

  std::optional<running_statistic> step_time;        // as printed, of a step or averaged over an interval
  std::optional<running_statistic> micro_step_time;  // where the program times micro-steps instead
  std::optional<running_statistic> loss;
  std::optional<running_statistic> tokens_per_step;  // of the whole job
  std::optional<running_total> tokens_seen;
  std::optional<running_total> samples_seen;
  std::optional<running_total> micro_steps_seen;
  std::optional<said<double>> run_time;    // since the start
  std::optional<said<double>> run_tokens;  // in that time, said with it

  std::optional<said<std::int64_t>> global_batch_size;  // in samples
  std::optional<said<std::int64_t>> micro_batch_size;
  std::optional<said<std::int64_t>> gradient_accumulation_steps;
  std::optional<said<std::int64_t>> sequence_length;
  std::optional<said<std::int64_t>> world_size;
  std::optional<said<double>> parameters;  // N as printed, rounded or not
  std::optional<said<std::string>> device;
  std::optional<said<double>> peak;  // FLOP/s of one processor, that the program uses
  bool confidential_peak = false;    // it prints none, or 0 or less

  log_claims claimed;  // step by step
  log_claims summary;  // over the run so far, or at its end
};

// The most particular first: a log that shows marks of several is the first one's.
enum class log_framework : std::uint8_t {
  flagperf, gpt_neox, nemo, primus, mindspeed, flagscale, megatron_rocm, megatron_bridge, megatron_deepspeed, megatron,
  torchtitan, nanotron, maxtext, composer, olmo, internevo, colossalai, prime_rl, nanochat, llm_c, nanogpt, litgpt,
  hugging_face, lightning, deepspeed, kunmetrics
};

inline constexpr std::array<std::string_view, 26> log_framework_names{
    "FlagPerf", "gpt-neox", "NeMo", "Primus", "MindSpeed", "FlagScale", "Megatron-LM (ROCm)", "Megatron-Bridge",
    "Megatron-DeepSpeed", "Megatron-LM", "torchtitan", "nanotron", "MaxText", "composer", "OLMo", "InternEvo",
    "ColossalAI", "prime-rl", "nanochat", "llm.c", "nanoGPT", "litgpt", "Hugging Face Trainer", "Lightning",
    "DeepSpeed", "kunmetrics"};
constexpr std::string_view name_of(log_framework f) { return log_framework_names.at(static_cast<std::size_t>(f)); }

}  // namespace kunmetrics
