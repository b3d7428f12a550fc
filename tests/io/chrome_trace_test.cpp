#include <kunmetrics/io/chrome_trace.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
std::vector<step_record> three_steps() {
  std::vector<step_record> records;
  for (int i = 1; i <= 3; ++i) {
    records.push_back({.step = i * step, .time = 1.25 * second, .tokens = 49152 * token, .loss = 6.0 - i});
    records.back().phases[static_cast<std::size_t>(phase::forward)] = 0.4 * second;
    records.back().phases[static_cast<std::size_t>(phase::backward)] = 0.8 * second;
  }
  records[1].skipped = true;
  records[1].loss.reset();
  return records;
}
json trace_of(std::vector<step_record> const& records, trace_names names = {}) {
  return json::parse(chrome_trace(std::span<step_record const>{records}, names));
}
}  // namespace

TEST_CASE("a pause between steps is drawn, and steps after it come later") {
  auto records = three_steps();
  records[0].paused = 9.0 * second;  // before the first: not drawn
  records[2].paused = 0.5 * second;
  auto const trace = trace_of(records);
  std::vector<json> pauses;
  double last_step = 0;
  for (auto const& event : trace["traceEvents"]) {
    if (event.value("cat", "") == "pause") pauses.push_back(event);
    if (event.value("cat", "") == "step") last_step = event["ts"];
  }
  REQUIRE(pauses.size() == 1);
  CHECK(pauses[0]["ts"] == 2.5e6);
  CHECK(pauses[0]["dur"] == 0.5e6);
  CHECK(last_step == 3e6);
}

TEST_CASE("every event has what the format asks for, and phases lie within their step, in order") {
  auto const trace = trace_of(three_steps(), {.process = "r300 \"1x8\"", .rank = 5});
  CHECK(trace["displayTimeUnit"] == "ms");
  CHECK(trace["otherData"]["drawn"].get<std::string>().find("not when it came") != std::string::npos);
  double step_begin = 0, step_end = 0, last = -1;
  int steps = 0, phases = 0, counters = 0;
  for (auto const& event : trace["traceEvents"]) {
    REQUIRE(event.at("pid") == 0);
    REQUIRE(event.at("tid") == 5);
    REQUIRE(event.at("name").is_string());
    if (event.at("ph") == "M") {
      CHECK(event["args"]["name"] == (event["name"] == "process_name" ? "r300 \"1x8\"" : "rank 5"));
      continue;
    }
    double const ts = event.at("ts");
    if (event["ph"] == "C") {
      ++counters;
      CHECK(event["args"].size() == 1);
      CHECK(event["args"][event["name"].get<std::string>()].is_number());
      continue;
    }
    REQUIRE(event["ph"] == "X");
    double const dur = event.at("dur");
    if (event["cat"] == "step") {
      CHECK(ts >= step_end);
      step_begin = last = ts;
      step_end = ts + dur;
      ++steps;
      CHECK(event["args"]["tokens"] == 49152);
    } else {
      CHECK(ts >= last);
      CHECK(ts >= step_begin);
      CHECK(ts + dur <= step_end + 1e-3);
      last = ts + dur;
      ++phases;
    }
  }
  CHECK(steps == 3);
  CHECK(phases == 6);
  CHECK(counters == 5);  // the skipped step has no loss
  CHECK(step_end == doctest::Approx(3.75e6));
}

TEST_CASE("a skipped step's rate is zero; a step without time, or without end, is left out") {
  auto records = three_steps();
  auto const trace = trace_of(records);
  std::vector<double> rates;
  for (auto const& event : trace["traceEvents"]) {
    if (event["name"] == "token/s") rates.push_back(event["args"]["token/s"]);
  }
  CHECK(rates == std::vector{49152 / 1.25, 0.0, 49152 / 1.25});
  for (auto& record : records) record.time = {};
  records[0].time = std::numeric_limits<double>::quiet_NaN() * second;
  CHECK(trace_of(records)["traceEvents"].size() == 2);
  CHECK(trace_of({})["traceEvents"].size() == 2);
}

TEST_CASE("long runs are written in pieces") {
  std::vector<step_record> records(5000, three_steps()[0]);
  std::size_t pieces = 0;
  std::string whole;
  write_chrome_trace(std::span<step_record const>{records}, {}, [&](std::string_view piece) {
    ++pieces;
    whole += piece;
  });
  CHECK(pieces > 10);
  CHECK(json::parse(whole)["traceEvents"].size() == 2 + 5000 * 5);
}
