#!/usr/bin/env bash
# All benchmarks: installs what is missing, builds, runs each five times in a random order, keeps the
# results in build/bench/*.json, and prints one table of ratios of medians.
#   bench/run.sh [ARGUMENT...]     arguments go to every benchmark: --benchmark_filter=meter
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

installed "${compiler_packages[@]}" "${trainer_packages[@]}" libbenchmark-dev
optional prometheus-cpp-dev
built "-DKUNMETRICS_BUILD_TESTS=OFF -DKUNMETRICS_BUILD_BENCHMARKS=ON" all
mkdir -p build/bench
results=()
for program in build/bin/bench_*; do
  result=build/bench/$(basename "$program" | sed 's/^bench_//').json
  "$program" --benchmark_repetitions=5 --benchmark_enable_random_interleaving=true \
    --benchmark_report_aggregates_only=true --benchmark_out="$result" --benchmark_out_format=json "$@" > /dev/null
  results+=("$result")
done
build/bin/ratio_table "${results[@]}"
