#include "token_file.hpp"
#include "unigram_entropy.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#ifndef TRAINER_DATA_DIR
#error "TRAINER_DATA_DIR must name examples/llama2_zero3/data"
#endif

using trainer::npy_type;
using trainer::token_file;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {

std::filesystem::path ids_file(scratch_folder const& folder, npy_type type,
                               std::vector<std::int32_t> const& ids) {
  auto const path = folder / "ids.npy";
  trainer::write_npy(path, type, ids);
  return path;
}

// The number that follows `name |` in the data's README.
double readme_number(std::string const& name) {
  auto const text = content(std::filesystem::path{TRAINER_DATA_DIR} / "README.md");
  auto const at = text.find("| " + name + " | ");
  REQUIRE(at != std::string::npos);
  return std::stod(text.substr(at + name.size() + 5));
}

}  // namespace

TEST_CASE("sequences do not overlap and the tail is dropped") {
  scratch_folder const folder;
  std::vector<std::int32_t> ids(23);
  std::iota(ids.begin(), ids.end(), 100);
  for (auto const type : {npy_type::u1, npy_type::u2, npy_type::u4, npy_type::u8, npy_type::i4,
                          npy_type::i8}) {
    token_file const tokens{ids_file(folder, type, ids), 123};
    CHECK(tokens.size() == 23);
    CHECK(tokens.sequences(23) == 1);
    CHECK(tokens.sequences(24) == 0);
    REQUIRE(tokens.sequences(5) == 4);
    for (std::int64_t index = 0; index < 4; ++index) {
      std::vector<std::int32_t> row(5);
      tokens.copy_sequence(index, row);
      auto const first = static_cast<std::size_t>(index) * 5;
      CHECK(std::ranges::equal(row, std::span{ids}.subspan(first, 5)));
    }
  }
}

TEST_CASE("a sequence that is not there is refused") {
  scratch_folder const folder;
  token_file const tokens{ids_file(folder, npy_type::u2, {1, 2, 3, 4, 5}), 10};
  std::vector<std::int32_t> row(2);
  auto const name = tokens.path().string();
  CHECK(message_of([&] { tokens.copy_sequence(2, row); }) ==
        name + ": needed a sequence in [0, 2) of 2 tokens, received 2");
  CHECK(message_of([&] { tokens.copy_sequence(-1, row); }) ==
        name + ": needed a sequence in [0, 2) of 2 tokens, received -1");
  CHECK(message_of([&] { tokens.copy_sequence(0, {}); }) ==
        "token_file: needed a sequence length of 1 or more, received 0");
  for (std::int64_t const vocabulary : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 31})
    CHECK(message_of([&] { token_file const none{tokens.path(), vocabulary}; }) ==
          "token_file: needed a vocabulary in [1, 2^31), received " + std::to_string(vocabulary));
}

