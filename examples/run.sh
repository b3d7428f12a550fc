#!/usr/bin/env bash
# The main job: installs what is missing, builds the trainer, trains the demo case with ZeRO-3 over
# eight ranks on the King James text, and prints the run's FlagPerf report; build/run/ has the files.
#   examples/run.sh [ARGUMENT...]     arguments go to the trainer: --steps 50, --case FILE, --help
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

installed "${compiler_packages[@]}" "${trainer_packages[@]}"
case " $* " in *" --engine mpi"* | *" --engine=mpi"*) installed "${mpi_packages[@]}" ;; esac
optional prometheus-cpp-dev
built "-DKUNMETRICS_BUILD_TESTS=OFF -DKUNMETRICS_BUILD_BENCHMARKS=OFF" llama2_zero3

project=$PWD
arguments=("$@")
case " $* " in
  *" --case "* | *" --case="*) ;;
  *) arguments=(--case "$project/examples/llama2_zero3/cases/demo.json" "${arguments[@]}") ;;
esac
case " $* " in
  *" --out "* | *" --out="*) ;;
  *) arguments+=(--out "$project/build/run") ;;
esac
cd "$called_from"  # paths among the arguments are the caller's
exec "$project/build/bin/llama2_zero3" "${arguments[@]}"
