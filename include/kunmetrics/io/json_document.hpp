// A JSON file as a tree that keeps the order of its keys, read strictly.
//
// Rejected beside broken syntax: a key given twice, NaN and Infinity, an integer beyond 64 bits, a
// float beyond double, more than 64 levels, more than 16 MiB, anything but a regular file. An
// error of syntax is `FILE:LINE: needed ..., found ...`, any other `FILE: key.path: needed ...,
// found ...`. What an application makes of the tree is `json_reader.hpp`.
#pragma once

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kunmetrics {

// Input that cannot be used; the text names the file and, where there is one, the key or the line.
struct input_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using json_value = nlohmann::ordered_json;

inline constexpr std::size_t deepest_json = 64;
inline constexpr std::size_t largest_json = std::size_t{16} << 20;

namespace detail {
inline std::string needed_found(std::string_view where, std::string_view needed, std::string_view found) {
  std::string text{where};
  return text.append(": needed ").append(needed).append(", found ").append(found);
}

// At most `longest` bytes, cut between two UTF-8 characters.
inline std::string shortened(std::string text, std::size_t longest = 60) {
  if (text.size() <= longest) return text;
  while (longest > 0 && (static_cast<unsigned char>(text[longest]) & 0xC0U) == 0x80U) --longest;
  return text.substr(0, longest) + "...";
}

// Text from a file that may hold anything, made fit for one line.
inline std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return shortened(std::move(text));
}

// A value as JSON writes it, control characters escaped.
inline std::string shown(json_value const& value) {
  if (value.is_object()) return "an object";
  if (value.is_array() && value.size() > 8) return "an array of " + std::to_string(value.size());
  return shortened(value.dump(-1, ' ', false, json_value::error_handler_t::replace));
}

// A key as it stands in a key path: plain when it is a word, else quoted and escaped.
inline std::string shown_key(std::string const& key) {
  auto const plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!key.empty() && key.size() <= 60 && std::ranges::all_of(key, plain)) return key;
  return shown(json_value(key));
}

inline std::string joined_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string{key} : std::string{path}.append(".").append(key);
}

// Receives the parser's events and builds the tree; the parser itself does not recurse.
class json_builder {
 public:
  using number_integer_t = json_value::number_integer_t;
  using number_unsigned_t = json_value::number_unsigned_t;
  using number_float_t = json_value::number_float_t;
  using string_t = json_value::string_t;
  using binary_t = json_value::binary_t;

  json_builder(std::string_view file, std::string_view text) : file_{file}, text_{text} {}

  json_value tree() && { return std::move(root_); }

  // The parser takes a NUL byte for the end of the text and passes over what follows.
  void require_no_nul() const {
    if (auto const at = text_.find('\0'); at != std::string_view::npos) reject_line(at + 1, "valid JSON", "a NUL byte");
  }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(number_integer_t value) { return add(value); }
  bool number_unsigned(number_unsigned_t value) { return add(value); }
  bool number_float(number_float_t value, string_t const& source) {
    // the parser falls back to a double when digits alone do not fit
    if (source.find_first_of(".eE") == string_t::npos) reject("an integer within 64 bits", shortened(source));
    return add(value);
  }
  bool string(string_t& value) { return add(std::move(value)); }
  bool binary(binary_t&) { return false; }  // not in text

