// Restarts of the real program, and of processes that end as a test wants.
#include "supervisor.hpp"

#include "mpi_program.hpp"
#include "saved_run.hpp"

#include <doctest/doctest.h>

#include <string>

using trainer::supervise;
using trainer_test::content;
using trainer_test::last_line;
using trainer_test::on_ranks;
using trainer_test::run_program;
using trainer_test::scratch_folder;
using trainer_test::small_folder;
using trainer_test::state_of;
using trainer_test::trace_of;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;

// Adds a line to a run's log, as a training does after each step.
void log_step(std::filesystem::path const& out, int step) {
  std::filesystem::create_directories(out);
  std::ofstream{out / "steps.jsonl", std::ios::app} << "{\"step\": " << step << "}\n";
}
}  // namespace

TEST_CASE("success and unusable input are final; a failure is tried again as often as was said") {
  scratch_folder const folder;
  auto const attempts = [&] { return content(folder / "attempts").size(); };
  auto const tried = [&](int code, int restarts, bool advances) {
    std::filesystem::remove(folder / "attempts");
    std::filesystem::remove(folder / "steps.jsonl");
    return supervise("test", {.out = folder.path(), .restarts = restarts}, [&](auto const&) {
      std::ofstream{folder / "attempts", std::ios::app} << '.';
      if (advances) log_step(folder.path(), static_cast<int>(attempts()));
      return code;
    });
  };
  CHECK(tried(0, 5, false) == 0);
  CHECK(attempts() == 1);
  CHECK(tried(2, 5, false) == 2);
  CHECK(attempts() == 1);
  CHECK(tried(1, 0, false) == 1);
  CHECK(attempts() == 1);
  CHECK(tried(1, 3, true) == 1);  // fails later each time
  CHECK(attempts() == 4);
  CHECK(tried(1, 5, false) == 1);  // fails at one step twice
  CHECK(attempts() == 2);
}

TEST_CASE("a run that is killed once goes on by itself to the same bits") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "9", "--checkpoint-every", "3"})).code == 0);
  // the second passage kills: the second checkpoint of the first attempt, and the second of the next, which is the last
  auto const result = run_program(folder, program, with({"--out", "a", "--steps", "9", "--checkpoint-every", "3", "--restarts", "3"}),
                                  "LLAMA2_ZERO3_KILL_AT='latest moved:2' ");
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK(result.err.find(" failed (signal 9): restart 1 of 3 from a/checkpoints\n") != std::string::npos);
  CHECK(state_of(folder / "a/checkpoints/step_00000009", 2) == state_of(folder / "whole/checkpoints/step_00000009", 2));
  CHECK(trace_of(content(folder / "a/steps.jsonl")) == trace_of(content(folder / "whole/steps.jsonl")));
}

TEST_CASE("a step that fails twice is given up") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const result = run_program(folder, program, with({"--out", "a", "--steps", "9", "--checkpoint-every", "2", "--restarts", "9"}),
                                  "LLAMA2_ZERO3_FAULT=throw:1:5:layer1 ");
  CHECK(result.code == 1);
  CHECK(last_line(result.err) == "llama2_zero3: step 5 failed (exit 1) twice: given up after 1 restart\n");
  auto const latest = content(folder / "a/checkpoints/latest");  // that of step 4 may not have been whole yet
  CHECK((latest == "step_00000002\n" || latest == "step_00000004\n"));
}

TEST_CASE("a signal to the supervisor ends the training as one to the training does") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const result = run_program(folder, program, with({"--out", "a", "--steps", "100000", "--restarts", "3"}),
                                  trainer_test::terminated_after_a_step("a"));
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK(content(folder / "a/checkpoints/latest").starts_with("step_"));
}

TEST_CASE("processes: the supervisor starts mpirun, and again from the latest checkpoint") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "whole", "--steps", "6", "--checkpoint-every", "2"})).code == 0);
  std::string const environment =
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMP_NUM_THREADS=1 ";
  for (auto const& launcher : trainer_test::mpi_launchers()) {
    CAPTURE(launcher.name);
    std::string const out{launcher.name};
    auto const result = run_program(
        folder, program + std::string{launcher.suffix},
        with({"--engine", "mpi", "--ranks", "2", "--out", out, "--steps", "6", "--checkpoint-every", "2", "--restarts", "2"}),
        environment + "LLAMA2_ZERO3_MPIRUN='" + std::string{launcher.mpirun} + "' LLAMA2_ZERO3_KILL_AT='latest moved:2' ");
    CAPTURE(result.err);
    CHECK(result.code == 0);
    CHECK(result.err.find(": restart 1 of 2 from " + out + "/checkpoints") != std::string::npos);
    CHECK(state_of(folder / (out + "/checkpoints/step_00000006"), 2) == state_of(folder / "whole/checkpoints/step_00000006", 2));
    auto const inside = trainer_test::run_on_ranks(launcher, 2, folder, program, with({"--engine", "mpi", "--restarts", "1"}));
    CHECK(inside.code == 2);
  }
}

TEST_CASE("it goes on from what an attempt has saved, not from what lay there before") {
  scratch_folder const folder;
  folder.file("checkpoints/latest", "step_00000020\n");
  auto const attempt = [&](bool saves) {
    std::filesystem::remove(folder / "steps.jsonl");
    std::filesystem::remove(folder / "from");
    return supervise("test", {.out = folder.path(), .restarts = 1}, [&](auto const& resume) {
      if (resume) folder.file("from", resume->string());
      if (saves) {
        folder.file("checkpoints/new", "step_00000020\n");
        std::filesystem::rename(folder / "checkpoints/new", folder / "checkpoints/latest");
      }
      log_step(folder.path(), static_cast<int>(content(folder / "steps.jsonl").size()) + 1);
      return 1;
    });
  };
  CHECK(attempt(false) == 1);
  CHECK(content(folder / "from").empty());
  CHECK(attempt(true) == 1);
  CHECK(content(folder / "from") == (folder / "checkpoints").string());
}

TEST_CASE("a training that was told to stop is not started again, however it ends") {
  scratch_folder const folder;
  auto const code = supervise("test", {.out = folder.path(), .restarts = 5}, [&](auto const&) {
    std::ofstream{folder / "attempts", std::ios::app} << '.';
    std::signal(SIGTERM, SIG_IGN);
    ::kill(::getppid(), SIGTERM);
    ::usleep(200'000);
    return 1;
  });
  CHECK(code == 1);
  CHECK(content(folder / "attempts") == ".");
}
