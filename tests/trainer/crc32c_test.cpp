// The published vectors, by instruction and by tables, and the two against each other.
#include "crc32c.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace {
using bytes = std::vector<std::byte>;

std::uint32_t by_tables(std::span<std::byte const> data) { return ~trainer::detail::crc32c_by_tables(data, ~0U); }

void check_both(std::span<std::byte const> data, std::uint32_t expected) {
  CHECK(trainer::crc32c(data) == expected);
  CHECK(by_tables(data) == expected);
}

bytes counting(int from, int step) {
  bytes data;
  for (int i = 0; i < 32; ++i) data.push_back(static_cast<std::byte>(from + i * step));
  return data;
}
}  // namespace

TEST_CASE("the vectors of RFC 3720, B.4") {
  check_both(bytes(32, std::byte{0}), 0x8a9136aaU);
  check_both(bytes(32, std::byte{0xff}), 0x62a8ab43U);
  check_both(counting(0, 1), 0x46dd794eU);
  check_both(counting(31, -1), 0x113fdb5cU);
  bytes command(48, std::byte{0});  // an iSCSI read command
  for (auto const& [at, value] : {std::pair{0, 0x01}, {1, 0xc0}, {16, 0x14}, {22, 0x04}, {27, 0x14}, {31, 0x18}, {32, 0x28}, {40, 0x02}}) {
    command[static_cast<std::size_t>(at)] = static_cast<std::byte>(value);
  }
  check_both(command, 0xd9963a56U);
}

TEST_CASE("the check value of the catalogue, and nothing") {
  check_both(std::as_bytes(std::span{std::string_view{"123456789"}}), 0xe3069283U);
  check_both({}, 0);
}

TEST_CASE("instruction and tables agree for every length and alignment, in pieces too") {
  std::mt19937 random(5);
  bytes data(300);
  for (auto& byte : data) byte = static_cast<std::byte>(random());
  for (std::size_t first = 0; first < 9; ++first) {
    for (std::size_t size = 0; size < 70; ++size) {
      auto const part = std::span{data}.subspan(first, size);
      auto const whole = trainer::crc32c(part);
      REQUIRE(whole == by_tables(part));
      REQUIRE(trainer::crc32c(part.subspan(size / 3), trainer::crc32c(part.first(size / 3))) == whole);
    }
  }
}

TEST_CASE("every flipped bit shows") {
  bytes data(64, std::byte{7});
  auto const whole = trainer::crc32c(data);
  for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
    data[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    CHECK(trainer::crc32c(data) != whole);
    data[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  }
}
