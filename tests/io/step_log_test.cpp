#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/io/step_log.hpp>
#include <kunmetrics/io/training_log.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <random>

using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
std::vector<step_record> some_records(std::size_t count) {
  std::mt19937_64 bits{11};
  std::vector<step_record> records;
  for (std::size_t i = 0; i < count; ++i) {
    auto const any = [&] { return std::ldexp(static_cast<double>(bits() >> 12U), static_cast<int>(bits() % 40) - 70); };
    step_record record{.step = static_cast<std::int64_t>(i + 1) * step,
                       .time = any() * second,
                       .tokens = 49152 * token,
                       .skipped = i % 7 == 0,
                       .warm_up = i < 2};
    if (i % 3 != 0) record.loss = any();
    if (i % 5 != 0) record.grad_norm = -any();
    record.learning_rate = any();
    for (auto& time : record.phases) time = any() * second;
    records.push_back(record);
  }
  return records;
}
std::string lines_of(std::vector<step_record> const& records) {
  std::string text;
  for (auto const& record : records) text += json_line(record);
  return text;
}
std::string read_error(std::string_view text) {
  scratch_folder const folder;
  auto const path = folder.file("s.jsonl", text);
  return message_of([&] { read_step_log(path); }).substr(path.string().size());
}
}  // namespace

TEST_CASE("what json_lines writes comes back bit by bit") {
  scratch_folder const folder;
  auto const records = some_records(3000);
  auto const text = lines_of(records);
  auto const log = read_step_log(folder.file("steps.jsonl", text));
  CHECK_FALSE(log.cut);
  CHECK(log.lines == 3000);
  CHECK(log.restarts == 0);
  CHECK(lines_of(log.records) == text);
}

TEST_CASE("cut at any byte, it is readable up to the last whole line") {
  scratch_folder const folder;
  auto const records = some_records(3);
  auto const text = lines_of(records);
  for (std::size_t size = 0; size <= text.size(); ++size) {
    auto const log = read_step_log(folder.file("steps.jsonl", std::string_view{text}.substr(0, size)));
    auto const whole = static_cast<std::size_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    REQUIRE(log.records.size() == whole);
    REQUIRE(log.cut == (size > 0 && text[size - 1] != '\n'));
  }
}

TEST_CASE("keys of a richer record are passed over, missing ones keep their default") {
  scratch_folder const folder;
  auto const log = read_step_log(folder.file(
      "s.jsonl",
      R"({"time": 1.5, "step": 7, "device": {"power": 74.0, "text": "}\"", "list": [1, {"a": null}]}, "phases": {"forward": 0.5, "new": 1}, "loss": null, "more": false})"
      "\r\n"));
  REQUIRE(log.records.size() == 1);
  CHECK(log.records[0].step == 7 * step);
  CHECK(log.records[0].time == 1.5 * second);
  CHECK_FALSE(log.records[0].loss);
  CHECK(log.records[0].phases[1] == 0.5 * second);
  auto const rounded = read_step_log(folder.file("n.jsonl", "{\"step\":1,\"time\":null}\n"));
  CHECK(std::isnan(rounded.records[0].time.coherent()));
}

TEST_CASE("a run resumed from a checkpoint counts each step once, as it was done last") {
  scratch_folder const folder;
  std::string text;
  for (int i : {1, 2, 3, 4, 3, 4, 5})
    text += json_line(step_record{
        .step = i * step, .time = static_cast<double>(i) * second, .loss = static_cast<double>(text.size())});
  auto const log = read_step_log(folder.file("s.jsonl", text));
  CHECK(log.restarts == 1);
  REQUIRE(log.records.size() == 5);
  CHECK(log.records[2].loss > log.records[1].loss);
  CHECK(log.records[4].step == 5 * step);
}

TEST_CASE("a line that is no record is an error with its number") {
  CHECK(read_error("{\"step\":1,\"time\":2}\n{\"step\":2,\"tim\n") == ":2: needed the end of a string, found tim");
  CHECK(read_error("[]\n") == ":1: needed an object, found []");
  CHECK(read_error("{\"step\":1.5,\"time\":2}\n") ==
        ":1: needed a comma or the end of the object, found .5,\"time\":2}");
  CHECK(read_error("{\"step\":1}\n") == ":1: needed the key \"time\", found {\"step\":1}");
  CHECK(read_error("{\"step\":\"x\",\"time\":1}\n") == ":1: needed an integer, found \"x\",\"time\":1}");
  CHECK(read_error("{\"step\":1,\"time\":1,\"loss\":1e999}\n") ==
        ":1: needed a number that a double can hold, found 1e999}");
  CHECK(read_error("{\"step\":1,\"time\":1,\"skipped\":nan}\n") == ":1: needed true or false, found nan}");
  CHECK(read_error("{\"step\":1,\"time\":1} x\n") == ":1: needed the end of the line, found x");
  CHECK(read_error("{\"step\":99999999999999999999,\"time\":1}\n") ==
        ":1: needed an integer within 64 bits, found 99999999999999999999,\"time\":1}");
  CHECK(message_of([] { read_step_log("none.jsonl"); }) == "none.jsonl: needed a readable file, found none");
}

TEST_CASE("the reader of training logs agrees with this one") {
  auto const records = some_records(50);
  auto const log = read_training_log_text(lines_of(records));
  CHECK(log.framework == "kunmetrics");
  CHECK(log.steps == 50);
  CHECK(log.step_time->last == records.back().time.coherent());
  CHECK(log.loss->last == *records.back().loss);
  CHECK(log.tokens_per_step->last == 49152);
}
