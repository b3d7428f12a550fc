#!/usr/bin/env bash
# What 32 bits do not count arrives: parts of more than 2 GiB over every MPI that the tests were built with, and collectives
# of more than 2 GiB over gloo where there is libtorch.
#   tests/large_messages.sh     needs build/bin/tests, which tests/run.sh builds, and 18 GB of free memory
# Exit 0: all bytes as they were sent; 77: too little memory.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=build/bin/tests
free=$(awk '/^MemAvailable/ {print int($2 / 1000000)}' /proc/meminfo)
[ "$free" -ge 18 ] || { echo "left out: 18 GB needed, $free available" >&2; exit 77; }

part=$(((1 << 31) + 4096))
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
tried=0
over_mpi() {  # name, program, mpirun with its options
  local name=$1 program=$programs/$2 said
  shift 2
  { [ -x "$program" ] && command -v "$1" > /dev/null; } || return 0
  said=$("$@" -np 2 "$program" large $part)
  echo "$name, parts of $part bytes: $said"
  [ "$said" = right ]
  tried=$((tried + 1))
}
case $(readlink -f "$(command -v mpirun)") in  # that of the trainer
  *mpich* | *hydra*) over_mpi MPICH mpi_ranks mpirun ;;
  *) over_mpi "Open MPI" mpi_ranks mpirun --bind-to none --oversubscribe ;;
esac
over_mpi MPICH mpi_ranks_mpich mpirun.mpich
if [ -x "$programs/trainer_torch_backend_test" ]; then
  "$programs/trainer_torch_backend_test" --no-skip --test-case='collectives of more than 2 GiB*'
  tried=$((tried + 1))
fi
[ "$tried" -gt 0 ] || { echo "nothing was built that could be tried" >&2; exit 1; }
