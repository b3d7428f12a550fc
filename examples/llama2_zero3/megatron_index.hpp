// Megatron's token files: X.bin holds token ids and nothing else, X.idx what they are.
//
//   "MMIDIDX\0\0"  version u64 = 1  dtype u8  sequences u64 = S  documents u64 = D      34 bytes
//   lengths i32 [S]      tokens of a sequence
//   pointers i64 [S]     where in X.bin it begins, in bytes; they follow each other without gaps
//   documents i64 [D]    the first sequence of each document, and S at the end
//   modes i8 [S]         of multimodal data; there or not
//
// dtype: 1 uint8, 2 int8, 3 int16, 4 int32, 5 int64, 6 float64, 7 float32, 8 uint16. All little-endian; after
// 34 bytes nothing is aligned. Source: NVIDIA/Megatron-LM, megatron/core/datasets/indexed_dataset.py.
// Tokens are trained as one stream, across sequences and documents, as Megatron's GPT data set packs them.
#pragma once

#include "file_error.hpp"
#include "npy_header.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace trainer {

inline constexpr std::string_view megatron_magic{"MMIDIDX\0\0", 9};
inline constexpr std::uint64_t megatron_header_bytes = 34;

struct megatron_index {
  npy_type type;
  std::uint64_t sequences, documents, tokens;
};

namespace detail {
// What is read of an index, by offset; nothing in it is aligned.
class index_bytes {
 public:
  index_bytes(std::filesystem::path const& path, std::span<std::byte const> file) : path_{path}, file_{file} {}

  template <class T>
  T at(std::uint64_t offset) const {
    T value{};
    std::memcpy(&value, file_.data() + offset, sizeof value);
    return value;
  }
  std::uint64_t size() const { return file_.size(); }
  [[noreturn]] void refuse(std::uint64_t offset, std::string const& needed, std::string const& received) const {
    throw file_error(path_, offset, needed, received);
  }

 private:
  std::filesystem::path const& path_;
  std::span<std::byte const> file_;
};

inline npy_type megatron_type(index_bytes const& file) {
  constexpr std::array<std::optional<npy_type>, 9> types{
      std::nullopt,  npy_type::u1, npy_type::i1, npy_type::i2, npy_type::i4,
      npy_type::i8,  std::nullopt, std::nullopt, npy_type::u2};
  auto const code = file.at<std::uint8_t>(17);
  if (code < types.size() && types[code]) return *types[code];
  file.refuse(17, "dtype 1 to 5 or 8, of integers", std::to_string(code) + (code == 6 || code == 7 ? ", of floats" : ""));
}

// Where each of the tables begins, when the file is as long as they are.
struct index_tables {
  std::uint64_t sequences, documents, lengths, pointers, first_sequences;
};

inline index_tables tables_of(index_bytes const& file) {
  auto const sequences = file.at<std::uint64_t>(18), documents = file.at<std::uint64_t>(26);
  auto const rest = file.size() - megatron_header_bytes;
  constexpr std::uint64_t per_sequence = sizeof(std::int32_t) + sizeof(std::int64_t);
  // counts first, so that no product below can overflow
  if (sequences > rest / per_sequence || documents > rest / sizeof(std::int64_t) ||
      sequences * per_sequence + documents * sizeof(std::int64_t) > rest) {
    file.refuse(18, "a file that holds the index of " + std::to_string(sequences) + " sequences and " +
                        std::to_string(documents) + " documents", std::to_string(file.size()) + " bytes");
  }
  auto const lengths = megatron_header_bytes, pointers = lengths + sequences * sizeof(std::int32_t);
  auto const first_sequences = pointers + sequences * sizeof(std::int64_t);
  auto const end = first_sequences + documents * sizeof(std::int64_t);
  if (file.size() != end && file.size() != end + sequences) {  // with modes
    file.refuse(end, "the end of the file, or a mode for each of " + std::to_string(sequences) + " sequences",
                std::to_string(file.size() - end) + " more bytes");
  }
  return {sequences, documents, lengths, pointers, first_sequences};
}

// Tokens of all sequences, each of which must begin where the one before has ended.
inline std::uint64_t tokens_of(index_bytes const& file, index_tables const& tables, std::uint64_t item) {
  std::uint64_t tokens = 0;  // 2^31 times the sequences of a file, at most: no overflow
  for (std::uint64_t i = 0; i < tables.sequences; ++i) {
    auto const length_at = tables.lengths + i * sizeof(std::int32_t), pointer_at = tables.pointers + i * sizeof(std::int64_t);
    auto const length = file.at<std::int32_t>(length_at);
    if (length < 0) file.refuse(length_at, "a length of 0 or more for sequence " + std::to_string(i), std::to_string(length));
    auto const pointer = file.at<std::int64_t>(pointer_at);
    if (pointer < 0 || static_cast<std::uint64_t>(pointer) != tokens * item) {
      file.refuse(pointer_at, "sequence " + std::to_string(i) + " at byte " + std::to_string(tokens * item) + " of the data",
                  std::to_string(pointer));
    }
    tokens += static_cast<std::uint64_t>(length);
  }
  return tokens;
}

inline void require_documents(index_bytes const& file, index_tables const& tables) {
  std::int64_t last = 0;
  for (std::uint64_t i = 0; i < tables.documents; ++i) {
    auto const at = tables.first_sequences + i * sizeof(std::int64_t);
    auto const first = file.at<std::int64_t>(at);
    if (first < last || (i == 0 && first != 0) || static_cast<std::uint64_t>(first) > tables.sequences) {
      file.refuse(at, "documents in order, from sequence 0 to " + std::to_string(tables.sequences), std::to_string(first));
    }
    last = first;
  }
}
}  // namespace detail

// Reads and checks a whole index; throws std::runtime_error with the offset of what is wrong.
inline megatron_index read_megatron_index(std::filesystem::path const& path, std::span<std::byte const> bytes) {
  npy_detail::require_bytes(path, bytes, megatron_header_bytes, "Megatron's index header");
  detail::index_bytes const file{path, bytes};
  if (std::memcmp(bytes.data(), megatron_magic.data(), megatron_magic.size()) != 0) file.refuse(0, "the magic MMIDIDX", "other bytes");
  if (auto const version = file.at<std::uint64_t>(9); version != 1) file.refuse(9, "version 1", std::to_string(version));
  auto const type = detail::megatron_type(file);
  auto const tables = detail::tables_of(file);
  auto const tokens = detail::tokens_of(file, tables, item_size(type));
  detail::require_documents(file, tables);
  return {type, tables.sequences, tables.documents > 0 ? tables.documents - 1 : 0, tokens};
}

// The layout of the data that an index describes; throws std::runtime_error unless it is exactly as long.
inline npy_layout layout_of_megatron(megatron_index const& index, std::filesystem::path const& data, std::uint64_t bytes) {
  npy_layout const layout{index.type, index.tokens, 0};
  npy_detail::require_data(data, bytes, layout);
  return layout;
}

}  // namespace trainer
