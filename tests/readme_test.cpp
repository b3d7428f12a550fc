// The README shows a program that compiles, with the output that it has.
#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

namespace {
std::string content(std::string const& path) {
  std::ifstream stream{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// The text of the n-th fenced block of a language, counted from 0.
std::string block(std::string const& text, std::string const& language, int n) {
  auto const fence = "```" + language + "\n";
  std::size_t at = 0;
  for (int i = 0; i <= n; ++i) {
    at = text.find(fence, at);
    if (at == std::string::npos) return "";
    at += fence.size();
  }
  return text.substr(at, text.find("```", at) - at);
}

std::string output(std::string const& program) {
  std::string text;
  FILE* const pipe = ::popen(program.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 256> buffer{};
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) text += buffer.data();
  CHECK(::pclose(pipe) == 0);
  return text;
}
}  // namespace

TEST_CASE("the first program is examples/first_steps.cpp, and prints what stands below it") {
  auto const readme = content(PROJECT_FOLDER "/README.md");
  CHECK(block(readme, "cpp", 0) == content(PROJECT_FOLDER "/examples/first_steps.cpp"));
  CHECK(block(readme, "text", 0) == output(FIRST_STEPS_PROGRAM));
}

TEST_CASE("what a run will take is what examples/before_the_run.cpp prints") {
  CHECK(block(content(PROJECT_FOLDER "/README.md"), "text", 1) == output(BEFORE_THE_RUN_PROGRAM));
}

TEST_CASE("the line that must not compile is the one that a test holds to that") {
  auto const line = block(content(PROJECT_FOLDER "/README.md"), "cpp", 1);
  auto const statement = line.substr(0, line.find(';'));
  auto const shown = statement.substr(statement.find("rate = "));
  CHECK(content(PROJECT_FOLDER "/tests/fail/rate_per_node_times_nodes.cpp").find(shown + ";") != std::string::npos);
}

TEST_CASE("both commands are there and can be run") {
  auto const commands = block(content(PROJECT_FOLDER "/README.md"), "sh", 0);
  for (std::string const script : {"examples/run.sh", "tests/run.sh"}) {
    CHECK(commands.find(script) != std::string::npos);
    CHECK(output("test -x " PROJECT_FOLDER "/" + script + " && echo yes") == "yes\n");
  }
}

TEST_CASE("the measured loop learns and has a rate") {
  auto const text = output(MEASURED_LOOP_PROGRAM);
  CHECK(text.starts_with("loss 1.2"));
  CHECK(text.find("over 198 steps, no MFU: no peak is known") != std::string::npos);
  CHECK(text.find("95 % interval +- ") != std::string::npos);
}
