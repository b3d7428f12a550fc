# Programs that the tests start with mpirun: with the MPI that the trainer is built with, and with MPICH
# where it is another one that is installed too. Without any MPI the tests are left out, with a message.
if(KUNMETRICS_MPI)  # found for examples/ already, whose imported targets are not seen here
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI 3.0 COMPONENTS CXX QUIET)
endif()
# tests of the program that use MPI where there is one
set(program_tests trainer_checkpoint_saver_test trainer_commit_point_test trainer_fault_test trainer_supervisor_test
    trainer_hf_llama_test trainer_rank_comparison_test)
set(mpi_tests trainer_mpi_communicator_test trainer_mpi_world_test)

function(mpi_ranks suffix)  # libraries...
  add_executable(mpi_ranks${suffix} ${CMAKE_CURRENT_SOURCE_DIR}/trainer/mpi_ranks.cpp)
  set_target_properties(mpi_ranks${suffix} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests)
  target_link_libraries(mpi_ranks${suffix} PRIVATE llama2_zero3_headers kunmetrics_warnings ${ARGN})
  foreach(test ${mpi_tests} ${program_tests})
    add_dependencies(${test} mpi_ranks${suffix} llama2_zero3${suffix})
  endforeach()
endfunction()

foreach(test ${mpi_tests} ${program_tests})
  target_compile_definitions(${test} PRIVATE LLAMA2_ZERO3_PROGRAM="$<TARGET_FILE:llama2_zero3>")
  add_dependencies(${test} llama2_zero3)
endforeach()

if(NOT MPI_CXX_FOUND)
  message(STATUS "Tests of MPI ranks are left out: no MPI was found")
  foreach(test ${mpi_tests})
    set_target_properties(${test} PROPERTIES EXCLUDE_FROM_ALL ON)
    string(REGEX REPLACE "_test$" "" test ${test})
    set_tests_properties(${test} PROPERTIES DISABLED ON)
  endforeach()
  return()
endif()

string(REGEX MATCH "openmpi|mpich" mpi_name "${MPI_CXX_INCLUDE_DIRS};${MPI_CXX_LIBRARIES}")
set(mpi_definitions MPI_RANKS_PROGRAM="$<TARGET_FILE:mpi_ranks>"
    MPIRUN_PROGRAM="${MPIEXEC_EXECUTABLE}" MPI_NAME="${mpi_name}")
mpi_ranks("" MPI::MPI_CXX)

find_path(MPICH_INCLUDE_DIR mpi.h PATHS /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}/mpich NO_DEFAULT_PATH)
find_library(MPICH_LIBRARY mpich)
find_program(MPICH_MPIRUN mpirun.mpich)
if(MPICH_INCLUDE_DIR AND MPICH_LIBRARY AND MPICH_MPIRUN AND NOT mpi_name STREQUAL "mpich")
  find_package(CLI11 2.1 QUIET)
  add_library(mpich INTERFACE)
  target_include_directories(mpich SYSTEM INTERFACE ${MPICH_INCLUDE_DIR})
  target_link_libraries(mpich INTERFACE ${MPICH_LIBRARY})
  add_executable(llama2_zero3_mpich ${PROJECT_SOURCE_DIR}/examples/llama2_zero3/llama2_zero3.cpp)
  target_compile_definitions(llama2_zero3_mpich PRIVATE KUNMETRICS_VERSION="${PROJECT_VERSION}" LLAMA2_ZERO3_MPI)
  target_link_libraries(llama2_zero3_mpich PRIVATE llama2_zero3_headers CLI11::CLI11 kunmetrics_warnings mpich)
  mpi_ranks(_mpich mpich)
  list(APPEND mpi_definitions MPICH_MPIRUN_PROGRAM="${MPICH_MPIRUN}")
endif()

foreach(test ${mpi_tests} ${program_tests})
  target_compile_definitions(${test} PRIVATE ${mpi_definitions})
endforeach()

# Timeouts and ranks of their own: beside another test they would wait for a core.
foreach(test ${mpi_tests} ${program_tests})
  string(REGEX REPLACE "_test$" "" test ${test})
  set_tests_properties(${test} PROPERTIES PROCESSORS 2)
endforeach()
