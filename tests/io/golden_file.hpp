// Comparison of a produced text with the one that is kept in tests/golden, line by line.
#pragma once

#include "../trainer/scratch_folder.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace golden {

// Where two texts part, with both lines; empty when they are the same.
inline std::string first_difference(std::string const& kept, std::string const& produced) {
  if (kept == produced) return {};
  std::istringstream kept_lines{kept};
  std::istringstream produced_lines{produced};
  for (int number = 1;; ++number) {
    std::string kept_line;
    std::string produced_line;
    bool const more_kept = static_cast<bool>(std::getline(kept_lines, kept_line));
    bool const more_produced = static_cast<bool>(std::getline(produced_lines, produced_line));
    if (more_kept == more_produced && kept_line == produced_line && more_kept) continue;
    if (!more_kept && !more_produced) return "the end: one text closes its last line, the other does not";
    return "line " + std::to_string(number) + "\n  kept:     " + (more_kept ? kept_line : "(no such line)") +
           "\n  produced: " + (more_produced ? produced_line : "(no such line)");
  }
}

// The first difference from tests/golden/NAME; then the produced text is kept in the system's
// temporary folder, to be looked at and, when it is right, moved over the golden file.
inline std::string difference(std::string_view name, std::string const& produced) {
  auto const path = std::filesystem::path{"golden"} / name;  // tests run in tests/
  auto const where = first_difference(trainer_test::content(path), produced);
  if (where.empty()) return {};
  auto const beside = std::filesystem::temp_directory_path() / ("produced." + std::string{name});
  std::ofstream{beside, std::ios::binary} << produced;
  return path.string() + ", " + where + "\n  all of it: " + beside.string();
}

}  // namespace golden
