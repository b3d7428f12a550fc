// Which of many texts stands in a line: one pass over the line for all of them (Wu and Manber, 1994).
//
// An anchor is a text that only one kind of line holds. The three bytes at the end of a window of
// the shortest anchor's length say how far the window may move; where they say nothing, the anchors
// that begin there are compared. Most bytes of a line are never looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kunmetrics::logs {

inline constexpr std::size_t anchor_window = 6;  // no anchor is shorter

// Where an anchor was found: its number, and where its text ends.
struct anchor_hit {
  std::size_t anchor;
  std::size_t end;
};

template <std::size_t N>
class anchor_table {
 public:
  explicit constexpr anchor_table(std::array<std::string_view, N> const& anchors) : anchors_{anchors} {
    constexpr auto farthest = anchor_window - block + 1;
    shift_.fill(static_cast<std::uint8_t>(farthest));
    first_.fill(none);
    for (std::size_t i = N; i-- > 0;) {
      for (std::size_t end = block; end <= anchor_window; ++end) {
        auto& shift = shift_[hash(anchors_[i].data() + end - block)];
        shift = std::min(shift, static_cast<std::uint8_t>(anchor_window - end));
      }
      auto& first = first_[hash(anchors_[i].data() + anchor_window - block)];
      next_[i] = first;
      first = static_cast<std::uint8_t>(i);
    }
  }

  // The first anchor in `line` at or behind `from`.
  constexpr std::optional<anchor_hit> find(std::string_view line, std::size_t from) const {
    for (auto end = from + anchor_window; end <= line.size();) {
      auto const value = hash(line.data() + end - block);
      if (shift_[value] > 0) {
        end += shift_[value];
        continue;
      }
      for (auto i = first_[value]; i != none; i = next_[i]) {
        auto const begin = end - anchor_window;
        // the first byte tells a chance hit of the table without a call
        if (line[begin] == anchors_[i].front() && line.substr(begin).starts_with(anchors_[i])) {
          return anchor_hit{i, begin + anchors_[i].size()};
        }
      }
      ++end;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t block = 3;
  static constexpr std::size_t hashes = 4096;
  static constexpr std::uint8_t none = 255;
  static_assert(N < none, "an anchor's number is a byte");

  static constexpr std::size_t hash(char const* text) {
    auto const byte = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
    return ((byte(0) | byte(1) << 8U | byte(2) << 16U) * 0x9E3779B1U) >> 20U;
  }

  std::array<std::string_view, N> anchors_;
  std::array<std::uint8_t, hashes> shift_{};
  std::array<std::uint8_t, hashes> first_{};
  std::array<std::uint8_t, N> next_{};
};

}  // namespace kunmetrics::logs