  bool start_object(std::size_t) { return open(json_value::object()); }
  bool start_array(std::size_t) { return open(json_value::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t& name) {
    levels_.back().key = name;
    if (!levels_.back().seen.insert(name).second) reject("the key once", "it twice");
    return true;
  }

  bool parse_error(std::size_t position, string_t const& token, nlohmann::detail::exception const& error) {
    constexpr int number_overflow = 406;
    if (error.id == number_overflow) reject_line(position, "a number that a double can hold", token);
    std::string_view const text = error.what();
    auto const at = text.find(" - ");
    auto const found = at == std::string_view::npos ? text : text.substr(at + 3);
    if (found.starts_with("unexpected end")) position = text_.find_last_not_of(" \t\r\n") + 2;
    reject_line(position, "valid JSON", found);
  }

 private:
  struct level {
    json_value* container;  // stays put: a container grows only while its children are closed
    string_t key;
    std::set<string_t, std::less<>> seen;
  };

  bool add(json_value value) {
    insert(std::move(value));
    return true;
  }
  json_value* insert(json_value value) {
    if (levels_.empty()) return &(root_ = std::move(value));
    auto& container = *levels_.back().container;
    if (container.is_array()) {
      container.push_back(std::move(value));
      return &container.back();
    }
    // past the map's own insertion, which looks through all keys each time
    auto& object = container.get_ref<json_value::object_t&>();
    return &object.emplace_back(levels_.back().key, std::move(value)).second;
  }
  bool open(json_value empty) {
    if (levels_.size() == deepest_json) {
      throw input_error{needed_found(file_, "at most " + std::to_string(deepest_json) + " levels of nesting", "more")};
    }
    levels_.push_back({insert(std::move(empty)), {}, {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return true;
  }

  std::string path() const {
    std::string text;
    for (auto const& l : levels_) {
      if (l.container->is_array()) {
        auto const innermost = &l == &levels_.back();  // an outer array already has its open child
        text.append("[").append(std::to_string(l.container->size() - (innermost ? 0 : 1))).append("]");
      } else {
        text = joined_path(text, shown_key(l.key));
      }
    }
    return text;
  }
  [[noreturn]] void reject(std::string_view needed, std::string_view found) const {
    auto const where = path();
    throw input_error{needed_found(where.empty() ? file_ : file_ + ": " + where, needed, found)};
  }
  [[noreturn]] void reject_line(std::size_t position, std::string_view needed, std::string_view found) const {
    auto const before = text_.substr(0, std::min(text_.size(), position == 0 ? 0 : position - 1));
    auto const line = 1 + std::ranges::count(before, '\n');
    throw input_error{needed_found(file_ + ":" + std::to_string(line), needed, printable(std::string{found}))};
  }

  std::string file_;
  std::string_view text_;
  json_value root_;
  std::vector<level> levels_;
};

// Throws input_error when the path is not a regular file of at most 16 MiB that can be read.
inline std::string file_text(std::filesystem::path const& file) {
  std::error_code error;
  auto const status = std::filesystem::status(file, error);
  if (!std::filesystem::is_regular_file(status)) {
    throw input_error{needed_found(file.string(), "a regular file",
                                   std::filesystem::is_directory(status) ? "a directory"
                                   : std::filesystem::exists(status)     ? "a special file"
                                                                         : "none that can be read")};
  }
  std::ifstream stream{file, std::ios::binary};
  std::string text;
  std::array<char, 1 << 16> block{};  // by blocks: a file may be longer than its size says, as in /proc
  while (text.size() <= largest_json && (stream.read(block.data(), block.size()), stream.gcount() > 0)) {
    text.append(block.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.is_open() || stream.bad()) throw input_error{needed_found(file.string(), "a readable file", "an error")};
  if (text.size() > largest_json) {
    throw input_error{needed_found(file.string(), "at most " + std::to_string(largest_json) + " bytes", "more")};
  }
  return text;
}
}  // namespace detail

// A file's name, as messages show it, and its tree.
class json_document {
 public:
  // Throws input_error.
  explicit json_document(std::filesystem::path const& file)
      : json_document{file.string(), detail::file_text(file)} {}

  // Of text that has a name; throws input_error.
  json_document(std::string name, std::string_view text) : name_{std::move(name)} {
    detail::json_builder builder{name_, text};
    builder.require_no_nul();
    json_value::sax_parse(text, &builder);
    tree_ = std::move(builder).tree();
  }

  std::string const& name() const { return name_; }
  json_value const& tree() const { return tree_; }

 private:
  std::string name_;
  json_value tree_;
};

}  // namespace kunmetrics
