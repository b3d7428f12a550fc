// A training log, read in one pass and constant memory: what it says, nothing derived.
//
//   auto const log = read_training_log("train.log");
//   log.framework        "Megatron-LM", or empty when no line of a known program was found
//   log.claimed.flop_rate, log.step_time, log.global_batch_size, ...    each empty where it is not said
// Lines end at LF, CRLF or the CR of a progress bar; colours and NUL bytes are taken out; messages that Rich
// wrapped are joined; a line cut in its middle says what stands in it whole, so that a number at the very
// end of a log without a last newline is not read. Steps that several ranks print count once, and a step
// number that goes back is a restart. io/logs/ has the readers, one header a family of programs.
#pragma once

#include <kunmetrics/io/json_document.hpp>
#include <kunmetrics/io/logs/anchors.hpp>
#include <kunmetrics/io/logs/deepspeed.hpp>
#include <kunmetrics/io/logs/hugging_face.hpp>
#include <kunmetrics/io/logs/json_records.hpp>
#include <kunmetrics/io/logs/karpathy.hpp>
#include <kunmetrics/io/logs/lightning.hpp>
#include <kunmetrics/io/logs/maxtext.hpp>
#include <kunmetrics/io/logs/megatron.hpp>
#include <kunmetrics/io/logs/multi_line.hpp>
#include <kunmetrics/io/logs/one_line.hpp>
#include <kunmetrics/io/logs/torchtitan.hpp>
#include <kunmetrics/io/logs/wrapped.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

namespace logs {
template <typename... Tables>
constexpr auto joined(Tables const&... tables) {
  std::array<log_anchor, (std::tuple_size_v<Tables> + ...)> all{};
  std::size_t at = 0;
  ((at = static_cast<std::size_t>(std::ranges::copy(tables, all.begin() + static_cast<std::ptrdiff_t>(at)).out -
                                  all.begin())),
   ...);
  return all;
}

inline constexpr auto all_anchors = joined(megatron_anchors, deepspeed_anchors, torchtitan_anchors,
                                           hugging_face_anchors, karpathy_anchors, lightning_anchors, maxtext_anchors,
                                           multi_line_anchors, one_line_anchors);

inline constexpr auto anchor_texts = [] {
  std::array<std::string_view, all_anchors.size()> texts{};
  std::ranges::transform(all_anchors, texts.begin(), &log_anchor::text);
  return texts;
}();
static_assert(std::ranges::all_of(anchor_texts, [](std::string_view text) { return text.size() >= anchor_window; }));

inline constexpr anchor_table table{anchor_texts};

// Reads what one whole line says, anchor by anchor until a reader has read all of it.
inline void read_line(std::string_view line, collector& to) {
  if (line.size() > 1 && line[0] == '{' && line[1] == '"') return read_json_record(line, to);
  for (std::size_t from = 0; from < line.size();) {
    auto const hit = table.find(line, from);
    if (!hit || all_anchors[hit->anchor].read({line, line.substr(hit->end)}, to)) return;
    from = hit->end;
  }
}
}  // namespace logs

// Takes a log in pieces of any size.
class training_log_reader {
 public:
  void feed(std::string_view chunk) {
    bool const special = holds_special(chunk);  // looked for once in a long piece, not in each of its lines
    while (!chunk.empty()) {
      auto const* const end = static_cast<char const*>(std::memchr(chunk.data(), '\n', chunk.size()));
      if (end == nullptr) return keep(chunk);
      auto const size = static_cast<std::size_t>(end - chunk.data());
      if (unfinished_.empty()) {
        line(chunk.substr(0, size), special);
      } else {
        keep(chunk.substr(0, size));
        line(unfinished_, true);
        unfinished_.clear();
      }
      chunk.remove_prefix(size + 1);
    }
  }

  // What the whole log says. `hint` decides between programs whose lines are the same.
  training_log finish(std::optional<log_framework> hint = std::nullopt) && {
    if (!unfinished_.empty()) {
      drop_cut_number();
      line(unfinished_, true);
    }
    end_message();
    collector_.conclude(hint);
    return std::move(collector_.log);
  }

