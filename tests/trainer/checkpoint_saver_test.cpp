// The real program saves, cannot write, and goes on: with the bits of a run that nothing disturbed.
#include "mpi_program.hpp"
#include "saved_run.hpp"
#include "small_disk.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

using nlohmann::json;
using trainer_test::arguments;
using trainer_test::content;
using trainer_test::last_line;
using trainer_test::on_ranks;
using trainer_test::run_program;
using trainer_test::small_disk;
using trainer_test::small_folder;
using trainer_test::state_of;
using trainer_test::trace_of;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;

// One line of rank, step and file that says why the checkpoint of step 6 of two ranks could not be written; that of
// step 3 stays, and nothing else. Returns the line.
std::string check_unwritten(small_folder const& folder, trainer_test::program_outcome const& full, std::string_view why) {
  CHECK(full.code == 1);
  auto line = last_line(full.err);
  CAPTURE(line);
  CHECK(line.starts_with("llama2_zero3: rank "));
  CHECK(line.find(" of 2, step 6, unit checkpoint: a/checkpoints/step_00000006.tmp/") != std::string::npos);
  CHECK(line.find(why) != std::string::npos);
  CHECK(content(folder / "a/checkpoints/latest") == "step_00000003\n");
  CHECK_FALSE(std::filesystem::exists(folder / "a/checkpoints/step_00000006.tmp"));
  return line;
}
}  // namespace

TEST_CASE("a run taken up again ends as the one that nothing disturbed, on as many ranks or others") {
  small_folder const folder;
  folder.write(on_ranks(4, 2));
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "10", "--checkpoint-every", "5"})).code == 0);
  auto const reference = state_of(folder / "whole/checkpoints/step_00000010", 4);
  auto const trace = trace_of(content(folder / "whole/steps.jsonl"));
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "10", "--checkpoint-every", "3"})).code == 0);
  CHECK(content(folder / "a/checkpoints/latest") == "step_00000010\n");
  std::filesystem::remove(folder / "a/checkpoints/latest");
  for (auto const& [ranks, accumulation] : {std::pair{4, 2}, {8, 1}, {2, 4}, {1, 8}}) {
    CAPTURE(ranks);
    folder.write(on_ranks(ranks, accumulation));
    auto const result = run_program(folder, program, with({"--out", "a", "--steps", "10", "--checkpoint-every", "99", "--keep", "9",
                                                           "--resume", "a/checkpoints/step_00000009"}));
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    CHECK(trace_of(content(folder / "a/steps.jsonl")) == trace);
  }
  folder.write(on_ranks(4, 2));
  REQUIRE(run_program(folder, program, with({"--out", "b", "--steps", "10", "--checkpoint-every", "99", "--resume", "a/checkpoints"})).code == 2);
  REQUIRE(run_program(folder, program, with({"--out", "b", "--steps", "10", "--checkpoint-every", "99", "--resume",
                                             "whole/checkpoints/step_00000005"})).code == 0);
  CHECK(state_of(folder / "b/checkpoints/step_00000010", 4) == reference);
}

TEST_CASE("fp16 goes on with its loss scale and its skipped steps") {
  small_folder const folder;
  auto changed = on_ranks(2, 1);
  changed["precision"] = "fp16";
  changed["deepspeed_config"]["fp16"] = {{"enabled", true}, {"initial_scale_power", 24}, {"loss_scale_window", 3}};
  folder.write(changed);
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "20", "--checkpoint-every", "20"})).code == 0);
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "7", "--checkpoint-every", "7"})).code == 0);
  auto const meta = json::parse(content(folder / "a/checkpoints/step_00000007/meta.json"));
  CHECK(meta["applied_steps"] < meta["step"]);
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "20", "--checkpoint-every", "20", "--resume", "a/checkpoints"})).code == 0);
  CHECK(trace_of(content(folder / "a/steps.jsonl")) == trace_of(content(folder / "whole/steps.jsonl")));
  CHECK(state_of(folder / "a/checkpoints/step_00000020", 2) == state_of(folder / "whole/checkpoints/step_00000020", 2));
}

TEST_CASE("a full disk, a folder that is none: one line, and the last checkpoint stays") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "3", "--checkpoint-every", "3"})).code == 0);
  // no file beyond 16 blocks of 512 bytes: what write(2) then refuses looks like a full disk to the program; nor can
  // ThreadSanitizer have the file that it maps from TMPDIR
  auto const full = run_program(folder, program, with({"--out", "a", "--steps", "9", "--checkpoint-every", "3", "--resume", "a/checkpoints"}),
                                "trap '' XFSZ; ulimit -f 16; export TMPDIR=/nowhere; ");
  CHECK(check_unwritten(folder, full, "File too large").find("step_00000006.tmp/rank_0000") != std::string::npos);
  CHECK(run_program(folder, program, with({"--out", "a", "--steps", "6", "--resume", "a/checkpoints"})).code == 0);

  folder.file("b/checkpoints", "a file");
  auto const none = run_program(folder, program, with({"--out", "b", "--steps", "9", "--checkpoint-every", "3"}));
  CHECK(none.code == 1);
  CHECK(last_line(none.err).starts_with("llama2_zero3: rank 0 of 2, step 3, unit checkpoint: b/checkpoints: needed a folder to write in"));
}

