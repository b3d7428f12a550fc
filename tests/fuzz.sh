#!/usr/bin/env bash
# Fuzzes every reader of files with libFuzzer under the address and undefined-behaviour sanitizers.
#   tests/fuzz.sh [SECONDS [TARGET...]]   seconds of each, 120 if not said; targets as in tests/fuzz/TARGET_fuzz.cpp
# Inputs that reach new code are kept in build/fuzz/TARGET; an input that is a finding ends the script with exit 1.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

seconds=${1:-120}
[ $# -gt 0 ] && shift
installed clang libclang-rt-14-dev libboost-dev nlohmann-json3-dev libdnnl-dev
mkdir -p build/fuzz
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$source" _fuzz.cpp)"); done
fi
flags=(-std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -Iinclude -Iexamples/llama2_zero3)
failed=()
for target in "${targets[@]}"; do
  clang++-14 "${flags[@]}" "tests/fuzz/${target}_fuzz.cpp" -o "build/fuzz/${target}_fuzz" -lpthread
  mkdir -p "build/fuzz/$target" "tests/fuzz/corpus/$target"
  log=build/fuzz/$target.log
  if "build/fuzz/${target}_fuzz" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="build/fuzz/$target-" "build/fuzz/$target" "tests/fuzz/corpus/$target" > "$log" 2>&1; then
    echo "$target: no finding in $seconds s, $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
  else
    echo "$target: a finding, see $log" >&2
    failed+=("$target")
  fi
done
[ ${#failed[@]} = 0 ]
