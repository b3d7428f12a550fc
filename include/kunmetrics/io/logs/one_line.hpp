// Programs that say a step in one line of their own: InternEvo, ColossalAI, prime-rl, FlagPerf.
//
//   tflops=171.92 step=1 loss=11.546 tgs (tokens/gpu/second)=3871.11 ... micro_num=4 num_consumed_tokens=262144     InternEvo
//   Step time: 19.714    Throughput: 12.3 samples/sec, TFLOPS per GPU by Megatron: 190.2, TFLOPS per GPU: 180.2    ColossalAI
//   step: 8, loss: 975.9991, tokens_per_second: 76957.79, mfu: 42.46                                               prime-rl
//   Step 3 | Time: 12.30s | Loss: 0.5012 | Throughput: 12345 tokens/s | MFU: 23.4%                                 prime-rl
//   [PerfLog] {"event": "STEP_END", "value": {"loss": 2.67, "global_steps": 3397, ...}}                              FlagPerf
//   System tokens per second: 28512.0   Tokens/p/s: 3564.0   Theory TFLOPS: 312                                     its end
// InternEvo's TFLOP/s have the recomputation in where it is on; the log does not say whether it is.
// Sources: internlm/core/trainer_utils, FlagPerf training/benchmarks/driver/perf_logger.py.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

inline bool read_internevo_step(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, " step="));
  if (!found.step) return false;
  to.mark(log_framework::internevo);
  found.set(field::loss, number_after(line.text, " loss="));
  found.set(field::tokens_per_processor_second, number_in(line.after));
  if (auto const rate = number_after(line.text, "tflops=")) found.set(field::flop_rate, *rate * 1e12);
  found.set(field::tokens_seen, number_after(line.after, "num_consumed_tokens="));
  to.state_count(to.log.gradient_accumulation_steps, number_after(line.after, "micro_num="));
  to.take(source::internevo, found);
  return true;
}

inline bool read_colossalai_step(anchored_line const& line, collector& to) {
  auto const time = number_in(line.after);
  if (!time) return false;
  if (line.text.find("colossalai") != std::string_view::npos) to.mark(log_framework::colossalai);
  if (!to.marked(log_framework::colossalai)) return false;
  record found;
  found.set(field::step_time, time);
  to.take(source::colossalai, found);
  return true;
}

inline bool read_colossalai_rate(anchored_line const& line, collector& to) {
  to.mark(log_framework::colossalai);
  record found;
  found.set(field::loss, number_after(line.text, "loss:"));
  found.set(field::samples_per_second, number_after(line.text, "Throughput: "));
  found.set(field::tokens_per_processor_second, number_after(line.text, "tokens_per_second_per_device: "));
  if (auto const rate = number_after(line.after, "TFLOPS per GPU: ")) found.set(field::flop_rate, *rate * 1e12);
  to.take(source::colossalai, found);
  return true;
}

inline bool read_prime_rl_step(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "step: "));
  if (!found.step || line.text.find(", loss: ") == std::string_view::npos) return false;
  to.mark(log_framework::prime_rl);
  found.rank = rank_of(line.text);
  found.set(field::loss, number_after(line.text, "loss: "));
  found.set(field::tokens_per_second, number_in(line.after));
  if (auto const mfu = number_after(line.after, "mfu: ")) found.set(field::mfu, *mfu * 0.01);
  to.take(source::prime_rl, found);
  return true;
}

inline bool read_prime_rl_cells(anchored_line const& line, collector& to) {
  record found;
  found.step = count_of(number_after(line.text, "Step "));
  if (!found.step || line.after.find("tokens/s") == std::string_view::npos) return false;
  to.mark(log_framework::prime_rl);
  found.rank = rank_of(line.text);
  found.set(field::step_time, number_after(line.text, "Time: "));
  found.set(field::loss, number_after(line.text, "Loss: "));
  found.set(field::tokens_per_second, number_in(line.after));
  if (auto const mfu = number_after(line.after, "MFU: ")) found.set(field::mfu, *mfu * 0.01);
  to.take(source::prime_rl, found);
  return true;
}

inline bool read_perf_log(anchored_line const& line, collector& to) {
  to.mark(log_framework::flagperf);
  record found;
  found.step = count_of(number_after(line.after, "\"global_steps\": "));
  if (line.after.find("\"STEP_END\"") == std::string_view::npos || !found.step) {
    to.summarise(field::samples_per_second, number_after(line.after, "\"training_samples_per_second\": "));
    return true;
  }
  found.rank = count_of(number_after(line.after, "\"rank\": ")).value_or(-1);
  found.set(field::loss, number_after(line.after, "\"loss\": "));
  found.set(field::samples_seen, number_after(line.after, "\"num_trained_samples\": "));
  found.set(field::samples_per_second, number_after(line.after, "\"seq/s\": "));
  to.take(source::flagperf, found);
  return true;
}

template <field Field>
bool summarises_flagperf(anchored_line const& line, collector& to) {
  to.mark(log_framework::flagperf);
  to.summarise(Field, number_in(line.after));
  return false;  // they may stand in one line
}
// Others print such a line too; FlagPerf's own is the last of its result.
inline bool read_flagperf_mfu(anchored_line const& line, collector& to) {
  if (to.marked(log_framework::flagperf)) to.summarise(field::mfu, number_in(line.after));
  return false;
}
inline bool read_flagperf_peak(anchored_line const& line, collector& to) {
  auto const tera = number_in(line.after);
  if (!tera) return false;
  to.state_amount(to.log.peak, *tera * 1e12);
  if (!(tera->value > 0)) to.log.confidential_peak = true;
  return false;
}

inline constexpr std::array one_line_anchors{
    log_anchor{"tgs (tokens/gpu/second)=", read_internevo_step},
    log_anchor{"colossalai - colossalai", marks<log_framework::colossalai>},
    log_anchor{"Step time: ", read_colossalai_step},
    log_anchor{"TFLOPS per GPU by Megatron: ", read_colossalai_rate},
    log_anchor{"tokens_per_second: ", read_prime_rl_step},
    log_anchor{"| Throughput: ", read_prime_rl_cells},
    log_anchor{"[PerfLog] {", read_perf_log},
    log_anchor{"System tokens per second: ", summarises_flagperf<field::tokens_per_second>},
    log_anchor{"Tokens/p/s: ", summarises_flagperf<field::tokens_per_processor_second>},
    log_anchor{"Theory TFLOPS: ", read_flagperf_peak},
    log_anchor{"MFU:  ", read_flagperf_mfu},
};

}  // namespace kunmetrics::logs
