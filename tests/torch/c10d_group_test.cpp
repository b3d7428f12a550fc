// The real program on processes that meet through c10d and gloo, as torchrun starts them and by hand.
#include "mpi_program.hpp"
#include "process_runs.hpp"
#include "program.hpp"
#include "saved_run.hpp"

#include "loopback.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using trainer_test::content;
using trainer_test::last_line;
using trainer_test::on_ranks;
using trainer_test::program_outcome;
using trainer_test::run_program;
using trainer_test::small_folder;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;

// What a launcher does: starts all ranks, kills what is left a second after one has failed, and ends with the status of
// one that failed. With STOP_AT=FILE the last rank gets a SIGTERM once there is something in the file.
std::string const launcher = R"(
ranks=$1; shift
for r in $(seq $ranks); do RANK=$((r - 1)) "$@" & ids="$ids $!"; done
if [ -n "$STOP_AT" ]; then until [ -s "$STOP_AT" ]; do sleep 0.05; done; kill -TERM $!; fi
for r in $(seq $ranks); do wait -n || { sleep 1; kill -9 $ids 2> /dev/null; break; }; done
worst=0
for id in $ids; do wait $id || worst=$?; done
exit $worst)";

program_outcome started_over_gloo(int ranks, small_folder const& folder, trainer_test::arguments const& given,
                                  std::string const& before = "") {
  auto const place = "WORLD_SIZE=" + std::to_string(ranks) + " MASTER_ADDR=127.0.0.1 MASTER_PORT=" +
                     std::to_string(loopback::free_port()) + " OMP_NUM_THREADS=1 ";
  trainer_test::arguments all{"-c", launcher, "launcher", std::to_string(ranks), program, "--engine", "c10d"};
  all.insert(all.end(), given.begin(), given.end());
  return run_program(folder, "bash", all, place + before);
}

program_outcome run_over_gloo(int ranks, small_folder const& folder, trainer_test::arguments const& more,
                              std::string const& before = "") {
  return started_over_gloo(ranks, folder, with(more), before);
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

std::string own_lines(std::string const& text) { return trainer_test::own_lines(text, "llama2_zero3: "); }
}  // namespace

TEST_CASE("processes over gloo train the same bits as threads, at every precision") {
  small_folder const folder;
  trainer_test::check_processes_against_threads(folder, program, {[&](int ranks, trainer_test::arguments const& all) {
    auto const result = started_over_gloo(ranks, folder, all);
    CHECK(has(content(folder / "processes/report.json"), "(c10d, cpu)"));
    return result;
  }});
}

#ifdef TORCHRUN_PROGRAM
TEST_CASE("torchrun starts it too") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  // -r and -t: torch 1.13 under Python 3.11 stumbles over their defaults
  auto const result = run_program(folder, TORCHRUN_PROGRAM,
                                  {"-r", "1", "-t", "1", "--log_dir", "log", "--no_python", "--nproc_per_node", "2",
                                   "--master_addr", "127.0.0.1", "--master_port", std::to_string(loopback::free_port()), program,
                                   "--engine", "c10d", "--case", "small.json", "--out", "torchrun", "--steps", "3"});
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK(trainer_test::json_lines_of(content(folder / "torchrun/steps.jsonl")).size() == 3);
}
#endif

TEST_CASE("a rank that throws, hangs, dies or sends a NaN ends the run with one line of rank, step and unit") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  for (std::string const how : {"throw", "hang", "die", "nan"}) {
    for (int const rank : {1, 0}) {  // rank 0 holds the store
      if (how == "nan" && rank == 0) continue;
      CAPTURE(how);
      CAPTURE(rank);
      auto const out = how + std::to_string(rank);
      auto const result = run_over_gloo(3, folder, {"--out", out, "--steps", "9", "--checkpoint-every", "3", "--timeout", "8"},
                                        "LLAMA2_ZERO3_FAULT=" + how + ":" + std::to_string(rank) + ":8:layer0 timeout 60 ");
      auto const own = own_lines(result.err);
      CAPTURE(own);
      CHECK(result.code != 0);
      CHECK(result.code != 124);
      CHECK(result.out.empty());
      CHECK(std::ranges::count(own, '\n') >= 1);
      if (how != "nan") CHECK(std::ranges::count(own, '\n') == 1);  // a NaN is found by all at once
      CHECK(has(own, "step 8"));
      auto const who = "rank " + std::to_string(rank);
      CHECK(has(own, how == "throw"  ? who + " of 3, step 8, unit layer0: a fault that was asked for"
                     : how == "hang" ? who + " did not come"
                     : how == "die"  ? who + " died"
                                     : "in unit 1 (layer0) from rank 1"));
      auto const latest = content(folder / (out + "/checkpoints/latest"));
      CHECK((latest == "step_00000003\n" || latest == "step_00000006\n"));
    }
  }
}

TEST_CASE("what cannot be trained or joined is one line") {
  small_folder const folder;
  folder.write(on_ranks(2, 1));
  auto const refused = [&](std::string const& before, std::string const& message) {
    auto const result = run_program(folder, program, with({"--engine", "c10d"}), before);
    CHECK(result.code == 2);
    CHECK(result.err == "llama2_zero3: --engine c10d: " + message + "\n");
  };
  refused("env -u WORLD_SIZE ", "WORLD_SIZE of 1 to 65536 needed, received none");
  refused("WORLD_SIZE=2 RANK=2 ", "RANK of 0 to 1 needed, received 2");
  refused("WORLD_SIZE=2 RANK=1 MASTER_PORT=http ", "MASTER_PORT of 1 to 65535 needed, received http");
  refused("WORLD_SIZE=2 RANK=1 MASTER_PORT=1 ", "MASTER_ADDR needed, the host of rank 0, received none");
  trainer_test::check_refused(folder, program, with({"--engine", "c10d", "--collectives", "nccl"}),
                              "--collectives nccl: needed a build against a libtorch with NCCL, and nccl.h, found one without");
  trainer_test::check_refused(folder, program, with({"--collectives", "nccl"}), "--collectives: needed --engine c10d, found threads");
  trainer_test::check_refused(folder, program, with({"--engine", "c10d", "--restarts", "1"}),
                              "--restarts: needed the threads or mpi engine, as torchrun restarts ranks itself, found c10d");
  auto const other = run_over_gloo(2, folder, {"--ranks", "3"});
  CHECK(other.code == 2);
  CHECK(other.err == "llama2_zero3: --ranks: needed the 2 of WORLD_SIZE, found 3\n");
  auto const alone = run_program(folder, program, with({"--engine", "c10d", "--timeout", "1"}),
                                 "RANK=1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=" + std::to_string(loopback::free_port()) +
                                     " timeout 60 ");
  CHECK(alone.code == 1);
  auto const own = own_lines(alone.err);  // beside what libtorch logs itself
  CHECK(own.starts_with("llama2_zero3: --engine c10d: "));
  CHECK(own.find('\n') == own.size() - 1);
}

TEST_CASE("a SIGTERM to one rank lets all checkpoint at the same step and end well") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  auto const result = run_over_gloo(3, folder, {"--out", "stopped", "--steps", "100000"},
                                    "STOP_AT=stopped/steps.jsonl timeout 120 ");
  CHECK(result.code == 0);
  CHECK(has(content(folder / "stopped/checkpoints/latest"), "step_"));
}