TEST_CASE("a disk that is full, a real one with room for one checkpoint and a half") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "3", "--checkpoint-every", "3"})).code == 0);
  std::uintmax_t bytes = 0;
  for (auto const& file : std::filesystem::recursive_directory_iterator{folder / "whole"}) bytes += file.is_regular_file() ? file.file_size() : 0;
  small_disk const disk{folder / "a", static_cast<int>(bytes * 3 / 2 / 1024)};
  if (!disk) {
    MESSAGE("not checked: only root mounts a small disk");
    return;
  }
  auto const full = run_program(folder, program, with({"--out", "a", "--steps", "9", "--checkpoint-every", "3"}));
  check_unwritten(folder, full, "No space left on device");
  CHECK(state_of(folder / "a/checkpoints/step_00000003", 2) == state_of(folder / "whole/checkpoints/step_00000003", 2));
  CHECK(run_program(folder, program, with({"--out", "b", "--steps", "6", "--resume", "a/checkpoints"})).code == 0);
}

TEST_CASE("what cannot be taken up is refused before anything is trained") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "3", "--checkpoint-every", "3"})).code == 0);
  auto const refused = [&](arguments const& more, std::string_view message) {
    auto const result = run_program(folder, program, with(more));
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    CHECK(result.err == "llama2_zero3: " + std::string{message} + "\n");
  };
  std::string const meta = "a/checkpoints/step_00000003/meta.json";
  refused({"--resume", "a/checkpoints", "--steps", "3"}, "--resume: needed a checkpoint of fewer than the 3 steps to train, found 3");
  refused({"--resume", "a/checkpoints", "--steps", "9", "--seed", "7"}, meta + ": needed the seed 7, found 0");
  refused({"--resume", "a/checkpoints", "--steps", "9", "--layers", "1"}, meta + ": needed a model with layers 1, found 2");
  refused({"--resume", "none", "--steps", "9"}, "none: needed a folder with latest or meta.json, found neither");
  auto const shard = folder / "a/checkpoints/step_00000003/rank_00001_of_00002.bin";
  auto damaged = content(shard);
  damaged[damaged.size() - 100] ^= 1;
  folder.file("a/checkpoints/step_00000003/rank_00001_of_00002.bin", damaged);
  auto const log = content(folder / "a/steps.jsonl") + "{\"step\": 4}\n";  // of a later step, whose checkpoint is whole
  folder.file("a/steps.jsonl", log);
  auto const result = run_program(folder, program, with({"--resume", "a/checkpoints", "--out", "a", "--steps", "9"}));
  CHECK(result.code == 1);
  CHECK(content(folder / "a/steps.jsonl") == log);
  CHECK(last_line(result.err).find("a/checkpoints/step_00000003/rank_00001_of_00002.bin: offset ") != std::string::npos);
  std::filesystem::remove(shard);
  refused({"--resume", "a/checkpoints", "--steps", "9"},
          "a/checkpoints/step_00000003/rank_00001_of_00002.bin: offset 0: needed a readable file, received No such file or directory");
}

TEST_CASE("SIGTERM: all ranks save at one step, the program exits with 0, and the run can go on") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "400", "--checkpoint-every", "400"})).code == 0);
  auto const result = run_program(folder, program, with({"--out", "a", "--steps", "400"}), trainer_test::terminated_after_a_step("a"));
  CAPTURE(result.err);
  CHECK(result.code == 0);
  auto const latest = content(folder / "a/checkpoints/latest");
  REQUIRE(latest.starts_with("step_"));
  auto const done = std::stoi(latest.substr(5));
  CHECK(done >= 1);
  if (done < 400) {
    CHECK(result.out.find("a signal ended the run after " + std::to_string(done) + "/400 steps") != std::string::npos);
    REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "400", "--checkpoint-every", "400", "--resume", "a/checkpoints"})).code == 0);
  }
  CHECK(state_of(folder / "a/checkpoints/step_00000400", 2) == state_of(folder / "whole/checkpoints/step_00000400", 2));
}

TEST_CASE("processes save and take up what threads do, bit for bit") {
  small_folder const folder;
  folder.write(on_ranks(4, 2));
  REQUIRE(run_program(folder, program, with({"--out", "threads", "--steps", "6", "--checkpoint-every", "3"})).code == 0);
  for (auto const& launcher : trainer_test::mpi_launchers()) {
    CAPTURE(launcher.name);
    std::string const out{launcher.name};
    auto const first = trainer_test::run_on_ranks(launcher, 4, folder, program,
                                                  with({"--engine", "mpi", "--out", out, "--steps", "3", "--checkpoint-every", "3"}));
    CAPTURE(first.err);
    REQUIRE(first.code == 0);
    CHECK(state_of(folder / (out + "/checkpoints/step_00000003"), 4) == state_of(folder / "threads/checkpoints/step_00000003", 4));
    auto const second = trainer_test::run_on_ranks(
        launcher, 4, folder, program,
        with({"--engine", "mpi", "--out", out, "--steps", "6", "--checkpoint-every", "3", "--resume", "threads/checkpoints/step_00000003"}));
    REQUIRE(second.code == 0);
    CHECK(state_of(folder / (out + "/checkpoints/step_00000006"), 4) == state_of(folder / "threads/checkpoints/step_00000006", 4));
  }
}
