// The header of a NumPy .npy file with one-dimensional integers: its element type, count, place.
//   "\x93NUMPY"  major u8  minor u8  H (u16 little-endian in 1.0, u32 in 2.0 and 3.0)
//   H bytes: a Python dict literal with exactly the keys descr, fortran_order and shape
//   data: count * item size bytes, to the end of the file
// Source: NumPy Enhancement Proposal 1 and the numpy.lib.format documentation.
// Accepted descr: |u1 <u2 <u4 <u8 |i1 <i2 <i4 <i8 (FlagPerf writes <i8). Left out: objects, floats,
// structures, big-endian data, any rank but 1, string escapes inside the dict.
#pragma once

#include "file_error.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace trainer {

enum class npy_type : std::uint8_t { u1, u2, u4, u8, i1, i2, i4, i8 };

inline constexpr std::array<std::string_view, 8> npy_descriptions{"|u1", "<u2", "<u4", "<u8",
                                                                  "|i1", "<i2", "<i4", "<i8"};

// The dtype text of a type, as it stands in the header.
constexpr std::string_view description(npy_type type) {
  return npy_descriptions[static_cast<std::size_t>(type)];
}

// Calls `function` with std::type_identity<T> of the C++ type that a stored element has.
template <class Function>
constexpr decltype(auto) with_npy_type(npy_type type, Function&& function) {
  switch (type) {
    case npy_type::u1: return function(std::type_identity<std::uint8_t>{});
    case npy_type::u2: return function(std::type_identity<std::uint16_t>{});
    case npy_type::u4: return function(std::type_identity<std::uint32_t>{});
    case npy_type::u8: return function(std::type_identity<std::uint64_t>{});
    case npy_type::i1: return function(std::type_identity<std::int8_t>{});
    case npy_type::i2: return function(std::type_identity<std::int16_t>{});
    case npy_type::i4: return function(std::type_identity<std::int32_t>{});
    case npy_type::i8: break;
  }
  return function(std::type_identity<std::int64_t>{});
}

// Bytes of one stored element.
constexpr std::uint64_t item_size(npy_type type) {
  return with_npy_type(
      type, []<class T>(std::type_identity<T>) { return std::uint64_t{sizeof(T)}; });
}

struct npy_layout {
  npy_type type;
  std::uint64_t count;        // elements
  std::uint64_t data_offset;  // bytes from the start of the file
};

// Reads the dict literal; every offset it reports counts from the start of the file.
class npy_dict_parser {
 public:
  // `text` is the header's dict and padding; `start` its offset in the file.
  npy_dict_parser(std::filesystem::path const& path, std::string_view text, std::uint64_t start)
      : path_{path}, text_{text}, start_{start} {}

  // Throws std::runtime_error unless the whole text is a dict with the three keys, once each.
  void parse() {
    expect('{');
    while (!accept('}')) {
      entry();
      if (accept('}')) break;
      expect(',');
    }
    skip_space();
    if (at_ < text_.size()) fail("only padding after the dict", seen());
    require(descr_offset_.has_value(), "descr");
    require(fortran_order_.has_value(), "fortran_order");
    require(shape_offset_.has_value(), "shape");
  }

  // The element type; throws std::runtime_error for one that is not accepted.
  npy_type type() const {
    for (std::size_t i = 0; i < npy_descriptions.size(); ++i)
      if (descr_ == npy_descriptions[i]) return static_cast<npy_type>(i);
    auto received = in_quotes(descr_);
    if (descr_.find('O') != std::string_view::npos) received += " (python objects)";
    if (descr_.starts_with('>')) received += " (big-endian)";
    throw file_error(path_, *descr_offset_, "an integer dtype of |u1 <u2 <u4 <u8 |i1 <i2 <i4 <i8",
                     received);
  }

  // The number of elements; throws std::runtime_error unless the shape has one dimension.
  std::uint64_t count() const {
    if (lengths_.size() == 1) return lengths_.front();
    throw file_error(path_, *shape_offset_, "a shape of one dimension (n,)",
                     printable(shape_) + (*fortran_order_ ? " in fortran order" : ""));
  }

