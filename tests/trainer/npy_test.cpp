#include "npy.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using trainer::npy_file;
using trainer::npy_type;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {

std::string dict(std::string_view descr, std::string_view shape,
                 std::string_view fortran = "False") {
  return "{'descr': " + std::string{descr} + ", 'fortran_order': " + std::string{fortran} +
         ", 'shape': " + std::string{shape} + ", }";
}

// A file with the dict as it is given (no padding), so that offsets are easy to count.
std::string npy(std::string const& header, std::string const& data, int major = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {static_cast<char>(major), '\0'};
  auto const length = header.size();
  bytes += {static_cast<char>(length & 0xff), static_cast<char>(length >> 8 & 0xff)};
  if (major > 1) bytes += {'\0', '\0'};
  return bytes + header + data;
}

template <class Item>
std::string raw(std::vector<Item> const& items) {
  return {reinterpret_cast<char const*>(items.data()), items.size() * sizeof(Item)};
}

template <class Item>
Item item(npy_file const& file, std::size_t index) {
  Item value;
  std::memcpy(&value, file.data().data() + index * sizeof(Item), sizeof value);
  return value;
}

// The message for a file with these bytes, with the path in front cut off.
std::string complaint(std::string const& bytes) {
  scratch_folder const folder;
  auto const path = folder.file("tokens.npy", bytes);
  auto const message = message_of([&] { npy_file const file{path}; });
  auto const prefix = path.string() + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : "no path in: " + message;
}

}  // namespace

static_assert(trainer::item_size(npy_type::u1) == 1);
static_assert(trainer::item_size(npy_type::u2) == 2);
static_assert(trainer::item_size(npy_type::i4) == 4);
static_assert(trainer::item_size(npy_type::i8) == 8);
static_assert(trainer::description(npy_type::i8) == "<i8");

TEST_CASE("every accepted type is read in every version") {
  scratch_folder const folder;
  for (int const major : {1, 2, 3}) {
    auto const read = [&](std::string_view descr, std::string const& data) {
      return npy_file{folder.file("a.npy", npy(dict(descr, "(3,)"), data, major))};
    };
    CHECK(item<std::uint8_t>(read("'|u1'", raw<std::uint8_t>({1, 2, 255})), 2) == 255);
    CHECK(item<std::uint16_t>(read("'<u2'", raw<std::uint16_t>({1, 2, 65535})), 2) == 65535);
    CHECK(item<std::uint32_t>(read("'<u4'", raw<std::uint32_t>({1, 2, 7})), 2) == 7);
    CHECK(item<std::uint64_t>(read("'<u8'", raw<std::uint64_t>({1, 2, 8})), 2) == 8);
    CHECK(item<std::int8_t>(read("'|i1'", raw<std::int8_t>({1, 2, -7})), 2) == -7);
    CHECK(item<std::int16_t>(read("'<i2'", raw<std::int16_t>({1, 2, -8})), 2) == -8);
    CHECK(item<std::int32_t>(read("'<i4'", raw<std::int32_t>({1, 2, -9})), 2) == -9);
    auto const last = read("'<i8'", raw<std::int64_t>({1, 2, -10}));
    CHECK(item<std::int64_t>(last, 2) == -10);
    CHECK(last.size() == 3);
    CHECK(last.type() == npy_type::i8);
  }
}

TEST_CASE("the dict may be written in any way Python allows") {
  scratch_folder const folder;
  auto const data = raw<std::uint16_t>({4, 5});
  for (std::string const header :
       {"{'shape': (2,), 'descr': '<u2', 'fortran_order': False}",
        "{\"fortran_order\":True,\"shape\":(2,),\"descr\":\"<u2\"}",
        "  { 'descr' :\t'<u2' , 'shape' : ( 2 , ) , 'fortran_order' : False , }   \n"}) {
    CAPTURE(header);
    npy_file const file{folder.file("a.npy", npy(header, data))};
    CHECK(file.size() == 2);
    CHECK(file.offset(1) == 10 + header.size() + 2);
    CHECK(item<std::uint16_t>(file, 1) == 5);
  }
}

TEST_CASE("an empty array is a file without data") {
  scratch_folder const folder;
  CHECK(npy_file{folder.file("a.npy", npy(dict("'<i8'", "(0,)"), ""))}.size() == 0);
}

