// Runs a built program on several ranks as mpirun does, with Open MPI or MPICH.
#pragma once

#include "program.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace trainer_test {

struct mpi_launcher {
  std::string_view name, mpirun, suffix;  // the suffix of programs built with it
};

// The launchers that the build found.
inline std::vector<mpi_launcher> mpi_launchers() {
  std::vector<mpi_launcher> found;
#ifdef MPIRUN_PROGRAM
  found.push_back({MPI_NAME, MPIRUN_PROGRAM, ""});
#endif
#ifdef MPICH_MPIRUN_PROGRAM
  found.push_back({"mpich", MPICH_MPIRUN_PROGRAM, "_mpich"});
#endif
  return found;
}

// More ranks than cores, and root in a container, are what tests have; Open MPI wants to be told.
inline program_outcome run_on_ranks(mpi_launcher const& launcher, int ranks, scratch_folder const& folder,
                                    std::string const& program, std::vector<std::string> const& arguments,
                                    std::string const& before = "") {
  std::vector<std::string> all{"-np", std::to_string(ranks), program + std::string{launcher.suffix}};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(folder, launcher.mpirun, all,
                     before + "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 "
                     "OMPI_MCA_hwloc_base_binding_policy=none OMP_NUM_THREADS=1 ");
}

// The lines of a program's standard error that are the program's own, not mpirun's.
inline std::string own_lines(std::string const& err, std::string_view program) {
  std::string own;
  for (std::size_t at = 0; at < err.size();) {
    auto const end = std::min(err.find('\n', at), err.size());
    auto const line = std::string_view{err}.substr(at, end - at);
    if (line.starts_with(program)) own.append(line).append("\n");
    at = end + 1;
  }
  return own;
}

}  // namespace trainer_test
