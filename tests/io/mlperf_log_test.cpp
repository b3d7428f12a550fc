#include <kunmetrics/io/mlperf_log.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
event_origin const written{.time_ms = 1713455596653};
std::string where() {
  return "{\"file\": \"" + std::string{written.from.file_name()} +
         "\", \"lineno\": " + std::to_string(written.from.line());
}
// As MLPerf's compliance checker takes a line apart: token, JSON, four keys that must be there.
json parsed(std::string const& line) {
  REQUIRE(line.starts_with(":::MLLOG "));
  auto object = json::parse(line.substr(9));
  for (auto const* key : {"time_ms", "key", "value", "metadata"}) REQUIRE(object.contains(key));
  REQUIRE(object["time_ms"].is_number());
  return object;
}
}  // namespace

TEST_CASE("a line is what mllog writes, key by key") {
  CHECK(
      mlperf_line(mlperf_event::interval_start, "run_start", nullptr, json::object(), written) ==
      ":::MLLOG {\"namespace\": \"\", \"time_ms\": 1713455596653, \"event_type\": \"INTERVAL_START\", \"key\": \"run_start\", "
      "\"value\": null, \"metadata\": " +
          where() + "}}\n");
  CHECK(
      mlperf_line(mlperf_event::interval_end, "run_stop", nullptr, {{"status", "success"}}, written, "worker1")
          .find(
              "{\"namespace\": \"worker1\", \"time_ms\": 1713455596653, \"event_type\": \"INTERVAL_END\", \"key\": \"run_stop\", \"value\": null, \"metadata\": " +
              where() + ", \"status\": \"success\"}}") != std::string::npos);
}

TEST_CASE("values become floats as Python's float() would have them") {
  auto const value = [](json const& of) {
    return python_json(parsed(mlperf_line(mlperf_event::point_in_time, "k", of))["value"]);
  };
  CHECK(value(1024) == "1024.0");
  CHECK(value(true) == "1.0");
  CHECK(value("0.99") == "0.99");
  CHECK(value("adam") == "\"adam\"");
  CHECK(value({{"a", 1}}) == "{\"a\": 1}");
  CHECK(value(nullptr) == "null");
}

TEST_CASE("a step, and a number with its provenance") {
  step_record const record{.step = 12 * step, .time = 1.5 * second, .tokens = 49152 * token, .loss = 5.27};
  auto const lines = mlperf_step_lines(record, 96 * sample / step);
  auto const loss = parsed(lines.substr(0, lines.find('\n') + 1));
  CHECK(loss["key"] == "train_loss");
  CHECK(loss["value"] == 5.27);
  CHECK(loss["metadata"]["samples_count"] == 1152);
  auto const stats = parsed(lines.substr(lines.find('\n') + 1));
  CHECK(stats["key"] == "tracked_stats");
  CHECK(stats["value"]["throughput"] == 64.0);
  CHECK(stats["value"]["tokens"] == 49152);

  maybe<token_rate_t> const rate = 1000.0 * token / (processor * second);
  auto const told = parsed(mlperf_number_line("tokens_per_processor_second", rate));
  CHECK(told["value"] == 1000.0);
  CHECK(told["metadata"]["unit"] == "token/(processor s)");
  auto const none = parsed(mlperf_number_line("tokens_per_processor_second", maybe<token_rate_t>{absent{"no step"}}));
  CHECK(none["value"].is_null());
  CHECK(none["metadata"]["reason"] == "no step");
}