TEST_CASE("types that are not plain little-endian integers are refused") {
  auto const refused = [](std::string_view descr) {
    return complaint(npy(dict(descr, "(1,)"), std::string(8, '\0')));
  };
  std::string const needed = "offset 20: needed an integer dtype of |u1 <u2 <u4 <u8 |i1 <i2 <i4 <i8, ";
  CHECK(refused("'|O'") == needed + "received '|O' (python objects)");
  CHECK(refused("'O'") == needed + "received 'O' (python objects)");
  CHECK(refused("'>i8'") == needed + "received '>i8' (big-endian)");
  CHECK(refused("'>u2'") == needed + "received '>u2' (big-endian)");
  CHECK(refused("'<f4'") == needed + "received '<f4'");
  CHECK(refused("'>i2'") == needed + "received '>i2' (big-endian)");
  CHECK(refused("''") == needed + "received ''");
  CHECK(refused("[('a', '<i8')]") ==
        "offset 20: needed a plain dtype string, received a structured dtype");
  CHECK(refused("7") == "offset 20: needed a dtype string, received '7'");
  CHECK(refused("'<\\x69 8'") ==
        "offset 22: needed a string closed on its line, received '\\'");
}

TEST_CASE("shapes other than one length are refused") {
  auto const refused = [](std::string_view shape, std::string_view fortran = "False") {
    return complaint(npy(dict("'<u2'", shape, fortran), std::string(12, '\0')));
  };
  std::string const needed = "offset 60: needed a shape of one dimension (n,), ";
  CHECK(refused("(2, 3)") == needed + "received (2, 3)");
  CHECK(refused("()") == needed + "received ()");
  CHECK(refused("(1, 2, 3,)") == needed + "received (1, 2, 3,)");
  CHECK(refused("(2, 3)", "True") ==
        "offset 59: needed a shape of one dimension (n,), received (2, 3) in fortran order");
  CHECK(refused("(6)") == "offset 62: needed ',' in the header, received ')'");
  CHECK(refused("(-6,)") == "offset 61: needed a length of 0 or more, received -6");
  CHECK(refused("(-,)") == "offset 61: needed a length in the shape, received '-'");
  CHECK(refused("(6.0,)") == "offset 62: needed ',' in the header, received '.'");
  CHECK(refused("(9223372036854775808,)") ==
        "offset 61: needed a length below 2^63, received 9223372036854775808");
  // 2^63 - 1 elements of 2 bytes do not fit in 64 bits; 12 bytes are there
  CHECK(refused("(9223372036854775807,)") ==
        "offset 97: needed 9223372036854775807 elements of 2 bytes, received the end of the file "
        "after 12 data bytes");
}

TEST_CASE("a dict with anything missing, doubled, unknown or left over is refused") {
  auto const refused = [](std::string const& header) { return complaint(npy(header, "")); };
  CHECK(refused("") == "offset 10: needed '{' in the header, received the end of the header");
  CHECK(refused("[1]") == "offset 10: needed '{' in the header, received '['");
  CHECK(refused("{") == "offset 11: needed a quoted key, received the end of the header");
  CHECK(refused("{,}") == "offset 11: needed a quoted key, received ','");
  CHECK(refused("{}") ==
        "offset 12: needed in the header the key 'descr', received a dict without it");
  CHECK(refused("{'descr': '<u2', 'fortran_order': False}") ==
        "offset 50: needed in the header the key 'shape', received a dict without it");
  CHECK(refused("{'descr': '<u2', 'shape': (0,)}") ==
        "offset 41: needed in the header the key 'fortran_order', received a dict without it");
  CHECK(refused("{'descr': '<u2', 'descr': '<u4'}") ==
        "offset 27: needed each key once, received 'descr' again");
  CHECK(refused("{'other': 1}") ==
        "offset 11: needed one of the keys descr, fortran_order, shape, received 'other'");
  CHECK(refused("{'fortran_order': 0}") == "offset 28: needed True or False, received '0'");
  CHECK(refused("{'shape': (") ==
        "offset 21: needed a length in the shape, received the end of the header");
  CHECK(refused("{'shape': 3}") == "offset 20: needed '(' in the header, received '3'");
  CHECK(refused("{'descr") ==
        "offset 17: needed a string closed on its line, received the end of the header");
  CHECK(refused("{'descr' '<u2'}") == "offset 19: needed ':' in the header, received '''");
  CHECK(refused(dict("'<u2'", "(0,)") + " x") ==
        "offset 68: needed only padding after the dict, received 'x'");
  CHECK(refused("{'" + std::string(100, 'k') + "': 1}") ==
        "offset 11: needed one of the keys descr, fortran_order, shape, received '" +
            std::string(48, 'k') + "...'");
}

