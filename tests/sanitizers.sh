#!/usr/bin/env bash
# The tests under sanitizers, where the first finding ends the program and fails its test.
#   tests/sanitizers.sh [address|torch|thread]   all three if none is said
# address: AddressSanitizer and UBSan on all programs outside libtorch.
# torch:   the same on those that use libtorch, with g++: clang 19 does not compile its headers as C++20.
# thread:  ThreadSanitizer on what threads share: the meter, the ranks that are threads, and whole trainings by them.
# Left out are tests that run builds of their own and no program of ours. Most of an hour on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/prepared_build.sh

kinds=(address torch thread)
if [ $# -gt 0 ]; then
  [[ "$1" =~ ^(address|torch|thread)$ ]] || { echo "tests/sanitizers.sh: needed address, torch or thread, found $1" >&2; exit 2; }
  kinds=("$1")
fi
installed "${compiler_packages[@]}" "${trainer_packages[@]}" doctest-dev librapidcheck-dev "${mpi_packages[@]}" \
  mpich libmpich-dev
launcher=()
command -v ccache > /dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
address_flags="-fsanitize=address,undefined -fno-sanitize-recover=all"
# what MPI holds at the end is no leak of ours, and UCX (of MPICH) takes hold of mmap as the sanitizer does
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 UCX_MEM_MMAP_HOOK_MODE=none

# FOLDER COMPILER TORCH FLAGS
configured() {
  mkdir -p "$1"
  cmake -S . -B "$1" -G Ninja -DCMAKE_CXX_COMPILER="$2" -DCMAKE_BUILD_TYPE=None "-DKUNMETRICS_TORCH=$3" \
    "-DCMAKE_CXX_FLAGS=-O1 -g1 -fno-omit-frame-pointer $4" -DKUNMETRICS_BUILD_TESTS=ON -DKUNMETRICS_BUILD_BENCHMARKS=OFF \
    "${launcher[@]}" > "$1/configure.log" 2>&1 || { cat "$1/configure.log" >&2; exit 1; }
}

# FOLDER ARGUMENT...: ctest
tested() { ctest --test-dir "$1" -j "$(nproc)" --timeout 1800 --output-on-failure --no-tests=error "${@:2}"; }

# FOLDER TEST...: those alone, with what they need
some_built() {
  local folder=$1 test targets=()
  shift
  for test in "$@"; do targets+=("${test}_test"); done
  ninja -C "$folder" "${targets[@]}" >&2
}
only() { local IFS='|'; echo "^($*)\$"; }

address() {
  local folder=build/address_sanitized programs
  installed clang-19 libclang-rt-19-dev libomp-19-dev
  configured $folder clang++-19 OFF "$address_flags"
  mapfile -t programs < <(ninja -C $folder -t targets all | sed -n 's/: CXX_EXECUTABLE_LINKER.*//p')
  ninja -C $folder "${programs[@]}" >&2
  tested $folder -E '^(codegen|fail_|install|consumer|odr|torch_abi)'
}

torch() {
  local folder=build/torch_sanitized tests=(torch torch_process_group torch_one_gpu trainer_torch_backend trainer_torch_run
    trainer_device_adamw trainer_c10d_group)
  installed libtorch-dev libgloo-dev
  # vptr: the type information of libtorch's classes is not exported
  configured $folder g++ ON "$address_flags -fno-sanitize=vptr -Wno-maybe-uninitialized"
  some_built $folder "${tests[@]}"
  tested $folder -R "$(only "${tests[@]}")"
}

# Under clang OpenMP tells the sanitizer what orders its threads (libarcher), which g++'s does not.
thread() {
  local folder=build/thread_sanitized precision run
  local tests=(seqlock meter_snapshot trainer_rank_summary trainer_thread_communicator trainer_patience trainer_zero3
    trainer_gathered_units trainer_gradient_reduction trainer_step_summary trainer_loss_scaling trainer_bitwise_equality
    trainer_checkpoint trainer_checkpoint_saver trainer_fault trainer_supervisor trainer_llama2_zero3 trainer_compute_device
    trainer_adamw trainer_causal_attention trainer_cross_entropy trainer_fc_product trainer_mixed_product
    trainer_pair_attention trainer_rms_norm trainer_row_operators trainer_row_reduction trainer_unit)
  installed clang-19 libclang-rt-19-dev libomp-19-dev
  configured $folder clang++-19 OFF -fsanitize=thread
  some_built $folder "${tests[@]}"
  printf '%s\n' deadlock:mca_ > $folder/suppressions  # locks of Open MPI's own
  export TSAN_OPTIONS="halt_on_error=1 ignore_noninstrumented_modules=1 suppressions=$PWD/$folder/suppressions"
  tested $folder -R "$(only "${tests[@]}")"
  for precision in fp32 bf16 fp16; do
    run=$folder/training_$precision
    $folder/bin/llama2_zero3 --case examples/llama2_zero3/cases/demo.json --layers 1 --ranks 4 --threads 2 --steps 5 \
      --checkpoint-every 2 --timeout 600 --precision $precision --out $run > $run.log 2>&1 || { cat $run.log >&2; exit 1; }
    echo "a training by 4 ranks in $precision: no finding"
  done
}

for kind in "${kinds[@]}"; do "$kind"; done
