// Hugging Face's safetensors: named tensors in one file, mapped and checked before any is believed.
//
//   N u64   the header's bytes
//   header  {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"key": "text"}}
//   data    the tensors, row-major, without gaps or overlaps, to the end of the file; offsets count from here
//
// All little-endian. Source: the format's description in huggingface/safetensors, README.md. Read as numbers are
// F32, BF16 and F16; other types may be in the file. Headers up to 16 MiB.
#pragma once

#include "atomic_file.hpp"
#include "file_error.hpp"
#include "mapped_file.hpp"
#include "operators/number_formats.hpp"

#include <kunmetrics/io/json_reader.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trainer {

struct safetensors_entry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;  // from the first byte of the data
};

struct safetensors_layout {
  std::uint64_t data_offset = 0;
  std::vector<safetensors_entry> tensors;  // in the order of their data
};

namespace detail {
struct safetensors_dtype {
  std::string_view name;
  std::uint64_t bytes;
};
inline constexpr std::array<safetensors_dtype, 14> safetensors_dtypes{
    {{"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
     {"I32", 4}, {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}}};

inline std::uint64_t bytes_of_dtype(kunmetrics::json_object const& tensor, std::string const& dtype) {
  auto const found = std::ranges::find(safetensors_dtypes, std::string_view{dtype}, &safetensors_dtype::name);
  if (found == safetensors_dtypes.end()) tensor.refuse("dtype", "a type such as F32, BF16 or F16");
  return found->bytes;
}

inline safetensors_entry entry_of(std::string const& name, kunmetrics::json_object tensor) {
  safetensors_entry entry{.name = name, .dtype = tensor.text("dtype"), .shape = {}};
  auto bytes = bytes_of_dtype(tensor, entry.dtype);
  auto const shape = tensor.optional_integers("shape"), offsets = tensor.optional_integers("data_offsets");
  if (!shape) tensor.refuse("shape", "an array of integers");
  if (!offsets || offsets->size() != 2 || (*offsets)[0] < 0 || (*offsets)[1] < (*offsets)[0]) {
    tensor.refuse("data_offsets", "a begin and an end, in order");
  }
  entry.shape = *shape;
  entry.begin = static_cast<std::uint64_t>((*offsets)[0]);
  entry.end = static_cast<std::uint64_t>((*offsets)[1]);
  for (auto const size : entry.shape) {
    if (size < 0 || (size > 0 && bytes > std::numeric_limits<std::uint64_t>::max() / static_cast<std::uint64_t>(size))) {
      tensor.refuse("shape", "sizes of 0 or more, of countable bytes");
    }
    bytes *= static_cast<std::uint64_t>(size);
  }
  if (bytes != entry.end - entry.begin) {
    tensor.refuse("data_offsets", "offsets " + std::to_string(bytes) + " bytes apart, as shape and dtype say");
  }
  tensor.finish();
  return entry;
}
}  // namespace detail

// Throws kunmetrics::input_error or std::runtime_error, naming file and key or offset, unless the header is right and
// the tensors fill the file exactly.
inline safetensors_layout layout_of_safetensors(std::filesystem::path const& path, std::span<std::byte const> file) {
  std::uint64_t length = 0;
  if (file.size() < sizeof length) throw file_error(path, file.size(), "the 8 bytes of a header's length", "the end of the file");
  std::memcpy(&length, file.data(), sizeof length);
  if (length > file.size() - sizeof length || length > kunmetrics::largest_json) {
    throw file_error(path, 0, "a header within the file and 16 MiB", std::to_string(length) + " bytes");
  }
  safetensors_layout layout{.data_offset = sizeof length + length, .tensors = {}};
  kunmetrics::json_document const document{
      path.string(), {reinterpret_cast<char const*>(file.data()) + sizeof length, static_cast<std::size_t>(length)}};
  kunmetrics::json_object header{document};
  for (auto const& name : header.keys()) {
    auto object = header.optional_object(name);
    if (name != "__metadata__") layout.tensors.push_back(detail::entry_of(name, *object));
  }
  std::ranges::sort(layout.tensors, {}, [](safetensors_entry const& each) { return std::pair{each.begin, each.end}; });
  std::uint64_t at = 0;
  for (auto const& tensor : layout.tensors) {
    if (tensor.begin != at) {
      throw file_error(path, layout.data_offset + at, "tensors without gaps and overlaps", in_quotes(tensor.name) + " at " + std::to_string(tensor.begin));
    }
    at = tensor.end;
  }
  if (at != file.size() - layout.data_offset) {
    throw file_error(path, layout.data_offset + std::min<std::uint64_t>(at, file.size() - layout.data_offset),
                     std::to_string(at) + " bytes of data", std::to_string(file.size() - layout.data_offset));
  }
  return layout;
}

class safetensors_file {
 public:
  // Throws as layout_of_safetensors does.
  explicit safetensors_file(std::filesystem::path path)
      : file_{std::move(path)}, layout_{layout_of_safetensors(file_.path(), file_.bytes())} {}

