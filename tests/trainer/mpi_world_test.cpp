// The real program over MPI: the same bits as on threads, and refusals told once by all ranks.
#include "mpi_program.hpp"
#include "small_case.hpp"

#include <doctest/doctest.h>

#include <string>

using trainer_test::content;
using trainer_test::mpi_launchers;
using trainer_test::own_lines;
using trainer_test::run_on_ranks;
using trainer_test::run_program;
using trainer_test::small_case;
using trainer_test::small_folder;
using trainer_test::trace_of;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;
}

TEST_CASE("processes train the same bits as threads") {
  small_folder const folder;
  for (int ranks : {2, 3, 4}) {
    auto changed = small_case();
    changed["processors_per_node"] = ranks;
    changed["deepspeed_config"]["train_batch_size"] = 2 * ranks;
    folder.write(changed);
    REQUIRE(run_program(folder, program, {"--case", "small.json", "--out", "threads", "--steps", "8"}).code == 0);
    auto const reference = trace_of(content(folder / "threads/steps.jsonl"));
    CHECK(trainer_test::json_lines_of(content(folder / "threads/steps.jsonl")).size() == 8);
    for (auto const& launcher : mpi_launchers()) {
      CAPTURE(launcher.name);
      auto const result = run_on_ranks(launcher, ranks, folder, program,
                                       {"--engine", "mpi", "--case", "small.json", "--out", "mpi", "--steps", "8"});
      CHECK(result.code == 0);
      CHECK(trace_of(content(folder / "mpi/steps.jsonl")) == reference);
      CHECK(result.out.find("ZeRO-DP O3, DP_SIZE=" + std::to_string(ranks)) != std::string::npos);
    }
  }
}

TEST_CASE("what cannot be trained is refused by one line, whatever the number of ranks") {
  small_folder const folder;
  for (auto const& launcher : mpi_launchers()) {
    auto const result = run_on_ranks(launcher, 3, folder, program, {"--engine", "mpi", "--case", "none.json"});
    CHECK(result.code == 2);
    CHECK(own_lines(result.err, "llama2_zero3") ==
          "llama2_zero3: none.json: needed a regular file, found none that can be read\n");
    auto const ranks = run_on_ranks(launcher, 2, folder, program, {"--engine", "mpi", "--case", "small.json", "--ranks", "8"});
    CHECK(ranks.code == 2);
    CHECK(own_lines(ranks.err, "llama2_zero3") == "llama2_zero3: --ranks: needed the 2 of mpirun, found 8\n");
  }
}
