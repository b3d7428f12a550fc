// A line that is a JSON object: one step's numbers under flat keys.
//
//   {"step":12,"time":1.149,"tokens":49152,"loss":5.27,...}                                        kunmetrics' steps.jsonl
//   {"step": 0, "perf/step_time_seconds": 5.7, "perf/per_device_tflops_per_sec": 134.9, ...}       MaxText's metrics file
//   {"global_step": 10, "loss": 2.1, "tokens_per_second": 76957.8, ...}                            anybody's
// Read are only keys whose name says the unit, and those of a program that is recognised by them; an "mfu" of a
// program unknown may be a ratio or a percentage and is left. Nesting is not looked at.
#pragma once

#include <kunmetrics/io/logs/collector.hpp>

namespace kunmetrics::logs {

namespace parts {
// The first of the keys that the object has, with its colon.
template <std::size_t N>
std::optional<printed> json_number(std::string_view object, std::string_view const (&keys)[N]) {
  for (auto const key : keys) {
    auto const text = text_after(object, key);
    if (text && trimmed(*text).starts_with(':')) return number_in(*text);
  }
  return std::nullopt;
}
}  // namespace parts

inline void read_json_record(std::string_view line, collector& to) {
  using parts::json_number;
  record found;
  found.step = count_of(json_number(line, {"\"step\"", "\"global_step\"", "\"iteration\""}));
  if (!found.step) return;
  found.rank = count_of(json_number(line, {"\"rank\""})).value_or(-1);
  bool const ours = line.starts_with("{\"step\":") && line.find("\"phases\":") != std::string_view::npos;
  if (ours) {
    to.mark(log_framework::kunmetrics);
    found.set(field::step_time, json_number(line, {"\"time\""}));
    found.set(field::tokens_per_step, json_number(line, {"\"tokens\""}));
  }
  if (line.find("\"perf/per_device_") != std::string_view::npos) to.mark(log_framework::maxtext);
  found.set(field::loss, json_number(line, {"\"loss\"", "\"train/loss\"", "\"train_loss\"", "\"learning/loss\""}));
  found.set(field::tokens_per_second, json_number(line, {"\"tokens_per_second\"", "\"tokens_per_sec\""}));
  found.set(field::tokens_per_processor_second,
            json_number(line, {"\"tokens_per_processor_second\"", "\"tokens_per_sec_per_gpu\"",
                               "\"perf/per_device_tokens_per_sec\""}));
  found.set(field::samples_per_second, json_number(line, {"\"samples_per_second\"", "\"samples_per_sec\""}));
  found.set(field::tokens_seen,
            json_number(line, {"\"num_input_tokens_seen\"", "\"tokens_seen\"", "\"consumed_tokens\""}));
  if (!ours) found.set(field::step_time, json_number(line, {"\"perf/step_time_seconds\"", "\"step_time_seconds\""}));
  if (auto const rate = json_number(line, {"\"perf/per_device_tflops_per_sec\"", "\"tflops_per_gpu\""})) {
    found.set(field::flop_rate, *rate * 1e12);
  }
  to.take(source::json, found);
}

}  // namespace kunmetrics::logs
