// MPI for as long as the program runs, and the two ways to leave it.
//
// A run that ends well is left by MPI_Finalize, which all ranks reach. A run that failed is left by
// `end`, at once: MPI_Finalize would wait for ranks that never come.
#pragma once

#include "mpi_communicator.hpp"

#include <chrono>
#include <cstdio>
#include <thread>

#include <unistd.h>

namespace trainer {

class mpi_world {
 public:
  // Throws std::runtime_error where MPI does not start.
  mpi_world() {
    int provided = 0;
    detail::require_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  }
  mpi_world(mpi_world const&) = delete;
  mpi_world& operator=(mpi_world const&) = delete;
  ~mpi_world() = default;

  // All ranks leave together, which none may do while another still trains.
  void finish() { detail::require_mpi(MPI_Finalize(), "MPI_Finalize"); }

  // MPICH's mpirun kills all ranks as soon as one has failed: those that only heard of it must not leave before
  // the one that has something to say has said it.
  [[noreturn]] static void end(int code) noexcept {
    std::fflush(nullptr);
    if (code != 0) std::this_thread::sleep_for(std::chrono::milliseconds{300});
    ::_exit(code);
  }
};

// Calls body(ranks) and turns its failure into everyone's: throws rank_failure with it nested, or
// `aborted` as the echo of another rank's.
template <class Body>
void run_rank(mpi_communicator& ranks, Body&& body) {
  first_failure failure;
  auto const keep = [&] { failure.keep(ranks.rank(), ranks.position(), std::current_exception(), false); };
  try {
    body(ranks);
  } catch (aborted const&) {
    throw;
  } catch (std::exception const& cause) {
    keep();
    ranks.abort("rank " + std::to_string(ranks.rank()) + ": " + cause.what());
  } catch (...) {
    keep();
    ranks.abort("rank " + std::to_string(ranks.rank()) + ": an exception of unknown type");
  }
  failure.rethrow(ranks.size());
}

}  // namespace trainer
