#!/usr/bin/env bash
# The trainer against Debian's PyTorch on the same llama2 of 58 M parameters: installs both, builds, runs them by
# turns and prints the ratio; build/bench/vs_torch.json has every round, with machine and versions.
#   bench/vs_torch.sh [--rounds N] [--precisions bf16,fp32] [--threads N]
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

# PyTorch's fp32 products are those of the system's BLAS, of which the reference is slow: OpenBLAS is its best
installed "${compiler_packages[@]}" "${trainer_packages[@]}" python3-torch libopenblas0-pthread
built "-DKUNMETRICS_BUILD_TESTS=OFF -DKUNMETRICS_BUILD_BENCHMARKS=OFF" llama2_zero3
XDG_CACHE_HOME=$PWD/build/cache exec /usr/bin/python3 bench/vs_torch.py build/bin/llama2_zero3 \
  examples/llama2_zero3/cases/llama2_58m.json build/bench/vs_torch.json "$@"
