// Tables and notes of Markdown that read well as plain text too.
//
// Columns are padded to equal width on a terminal, where a Chinese character takes two places.
// A bar in a cell is escaped and a line break becomes a space. Notes are numbered in the order
// they are first marked; the same text keeps its number.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

namespace detail {
// The code point at `at`, which moves behind it. A byte that begins none counts as itself.
constexpr char32_t next_code_point(std::string_view text, std::size_t& at) {
  auto const lead = static_cast<unsigned char>(text[at++]);
  std::size_t const more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  char32_t point = more == 0 ? lead : lead & (0x3Fu >> more);
  for (std::size_t i = 0; i < more && at < text.size(); ++i) {
    point = (point << 6) | (static_cast<unsigned char>(text[at++]) & 0x3Fu);
  }
  return point;
}

// East Asian wide and full-width characters and pictographs (Unicode UAX 11), in whole blocks.
constexpr bool is_wide(char32_t point) {
  struct block { char32_t first, last; };
  constexpr std::array<block, 10> blocks{{{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
                                          {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1F6FF},
                                          {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}}};
  return std::ranges::any_of(blocks, [&](block b) { return point >= b.first && point <= b.last; });
}
}  // namespace detail

// Places that UTF-8 text takes on a terminal.
constexpr std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) width += detail::is_wide(detail::next_code_point(text, at)) ? 2u : 1u;
  return width;
}

// Text from elsewhere as a part of one line.
inline std::string one_line(std::string_view text) {
  std::string line{text};
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return line;
}

template <std::size_t Columns>
using table_row = std::array<std::string, Columns>;

// The first row is the head.
template <std::size_t Columns>
std::string markdown_table(std::vector<table_row<Columns>> rows) {
  std::array<std::size_t, Columns> widths{};
  for (auto& row : rows) {
    for (std::size_t i = 0; i < Columns; ++i) {
      row[i] = one_line(row[i]);
      for (auto at = row[i].find('|'); at != std::string::npos; at = row[i].find('|', at + 2)) row[i].insert(at, 1, '\\');
      widths[i] = std::max({widths[i], display_width(row[i]), std::size_t{3}});
    }
  }
  std::string table;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i < Columns; ++i) {
      table += "| " + rows[r][i] + std::string(widths[i] - display_width(rows[r][i]) + 1, ' ');
    }
    table += "|\n";
    if (r != 0) continue;
    for (std::size_t width : widths) table += "| " + std::string(width, '-') + ' ';
    table += "|\n";
  }
  return table;
}

class footnotes {
 public:
  // " [n]", to stand behind what the note is about.
  std::string mark(std::string const& note) {
    auto at = std::ranges::find(notes_, note);
    if (at == notes_.end()) at = notes_.insert(at, note);
    return " [" + std::to_string(at - notes_.begin() + 1) + ']';
  }
  // Adds a note that nothing is marked with; it says itself what it is about.
  void add(std::string const& note) { unmarked_.push_back(note); }

  // A list, the numbered ones first.
  std::string list() const {
    std::string text;
    for (std::size_t i = 0; i < notes_.size(); ++i) text += "- [" + std::to_string(i + 1) + "] " + one_line(notes_[i]) + '\n';
    for (auto const& note : unmarked_) text += "- " + one_line(note) + '\n';
    return text;
  }

 private:
  std::vector<std::string> notes_;
  std::vector<std::string> unmarked_;
};

}  // namespace kunmetrics
