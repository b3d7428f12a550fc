#!/usr/bin/env bash
# All tests: installs what is missing, builds everything, runs ctest.
#   tests/run.sh [ARGUMENT...]     arguments go to ctest: -R meter, --output-on-failure
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

installed "${compiler_packages[@]}" "${trainer_packages[@]}" doctest-dev librapidcheck-dev libbenchmark-dev \
  "${mpi_packages[@]}" mpich libmpich-dev
built "-DKUNMETRICS_BUILD_TESTS=ON -DKUNMETRICS_BUILD_BENCHMARKS=ON" all
exec ctest --test-dir build -j "$(nproc)" --output-on-failure --no-tests=error "$@"
