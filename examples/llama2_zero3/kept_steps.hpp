// steps.jsonl of a run that may go on from a checkpoint.
//
// A run that begins, begins an empty log. One that goes on from step S keeps the lines of the steps up to S and
// adds to them: what was trained after S is trained again, with the same bits.
#pragma once

#include <kunmetrics/io/whole_file.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace trainer {

// The step that a line tells of; 0 for a line that is no object with one, such as half of one.
inline std::int64_t step_of_line(std::string const& line) {
  auto const object = nlohmann::json::parse(line, nullptr, false);
  if (!object.is_object()) return 0;
  auto const step = object.find("step");
  return step != object.end() && step->is_number_integer() ? step->get<std::int64_t>() : 0;
}

// The last step that the log at `path` tells of, 0 where it tells of none; half of a line at its end is passed over.
inline std::int64_t last_step(std::filesystem::path const& path) {
  std::ifstream log{path};
  std::string before_last, last;
  for (std::string line; std::getline(log, line);) {
    before_last = std::exchange(last, std::move(line));
  }
  auto const step = step_of_line(last);
  return step > 0 ? step : step_of_line(before_last);
}

// Leaves of the log at `path` the steps up to `kept`, or begins it empty. Throws std::runtime_error naming the path.
inline void keep_steps(std::filesystem::path const& path, std::int64_t kept) {
  std::string text;
  std::ifstream old{path};
  for (std::string line; kept > 0 && std::getline(old, line);) {
    if (auto const step = step_of_line(line); step > 0 && step <= kept) text.append(line).append("\n");
  }
  kunmetrics::write_whole(path, text);
}

}  // namespace trainer
