// JSON lines: one object a line, of any Hana Struct; a log of steps in the first place.
//
// A step_record makes {"step", "time", "tokens", "loss", "grad_norm", "learning_rate",
// "loss_scale", "skipped", "warm_up", "phases": {"data", "forward", ...}}. Numbers are bare, in
// coherent units: time and phases in s, tokens in token of the whole job, step in step; loss,
// grad_norm, learning_rate and loss_scale are pure numbers. Not given is null. line_file.hpp says
// when lines reach the file and what a full disk, a closed pipe or a kill leave of it.
#pragma once

#include <kunmetrics/io/json_text.hpp>
#include <kunmetrics/io/line_file.hpp>

namespace kunmetrics {

// One line, newline included.
template <typename Struct>
std::string json_line(Struct const& object) {
  std::string line;
  append_json(line, object);
  return line += '\n';
}

class json_lines : public line_file {
 public:
  using line_file::line_file;

  // Adds one line. Throws as line_file does.
  template <typename Struct>
  void append(Struct const& object) {
    append_with([&](std::string& out) {
      append_json(out, object);
      out += '\n';
    });
  }
};

}  // namespace kunmetrics
