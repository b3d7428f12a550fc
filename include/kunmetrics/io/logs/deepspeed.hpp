// DeepSpeed's own lines, which stand in the logs of whatever runs on it.
//
//   [Rank 0] step=20, skipped=17, lr=[5e-05], mom=[(0.9, 0.999)]
//   0/20, RunningAvgSamplesPerSec=232.7, CurrSamplesPerSec=227.5       its throughput timer; alone "SamplesPerSec" is the average
//   steps: 30 loss: 10.7133 iter time (s): 0.283 samples/sec: 226.457  the pipeline engine
//   Model Parameters: 1.429 B, Latency: 0.60s, TFLOPs: 77.26, Samples/sec: 26.59, ..., Batch Size: 16, Sequence Length: 512   Chat
//   samples/second:                       433.07                       the flops profiler's table, one value a line
// The timer of old versions counts micro-steps: where a step= line is known its number is not used. DeepSpeed-Chat's
// line is of a micro-step, its batch that of all ranks, its TFLOP/s with the recomputation in where it is on.
// gpt-neox adds "%comms:" and the like. Sources: deepspeed/utils/timer.py, runtime/engine.py, pipe/engine.py,
// profiling/flops_profiler/profiler.py; DeepSpeed-Chat's utils/perf.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_deepspeed_step(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "step="));
  if (!found.step || line.text.find("lr=[") == std::string_view::npos) return false;
  found.rank = rank_of(line.text);
  to.mark(log_framework::deepspeed);
  to.take(source::deepspeed_step, found);
  return true;
}

// The number of the timer's step: "global_step=50", or behind the bar of "0/50".
inline std::optional<std::int64_t> deepspeed_timer_step(std::string_view line) {
  if (auto const step = count_of(number_after(line, "global_step="))) return step;
  auto const stop = text_after(line, "] ");
  if (!stop) return std::nullopt;
  auto const at = line.rfind("] ", line.find("SamplesPerSec"));
  if (at == std::string_view::npos) return std::nullopt;
  auto text = line.substr(at + 2);
  if (!take_number(text) || !text.starts_with('/')) return std::nullopt;
  return count_of(number_in(text.substr(1)));
}

inline bool read_deepspeed_timer(anchored_line const& line, collector& to) {
  to.mark(log_framework::deepspeed);
  record found;
  found.step = deepspeed_timer_step(line.text);
  found.rank = rank_of(line.text);
  found.set(field::samples_per_second, number_after(line.text, "CurrSamplesPerSec="));
  if (!to.take(source::deepspeed_timer, found)) return true;
  auto const average = number_after(line.text, "RunningAvgSamplesPerSec=");
  to.summarise(field::samples_per_second, average ? average : number_after(line.text, ", SamplesPerSec="));
  return true;
}

inline bool read_deepspeed_pipeline(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "steps: "));
  if (!found.step) return false;
  to.mark(log_framework::deepspeed);
  found.rank = rank_of(line.text.substr(0, line.text.find("steps: ")));
  found.set(field::loss, number_after(line.text, "loss: "));
  found.set(field::step_time, number_in(line.after));
  found.set(field::samples_per_second, number_after(line.text, "samples/sec: "));
  to.take(source::deepspeed_pipeline, found);
  return true;
}

// What its step is, is a micro-step where gradients are accumulated: time and batch are of the same.
inline bool read_deepspeed_chat(anchored_line const& line, collector& to) {
  record found;
  auto const batch = number_after(line.after, "Batch Size: ");
  if (!batch || line.text.find("Model Parameters: ") == std::string_view::npos) return false;
  to.mark(log_framework::deepspeed);
  found.set(field::step_time, number_after(line.text, "Latency: "));
  found.set(field::samples_per_second, number_after(line.text, "Samples/sec: "));
  if (auto const rate = number_after(line.text, "TFLOPs: ")) found.set(field::flop_rate, *rate * 1e12);
  to.state_amount(to.log.parameters, human_number_after(line.text, "Model Parameters: "));
  to.state_count(to.log.global_batch_size, batch);
  to.state_count(to.log.sequence_length, number_after(line.after, "Sequence Length: "));
  to.take(source::deepspeed_chat, found);
  return true;
}

// "Profile Summary at step 10:", before the values of that step.
inline bool read_profiler_head(anchored_line const& line, collector& to) {
  parts::scanned_number const step{line.after};  // a colon follows it
  if (!step.valid()) return false;
  record found;
  found.step = count_of(step.value());
  to.mark(log_framework::deepspeed);
  to.take(source::deepspeed_profiler, found);
  return true;
}
// "184.73 ms", "1.2 s", "34.09 us"
inline bool read_profiler_latency(anchored_line const& line, collector& to) {
  auto text = line.after;
  auto const time = take_number(text);
  if (!time) return true;
  auto const unit = trimmed(text);
  to.add(source::deepspeed_profiler, field::step_time,
         unit.starts_with("ms") ? *time * 1e-3 : unit.starts_with("us") ? *time * 1e-6 : *time);
  return true;
}
inline bool read_profiler_flops(anchored_line const& line, collector& to) {
  to.add(source::deepspeed_profiler, field::flop_rate, human_number_in(line.after));
  return true;
}

inline constexpr std::array deepspeed_anchors{
    log_anchor{", Time/seq ", read_deepspeed_chat},
    log_anchor{"Profile Summary at step ", read_profiler_head},
    log_anchor{"iter latency:  ", read_profiler_latency},
    log_anchor{"fwd flops per GPU / iter latency: ", read_profiler_flops},
    log_anchor{"samples/second:  ", adds<source::deepspeed_profiler, field::samples_per_second>},
    log_anchor{"params of model = params per GPU * mp_size: ", states_amount<&training_log::parameters>},
    log_anchor{"world size:  ", states_count<&training_log::world_size>},
    log_anchor{"batch size per GPU:  ", states_count<&training_log::micro_batch_size>},
    log_anchor{", skipped=", read_deepspeed_step},
    log_anchor{"SamplesPerSec=", read_deepspeed_timer},
    log_anchor{"iter time (s): ", read_deepspeed_pipeline},
    // DALLE-pytorch, "0 12609 sample_per_sec - 35.6": a rate that is no step of its own
    log_anchor{"sample_per_sec - ", adds<source::deepspeed_timer, field::samples_per_second>},
    log_anchor{"%comms: ", marks<log_framework::gpt_neox>},
    log_anchor{"%optimizer_step ", marks<log_framework::gpt_neox>},
};

}  // namespace kunmetrics::logs
