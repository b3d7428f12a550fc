#!/usr/bin/env bash
# What more ranks cost on the same cores: installs what is missing, builds, trains the llama2 of 58 M parameters on
# 1, 2, 4 and 8 thread ranks by turns with one global batch, and prints throughput and memory against one rank.
#   bench/ranks.sh [--rounds N] [--ranks 1,2,4,8] [--precision P]
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

installed "${compiler_packages[@]}" "${trainer_packages[@]}" python3
built "-DKUNMETRICS_BUILD_TESTS=OFF -DKUNMETRICS_BUILD_BENCHMARKS=OFF" llama2_zero3
/usr/bin/python3 bench/ranks.py build/bin/llama2_zero3 examples/llama2_zero3/cases/llama2_58m.json build/bench/ranks.json "$@"
