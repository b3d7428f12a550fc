#include <kunmetrics/io/whole_file.hpp>

#include "../trainer/scratch_folder.hpp"
#include "full_disk.hpp"

#include <doctest/doctest.h>

#include <type_traits>

#include <sys/stat.h>

namespace {
using kunmetrics::write_whole;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

static_assert(!std::is_copy_constructible_v<kunmetrics::detail::descriptor>);

// While it lives, the process is not root, whom no permission stops.
class common_user {
 public:
  common_user() : before_{::geteuid()}, is_common_{before_ != 0 || ::seteuid(65534) == 0} {}
  common_user(common_user const&) = delete;
  common_user& operator=(common_user const&) = delete;
  ~common_user() {
    if (::geteuid() != before_) static_cast<void>(::seteuid(before_) == 0);
  }
  bool is_common() const { return is_common_; }

 private:
  uid_t before_;
  bool is_common_;
};

std::string written_whole(std::filesystem::path const& path, std::string_view text) {
  return message_of([&] { write_whole(path, text); });
}
}  // namespace

TEST_CASE("the content is exactly the text") {
  scratch_folder const folder;
  auto const path = folder / "report.json";
  for (std::string const& text : {std::string{}, std::string{"{}\n"}, std::string{"a\0b\r\n\xff", 6}, std::string(3'000'001, 'x')}) {
    write_whole(path, text);
    CHECK(content(path) == text);
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("a shorter text leaves nothing of a longer one") {
  scratch_folder const folder;
  auto const path = folder.file("report.json", "a long report of an earlier run");
  write_whole(path, "short");
  CHECK(content(path) == "short");
}

TEST_CASE("the old file is replaced, not written over") {
  scratch_folder const folder;
  auto const path = folder.file("report.json", "old");
  std::filesystem::create_hard_link(path, folder / "kept");
  write_whole(path, "new");
  CHECK(content(path) == "new");
  CHECK(content(folder / "kept") == "old");
}

TEST_CASE("a file name without a folder is in the working folder") {
  scratch_folder const folder;
  auto const before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  auto const message = written_whole("report.json", "here");
  std::filesystem::current_path(before);
  CHECK(message == "nothing thrown");
  CHECK(content(folder / "report.json") == "here");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a full disk leaves the old content and no temporary file") {
  scratch_folder const folder;
  auto const path = folder.file("report.json", "as it was");
  std::string message;
  {
    full_disk const limit{100};
    message = written_whole(path, std::string(101, 'x'));
  }
  CHECK(message == path.string() + ": needed a file to write, received File too large");
  CHECK(content(path) == "as it was");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a folder in place of the file stays, and no temporary file") {
  scratch_folder const folder;
  auto const inside = folder.file("report.json/inside", "kept");
  CHECK(written_whole(folder / "report.json", "text") ==
        (folder / "report.json").string() + ": needed a file to write, received Is a directory");
  CHECK(content(inside) == "kept");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a folder that is not there is an error and is not made") {
  scratch_folder const folder;
  auto const path = folder / "none" / "report.json";
  CHECK(written_whole(path, "text") == path.string() + ": needed a folder to write in, received No such file or directory");
  auto const below_a_file = folder.file("file", "") / "report.json";
  CHECK(written_whole(below_a_file, "text") ==
        below_a_file.string() + ": needed a folder to write in, received Not a directory");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a folder that may not be written in leaves the old content") {
  scratch_folder const folder;
  auto const path = folder.file("report.json", "as it was");
  ::chmod(folder.path().c_str(), 0555);
  std::string message;
  bool is_common = false;
  {
    common_user const user;
    is_common = user.is_common();
    message = written_whole(path, "text");
  }
  ::chmod(folder.path().c_str(), 0755);
  if (!is_common) {
    MESSAGE("not checked: this root cannot become a common user");
    return;
  }
  CHECK(message == path.string() + ": needed a folder to write in, received Permission denied");
  CHECK(content(path) == "as it was");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a link stays one, and what it points at is replaced") {
  scratch_folder const folder;
  auto const target = folder.file("elsewhere/report.json", "old");
  std::filesystem::create_symlink(target, folder / "link");
  write_whole(folder / "link", "new");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(content(target) == "new");
}

TEST_CASE("what is no file is written to, and stays what it is") {
  scratch_folder const folder;
  auto const pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  kunmetrics::detail::descriptor const reader{pipe, O_RDONLY | O_NONBLOCK};
  write_whole(pipe, "through");
  std::string read(7, ' ');
  CHECK(::read(reader.value(), read.data(), read.size()) == 7);
  CHECK(read == "through");
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK(written_whole("/dev/full", "lost") == "/dev/full: needed a file to write, received No space left on device");
  CHECK(std::filesystem::is_character_file("/dev/full"));
}