  std::filesystem::path const& path() const { return file_.path(); }
  std::vector<safetensors_entry> const& tensors() const { return layout_.tensors; }

  // The elements of a tensor from `first` on, as fp32, which holds all of F32, BF16 and F16 exactly. Throws
  // std::runtime_error for another type, and std::out_of_range beyond its end.
  void copy(safetensors_entry const& tensor, std::uint64_t first, std::span<float> out) const {
    if (tensor.dtype == "F32") return copy_as<float>(tensor, first, out);
    if (tensor.dtype == "BF16") return copy_as<bfloat16>(tensor, first, out);
    if (tensor.dtype == "F16") return copy_as<float16>(tensor, first, out);
    throw file_error(path(), layout_.data_offset + tensor.begin, "F32, BF16 or F16 for " + in_quotes(tensor.name), tensor.dtype);
  }

 private:
  template <class Stored>
  void copy_as(safetensors_entry const& tensor, std::uint64_t first, std::span<float> out) const {
    auto const size = (tensor.end - tensor.begin) / sizeof(Stored);
    if (first > size || out.size() > size - first) {
      throw std::out_of_range{"safetensors_file: at most " + std::to_string(size) + " elements of " + tensor.name +
                              " needed, received " + std::to_string(first) + " + " + std::to_string(out.size())};
    }
    auto const* const from = file_.bytes().data() + layout_.data_offset + tensor.begin + first * sizeof(Stored);
    for (std::size_t i = 0; i < out.size(); ++i) {
      Stored value;
      std::memcpy(&value, from + i * sizeof(Stored), sizeof value);  // the data may begin at any byte
      out[i] = widened(value);
    }
  }

  mapped_file file_;
  safetensors_layout layout_;
};

// Writes F32 tensors, whole or not at all: `tensors` say what comes, `values(i, append)` calls append with the elements
// of tensor i, in one or several pieces. Throws std::runtime_error when the disk refuses.
template <class Values>
void write_safetensors(std::filesystem::path const& path, std::vector<safetensors_entry> tensors, Values&& values) {
  kunmetrics::json_value header{{"__metadata__", {{"format", "pt"}}}};  // the key that transformers asks for
  std::uint64_t at = 0;
  for (auto& tensor : tensors) {
    std::uint64_t bytes = sizeof(float);
    for (auto const size : tensor.shape) bytes *= static_cast<std::uint64_t>(size);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  auto text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data then are aligned to 8 bytes
  std::uint64_t const length = text.size();
  atomic_file file{path};
  file.append(std::as_bytes(std::span{&length, 1}));
  file.append(std::string_view{text});
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    values(i, [&](std::span<float const> part) { file.append(std::as_bytes(part)); });
  }
  file.commit();
}

}  // namespace trainer
