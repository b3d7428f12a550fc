// The header of llm.c's token files: 256 little-endian int32, of which three say something.
//
//   magic 20240520, version 1, count: then count uint16 (GPT-2's vocabulary)
//   magic 20240801, version 7, count: then count uint32 (Llama 3's)
//
// Source: karpathy/llm.c, dev/data/data_common.py. Its evaluation files (magic 20240522) hold questions
// and answers and are refused.
#pragma once

#include "file_error.hpp"
#include "npy_header.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace trainer {

struct llmc_kind {
  std::int32_t magic, version;
  npy_type type;
};

inline constexpr llmc_kind llmc_gpt2{20240520, 1, npy_type::u2};
inline constexpr llmc_kind llmc_llama3{20240801, 7, npy_type::u4};
inline constexpr std::int32_t llmc_evaluation_magic = 20240522;
inline constexpr std::uint64_t llmc_header_bytes = 256 * sizeof(std::int32_t);

namespace detail {
inline std::int32_t int32_at(std::span<std::byte const> file, std::size_t offset) {
  std::int32_t value = 0;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}
}  // namespace detail

// The first four bytes as llm.c's magic, if they are one of its three. As uint16 the magics are token
// 55944 or above, which neither GPT-2's nor llama 2's vocabulary has: no file of bare tokens of theirs
// begins like that.
inline std::optional<std::int32_t> llmc_magic(std::span<std::byte const> file) {
  if (file.size() < sizeof(std::int32_t)) return std::nullopt;
  auto const magic = detail::int32_at(file, 0);
  if (magic == llmc_gpt2.magic || magic == llmc_llama3.magic || magic == llmc_evaluation_magic) return magic;
  return std::nullopt;
}

// The layout of a file with one of llm.c's magics; throws std::runtime_error with the offset for anything
// but a whole header and exactly as many tokens as it says.
inline npy_layout layout_of_llmc(std::filesystem::path const& path, std::span<std::byte const> file) {
  npy_detail::require_bytes(path, file, llmc_header_bytes, "llm.c's header");
  auto const magic = detail::int32_at(file, 0);
  if (magic != llmc_gpt2.magic && magic != llmc_llama3.magic) {
    throw file_error(path, 0, "the magic 20240520 or 20240801 of llm.c's tokens",
                     std::to_string(magic) + (magic == llmc_evaluation_magic ? ", of its evaluation files" : ""));
  }
  auto const& kind = magic == llmc_gpt2.magic ? llmc_gpt2 : llmc_llama3;
  if (auto const version = detail::int32_at(file, 4); version != kind.version) {
    throw file_error(path, 4, "version " + std::to_string(kind.version) + " of magic " + std::to_string(magic),
                     std::to_string(version));
  }
  auto const count = detail::int32_at(file, 8);
  if (count < 0) throw file_error(path, 8, "a number of tokens", std::to_string(count));
  npy_layout const layout{kind.type, static_cast<std::uint64_t>(count), llmc_header_bytes};
  npy_detail::require_data(path, file.size(), layout);
  return layout;
}

}  // namespace trainer
