// One-dimensional integer .npy files: a memory-mapped reader and an atomic writer.
// The reader never copies: FlagPerf's files are int64, so 100 M tokens are 800 MB of file, shared
// by all ranks of a process. The writer's bytes are those of numpy.save for the same array.
// npy_header.hpp says which files are accepted.
#pragma once

#include "atomic_file.hpp"
#include "mapped_file.hpp"
#include "npy_header.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace trainer {

static_assert(std::endian::native == std::endian::little, "npy.hpp stores host bytes as they are");

// A mapped file of integers, wherever in it they begin.
class integer_file {
 public:
  // `layout` must be what the file holds: data_offset + count * item size bytes, as a reader of its
  // format has found it.
  integer_file(mapped_file file, npy_layout const& layout) : file_{std::move(file)}, layout_{layout} {}

  std::filesystem::path const& path() const noexcept { return file_.path(); }
  npy_type type() const noexcept { return layout_.type; }
  std::uint64_t size() const noexcept { return layout_.count; }

  // The elements as stored, little-endian and not necessarily aligned to their size.
  std::span<std::byte const> data() const noexcept {
    return file_.bytes().subspan(layout_.data_offset);
  }

  // Bytes from the start of the file to element `index`.
  std::uint64_t offset(std::uint64_t index) const noexcept {
    return layout_.data_offset + index * item_size(layout_.type);
  }

  void advise(access_pattern pattern) const noexcept { file_.advise(pattern); }

 private:
  mapped_file file_;
  npy_layout layout_;
};

class npy_file : public integer_file {
 public:
  // Maps the file; throws std::runtime_error `path: offset N: ...` for any file it cannot accept.
  explicit npy_file(std::filesystem::path path) : npy_file{mapped_file{std::move(path)}} {}
  explicit npy_file(mapped_file&& file) : npy_file{layout_of_npy(file.path(), file.bytes()), std::move(file)} {}

 private:
  npy_file(npy_layout const& layout, mapped_file&& file) : integer_file{std::move(file), layout} {}
};

// The version 1.0 header for `count` elements, padded so that the data begin at a multiple of 64.
inline std::string npy_header_bytes(npy_type type, std::uint64_t count) {
  auto dict = "{'descr': '" + std::string{description(type)} +
              "', 'fortran_order': False, 'shape': (" + std::to_string(count) + ",), }";
  constexpr std::size_t prefix = 10;  // magic, version, length
  auto const unpadded = prefix + dict.size() + 1;
  dict.append((unpadded + 63) / 64 * 64 - unpadded, ' ').push_back('\n');
  std::string bytes{"\x93NUMPY\x01", 7};
  bytes.push_back('\0');
  bytes.push_back(static_cast<char>(dict.size() & 0xff));
  bytes.push_back(static_cast<char>(dict.size() >> 8));
  return bytes + dict;
}

// Writes the ids as a .npy file of the stored type, whole or not at all.
// Throws std::invalid_argument for an id the type cannot hold (before the file is touched) and
// std::runtime_error when the file cannot be written.
inline void write_npy(std::filesystem::path const& path, npy_type type,
                      std::span<std::int32_t const> ids) {
  with_npy_type(type, [&]<class Item>(std::type_identity<Item>) {
    auto const misfit = std::ranges::find_if(ids, [](auto id) { return !std::in_range<Item>(id); });
    if (misfit != ids.end())
      throw std::invalid_argument{"write_npy: needed ids that " + std::string{description(type)} +
                                  " can hold, received " + std::to_string(*misfit)};
    atomic_file file{path};
    file.append(npy_header_bytes(type, ids.size()));
    std::vector<Item> block;
    constexpr std::size_t block_items = 1 << 16;
    for (std::size_t first = 0; first < ids.size(); first += block_items) {
      block.clear();
      for (auto const id : ids.subspan(first, std::min(block_items, ids.size() - first)))
        block.push_back(static_cast<Item>(id));
      file.append(std::as_bytes(std::span{block}));
    }
    file.commit();
  });
}

}  // namespace trainer
