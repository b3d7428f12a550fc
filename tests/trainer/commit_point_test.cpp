// The real program is killed at each point of a commit, and goes on with the bits of a run that nothing disturbed.
#include "commit_point.hpp"

#include "saved_run.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

using trainer_test::content;
using trainer_test::on_ranks;
using trainer_test::run_program;
using trainer_test::small_folder;
using trainer_test::state_of;
using trainer_test::trace_of;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;
}

TEST_CASE("killed at any point of a commit: latest loads, and the run goes on to the same bits") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "9", "--checkpoint-every", "3"})).code == 0);
  auto const reference = state_of(folder / "whole/checkpoints/step_00000009", 3);
  auto const trace = trace_of(content(folder / "whole/steps.jsonl"));
  for (auto const point : trainer::commit_points) {
    CAPTURE(point);
    std::string const out{point};
    bool const of_each_rank = point.starts_with("shard ");
    // the second checkpoint: after 3 of 3 ranks, the first of the next
    auto const when = std::string{point} + (of_each_rank ? ":4" : ":2");
    auto const killed = run_program(folder, program, with({"--out", out, "--steps", "9", "--checkpoint-every", "3", "--keep", "1"}),
                                    "exec env 'LLAMA2_ZERO3_KILL_AT=" + when + "' ");
    CHECK(killed.code != 0);
    CHECK(killed.out.empty());
    auto const checkpoints = folder / (out + "/checkpoints");
    auto const latest = content(checkpoints / "latest");
    bool const moved = point == "latest moved" || point == "old removed";
    CHECK(latest == (moved ? "step_00000006\n" : "step_00000003\n"));
    auto const resumed = run_program(folder, program, with({"--out", out, "--steps", "9", "--checkpoint-every", "3", "--resume",
                                                            out + "/checkpoints"}));
    CAPTURE(resumed.err);
    REQUIRE(resumed.code == 0);
    CHECK(content(checkpoints / "latest") == "step_00000009\n");
    CHECK(state_of(checkpoints / "step_00000009", 3) == reference);
    CHECK(trace_of(content(folder / (out + "/steps.jsonl"))) == trace);
    for (auto const& entry : std::filesystem::directory_iterator{checkpoints}) {
      CHECK(!entry.path().filename().string().ends_with(".tmp"));
    }
  }
}

TEST_CASE("killed before the first checkpoint is whole: there is none, and that is said") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const killed = run_program(folder, program, with({"--out", "a", "--steps", "9", "--checkpoint-every", "3"}),
                                  "exec env 'LLAMA2_ZERO3_KILL_AT=meta written' ");
  CHECK(killed.code != 0);
  auto const resumed = run_program(folder, program, with({"--out", "a", "--steps", "9", "--resume", "a/checkpoints"}));
  CHECK(resumed.code == 2);
  CHECK(resumed.err == "llama2_zero3: a/checkpoints: needed a folder with latest or meta.json, found neither\n");
}