 private:
  [[noreturn]] void fail_at(std::size_t at, std::string_view needed,
                            std::string_view received) const {
    throw file_error(path_, start_ + at, needed, received);
  }
  [[noreturn]] void fail(std::string_view needed, std::string_view received) const {
    fail_at(at_, needed, received);
  }
  void require(bool present, std::string_view key) const {
    if (!present) fail("in the header the key " + in_quotes(key), "a dict without it");
  }
  std::string seen() const {
    if (at_ == text_.size()) return "the end of the header";
    return in_quotes(text_.substr(at_, 1));
  }
  void skip_space() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
  }
  bool accept(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!accept(wanted)) fail(std::string{"'"} + wanted + "' in the header", seen());
  }

  void entry() {
    skip_space();
    auto const where = at_;
    auto const key = quoted("a quoted key");
    bool const repeated = (key == "descr" && descr_offset_) ||
                          (key == "fortran_order" && fortran_order_) ||
                          (key == "shape" && shape_offset_);
    if (repeated) fail_at(where, "each key once", in_quotes(key) + " again");
    expect(':');
    skip_space();
    if (key == "descr")
      descr();
    else if (key == "fortran_order")
      fortran_order_ = boolean();
    else if (key == "shape")
      shape();
    else
      fail_at(where, "one of the keys descr, fortran_order, shape", in_quotes(key));
  }

  std::string_view quoted(std::string_view needed) {
    skip_space();
    auto const quote = at_ < text_.size() ? text_[at_] : '\0';
    if (quote != '\'' && quote != '"') fail(needed, seen());
    auto const first = at_ + 1;
    auto const last = text_.find_first_of(quote == '"' ? "\"\\\n" : "'\\\n", first);
    at_ = std::min(last, text_.size());
    if (at_ == text_.size() || text_[at_] != quote) fail("a string closed on its line", seen());
    ++at_;
    return text_.substr(first, last - first);
  }

  void descr() {
    descr_offset_ = start_ + at_;
    if (text_.substr(at_).starts_with('[')) fail("a plain dtype string", "a structured dtype");
    descr_ = quoted("a dtype string");
  }

  bool boolean() {
    for (bool const value : {false, true}) {
      std::string_view const word = value ? "True" : "False";
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    fail("True or False", seen());
  }

  // A Python tuple of lengths: (), (n,), (n, m), (n, m,); (n) is no tuple.
  void shape() {
    auto const first = at_;
    shape_offset_ = start_ + at_;
    expect('(');
    while (!accept(')')) {
      lengths_.push_back(length());
      if (lengths_.size() > 1 && accept(')')) break;
      expect(',');
    }
    shape_ = text_.substr(first, at_ - first);
  }

  std::uint64_t length() {
    skip_space();
    auto const sign = text_.substr(at_).starts_with('-') ? std::size_t{1} : 0;
    auto const end = std::min(text_.find_first_not_of("0123456789", at_ + sign), text_.size());
    auto const number = text_.substr(at_, end - at_);
    if (number.empty() || number == "-") fail("a length in the shape", seen());
    if (number.starts_with('-')) fail("a length of 0 or more", printable(number));
    constexpr auto most = std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    std::uint64_t value = 0;
    for (char const digit : number) {
      auto const next = static_cast<std::uint64_t>(digit - '0');
      if (value > (most - next) / 10) fail("a length below 2^63", printable(number));
      value = value * 10 + next;
    }
    at_ += number.size();
    return value;
  }

  std::filesystem::path const& path_;
  std::string_view text_;
  std::uint64_t start_;
  std::size_t at_ = 0;
  std::string_view descr_, shape_;
  std::vector<std::uint64_t> lengths_;
  std::optional<std::uint64_t> descr_offset_, shape_offset_;
  std::optional<bool> fortran_order_;
};

namespace npy_detail {

inline std::uint64_t byte_at(std::span<std::byte const> file, std::size_t index) {
  return std::to_integer<std::uint64_t>(file[index]);
}

inline void require_bytes(std::filesystem::path const& path, std::span<std::byte const> file,
                          std::uint64_t bytes, std::string_view what) {
  if (file.size() < bytes)
    throw file_error(path, file.size(), std::to_string(bytes) + " bytes of " + std::string{what},
                     "the end of the file");
}

inline void require_data(std::filesystem::path const& path, std::uint64_t file_size,
                         npy_layout const& layout) {
  auto const item = item_size(layout.type);
  auto const present = file_size - layout.data_offset;
  auto const shape = std::to_string(layout.count) + " elements of " + std::to_string(item) +
                     (item == 1 ? " byte" : " bytes");
  if (layout.count > present / item)  // a product could overflow
    throw file_error(path, file_size, shape,
                     "the end of the file after " + std::to_string(present) + " data bytes");
  auto const expected = layout.count * item;
  if (expected != present)
    throw file_error(path, layout.data_offset + expected, "the end of the file after " + shape,
                     std::to_string(present - expected) + " more bytes");
}

}  // namespace npy_detail

// The layout of a .npy file whose bytes are `file`; throws std::runtime_error with the offset for
// anything but a complete header followed by exactly count * item_size bytes.
inline npy_layout layout_of_npy(std::filesystem::path const& path,
                                std::span<std::byte const> file) {
  using npy_detail::byte_at;
  constexpr std::string_view magic = "\x93NUMPY";
  constexpr std::uint64_t longest_header = 65535;  // what version 1.0 can say; ours has about 60
  npy_detail::require_bytes(path, file, 8, "magic and version");
  std::string_view const text{reinterpret_cast<char const*>(file.data()), file.size()};
  if (!text.starts_with(magic)) throw file_error(path, 0, "the magic \\x93NUMPY", "other bytes");
  auto const major = byte_at(file, 6), minor = byte_at(file, 7);
  if (major < 1 || major > 3 || minor != 0)
    throw file_error(path, 6, "version 1.0, 2.0 or 3.0",
                     std::to_string(major) + "." + std::to_string(minor));
  std::uint64_t const start = major == 1 ? 10 : 12;
  npy_detail::require_bytes(path, file, start, "magic, version and header length");
  auto header = byte_at(file, 8) | byte_at(file, 9) << 8;
  if (major > 1) header |= byte_at(file, 10) << 16 | byte_at(file, 11) << 24;
  if (header > longest_header)
    throw file_error(path, 8, "a header of at most " + std::to_string(longest_header) + " bytes",
                     std::to_string(header));
  npy_detail::require_bytes(path, file, start + header, "header");

  npy_dict_parser dict{path, text.substr(start, header), start};
  dict.parse();
  npy_layout const layout{dict.type(), dict.count(), start + header};
  npy_detail::require_data(path, file.size(), layout);
  return layout;
}

}  // namespace trainer
