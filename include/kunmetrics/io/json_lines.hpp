// JSON lines: one object a line, of any Hana Struct; a log of steps in the first place.
//
// A step_record makes {"step", "time", "tokens", "loss", "grad_norm", "learning_rate",
// "loss_scale", "skipped", "warm_up", "phases": {"data", "forward", ...}}. Numbers are bare, in
// coherent units: time and phases in s, tokens in token of the whole job, step in step; loss,
// grad_norm, learning_rate and loss_scale are pure numbers. Not given is null. A line is written
// by one call, so that a reader never finds half of one but at the end of a full disk.
#pragma once

#include <kunmetrics/io/json.hpp>

namespace kunmetrics {

// One line, newline included.
template <typename Struct>
std::string json_line(Struct const& object) {
  return json_of<number_form::plain>(object).dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

class json_lines {
 public:
  // Begins an empty file. Throws std::runtime_error naming the path when it cannot be written.
  explicit json_lines(std::filesystem::path path) : json_lines{std::move(path), O_TRUNC} {}

  // Goes on at the end of a file, or begins one. Throws as the constructor does.
  static json_lines continued(std::filesystem::path path) { return json_lines{std::move(path), 0}; }

  // Adds one line. Throws std::runtime_error naming the path when the disk does not take it.
  template <typename Struct>
  void append(Struct const& object) {
    if (!detail::written(file_.value(), json_line(object))) {
      throw detail::write_error(path_, "room for one more line", errno);
    }
  }

  std::filesystem::path const& path() const { return path_; }

 private:
  json_lines(std::filesystem::path path, int truncation)
      : path_{std::move(path)}, file_{path_, O_WRONLY | O_CREAT | O_APPEND | truncation} {
    if (file_.value() < 0) throw detail::write_error(path_, "a file to write", errno);
  }

  std::filesystem::path path_;
  detail::descriptor file_;
};

}  // namespace kunmetrics
