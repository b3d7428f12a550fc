#include <kunmetrics/io/json_lines.hpp>

#include "../trainer/scratch_folder.hpp"
#include "full_disk.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

#include <sys/stat.h>
#include <sys/wait.h>

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
  using hana_accessors_impl = fields<field<"text", &note::text>>;
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
        R"({"step":3,"time":1.5,"tokens":49152,"loss":2.25,"grad_norm":0.5,"learning_rate":3e-04,"loss_scale":65536.0,)"
        R"("skipped":false,"warm_up":false,"phases":{"data":0.0,"forward":0.5,"backward":0.0,"communication":0.0,)"
        R"("optimizer":0.0,"checkpoint":0.0,"evaluation":0.0,"idle":0.0},)"
        R"("untimed":false,"slow":false,"epoch":0,"useful_tokens":null,"overlapped_communication":0.0,"paused":0.0,"energy":null})"
        "\n");
}

TEST_CASE("a line reads back as the tree of the same value, number by number") {
  std::mt19937_64 bits{7};
  for (int i = 0; i < 2000; ++i) {
    auto record = third_step();
    // any bits at all: subnormal numbers, infinities and NaN among them
    for (double* number : {&*record.loss, &*record.grad_norm, &*record.learning_rate})
      *number = std::bit_cast<double>(bits());
    record.step = static_cast<std::int64_t>(bits()) * step;
    CHECK(json::parse(json_line(record)) == json_of<number_form::plain>(record));
  }
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

namespace {
std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += json_line(note{std::to_string(i)});
  return text;
}
}  // namespace

TEST_CASE("lines are flushed by count and by time") {
  scratch_folder const folder;
  json_lines log{folder / "steps.jsonl", {.lines = 3, .every = std::chrono::hours{1}}};
  log.append(note{"1"});
  log.append(note{"2"});
  CHECK(content(log.path()).empty());
  log.append(note{"3"});
  CHECK(content(log.path()) == numbered(1, 3));
  log.append(note{"4"});
  log.flush();
  CHECK(content(log.path()) == numbered(1, 4));

  json_lines timed{folder / "timed.jsonl", {.lines = 1000, .every = std::chrono::milliseconds{1}}};
  std::this_thread::sleep_for(std::chrono::milliseconds{2});
  timed.append(note{"1"});
  CHECK(content(timed.path()) == numbered(1, 1));
  {
    json_lines last{folder / "last.jsonl", {.lines = 1000, .every = std::chrono::hours{1}}};
    last.append(note{"1"});
  }
  CHECK(content(folder / "last.jsonl") == numbered(1, 1));
}

TEST_CASE("lines that no further one follows are flushed by time where the program passes by") {
  scratch_folder const folder;
  json_lines patient{folder / "patient.jsonl", {.lines = 1000, .every = std::chrono::hours{1}}};
  patient.append(note{"1"});
  patient.flush_if_due();
  CHECK(content(patient.path()).empty());

  json_lines log{folder / "steps.jsonl", {.lines = 1000, .every = std::chrono::milliseconds{20}}};
  log.append(note{"1"});
  log.append(note{"2"});
  for (int passed = 0; passed < 1000 && content(log.path()).empty(); ++passed) {
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    log.flush_if_due();
  }
  CHECK(content(log.path()) == numbered(1, 2));
  log.append(note{"3"});
  log.flush();
  log.flush_if_due();  // nothing waits
  CHECK(content(log.path()) == numbered(1, 3));
}

TEST_CASE("what a full disk owes is tried again by time when no line follows") {
  scratch_folder const folder;
  int warnings = 0;
  flush_rule const at_once{.every = std::chrono::milliseconds{0}};
  json_lines log{folder / "steps.jsonl", at_once, [&](std::string const&) { ++warnings; }};
  {
    full_disk const limit{numbered(1, 1).size()};
    log.append(note{"1"});
    log.append(note{"2"});
    log.flush_if_due();
    CHECK(content(log.path()) == numbered(1, 1));
  }
  log.flush_if_due();
  CHECK(content(log.path()) == numbered(1, 2));
  CHECK(warnings == 1);
}

