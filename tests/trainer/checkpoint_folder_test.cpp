// Names, `latest`, and what stays when a commit ends or does not.
#include "checkpoint_folder.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using trainer::checkpoint_folder;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;
using names = std::vector<std::string>;

namespace {
void save(checkpoint_folder const& folder, std::int64_t step, std::int64_t keep = 2) {
  folder.begin(step);
  folder.commit(step, "{}", keep);
}
}  // namespace

TEST_CASE("the newest stay, and latest names the last one") {
  scratch_folder const scratch;
  checkpoint_folder const folder{scratch / "c"};
  for (std::int64_t step : {5, 10, 15, 20}) save(folder, step);
  CHECK(folder.committed() == names{"step_00000015", "step_00000020"});
  CHECK(content(scratch / "c/latest") == "step_00000020\n");
  CHECK(checkpoint_folder::resolved(scratch / "c") == scratch / "c/step_00000020");
  CHECK(checkpoint_folder::resolved(scratch / "c/step_00000015") == scratch / "c/step_00000015");
  save(folder, 25, 1);
  CHECK(folder.committed() == names{"step_00000025"});
}

TEST_CASE("a step saved again gets another name, and what is committed is not touched") {
  scratch_folder const scratch;
  checkpoint_folder const folder{scratch / "c"};
  for (int i = 0; i < 3; ++i) save(folder, 5, 5);
  CHECK(folder.committed() == names{"step_00000005", "step_00000005-001", "step_00000005-002"});
  CHECK(content(scratch / "c/latest") == "step_00000005-002\n");
  CHECK(message_of([&] { checkpoint_folder::resolved(scratch / "c"); }) == "nothing thrown");
}

TEST_CASE("what a killed run has left is removed when the next one begins, and is no checkpoint") {
  scratch_folder const scratch;
  checkpoint_folder const folder{scratch / "c"};
  save(folder, 5);
  folder.begin(10);
  scratch.file("c/step_00000010.tmp/rank_00000_of_00002.bin", "half");
  CHECK(folder.committed() == names{"step_00000005"});
  folder.begin(15);
  CHECK(!std::filesystem::exists(scratch / "c/step_00000010.tmp"));
  folder.abandon(15);
  CHECK(!std::filesystem::exists(scratch / "c/step_00000015.tmp"));
  CHECK(checkpoint_folder::resolved(scratch / "c") == scratch / "c/step_00000005");
}

TEST_CASE("a run taken up before the end keeps the later ones, whose they may be") {
  scratch_folder const scratch;
  checkpoint_folder const folder{scratch / "c"};
  save(folder, 50, 9);
  save(folder, 10, 1);
  CHECK(folder.committed() == names{"step_00000010", "step_00000050"});
  CHECK(content(scratch / "c/latest") == "step_00000010\n");
}

TEST_CASE("what cannot be taken up is refused by one line") {
  scratch_folder const scratch;
  auto const complaint = [&](std::string_view name) { return message_of([&] { checkpoint_folder::resolved(scratch / name); }); };
  auto const root = scratch.path().string();
  CHECK(complaint("none") == root + "/none: needed a folder with latest or meta.json, found neither");
  scratch.file("a/latest", "../elsewhere\n");
  CHECK(complaint("a") == root + "/a/latest: needed the name of a checkpoint, step_..., found '../elsewhere'");
  scratch.file("b/latest", "");
  CHECK(complaint("b") == root + "/b/latest: needed the name of a checkpoint, step_..., found ''");
  scratch.file("d/latest", "step_00000007\n");
  CHECK(complaint("d") == root + "/d/latest: needed a checkpoint that is there, found step_00000007 without a meta.json");
}

TEST_CASE("a folder that cannot be made is refused") {
  scratch_folder const scratch;
  scratch.file("file", "");
  checkpoint_folder const folder{scratch / "file/c"};
  CHECK(message_of([&] { folder.begin(1); }) == (scratch / "file/c").string() + ": needed a folder to write in, found Not a directory");
}
