// Plain text on disk as a list of documents: a file is one document, a folder one per file.
// Files of a folder are visited recursively in the byte order of their paths, which is the same on
// every machine (FlagPerf's data_process.py takes os.listdir's order, which is not). Names that
// begin with a dot are passed by. Text must be UTF-8. Left out: archives, markup, line documents.
#pragma once

#include "file_error.hpp"
#include "mapped_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace trainer {

// The documents' paths in the order they are read; throws std::runtime_error when there are none.
inline std::vector<std::filesystem::path> document_paths(std::filesystem::path const& root) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(root)) return {root};  // mapped_file explains what is wrong with it, if so
  std::vector<fs::path> paths;
  for (auto entry = fs::recursive_directory_iterator{root};
       entry != fs::recursive_directory_iterator{}; ++entry) {
    bool const hidden = entry->path().filename().native().starts_with('.');
    if (hidden) entry.disable_recursion_pending();
    if (!hidden && !entry->is_directory()) paths.push_back(entry->path());
  }
  if (paths.empty()) throw file_error(root, 0, "a folder with text files", "an empty folder");
  std::ranges::sort(paths, {}, [](fs::path const& path) { return path.native(); });
  return paths;
}

// The offset of the first byte that is not part of well-formed UTF-8 (RFC 3629); nullopt if none.
inline std::optional<std::size_t> first_bad_utf8(std::string_view text) {
  auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    auto const lead = byte(i);
    std::size_t const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || length > text.size() - i) return i;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return i;
    // overlong forms, surrogates, and code points past U+10FFFF
    auto const second = length > 2 ? byte(i + 1) : 0xa0;
    bool const outside = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                         (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
    if (outside) return i;
    i += length;
  }
  return std::nullopt;
}

// The text of one document; throws std::runtime_error for an unreadable file, for text that is not
// UTF-8, and for a zero byte (the file is no text then).
inline std::string document_text(std::filesystem::path const& path) {
  mapped_file const file{path};
  std::string text(reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size());
  if (auto const bad = first_bad_utf8(text))
    throw file_error(path, *bad, "UTF-8 text", "a byte that is not");
  if (auto const zero = text.find('\0'); zero != std::string::npos)
    throw file_error(path, zero, "UTF-8 text", "a zero byte");
  return text;
}

}  // namespace trainer
