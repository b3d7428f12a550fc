#!/usr/bin/env bash
# All tests: installs what is missing, builds everything, runs ctest.
#   tests/run.sh [ARGUMENT...]     arguments go to ctest: -R meter, --output-on-failure
# KUNMETRICS_WITH_TORCH=1 installs python3-torch too (1 GB): a test compares the trainer with PyTorch, and
# says that it is left out where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

if [ -n "${KUNMETRICS_WITH_TORCH:-}" ]; then installed python3-torch; fi
installed "${compiler_packages[@]}" "${trainer_packages[@]}" doctest-dev librapidcheck-dev libbenchmark-dev \
  "${mpi_packages[@]}" mpich libmpich-dev
optional prometheus-cpp-dev chromium libtorch-dev libgloo-dev iproute2 clang
unpacked prometheus libopenblas0-pthread libopenblas0-serial libgfortran5 libquadmath0
built "-DKUNMETRICS_BUILD_TESTS=ON -DKUNMETRICS_BUILD_BENCHMARKS=ON" all
exec ctest --test-dir build -j "$(nproc)" --output-on-failure --no-tests=error "$@"
