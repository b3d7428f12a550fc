// A shard written and read back, and every byte of it damaged in turn.
#include "shard_file.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <string>
#include <vector>

using trainer::shard_copy;
using trainer::shard_file;
using trainer::state_part;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
std::vector<float> values(std::size_t count, float from) {
  std::vector<float> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = from + static_cast<float>(i);
  return all;
}

shard_copy::written_file written(std::filesystem::path const& path) {
  shard_copy copy{1, 3};
  copy.begin(99);
  copy.add(0, values(5, 1), values(5, 100), values(5, 200));
  copy.begin(20);  // what was begun before is forgotten
  copy.add(128, values(70, 1), values(70, 100), values(70, 200));
  copy.add(64, {}, {}, {});
  copy.add(7, values(3, 5), values(3, 6), values(3, 7));
  return copy.write(path);
}

bool holds(shard_file const& file, std::size_t unit, state_part part, std::vector<float> const& expected) {
  return std::ranges::equal(file.verified(unit, part), std::as_bytes(std::span{expected}));
}

// Opens the file and reads all of it.
void read(std::filesystem::path const& path) {
  shard_file const file{path};
  for (std::size_t unit = 0; unit < file.units().size(); ++unit) {
    for (auto const part : {state_part::parameters, state_part::m, state_part::v}) static_cast<void>(file.verified(unit, part));
  }
}
}  // namespace

TEST_CASE("what is written is what is read") {
  scratch_folder const folder;
  auto const made = written(folder / "r.bin");
  shard_file const file{folder / "r.bin"};
  CHECK(file.header().rank == 1);
  CHECK(file.header().ranks == 3);
  CHECK(file.header().step == 20);
  REQUIRE(file.units().size() == 3);
  CHECK(file.units()[0].first == 128);
  CHECK(file.units()[1].count == 0);
  CHECK(file.bytes() == made.bytes);
  CHECK(file.crc() == made.crc);
  CHECK(holds(file, 0, state_part::parameters, values(70, 1)));
  CHECK(holds(file, 0, state_part::m, values(70, 100)));
  CHECK(holds(file, 0, state_part::v, values(70, 200)));
  CHECK(holds(file, 1, state_part::v, {}));
  CHECK(holds(file, 2, state_part::m, values(3, 6)));
  for (auto const& unit : file.units()) CHECK(unit.offset % 64 == 0);
}

TEST_CASE("the checksum that meta.json keeps depends on the data") {
  scratch_folder const folder;
  auto const one = written(folder / "a.bin");
  shard_copy copy{1, 3};
  copy.begin(20);
  auto changed = values(70, 1);
  changed[33] = 0;
  copy.add(128, changed, values(70, 100), values(70, 200));
  copy.add(64, {}, {}, {});
  copy.add(7, values(3, 5), values(3, 6), values(3, 7));
  auto const other = copy.write(folder / "b.bin");
  CHECK(other.bytes == one.bytes);
  CHECK(other.crc != one.crc);
}

TEST_CASE("no damaged byte goes unseen, but for padding, and no shortened file is read") {
  scratch_folder const folder;
  written(folder / "r.bin");
  auto const whole = content(folder / "r.bin");
  shard_file const file{folder / "r.bin"};
  auto const padding = [&](std::size_t at) {
    auto const table = trainer::detail::table_bytes(3);
    if (at < table) return false;
    for (auto const& unit : file.units()) {
      for (std::size_t part = 0; part < 3; ++part) {
        auto const begin = unit.offset + part * trainer::detail::part_bytes(unit.count);
        if (at >= begin && at < begin + unit.count * sizeof(float)) return false;
      }
    }
    return true;
  };
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    auto const path = folder.file("damaged.bin", damaged);
    CHECK((message_of([&] { read(path); }) == "nothing thrown") == padding(at));
  }
  for (std::size_t size = 0; size < whole.size(); size += 37) {
    CHECK(message_of([&] { read(folder.file("short.bin", whole.substr(0, size))); }) != "nothing thrown");
  }
  CHECK(message_of([&] { read(folder.file("long.bin", whole + "x")); }) != "nothing thrown");
}

TEST_CASE("what is wrong is said with file and offset") {
  scratch_folder const folder;
  written(folder / "r.bin");
  auto const whole = content(folder / "r.bin");
  auto const path = (folder / "bad.bin").string();
  auto const complaint = [&](std::string const& bytes) { return message_of([&] { read(folder.file("bad.bin", bytes)); }); };
  CHECK(complaint("") == path + ": offset 0: needed a shard's header, received the end of the file");
  CHECK(complaint("KUNSHARE" + whole.substr(8)) == path + ": offset 0: needed the magic KUNSHARD, received other bytes");
  auto damaged = whole;
  damaged[8] = 2;
  CHECK(complaint(damaged) == path + ": offset 8: needed version 1, received 2");
  damaged = whole;
  damaged.replace(20, 4, 4, '\0');
  CHECK(complaint(damaged) == path + ": offset 20: needed at least one unit, received 0");
  damaged = whole;
  damaged[40] = 'x';
  CHECK(complaint(damaged) == path + ": offset 152: needed the checksum of an undamaged header, received another one");
  damaged = whole;
  damaged[192 + 320] = 'x';
  CHECK(complaint(damaged) == path + ": offset 512: needed the undamaged m of unit 0, received a wrong checksum of 280 bytes");
}

TEST_CASE("a folder that is not there is refused") {
  scratch_folder const folder;
  CHECK(message_of([&] { written(folder / "none" / "r.bin"); }) ==
        (folder / "none/r.bin").string() + ": offset 0: needed a folder to write in, received No such file or directory");
}