TEST_CASE("an id outside the vocabulary is named with file, offset and vocabulary") {
  scratch_folder const folder;
  std::vector<std::int32_t> ids(20'000, 3);  // more than one block of the validating pass
  auto const misfit = [&](npy_type type, std::size_t at, std::int32_t id) {
    auto changed = ids;
    changed[at] = id;
    token_file const tokens{ids_file(folder, type, changed), 4};
    std::vector<std::int32_t> row(8);
    auto const whole = message_of([&] { tokens.validate(); });
    CHECK(whole == message_of([&] { static_cast<void>(tokens.read()); }));
    CHECK(whole == message_of([&] {
            tokens.copy_sequence(static_cast<std::int64_t>(at) / 8, row);
          }));
    CHECK_NOTHROW(tokens.copy_sequence(static_cast<std::int64_t>(at) / 8 - 1, row));
    auto const prefix = tokens.path().string() + ": ";
    CHECK(whole.starts_with(prefix));
    return whole.substr(prefix.size());
  };
  std::string const needed = ": needed a token id below the vocabulary of 4, received ";
  CHECK(misfit(npy_type::u1, 19'999, 255) == "offset 20127" + needed + "255 as token 19999");
  CHECK(misfit(npy_type::u2, 9'000, 4) == "offset 18128" + needed + "4 as token 9000");
  CHECK(misfit(npy_type::i4, 8, -1) == "offset 160" + needed + "-1 as token 8");
  CHECK(misfit(npy_type::i8, 8'192, -7) == "offset 65664" + needed + "-7 as token 8192");
}

TEST_CASE("ids beyond 32 bits do not wrap into the vocabulary") {
  scratch_folder const folder;
  auto const path = ids_file(folder, npy_type::i8, {1, 2});
  auto bytes = content(path);
  bytes[bytes.size() - 4] = 1;  // 2 becomes 2^32 + 2
  token_file const wide{folder.file("wide.npy", bytes), 100};
  CHECK(message_of([&] { wide.validate(); }).ends_with("received 4294967298 as token 1"));

  auto const unsigned_path = ids_file(folder, npy_type::u8, {1, 2});
  bytes = content(unsigned_path);
  bytes.back() = '\xff';
  token_file const huge{folder.file("huge.npy", bytes), 100};
  CHECK(message_of([&] { huge.validate(); })
            .ends_with("received 18374686479671623682 as token 1"));
}

TEST_CASE("all of a good file validates, an empty one too") {
  scratch_folder const folder;
  CHECK_NOTHROW(token_file{ids_file(folder, npy_type::u2, {0, 65535}), 65536}.validate());
  token_file const empty{ids_file(folder, npy_type::i8, {}), 5};
  CHECK_NOTHROW(empty.validate());
  CHECK(empty.sequences(1) == 0);
  CHECK(empty.read().counts == std::vector<std::int64_t>(5));
}

TEST_CASE("the checksum is that of the ids, in whatever format a file has them") {
  scratch_folder const folder;
  std::vector<std::int32_t> ids(20'000);  // more than one block
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i * 7 % 200);
  auto const crc = token_file{ids_file(folder, npy_type::u1, ids), 200}.read().crc;
  CHECK(crc == trainer::crc32c(std::as_bytes(std::span{std::as_const(ids)})));
  CHECK(crc == token_file{ids_file(folder, npy_type::i8, ids), 200}.read().crc);
  ++ids[9'999];
  CHECK(crc != token_file{ids_file(folder, npy_type::u1, ids), 200}.read().crc);
}

TEST_CASE("entropy of known distributions") {
  CHECK(!trainer::unigram_entropy({}).has_value());
  CHECK(!trainer::unigram_entropy(std::vector<std::int64_t>{0, 0}).has_value());
  CHECK(trainer::unigram_entropy(std::vector<std::int64_t>{0, 9}) == 0.0);
  CHECK(trainer::unigram_entropy(std::vector<std::int64_t>{3, 3, 3, 3}).value() ==
        doctest::Approx(std::log(4.0)).epsilon(1e-14));
  CHECK(trainer::unigram_entropy(std::vector<std::int64_t>{1, 3}).value() ==
        doctest::Approx(std::log(4.0) - 0.75 * std::log(3.0)).epsilon(1e-14));
}

TEST_CASE("the committed tokens are what their README says") {
  auto const vocabulary = static_cast<std::int64_t>(readme_number("vocabulary"));
  token_file const tokens{std::filesystem::path{TRAINER_DATA_DIR} / "kjv.npy", vocabulary};
  CHECK_NOTHROW(tokens.validate());
  CHECK(static_cast<double>(tokens.size()) == readme_number("tokens"));
  auto const counts = tokens.read().counts;
  CHECK(static_cast<double>(counts[1]) == readme_number("documents"));  // one mark per document
  // the README has six decimals
  CHECK(std::abs(trainer::unigram_entropy(counts).value() - readme_number("unigram entropy")) <
        0.5e-6 + 1e-12);
  CHECK(std::filesystem::file_size(tokens.path()) <= 3'000'000);
}