 private:
  static constexpr std::size_t longest_line = std::size_t{1} << 18U;

  // A longer line, as a progress bar makes it without a newline, is read in pieces: up to where the bar
  // was last drawn again.
  void keep(std::string_view part) {
    while (unfinished_.size() + part.size() > longest_line) {
      auto const room = longest_line - unfinished_.size();
      unfinished_.append(part.substr(0, room));
      part.remove_prefix(room);
      auto const end = std::min(unfinished_.rfind('\r'), unfinished_.size());
      segments(std::string_view{unfinished_}.substr(0, end));
      unfinished_.erase(0, std::max<std::size_t>(end, 1));
    }
    unfinished_.append(part);
  }

  // The digits at the end of a log that is still being written may go on.
  void drop_cut_number() {
    auto const before = unfinished_.find_last_not_of("0123456789.,eE+-");
    unfinished_.resize(before == std::string::npos ? 0 : before + 1);
  }

  static bool holds(std::string_view text, char c) {
    return !text.empty() && std::memchr(text.data(), c, text.size()) != nullptr;
  }
  static bool holds_special(std::string_view text) {
    return holds(text, '\r') || holds(text, '\x1b') || holds(text, '\0');
  }

  void line(std::string_view text, bool may_be_special) {
    if (wrapped_.ends_at(text)) end_message();  // before the line is counted: a message is of its own lines
    collector_.next_line();
    may_be_special ? segments(text) : segment(text);
  }

  // A line may hold the states of a progress bar, each drawn over the last, parted by CR.
  void segments(std::string_view text) {
    if (holds(text, '\x1b') || holds(text, '\0')) {
      plain_ = text;
      take_out_colours(plain_);
      text = plain_;
    }
    while (!text.empty()) {
      auto const end = std::min(text.find('\r'), text.size());
      segment(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  void segment(std::string_view text) {
    if (wrapped_.ends_at(text)) end_message();
    if (!wrapped_.takes(text)) logs::read_line(text, collector_);
  }

  void end_message() {
    wrapped_.finish([this](std::string_view message) { logs::read_line(message, collector_); });
  }

  // ESC [ ... letter, and NUL bytes.
  static void take_out_colours(std::string& text) {
    std::size_t to = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\0') continue;
      if (text[i] == '\x1b' && i + 1 < text.size() && text[i + 1] == '[') {
        auto end = i + 2;
        while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
        i = end;
        continue;
      }
      if (text[i] != '\x1b') text[to++] = text[i];
    }
    text.resize(to);
  }

  logs::collector collector_;
  logs::wrapped_lines wrapped_;
  std::string unfinished_;
  std::string plain_;
};

inline training_log read_training_log_text(std::string_view text, std::optional<log_framework> hint = std::nullopt) {
  training_log_reader reader;
  reader.feed(text);
  return std::move(reader).finish(hint);
}

inline training_log read_training_log(std::istream& stream, std::optional<log_framework> hint = std::nullopt) {
  training_log_reader reader;
  std::vector<char> block(std::size_t{1} << 18U);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())) || stream.gcount() > 0) {
    reader.feed({block.data(), static_cast<std::size_t>(stream.gcount())});
  }
  return std::move(reader).finish(hint);
}

// Throws input_error when the file cannot be read.
inline training_log read_training_log(std::filesystem::path const& file,
                                      std::optional<log_framework> hint = std::nullopt) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream || std::filesystem::is_directory(file)) {
    throw input_error{detail::needed_found(file.string(), "a readable file",
                                           std::filesystem::is_directory(file) ? "a directory" : "none")};
  }
  auto log = read_training_log(stream, hint);
  if (stream.bad()) throw input_error{detail::needed_found(file.string(), "a readable file", "an error while reading")};
  return log;
}

}  // namespace kunmetrics
