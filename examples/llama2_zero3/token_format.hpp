// Which format a file of tokens has, and the file opened as what it is.
//
//   content "\x93NUMPY..."                      .npy, npy_header.hpp
//   X.idx, or X.bin beside an X.idx             Megatron's, megatron_index.hpp
//   .bin with one of llm.c's magics             llm.c's, llmc_header.hpp
//   any other .bin                              nanoGPT's and llama2.c's: bare uint16
//
// Source of the last: karpathy/nanoGPT, data/openwebtext/prepare.py. Whatever else there is, is taken for
// a .npy file and refused as such.
#pragma once

#include "llmc_header.hpp"
#include "megatron_index.hpp"
#include "npy.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace trainer {

enum class token_format { npy, nanogpt, llmc, megatron };

// The layout of bare uint16 tokens; throws std::runtime_error for an odd number of bytes.
inline npy_layout layout_of_nanogpt(std::filesystem::path const& path, std::uint64_t bytes) {
  if (bytes % sizeof(std::uint16_t) != 0) {
    throw file_error(path, bytes, "a whole number of uint16 tokens", "an odd number of bytes");
  }
  return {npy_type::u2, bytes / sizeof(std::uint16_t), 0};
}

namespace detail {
inline std::filesystem::path with_extension(std::filesystem::path path, std::string_view extension) {
  return path.replace_extension(extension);
}
}  // namespace detail

// The format that a file's name, neighbours and first bytes say.
inline token_format format_of(std::filesystem::path const& path, std::span<std::byte const> bytes) {
  std::string_view const text{reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  if (text.starts_with("\x93NUMPY")) return token_format::npy;
  if (path.extension() == ".idx") return token_format::megatron;
  if (path.extension() != ".bin") return token_format::npy;
  std::error_code ignored;
  if (std::filesystem::exists(detail::with_extension(path, ".idx"), ignored)) return token_format::megatron;
  return llmc_magic(bytes) ? token_format::llmc : token_format::nanogpt;
}

// Maps a file of tokens, checked for its form from end to end but not for its ids. Throws
// std::runtime_error `path: offset N: ...` for any file that it cannot accept.
inline integer_file opened_tokens(std::filesystem::path const& path) {
  mapped_file file{path};
  switch (format_of(path, file.bytes())) {
    case token_format::llmc: {
      auto const layout = layout_of_llmc(path, file.bytes());
      return {std::move(file), layout};
    }
    case token_format::nanogpt: {
      auto const layout = layout_of_nanogpt(path, file.bytes().size());
      return {std::move(file), layout};
    }
    case token_format::megatron: {
      mapped_file const index{detail::with_extension(path, ".idx")};
      mapped_file data{detail::with_extension(path, ".bin")};
      auto const layout = layout_of_megatron(read_megatron_index(index.path(), index.bytes()), data.path(), data.bytes().size());
      return {std::move(data), layout};
    }
    case token_format::npy: break;
  }
  return npy_file{std::move(file)};
}

}  // namespace trainer
