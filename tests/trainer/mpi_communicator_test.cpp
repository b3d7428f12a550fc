// MPI ranks: both collectives whole and in pieces, and every way in which a rank can fail. The ranks are
// processes of mpi_ranks.cpp.
#include "mpi_program.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

using trainer_test::mpi_launchers;
using trainer_test::own_lines;
using trainer_test::run_on_ranks;
using trainer_test::scratch_folder;

namespace {
std::string const ranks_program = MPI_RANKS_PROGRAM;

double seconds(auto&& work) {
  auto const since = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}
}  // namespace

TEST_CASE("collectives bring every part to its place, whole and in pieces") {
  scratch_folder const folder;
  for (auto const& launcher : mpi_launchers()) {
    CAPTURE(launcher.name);
    for (int ranks : {1, 2, 3, 5}) {
      for (auto const* bytes : {"2147483647", "1000", "7", "1"}) {
        if (*bytes == '1' && bytes[1] == '\0' && ranks > 2) continue;
        auto const result = run_on_ranks(launcher, ranks, folder, ranks_program, {"collectives", bytes});
        CHECK(result.code == 0);
        CHECK(result.out == "right\n");
      }
    }
  }
}

TEST_CASE("limits that no int holds are refused") {
  scratch_folder const folder;
  for (auto const& launcher : mpi_launchers()) {
    auto const result = run_on_ranks(launcher, 1, folder, ranks_program, {"collectives", "2147483648"});
    CHECK(result.code != 0);
    CHECK(own_lines(result.err, "mpi_ranks") ==
          "mpi_ranks: mpi_communicator: message_bytes in [1, 2^31) needed, received 2147483648\n");
  }
}

TEST_CASE("a rank that throws, hangs or dies: one line with rank, step and unit, and all stop") {
  scratch_folder const folder;
  for (auto const& launcher : mpi_launchers()) {
    CAPTURE(launcher.name);
    for (std::string const how : {"throw", "hang", "die"}) {
      CAPTURE(how);
      trainer_test::program_outcome result;
      auto const time = seconds([&] { result = run_on_ranks(launcher, 4, folder, ranks_program, {how}); });
      CHECK(result.code != 0);
      if (how == "die" && launcher.name == "mpich") continue;  // its mpirun kills the others before they can speak
      CHECK(time < 15);  // the timeout is 1 s; the rest is starting processes on a busy machine
      auto const own = own_lines(result.err, "mpi_ranks");
      CAPTURE(own);
      CHECK(std::ranges::count(own, '\n') == 1);
      CHECK(own.find("step 5, unit layer1") != std::string::npos);
      CHECK(own.find("rank 2") != std::string::npos);
      CHECK(own.find(how == "throw"  ? "rank 2 of 4, step 5, unit layer1: a thing went wrong"
                     : how == "hang" ? "rank 2 did not come within 1 s"
                                     : "rank 2 died") != std::string::npos);
    }
  }
}

TEST_CASE("ranks that were stopped themselves do not blame the one that was not") {
  scratch_folder const folder;
  for (auto const& launcher : mpi_launchers()) {
    CAPTURE(launcher.name);
    auto const result = run_on_ranks(launcher, 4, folder, ranks_program, {"stop"});
    CAPTURE(result.err);
    CHECK(result.code == 0);
    CHECK(result.out == "right\n");
  }
}

TEST_CASE("two ranks that fail at once end the run all the same") {
  scratch_folder const folder;
  for (auto const& launcher : mpi_launchers()) {
    auto const result = run_on_ranks(launcher, 4, folder, ranks_program, {"together"});
    CHECK(result.code != 0);
    CHECK(own_lines(result.err, "mpi_ranks").find("step 5, unit layer1: a thing went wrong") != std::string::npos);
  }
}
