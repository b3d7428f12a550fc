// Runs a built program as a person would, inside a folder of its own, so that messages have short paths.
#pragma once

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>

namespace trainer_test {

struct program_outcome {
  int code;  // -1 when a signal ended it
  std::string out, err;
};

inline void append_quoted(std::string& command, std::string_view before, std::string_view argument) {
  command.append(before).append("'").append(argument).append("'");
}

// To stand in front of a program that writes OUT/steps.jsonl: it is sent SIGTERM once a step has been written there,
// however long the start takes. OUT must not have the file yet.
inline std::string terminated_after_a_step(std::string const& out) {
  return "timeout 60 sh -c '\"$@\" & until [ -s " + out + "/steps.jsonl ]; do sleep 0.01; done; kill -TERM $!; wait $!' sh ";
}

// `before` stands in front of the program: "ulimit -f 1; ", "LANG=zh_CN.UTF-8 ".
inline program_outcome run_program(scratch_folder const& folder, std::string_view program,
                                   std::vector<std::string> const& arguments, std::string_view before = "") {
  scratch_folder const streams;
  std::string command;
  append_quoted(command, "cd ", folder.path().string());
  append_quoted(command, " && " + std::string{before}, program);
  for (auto const& argument : arguments) append_quoted(command, " ", argument);
  append_quoted(command, " > ", (streams / "out").string());
  append_quoted(command, " 2> ", (streams / "err").string());
  int const status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(streams / "out"), content(streams / "err")};
}

// One line, exit 2, nothing on stdout, and nothing in the folder that was not there.
inline void check_refused(scratch_folder const& folder, std::string_view program,
                          std::vector<std::string> const& arguments, std::string_view message) {
  auto const before = folder.entries();
  auto const result = run_program(folder, program, arguments);
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  CHECK(result.err == std::filesystem::path{program}.filename().string() + ": " + std::string{message} + "\n");
  CHECK(folder.entries() == before);
}

}  // namespace trainer_test