TEST_CASE("files that end too early or too late are refused") {
  std::string const whole = npy(dict("'<u2'", "(3,)"), raw<std::uint16_t>({1, 2, 3}));
  auto const header_end = whole.size() - 6;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    auto const message = complaint(whole.substr(0, length));
    std::string const what = length < 8            ? "8 bytes of magic and version"
                             : length < 10         ? "10 bytes of magic, version and header length"
                             : length < header_end ? "67 bytes of header"
                                                   : "3 elements of 2 bytes";
    auto const start = "offset " + std::to_string(length) + ": needed " + what + ", received ";
    CHECK(message.starts_with(start + "the end of the file"));
  }
  CHECK(complaint(whole.substr(0, whole.size() - 1)) ==
        "offset " + std::to_string(whole.size() - 1) +
            ": needed 3 elements of 2 bytes, received the end of the file after 5 data bytes");
  CHECK(complaint(whole + "x") ==
        "offset " + std::to_string(whole.size()) +
            ": needed the end of the file after 3 elements of 2 bytes, received 1 more bytes");
}

TEST_CASE("files that are no .npy are refused") {
  CHECK(complaint("PK\x03\x04 an .npz archive") ==
        "offset 0: needed the magic \\x93NUMPY, received other bytes");
  CHECK(complaint(npy(dict("'<u2'", "(0,)"), "", 4)) ==
        "offset 6: needed version 1.0, 2.0 or 3.0, received 4.0");
  auto minor = npy(dict("'<u2'", "(0,)"), "");
  minor[7] = 1;
  CHECK(complaint(minor) == "offset 6: needed version 1.0, 2.0 or 3.0, received 1.1");
  auto absurd = npy(dict("'<u2'", "(0,)"), "", 2);
  absurd[8] = absurd[9] = absurd[10] = absurd[11] = '\xff';
  CHECK(complaint(absurd) ==
        "offset 8: needed a header of at most 65535 bytes, received 4294967295");

  scratch_folder const folder;
  auto const missing = folder / "none.npy";
  CHECK(message_of([&] { npy_file const file{missing}; }) ==
        missing.string() +
            ": offset 0: needed a readable file, received No such file or directory");
  CHECK(message_of([&] { npy_file const file{folder.path()}; }) ==
        folder.path().string() + ": offset 0: needed a regular file, received a directory");
}

TEST_CASE("what is written is read back, with the bytes numpy.save would make") {
  scratch_folder const folder;
  std::vector<std::int32_t> ids(70'000);  // more than one block
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i % 60'000);
  for (auto const type : {npy_type::u2, npy_type::i4, npy_type::i8}) {
    auto const path = folder / "ids.npy";
    trainer::write_npy(path, type, ids);
    npy_file const file{path};
    REQUIRE(file.type() == type);
    REQUIRE(file.size() == ids.size());
    CHECK(file.offset(0) % 64 == 0);
    trainer::with_npy_type(type, [&]<class Item>(std::type_identity<Item>) {
      std::size_t same = 0;
      for (std::size_t i = 0; i < ids.size(); ++i) same += item<Item>(file, i) == Item(ids[i]);
      CHECK(same == ids.size());
    });
  }
  trainer::write_npy(folder / "two.npy", npy_type::u2, std::vector<std::int32_t>{1, 258});
  auto const header = dict("'<u2'", "(2,)");
  CHECK(content(folder / "two.npy") ==
        std::string{"\x93NUMPY\x01\x00\x76\x00", 10} + header +
            std::string(118 - header.size() - 1, ' ') + "\n" + "\x01" + '\0' + "\x02\x01");
  CHECK(folder.entries() == 2);
}

TEST_CASE("an output that cannot be whole is not there at all") {
  scratch_folder const folder;
  auto const path = folder.file("ids.npy", "as it was");
  CHECK(message_of([&] {
          trainer::write_npy(path, npy_type::u2, std::vector<std::int32_t>{0, 65536});
        }) == "write_npy: needed ids that <u2 can hold, received 65536");
  {
    trainer::atomic_file abandoned{path};
    abandoned.append("half of it");
    CHECK(folder.entries() == 2);
  }
  CHECK(content(path) == "as it was");
  CHECK(folder.entries() == 1);

  auto const nowhere = folder / "none/ids.npy";
  CHECK(message_of([&] { trainer::write_npy(nowhere, npy_type::u2, {}); }) ==
        nowhere.string() +
            ": offset 0: needed a folder to write in, received No such file or directory");
  CHECK(message_of([&] { trainer::write_npy(folder.path(), npy_type::u2, {}); }) ==
        folder.path().string() +
            ": offset 0: needed the name of a file to write, received a directory");
}
