#include "megatron_index.hpp"

#include "raw_bytes.hpp"
#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

using trainer::npy_type;
using trainer::read_megatron_index;
using trainer_test::message_of;
using trainer_test::raw;

namespace {
struct index_parts {
  std::string magic{trainer::megatron_magic};
  std::uint64_t version = 1;
  std::uint8_t dtype = 8;
  std::vector<std::int32_t> lengths{3, 0, 2};
  std::vector<std::int64_t> pointers{0, 6, 6};
  std::vector<std::int64_t> documents{0, 2, 3};
  std::string modes{};

  std::string bytes() const {
    return magic + raw({version}) + raw({dtype}) + raw<std::uint64_t>({lengths.size(), documents.size()}) +
           raw(std::span{lengths}) + raw(std::span{pointers}) + raw(std::span{documents}) + modes;
  }
};

trainer::megatron_index read(std::string const& file) {
  return read_megatron_index("t.idx", std::as_bytes(std::span{file}));
}
std::string complaint_of(std::string const& file) {
  return message_of([&] { read(file); });
}
std::string complaint(index_parts const& parts) { return complaint_of(parts.bytes()); }
}  // namespace

TEST_CASE("an index says type, sequences, documents and tokens") {
  index_parts parts;
  auto const index = read(parts.bytes());
  CHECK(index.type == npy_type::u2);
  CHECK(index.sequences == 3);
  CHECK(index.documents == 2);
  CHECK(index.tokens == 5);
  parts.modes = std::string(3, '\0');
  CHECK(read(parts.bytes()).tokens == 5);
  parts = {.lengths = {}, .pointers = {}, .documents = {0}};
  CHECK(read(parts.bytes()).tokens == 0);
}

TEST_CASE("every integer type, with its size in the pointers") {
  struct {
    std::uint8_t code;
    npy_type type;
    std::int64_t size;
  } const types[]{{1, npy_type::u1, 1}, {2, npy_type::i1, 1}, {3, npy_type::i2, 2},
                  {4, npy_type::i4, 4}, {5, npy_type::i8, 8}, {8, npy_type::u2, 2}};
  for (auto const& [code, type, size] : types) {
    index_parts const parts{.dtype = code, .pointers = {0, 3 * size, 3 * size}};
    CHECK(read(parts.bytes()).type == type);
  }
  CHECK(complaint({.dtype = 6}) == "t.idx: offset 17: needed dtype 1 to 5 or 8, of integers, received 6, of floats");
  CHECK(complaint({.dtype = 0}) == "t.idx: offset 17: needed dtype 1 to 5 or 8, of integers, received 0");
  CHECK(complaint({.dtype = 200}) == "t.idx: offset 17: needed dtype 1 to 5 or 8, of integers, received 200");
}

TEST_CASE("the data are exactly what the index says") {
  index_parts const parts;
  auto const index = read(parts.bytes());
  auto const layout = trainer::layout_of_megatron(index, "t.bin", 10);
  CHECK(layout.count == 5);
  CHECK(layout.data_offset == 0);
  CHECK(message_of([&] { trainer::layout_of_megatron(index, "t.bin", 8); }) ==
        "t.bin: offset 8: needed 5 elements of 2 bytes, received the end of the file after 8 data bytes");
  CHECK(message_of([&] { trainer::layout_of_megatron(index, "t.bin", 12); }) ==
        "t.bin: offset 10: needed the end of the file after 5 elements of 2 bytes, received 2 more bytes");
}

TEST_CASE("a broken index is refused at its offset") {
  CHECK(complaint_of("MMIDIDX") == "t.idx: offset 7: needed 34 bytes of Megatron's index header, received the end of the file");
  CHECK(complaint({.magic = "MMIDIDY\0\0"}) != "nothing thrown");
  CHECK(complaint({.version = 2}) == "t.idx: offset 9: needed version 1, received 2");
  CHECK(complaint({.lengths = {3, -1, 2}}) == "t.idx: offset 38: needed a length of 0 or more for sequence 1, received -1");
  CHECK(complaint({.pointers = {0, 4, 6}}) == "t.idx: offset 54: needed sequence 1 at byte 6 of the data, received 4");
  CHECK(complaint({.pointers = {0, 6, -6}}) == "t.idx: offset 62: needed sequence 2 at byte 6 of the data, received -6");
  CHECK(complaint({.documents = {1, 2, 3}}) == "t.idx: offset 70: needed documents in order, from sequence 0 to 3, received 1");
  CHECK(complaint({.documents = {0, 2, 1}}) == "t.idx: offset 86: needed documents in order, from sequence 0 to 3, received 1");
  CHECK(complaint({.documents = {0, 2, 4}}) == "t.idx: offset 86: needed documents in order, from sequence 0 to 3, received 4");
  CHECK(complaint({.modes = "m"}) ==
        "t.idx: offset 94: needed the end of the file, or a mode for each of 3 sequences, received 1 more bytes");
}

TEST_CASE("counts that a file cannot hold do not overflow") {
  for (std::uint64_t const count : {std::uint64_t{4}, std::uint64_t{1} << 62U, ~std::uint64_t{0}}) {
    for (std::size_t const at : {std::size_t{18}, std::size_t{26}}) {
      auto file = index_parts{}.bytes();
      file.replace(at, 8, raw({count}));
      CHECK(complaint_of(file).starts_with(at == 18 && count == 4 ? "t.idx: offset 18: needed a file that holds the index of 4 "
                                                               : "t.idx: offset 18: needed a file that holds the index of "));
    }
  }
  // lengths that add up beyond what a 32-bit count holds
  index_parts const large{.dtype = 1, .lengths = {2147483647, 2147483647, 2147483647}, .pointers = {0, 2147483647, 4294967294}};
  CHECK(read(large.bytes()).tokens == 6442450941U);
}
