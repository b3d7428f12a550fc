#include <kunmetrics/io/json_lines.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <type_traits>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

// Two writers of one file would be two descriptors that each think they own it.
static_assert(!std::is_copy_constructible_v<json_lines>);
static_assert(!std::is_copy_assignable_v<json_lines>);

struct note {
  std::string text;
  struct hana_accessors_impl {
    static constexpr auto apply() { return fields<field<"text", &note::text>>(); }
  };
};

step_record third_step() {
  step_record record{.step = 3 * step, .time = 1.5 * second, .tokens = 49152 * token, .loss = 2.25, .grad_norm = 0.5,
                     .learning_rate = 3e-4, .loss_scale = 65536.0};
  record.phases[static_cast<std::size_t>(phase::forward)] = 0.5 * second;
  return record;
}
}  // namespace

TEST_CASE("a step record is one line of bare numbers") {
  CHECK(json_line(third_step()) ==
        R"({"step":3,"time":1.5,"tokens":49152,"loss":2.25,"grad_norm":0.5,"learning_rate":0.0003,"loss_scale":65536.0,)"
        R"("skipped":false,"warm_up":false,"phases":{"data":0.0,"forward":0.5,"backward":0.0,"communication":0.0,)"
        R"("optimizer":0.0,"checkpoint":0.0,"evaluation":0.0,"idle":0.0},)"
        R"("untimed":false,"slow":false,"epoch":0,"useful_tokens":null,"overlapped_communication":0.0,"paused":0.0,"energy":null})"
        "\n");
}

TEST_CASE("what was not given, or is not finite, is null") {
  auto const line = json_line(step_record{.step = 1 * step, .time = std::numeric_limits<double>::infinity() * second,
                                          .grad_norm = std::numeric_limits<double>::quiet_NaN(), .skipped = true, .warm_up = true});
  CHECK(line.starts_with(R"({"step":1,"time":null,"tokens":0,"loss":null,"grad_norm":null,"learning_rate":null,"loss_scale":null,)"
                         R"("skipped":true,"warm_up":true,"phases":{)"));
}

TEST_CASE("a line break inside a text does not break the line") {
  CHECK(json_line(note{"two\nlines\r\n"}) == "{\"text\":\"two\\nlines\\r\\n\"}\n");
  CHECK(json_line(note{"broken \xff"}) == "{\"text\":\"broken \xef\xbf\xbd\"}\n");
}

TEST_CASE("each line is in the file, whole, as soon as it is appended") {
  scratch_folder const folder;
  json_lines log{folder.file("steps.jsonl", "of an earlier run\n")};
  CHECK(log.path() == folder / "steps.jsonl");
  CHECK(content(log.path()).empty());
  std::string expected;
  for (int i = 0; i < 3; ++i) {
    auto const record = third_step();
    log.append(record);
    expected += json_line(record);
    CHECK(content(log.path()) == expected);
  }
  log.append(note{std::string(1'000'000, 'x')});
  CHECK(content(log.path()) == expected + json_line(note{std::string(1'000'000, 'x')}));
}

TEST_CASE("lines are added at the end of the file, also when another program cut or extended it") {
  scratch_folder const folder;
  json_lines log{folder / "steps.jsonl"};
  log.append(note{"a"});
  std::ofstream{log.path(), std::ios::app} << "theirs\n";
  log.append(note{"b"});
  CHECK(content(log.path()) == "{\"text\":\"a\"}\ntheirs\n{\"text\":\"b\"}\n");
  std::filesystem::resize_file(log.path(), 0);
  log.append(note{"c"});
  CHECK(content(log.path()) == "{\"text\":\"c\"}\n");
}

TEST_CASE("a file that cannot be written is an error with its path") {
  scratch_folder const folder;
  auto const below_nothing = folder / "none" / "steps.jsonl";
  CHECK(message_of([&] { json_lines const log{below_nothing}; }) ==
        below_nothing.string() + ": needed a file to write, received No such file or directory");
  CHECK(message_of([&] { json_lines const log{folder.path()}; }) ==
        folder.path().string() + ": needed a file to write, received Is a directory");
}

TEST_CASE("a full disk is an error with the path") {
  json_lines log{"/dev/full"};
  CHECK(message_of([&] { log.append(note{"a"}); }) ==
        "/dev/full: needed room for one more line, received No space left on device");
}
