// One stream of ids in every format, read through token_file as the trainer reads it.
#include "token_format.hpp"

#include "raw_bytes.hpp"
#include "scratch_folder.hpp"
#include "token_file.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using trainer::token_file;
using trainer::token_format;
using trainer_test::message_of;
using trainer_test::raw;
using trainer_test::scratch_folder;

namespace {
std::string llmc(std::int32_t magic, std::int32_t version, std::int32_t count, std::string const& data) {
  auto bytes = raw({magic, version, count});
  bytes.resize(1024, '\0');
  return bytes + data;
}

std::string index_of(std::uint8_t dtype, std::vector<std::int32_t> const& lengths, std::int64_t item) {
  std::vector<std::int64_t> pointers;
  std::int64_t at = 0;
  for (auto const length : lengths) pointers.push_back(at), at += length * item;
  return std::string{trainer::megatron_magic} + raw<std::uint64_t>({1}) + raw({dtype}) +
         raw<std::uint64_t>({lengths.size(), 2}) + raw<std::int32_t>(std::span{lengths}) +
         raw<std::int64_t>(std::span{pointers}) + raw<std::int64_t>({0, static_cast<std::int64_t>(lengths.size())});
}

std::vector<std::int32_t> row(token_file const& tokens, std::int64_t index, std::size_t length) {
  std::vector<std::int32_t> out(length);
  tokens.copy_sequence(index, out);
  return out;
}
}  // namespace

TEST_CASE("the same ids in every format make the same sequences") {
  scratch_folder const folder;
  std::vector<std::uint16_t> const ids{5, 6, 7, 8, 9, 10, 11};
  std::vector<std::uint32_t> const wide(ids.begin(), ids.end());
  std::vector<std::int32_t> const signed_ids(ids.begin(), ids.end());
  trainer::write_npy(folder / "a.npy", trainer::npy_type::i8, signed_ids);
  folder.file("nano.bin", raw<std::uint16_t>(std::span{ids}));
  folder.file("gpt2.bin", llmc(20240520, 1, 7, raw<std::uint16_t>(std::span{ids})));
  folder.file("llama3.bin", llmc(20240801, 7, 7, raw<std::uint32_t>(std::span{wide})));
  folder.file("m.bin", raw<std::int32_t>(std::span{signed_ids}));
  folder.file("m.idx", index_of(4, {3, 4}, 4));
  for (auto const* name : {"a.npy", "nano.bin", "gpt2.bin", "llama3.bin", "m.bin", "m.idx"}) {
    CAPTURE(name);
    token_file const tokens{folder / name, 12};
    CHECK(tokens.size() == 7);
    CHECK(row(tokens, 1, 3) == std::vector<std::int32_t>{8, 9, 10});
    CHECK(message_of([&] { tokens.validate(); }) == "nothing thrown");
    token_file const narrow{folder / name, 11};
    CHECK(message_of([&] { narrow.validate(); }).ends_with("needed a token id below the vocabulary of 11, received 11 as token 6"));
  }
  CHECK(message_of([&] { token_file{folder / "gpt2.bin", 11}.validate(); }) ==
        (folder / "gpt2.bin").string() + ": offset 1036: needed a token id below the vocabulary of 11, received 11 as token 6");
}

TEST_CASE("a format is told by content, name and neighbours") {
  auto const told = [](std::filesystem::path const& path, std::string const& bytes) {
    return trainer::format_of(path, std::as_bytes(std::span{bytes}));
  };
  scratch_folder const folder;
  folder.file("m.idx", "");
  CHECK(told("x.bin", "\x93NUMPY...") == token_format::npy);
  CHECK(told("x.npy", "anything") == token_format::npy);
  CHECK(told("x", "anything") == token_format::npy);
  CHECK(told("x.bin", "anything") == token_format::nanogpt);
  CHECK(told("x.bin", raw<std::int32_t>({20240520, 1})) == token_format::llmc);
  CHECK(told("x.bin", raw<std::int32_t>({20240522, 1})) == token_format::llmc);
  CHECK(told(folder / "m.bin", "anything") == token_format::megatron);
  CHECK(told("x.idx", "anything") == token_format::megatron);
}

TEST_CASE("what is missing or of a wrong size is named") {
  scratch_folder const folder;
  auto const complaint = [&](std::string_view name) { return message_of([&] { trainer::opened_tokens(folder / name); }); };
  folder.file("odd.bin", "abc");
  CHECK(complaint("odd.bin") == (folder / "odd.bin").string() +
                                    ": offset 3: needed a whole number of uint16 tokens, received an odd number of bytes");
  folder.file("lonely.idx", index_of(4, {1}, 4));
  CHECK(complaint("lonely.idx") ==
        (folder / "lonely.bin").string() + ": offset 0: needed a readable file, received No such file or directory");
  folder.file("short.idx", index_of(4, {2}, 4));
  folder.file("short.bin", "abcd");
  CHECK(complaint("short.bin") == (folder / "short.bin").string() +
                                      ": offset 4: needed 2 elements of 4 bytes, received the end of the file after 4 data bytes");
  folder.file("eval.bin", llmc(20240522, 1, 0, ""));
  CHECK(complaint("eval.bin").find("of its evaluation files") != std::string::npos);
  folder.file("none.txt", "some text");
  CHECK(complaint("none.txt").ends_with("needed the magic \\x93NUMPY, received other bytes"));
}
