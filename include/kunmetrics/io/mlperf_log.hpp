// MLPerf's log lines, as its mlperf_logging package writes them and its compliance checker reads them.
//
//   :::MLLOG {"namespace": "", "time_ms": 1713455596653, "event_type": "POINT_IN_TIME", "key": "train_loss",
//             "value": 5.27, "metadata": {"file": "train.cpp", "lineno": 217, "samples_count": 1152}}
// As there, a value that is one number is written as a float (1024 is 1024.0, true is 1.0), and a text
// that Python's float() reads becomes that float; objects stay as they are. The compliance of a run is
// MLPerf's to judge: these are its lines, not its rules.
// Source: github.com/mlcommons/logging, mlperf_logging/mllog/{mllog,constants}.py.
#pragma once

#include <kunmetrics/io/flagperf_events.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace kunmetrics {

enum class mlperf_event { interval_start, interval_end, point_in_time };

inline constexpr std::array<std::string_view, 3> mlperf_event_names{"INTERVAL_START", "INTERVAL_END", "POINT_IN_TIME"};
constexpr std::string_view name_of(mlperf_event e) { return mlperf_event_names.at(static_cast<std::size_t>(e)); }

namespace detail {
inline json mlperf_value(json value) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return value;
  auto const& text = value.get_ref<std::string const&>();
  double number = 0;
  auto const end = text.data() + text.size();
  auto const read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end && std::isfinite(number) ? json(number) : value;
}
}  // namespace detail

// One line, newline included. `more` is added to the metadata behind file and line.
inline std::string mlperf_line(mlperf_event event, std::string_view key, json value = nullptr,
                               json const& more = json::object(), event_origin const& origin = {},
                               std::string_view name_space = {}) {
  json line{{"namespace", name_space}, {"time_ms", origin.time_ms}, {"event_type", name_of(event)}, {"key", key},
            {"value", detail::mlperf_value(std::move(value))},
            {"metadata", {{"file", origin.from.file_name()}, {"lineno", origin.from.line()}}}};
  line["metadata"].update(more);
  return ":::MLLOG " + python_json(line) + '\n';
}

// A number of any kind of this library, its unit and provenance in the metadata.
template <detail::single_number T>
std::string mlperf_number_line(std::string_view key, maybe<T> const& number, json more = json::object(),
                               event_origin const& origin = {}) {
  auto described = json_of(number);
  auto value = described["value"];
  described.erase("value");
  described.update(more);
  return mlperf_line(mlperf_event::point_in_time, key, value, described, origin);
}

// A step: its loss under MLPerf's key, and the record's other fields as tracked_stats.
template <detail::hana_struct Record>
std::string mlperf_step_lines(Record const& record, global_batch_size_t batch, event_origin const& origin = {}) {
  auto const samples = (record.step * batch).coherent();
  auto const loss = json_of<number_form::plain>(record.loss);
  std::string lines;
  if (!loss.is_null())
    lines = mlperf_line(mlperf_event::point_in_time, "train_loss", loss, {{"samples_count", samples}}, origin);
  auto stats = json_of<number_form::plain>(record);
  stats["throughput"] = detail::json_of_number(static_cast<double>(batch.coherent()) / record.time.coherent());
  return lines + mlperf_line(mlperf_event::point_in_time, "tracked_stats", stats, {{"step", samples}}, origin);
}

}  // namespace kunmetrics
