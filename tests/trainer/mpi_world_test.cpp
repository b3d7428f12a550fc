// The real program over MPI: the same bits as on threads, and refusals told once by all ranks.
#include "mpi_program.hpp"
#include "process_runs.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using trainer_test::mpi_launchers;
using trainer_test::own_lines;
using trainer_test::run_on_ranks;
using trainer_test::small_folder;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;
}

TEST_CASE("processes train the same bits as threads") {
  small_folder const folder;
  std::vector<trainer_test::process_start> starts;
  for (auto const& launcher : mpi_launchers()) {
    starts.emplace_back([&folder, launcher](int ranks, trainer_test::arguments all) {
      all.insert(all.end(), {"--engine", "mpi"});
      return run_on_ranks(launcher, ranks, folder, program, all);
    });
  }
  trainer_test::check_processes_against_threads(folder, program, starts);
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
