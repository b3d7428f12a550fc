// A rank of the real program throws, hangs, dies or sends a NaN: all stop, with one line of rank, step and unit.
#include "fault.hpp"

#include "mpi_program.hpp"
#include "saved_run.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <string>

using trainer::fault_kind;
using trainer::fault_of;
using trainer_test::content;
using trainer_test::last_line;
using trainer_test::on_ranks;
using trainer_test::own_lines;
using trainer_test::run_program;
using trainer_test::small_folder;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;

std::string message(std::string const& text) {
  return trainer_test::message_of([&] { fault_of(text); });
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

// What the line about a fault at step 8, unit layer0, of rank 1 must hold.
void check_line(std::string const& how, std::string const& line) {
  CAPTURE(line);
  CHECK(line.starts_with("llama2_zero3: rank "));
  CHECK(has(line, "step 8"));
  CHECK(has(line, how == "nan" ? "in unit 1 (layer0) from rank 1" : "unit layer0"));
  CHECK(has(line, how == "throw"  ? "rank 1 of 3, step 8, unit layer0: a fault that was asked for"
                  : how == "hang" ? "rank 1 did not come"
                  : how == "die"  ? "rank 1 died"
                                  : "rank 1 of 3, step 8, unit layer0: zero3: finite gradients needed, received others at step 8"));
}
}  // namespace

TEST_CASE("faults are asked for by kind, rank, step and unit") {
  auto const wanted = fault_of("hang:1:7:layer0");
  CHECK(wanted.kind == fault_kind::hangs);
  CHECK(wanted.rank == 1);
  CHECK(wanted.step == 7);
  CHECK(wanted.at(1, {7, "layer0"}));
  CHECK(!wanted.at(0, {7, "layer0"}));
  CHECK(!wanted.at(1, {8, "layer0"}));
  CHECK(!wanted.at(1, {7, "layer1"}));
  for (std::string const text : {"", "hang", "hang:1:7", "hang:1:7:", "sleep:1:7:head", "hang:x:7:head", "hang:1:-7:head"}) {
    CHECK(message(text) == "LLAMA2_ZERO3_FAULT: throw|hang|die|nan|delay:RANK:STEP:UNIT needed, received " + text);
  }
}

TEST_CASE("thread ranks: all stop within the timeout, exit 1, and the last checkpoint is whole") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  for (std::string const how : {"throw", "hang", "nan"}) {
    CAPTURE(how);
    auto const result = run_program(folder, program, with({"--out", how, "--steps", "9", "--checkpoint-every", "3", "--timeout", "0.5"}),
                                    "LLAMA2_ZERO3_FAULT=" + how + ":1:8:layer0 timeout 60 ");
    CHECK(result.code == 1);
    CHECK(result.out.empty());
    check_line(how, last_line(result.err));
    auto const resumed = run_program(folder, program, with({"--out", how, "--steps", "9", "--resume", how + "/checkpoints"}));
    CHECK(resumed.code == 0);
    CHECK(content(folder / (how + "/steps.jsonl")).find("\"step\":9") != std::string::npos);
  }
}

TEST_CASE("steps that an earlier start had trained are told as repeated") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const repeated = [&] {
    return nlohmann::json::parse(content(folder / "run/report.json"))["goodput"]["repeated"]["value"].get<double>();
  };
  CHECK(run_program(folder, program, with({"--out", "run", "--steps", "9", "--checkpoint-every", "3", "--keep", "3"})).code == 0);
  CHECK(repeated() == 0);
  CHECK(run_program(folder, program, with({"--out", "run", "--steps", "9", "--resume", "run/checkpoints/step_00000003"})).code == 0);
  CHECK(repeated() > 0);  // steps 6 to 9; 4 and 5 warm up
}

TEST_CASE("ranks that are processes: the same, and one that is killed is named too") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  for (auto const& launcher : trainer_test::mpi_launchers()) {
    CAPTURE(launcher.name);
    for (std::string const how : {"throw", "hang", "die", "nan"}) {
      CAPTURE(how);
      auto const out = std::string{launcher.name} + how;
      auto const result = trainer_test::run_on_ranks(
          launcher, 3, folder, program,
          with({"--engine", "mpi", "--out", out, "--steps", "9", "--checkpoint-every", "3", "--timeout", "8"}),
          "LLAMA2_ZERO3_FAULT=" + how + ":1:8:layer0 timeout 60 ");
      CHECK(result.code != 0);
      CHECK(result.code != 124);
      if (launcher.name != "mpich") CHECK(result.out.empty());  // whose mpirun prints its own page of a killed rank
      auto const own = own_lines(result.err, "llama2_zero3: ");
      // MPICH's mpirun kills all ranks when one was killed, before they can speak
      if (how == "die" && launcher.name == "mpich") continue;
      CAPTURE(own);
      CHECK(std::ranges::count(own, '\n') == 1);
      check_line(how, last_line(own));
      // that of step 6 may not have been whole yet; that of step 3 was waited for when it began
      auto const latest = content(folder / (out + "/checkpoints/latest"));
      CHECK((latest == "step_00000003\n" || latest == "step_00000006\n"));
    }
  }
}
