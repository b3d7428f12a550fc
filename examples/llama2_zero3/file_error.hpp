// The one form of every message about a file's content: `path: offset N: needed ..., received ...`.
// N is a byte offset from the file's first byte. Messages are single lines, lower case, no full
// stop; text taken from the file is shortened and has its control characters replaced.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace trainer {

// The exception for what a file holds at a byte offset; `needed` and `received` are plain phrases.
inline std::runtime_error file_error(std::filesystem::path const& path, std::uint64_t offset,
                                     std::string_view needed, std::string_view received) {
  auto message = path.string() + ": offset " + std::to_string(offset) + ": needed ";
  message.append(needed).append(", received ").append(received);
  return std::runtime_error{message};
}

// The text of an errno value, for the `received` part of a message.
inline std::string system_message(int error) { return std::generic_category().message(error); }

// Text from elsewhere made fit for one line of a message: printable ASCII, shortened to `longest`.
inline std::string printable(std::string_view text, std::size_t longest = 48) {
  std::string shown{text.substr(0, longest)};
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > longest ? shown + "..." : shown;
}

// The same between single quotes. Spelled with append because g++ 12 sees a false overlap in
// `"'" + std::string{...}` when it inlines at -O3 (GCC bug 105651).
inline std::string in_quotes(std::string_view text) {
  std::string shown{"'"};
  return shown.append(printable(text)).append("'");
}

}  // namespace trainer
