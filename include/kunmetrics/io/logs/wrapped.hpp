// Messages that Rich has wrapped: put together again before they are read.
//
//   [08/30/23 07:07:34] INFO     colossalai - colossalai - INFO: Throughput: 12.34
//                                samples/sec, TFLOPS per GPU by Megatron: 190.21
// The first line has a time, or blanks in its place, and a level in a column of its own; what goes on
// begins under the message. Rich pads to the width, but not a word that it breaks at it: blanks at
// the end are one blank. Another program's bar may stand before the time.
#pragma once

#include <string>
#include <string_view>

namespace kunmetrics::logs {

class wrapped_lines {
 public:
  // Whether a message is open that `line` does not go on with.
  bool ends_at(std::string_view line) const { return open_ && !goes_on(line); }

  // Takes the line when it is Rich's, to be read once its message is whole.
  bool takes(std::string_view line) {
    if (open_) {
      append(line.substr(margin.size()));
    } else if (is_message(line)) {
      open_ = true;
      append(line);
    }
    return open_;
  }

  // Calls `read` with the open message, if there is one.
  template <typename Read>
  void finish(Read read) {
    if (!open_) return;
    open_ = false;
    read(std::string_view{text_});
    text_.clear();
  }

 private:
  static constexpr std::string_view margin = "                             ";  // a time of 20 and a level of 9 columns
  static constexpr std::string_view level = "INFO     ";
  static constexpr std::size_t widest = 512;    // a terminal's line, and a bar before it
  static constexpr std::size_t farthest_level = 160;
  static constexpr std::size_t longest = 4096;  // what a message has beyond is left out

  static bool goes_on(std::string_view line) {
    return line.starts_with(margin) && line.find_first_not_of(' ') == margin.size();
  }

  static bool is_message(std::string_view line) {
    if (line.size() < margin.size() || line.size() > widest) return false;
    if (line[0] == ' ' && line[19] == ' ') {
      return line.starts_with(margin.substr(0, 20)) && line.substr(20).starts_with(level);
    }
    // "[08/30/23 07:07:34] ", at the beginning or behind a bar
    auto const at = line.substr(0, farthest_level).find("] INFO     ");
    return at != std::string_view::npos && at >= 18 && line[at - 18] == '[' && line[at - 15] == '/';
  }

  void append(std::string_view text) {
    auto const full = text.size();
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (text_.size() + text.size() + 1 > longest) return;
    text_.append(text);
    if (text.size() < full) text_.push_back(' ');
  }

  std::string text_;
  bool open_ = false;
};

}  // namespace kunmetrics::logs
