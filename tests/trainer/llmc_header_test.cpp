#include "llmc_header.hpp"

#include "raw_bytes.hpp"
#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <string>

using trainer::layout_of_llmc;
using trainer::npy_type;
using trainer_test::message_of;
using trainer_test::raw;

namespace {
std::string header(std::int32_t magic, std::int32_t version, std::int32_t count) {
  auto bytes = raw({magic, version, count});
  bytes.resize(1024, '\0');
  return bytes;
}

std::span<std::byte const> bytes_of(std::string const& text) { return std::as_bytes(std::span{text}); }

trainer::npy_layout layout(std::string const& file) { return layout_of_llmc("t.bin", bytes_of(file)); }
std::string complaint(std::string const& file) {
  return message_of([&] { layout(file); });
}
}  // namespace

TEST_CASE("both magics are read, with the type that each means") {
  auto const gpt2 = layout(header(20240520, 1, 3) + raw<std::uint16_t>({1, 2, 50256}));
  CHECK(gpt2.type == npy_type::u2);
  CHECK(gpt2.count == 3);
  CHECK(gpt2.data_offset == 1024);
  auto const llama3 = layout(header(20240801, 7, 2) + raw<std::uint32_t>({1, 128255}));
  CHECK(llama3.type == npy_type::u4);
  CHECK(llama3.count == 2);
  CHECK(layout(header(20240520, 1, 0)).count == 0);
}

TEST_CASE("the magics are known by their first bytes, and no token of GPT-2 or llama 2 looks like one") {
  CHECK(trainer::llmc_magic(bytes_of(header(20240520, 1, 0))) == 20240520);
  CHECK(trainer::llmc_magic(bytes_of(header(20240522, 1, 0))) == 20240522);
  CHECK(!trainer::llmc_magic(bytes_of(raw<std::uint16_t>({1, 2}))));
  CHECK(!trainer::llmc_magic(bytes_of("abc")));
  for (auto const magic : {20240520, 20240522, 20240801}) CHECK((magic & 0xffff) > 50257);
}

TEST_CASE("anything else is refused at its offset") {
  CHECK(complaint("abc") == "t.bin: offset 3: needed 1024 bytes of llm.c's header, received the end of the file");
  CHECK(complaint(header(20240522, 1, 0)) ==
        "t.bin: offset 0: needed the magic 20240520 or 20240801 of llm.c's tokens, received 20240522, of its evaluation files");
  CHECK(complaint(header(20240520, 7, 0)) == "t.bin: offset 4: needed version 1 of magic 20240520, received 7");
  CHECK(complaint(header(20240801, 1, 0)) == "t.bin: offset 4: needed version 7 of magic 20240801, received 1");
  CHECK(complaint(header(20240520, 1, -2)) == "t.bin: offset 8: needed a number of tokens, received -2");
  CHECK(complaint(header(20240520, 1, 3) + "abcd") ==
        "t.bin: offset 1028: needed 3 elements of 2 bytes, received the end of the file after 4 data bytes");
  CHECK(complaint(header(20240801, 7, 1) + "abcdef") ==
        "t.bin: offset 1028: needed the end of the file after 1 elements of 4 bytes, received 2 more bytes");
}
