// MPI for as long as the program runs.
//
// A run that ends well is left by MPI_Finalize, which all ranks reach. A run that failed is left by end_process, at
// once: MPI_Finalize would wait for ranks that never come.
#pragma once

#include "mpi_communicator.hpp"
#include "process_rank.hpp"

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
};

}  // namespace trainer