TEST_CASE("a disk that fills up keeps whole lines, warns once, and gets what waits when there is room again") {
  scratch_folder const folder;
  std::vector<std::string> warnings;
  json_lines log{folder / "steps.jsonl", {}, [&](std::string const& why) { warnings.push_back(why); }};
  {
    full_disk const limit{numbered(1, 4).size() + 5};  // the fifth line is cut
    for (int i = 1; i <= 20; ++i) log.append(note{std::to_string(i)});
    CHECK(content(log.path()) == numbered(1, 4));
  }
  CHECK(warnings == std::vector{log.path().string() + ": needed room for one more line, received File too large"});
  log.append(note{"21"});
  CHECK(content(log.path()) == numbered(1, 21));
  CHECK(log.lost() == 0);
  CHECK(warnings.size() == 1);
}

TEST_CASE("what a full disk owes is bounded: the oldest lines are lost, and counted") {
  scratch_folder const folder;
  int warnings = 0;
  json_lines log{folder / "steps.jsonl", {}, [&](std::string const&) { ++warnings; }};
  std::string const text(100'000, 'x');
  {
    full_disk const limit{10};
    for (int i = 0; i < 30; ++i) log.append(note{text});
  }
  log.flush();
  CHECK(warnings == 1);
  CHECK(log.lost() == 20);
  auto const line = json_line(note{text});
  std::string expected;
  for (int i = 0; i < 10; ++i) expected += line;
  CHECK(content(log.path()) == expected);
}

TEST_CASE("a pipe whose reader is gone warns once and nothing else happens") {
  scratch_folder const folder;
  auto const pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  int const reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  std::vector<std::string> warnings;
  {
    json_lines log{pipe, {}, [&](std::string const& why) { warnings.push_back(why); }};
    log.append(note{"1"});
    std::array<char, 100> got{};
    CHECK(::read(reader, got.data(), got.size()) == static_cast<ssize_t>(numbered(1, 1).size()));
    ::close(reader);
    for (int i = 2; i <= 5; ++i) log.append(note{std::to_string(i)});
  }
  CHECK(warnings == std::vector{pipe.string() + ": needed room for one more line, received Broken pipe"});
  std::signal(SIGPIPE, before);
}

TEST_CASE("a log that a kill cut is continued behind its last whole line") {
  scratch_folder const folder;
  auto const whole = numbered(1, 3);
  for (std::string const& cut :
       {std::string{}, whole, whole + "{\"text\":", std::string{"{\"te"}, whole + std::string(10'000, 'x')}) {
    auto const path = folder.file("steps.jsonl", cut);
    json_lines{path, {}, {}, opening::continued}.append(note{"4"});
    CHECK(content(path) == (cut.starts_with(whole) ? whole : "") + numbered(4, 4));
  }
}

TEST_CASE("a writer killed at any moment leaves whole lines, and at most one without its end") {
  scratch_folder const folder;
  for (int run = 0; run < 8; ++run) {
    auto const path = folder / ("killed" + std::to_string(run));
    auto const child = ::fork();
    if (child == 0) {
      json_lines log{path, {.lines = 7}};
      for (int i = 1;; ++i) log.append(note{std::to_string(i) + std::string(5000, 'x')});
    }
    // from the first lines on, which a busy machine may keep waiting
    std::error_code none_yet;
    for (int i = 0; i < 10'000 && !(std::filesystem::file_size(path, none_yet) > 10'000 && !none_yet); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{3 * run});
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto text = content(path);
    text.resize(text.rfind('\n') + 1);
    std::istringstream stream{text};
    int last = 0;
    for (std::string line; std::getline(stream, line); ++last) {
      REQUIRE(json::parse(line)["text"] == std::to_string(last + 1) + std::string(5000, 'x'));
    }
    CHECK(last > 0);
  }
}
