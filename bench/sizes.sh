#!/usr/bin/env bash
# What a step costs against the model's size, the sequence and the batch: installs what is missing, builds, trains the
# llama2 of 58 M parameters and eight changes of it by turns, and prints cost against work, and memory against the plan.
#   bench/sizes.sh [--rounds N] [--precision P]
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

installed "${compiler_packages[@]}" "${trainer_packages[@]}" python3
built "-DKUNMETRICS_BUILD_TESTS=OFF -DKUNMETRICS_BUILD_BENCHMARKS=OFF" llama2_zero3
/usr/bin/python3 bench/sizes.py build/bin/llama2_zero3 examples/llama2_zero3/cases/llama2_58m.json build/bench/sizes.json "$@"
