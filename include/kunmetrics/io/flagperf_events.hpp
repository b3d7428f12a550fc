// FlagPerf's event lines, so that a run stands in its harness's logs like any case of its own.
//
//   [PerfLog] {"event": "STEP_END", "value": {"loss": 5.27, "global_steps": 12, "num_trained_samples": 1152,
//              "learning_rate": 0.0003, "seq/s": 83.5, ...}, "metadata": {"file": "...", "lineno": 86,
//              "time_ms": 1669034171032, "rank": 0}}
// The value of a step has FlagPerf's own keys first and then the record's other fields as steps.jsonl names
// them; that of FINISHED has e2e_time, training_sequences_per_second, final_loss and raw_train_time first
// and then the summary with its units. Any Hana Struct may be a value. As in FlagPerf a message of text
// stands under "other", and an event without a message has no value. seq/s is of that step alone.
// Source: FlagPerf training/benchmarks/driver/{perf_logger,event,log_event}.py and its README's logs.
#pragma once

#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/python_json.hpp>

#include <chrono>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

namespace kunmetrics {

enum class flagperf_event {
  init_start, init_end, train_start, train_end, epoch_begin, epoch_end, step_begin, step_end, backward,
  init_evaluation, evaluate, launch_training, convert_model, create_optimizer, model_to_fp16, model_to_ddp,
  finished, submit_info
};

inline constexpr std::array<std::string_view, 18> flagperf_event_names{
    "INIT_START",    "INIT_END",         "TRAIN_START",   "TRAIN_END",       "EPOCH_BEGIN", "EPOCH_END",
    "STEP_BEGIN",    "STEP_END",         "BACKWARD",      "INIT_EVALUATION", "EVALUATE",    "LAUNCH_TRAINING",
    "CONVERT_MODEL", "CREATE_OPTIMIZER", "MODEL_TO_FP16", "MODEL_TO_DDP",    "FINISHED",    "SUBMIT_INFO"};
constexpr std::string_view name_of(flagperf_event e) { return flagperf_event_names.at(static_cast<std::size_t>(e)); }

namespace detail {
inline std::int64_t unix_milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}
}  // namespace detail

// Who and when, as the harnesses' metadata say it.
struct event_origin {
  std::int64_t time_ms = detail::unix_milliseconds();  // since the Unix epoch
  std::int64_t rank = 0;
  std::source_location from = std::source_location::current();
};

namespace detail {
inline json flagperf_line_json(flagperf_event event, event_origin const& origin, std::string_view key, json value) {
  json line{{"event", name_of(event)}};
  if (!key.empty()) line[std::string{key}] = std::move(value);
  line["metadata"] = {{"file", origin.from.file_name()},
                      {"lineno", origin.from.line()},
                      {"time_ms", origin.time_ms},
                      {"rank", origin.rank}};
  return line;
}
inline std::string flagperf_text(json const& line) { return "[PerfLog] " + python_json(line) + '\n'; }
}  // namespace detail

// One line, newline included: an event alone, one with a text, one with the fields of any Hana Struct.
inline std::string flagperf_line(flagperf_event event, event_origin const& origin = {}) {
  return detail::flagperf_text(detail::flagperf_line_json(event, origin, {}, nullptr));
}
inline std::string flagperf_line(flagperf_event event, std::string_view message, event_origin const& origin = {}) {
  return detail::flagperf_text(detail::flagperf_line_json(event, origin, "other", message));
}
template <detail::hana_struct Struct>
std::string flagperf_line(flagperf_event event, Struct const& value, event_origin const& origin = {}) {
  return detail::flagperf_text(detail::flagperf_line_json(event, origin, "value", json_of<number_form::plain>(value)));
}
template <std::same_as<json> Json>  // no text turns into one
std::string flagperf_line(flagperf_event event, Json const& value, event_origin const& origin = {}) {
  return detail::flagperf_text(detail::flagperf_line_json(event, origin, "value", value));
}

// A step of `batch` samples of the whole job; num_trained_samples counts `batch` for each step so far.
template <detail::hana_struct Record>
std::string flagperf_step_line(Record const& record, global_batch_size_t batch, event_origin const& origin = {}) {
  json value{{"loss", json_of<number_form::plain>(record.loss)},
             {"global_steps", record.step.coherent()},
             {"num_trained_samples", (record.step * batch).coherent()},
             {"learning_rate", json_of<number_form::plain>(record.learning_rate)},
             {"seq/s", detail::json_of_number(static_cast<double>(batch.coherent()) / record.time.coherent())}};
  auto fields = json_of<number_form::plain>(record);
  for (auto const& [key, field] : fields.items()) {
    if (!value.contains(key) && key != "step") value[key] = field;
  }
  return flagperf_line(flagperf_event::step_end, value, origin);
}

// The end of a run. `whole_time` is that of the program, in FlagPerf's words end to end.
template <typename... Calculators>
std::string flagperf_finished_line(summary<Calculators...> const& run, quantity_of<units::second> whole_time,
                                   event_origin const& origin = {}) {
  auto const samples = static_cast<double>(run.steps.coherent()) *
                       static_cast<double>(run.global_batch_size.coherent());
  json value{{"e2e_time", whole_time.coherent()},
             {"training_sequences_per_second", detail::json_of_number(samples / run.time.coherent())},
             {"final_loss", json_of<number_form::plain>(run.loss)},
             {"raw_train_time", run.time.coherent()}};
  auto described = json_of(run);
  for (auto const& [key, field] : described.items()) value[key] = field;
  return flagperf_line(flagperf_event::finished, value, origin);
}

}  // namespace kunmetrics
