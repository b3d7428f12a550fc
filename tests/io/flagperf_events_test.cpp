// The lines byte by byte, and our own log reader on them, which was written for logs of FlagPerf's own.
#include "../hand_clock.hpp"
#include "../r300_case.hpp"

#include <kunmetrics/io/flagperf_events.hpp>
#include <kunmetrics/io/training_log.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <limits>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto const& run = r300_case;

struct user_struct {
  std::string what = "ж";
  double small = 1e-5;
  using hana_accessors_impl = fields<field<"what", &user_struct::what>, field<"small", &user_struct::small>>;
};

event_origin const written{.time_ms = 1669034171032, .rank = 3};
std::string metadata() {
  return "\"metadata\": {\"file\": \"" + std::string{written.from.file_name()} +
         "\", \"lineno\": " + std::to_string(written.from.line()) + ", \"time_ms\": 1669034171032, \"rank\": 3}}\n";
}
}  // namespace

TEST_CASE("a line is what json.dumps makes of an event, a text, or any Hana Struct") {
  CHECK(flagperf_line(flagperf_event::train_end, written) == "[PerfLog] {\"event\": \"TRAIN_END\", " + metadata());
  CHECK(flagperf_line(flagperf_event::launch_training, "Launch training", written) ==
        "[PerfLog] {\"event\": \"LAUNCH_TRAINING\", \"other\": \"Launch training\", " + metadata());
  CHECK(flagperf_line(flagperf_event::evaluate, user_struct{}, written) ==
        "[PerfLog] {\"event\": \"EVALUATE\", \"value\": {\"what\": \"\\u0436\", \"small\": 1e-05}, " + metadata());
  CHECK(name_of(flagperf_event::submit_info) == "SUBMIT_INFO");
}

TEST_CASE("floats as Python's repr has them") {
  auto const repr = [](double value) { return python_json(json(value)); };
  CHECK(repr(1024) == "1024.0");
  CHECK(repr(0.0001) == "0.0001");
  CHECK(repr(0.00001) == "1e-05");
  CHECK(repr(1e15) == "1000000000000000.0");
  CHECK(repr(1e16) == "1e+16");
  CHECK(repr(-0.1) == "-0.1");
  CHECK(repr(822.455385237589) == "822.455385237589");
  CHECK(repr(0) == "0.0");
  CHECK(repr(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(python_json({{"a", {1, true, nullptr}}, {"b", json::object()}}) == R"({"a": [1, true, null], "b": {}})");
}

TEST_CASE("the reader of training logs reads what is written: steps, loss, samples, rate, rank") {
  std::string log = flagperf_line(flagperf_event::init_start) + flagperf_line(flagperf_event::train_start);
  for (int i = 1; i <= 20; ++i) {
    step_record const record{.step = i * step,
                             .time = 1.2 * second,
                             .tokens = 49152 * token,
                             .loss = 10.0 - i * 0.25,
                             .learning_rate = 3e-4};
    log += flagperf_step_line(record, global_batch_size(run));
  }
  log += flagperf_line(flagperf_event::train_end);
  auto const read = read_training_log_text(log);
  CHECK(read.framework == "FlagPerf");
  CHECK(read.steps == 20);
  CHECK(read.loss->first == 9.75);
  CHECK(read.loss->last == 5.0);
  CHECK(*read.samples_seen->per_step() == 96);
  CHECK(read.claimed.samples_per_second->mean() == doctest::Approx(80));
}

TEST_CASE("a step's value has FlagPerf's keys first, then the rest of the record") {
  step_record record{.step = 12 * step, .time = 1.5 * second, .tokens = 49152 * token, .grad_norm = 0.5};
  record.phases[0] = 0.25 * second;
  auto const line = flagperf_step_line(record, global_batch_size(run), written);
  CHECK(line.starts_with(
      "[PerfLog] {\"event\": \"STEP_END\", \"value\": {\"loss\": null, \"global_steps\": 12, \"num_trained_samples\": 1152, "
      "\"learning_rate\": null, \"seq/s\": 64.0, \"time\": 1.5, \"tokens\": 49152, \"grad_norm\": 0.5, "));
  CHECK(line.find("\"phases\": {\"data\": 0.25, ") != std::string::npos);
}

TEST_CASE("the end has FlagPerf's keys and the summary with units, conventions and peak") {
  hand_clock::at = {};
  basic_meter<hand_clock, tokens_per_processor_second_t, utilization_calculator<model_work<flops::palm>>> measured{
      run, {.warm_up = 0 * step}, {}, {}};
  auto running = measured.start();
  hand_clock::at += std::chrono::seconds{10};  // a rate that the processor can have: others are refused
  running.finish({.tokens = 49152 * token, .loss = 5.27});
  auto const line = flagperf_finished_line(summary_of(measured), 100.0 * second, written);
  auto const value = json::parse(line.substr(10))["value"];
  CHECK(line.starts_with(
      "[PerfLog] {\"event\": \"FINISHED\", \"value\": {\"e2e_time\": 100.0, \"training_sequences_per_second\": "));
  CHECK(value["final_loss"] == 5.27);
  CHECK(value["training_sequences_per_second"].get<double>() ==
        doctest::Approx(96 / value["raw_train_time"].get<double>()));
  CHECK(value["mfu"]["palm"]["peak"]["source"] == std::string{devices::kunlunxin_r300.peaks[0]->source});
  CHECK(value["tokens_per_processor_second"]["unit"] == "token/(processor s)");
}
