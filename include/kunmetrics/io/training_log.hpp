// A training log, read in one pass and constant memory: what it says, nothing derived.
//
//   auto const log = read_training_log("train.log");
//   log.framework        "Megatron-LM", or empty when no line of a known program was found
//   log.claimed.flop_rate, log.step_time, log.global_batch_size, ...    each empty where it is not said
// Lines end at LF, CRLF or the CR of a progress bar; colours and NUL bytes are taken out; a line cut in
// its middle says what stands in it whole. Steps that several ranks print count once, and a step
// number that goes back is a restart. io/logs/ has the readers, one header a family of programs.
#pragma once

#include <kunmetrics/io/json_document.hpp>
#include <kunmetrics/io/logs/anchors.hpp>
#include <kunmetrics/io/logs/deepspeed.hpp>
#include <kunmetrics/io/logs/hugging_face.hpp>
#include <kunmetrics/io/logs/karpathy.hpp>
#include <kunmetrics/io/logs/lightning.hpp>
#include <kunmetrics/io/logs/maxtext.hpp>
#include <kunmetrics/io/logs/megatron.hpp>
#include <kunmetrics/io/logs/multi_line.hpp>
#include <kunmetrics/io/logs/one_line.hpp>
#include <kunmetrics/io/logs/torchtitan.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
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
  ((at = static_cast<std::size_t>(std::ranges::copy(tables, all.begin() + static_cast<std::ptrdiff_t>(at)).out - all.begin())), ...);
  return all;
}

inline constexpr auto all_anchors = joined(megatron_anchors, deepspeed_anchors, torchtitan_anchors, hugging_face_anchors,
                                           karpathy_anchors, lightning_anchors, maxtext_anchors, multi_line_anchors, one_line_anchors);

inline constexpr auto anchor_texts = [] {
  std::array<std::string_view, all_anchors.size()> texts{};
  std::ranges::transform(all_anchors, texts.begin(), &log_anchor::text);
  return texts;
}();
static_assert(std::ranges::all_of(anchor_texts, [](std::string_view text) { return text.size() >= anchor_window; }));

inline constexpr anchor_table table{anchor_texts};
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
    if (!unfinished_.empty()) line(unfinished_, true);
    collector_.conclude(hint);
    return std::move(collector_.log);
  }

 private:
  static constexpr std::size_t longest_line = std::size_t{1} << 20U;  // the rest of a longer one is left out

  void keep(std::string_view part) { unfinished_.append(part.substr(0, longest_line - std::min(longest_line, unfinished_.size()))); }

  static bool holds(std::string_view text, char c) { return std::memchr(text.data(), c, text.size()) != nullptr; }
  static bool holds_special(std::string_view text) { return holds(text, '\r') || holds(text, '\x1b') || holds(text, '\0'); }

  // A line may hold the states of a progress bar, each drawn over the last, parted by CR.
  void line(std::string_view text, bool may_be_special) {
    collector_.next_line();
    if (!may_be_special) return segment(text);
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
    for (std::size_t from = 0; from < text.size();) {
      auto const hit = logs::table.find(text, from);
      if (!hit) return;
      if (logs::all_anchors[hit->anchor].read({text, text.substr(hit->end)}, collector_)) return;
      from = hit->end;
    }
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
  std::string unfinished_;
  std::string plain_;
};

inline training_log read_training_log_text(std::string_view text, std::optional<log_framework> hint = std::nullopt) {
  training_log_reader reader;
  reader.feed(text);
  return std::move(reader).finish(hint);
}

// Throws input_error when the file cannot be read.
inline training_log read_training_log(std::filesystem::path const& file, std::optional<log_framework> hint = std::nullopt) {
  std::ifstream stream{file, std::ios::binary};
  if (!stream || std::filesystem::is_directory(file)) {
    throw input_error{detail::needed_found(file.string(), "a readable file", std::filesystem::is_directory(file) ? "a directory" : "none")};
  }
  training_log_reader reader;
  std::vector<char> block(std::size_t{1} << 18U);
  while (stream.read(block.data(), static_cast<std::streamsize>(block.size())) || stream.gcount() > 0) {
    reader.feed({block.data(), static_cast<std::size_t>(stream.gcount())});
  }
  if (stream.bad()) throw input_error{detail::needed_found(file.string(), "a readable file", "an error while reading")};
  return std::move(reader).finish(hint);
}

}  // namespace kunmetrics
