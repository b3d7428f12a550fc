#!/usr/bin/env bash
# Proves that the trainer's tests see what they are for: each known fault is put into a copy of the sources,
# the one test that must notice is built there and has to fail. Before that the test has to pass unharmed.
#   tests/mutations.sh [NAME...]     all faults, or the named ones; exit 1 if one is not noticed
set -euo pipefail
cd "$(dirname "$0")/.."

# name | header in examples/llama2_zero3 | sed script | test that must fail
faults=(
  'padding_not_masked   | gradient_reduction.hpp | /std::ranges::fill(sent.span(cut.numel/d | gradient_reduction'
  'unscaled_too_late    | zero3.hpp | /auto const scale = loss_scale();/{N;s/\(.*\)\n\(.*\)/\2\n\1/} | loss_scaling'
  'local_norm           | step_summary.hpp | s/start += message(block . per_shard)/start += mine_.span()/ | step_summary'
  'no_version_tag       | gathered_units.hpp | s/void expire() { ++version_; }/void expire() {}/ | zero3'
  'skipped_step_applied | zero3.hpp | s/if (!skipped) apply(/apply(/ | loss_scaling'
  'loss_not_scaled      | zero3.hpp | s/reduction_.unit_gradients(unit), loss_scale());/reduction_.unit_gradients(unit), 1.0);/ | loss_scaling'
  'sum_in_other_order   | gradient_reduction.hpp | s/cut.first(rank) + block.first/cut.first(cut.world - 1 - rank) + block.first/ | gradient_reduction'
  'stale_sums           | zero3.hpp | s/sums_ = k == 0 ? accumulate::no : accumulate::yes;/sums_ = accumulate::yes;/ | zero3'
  'loss_of_one_rank     | step_summary.hpp | s/sum += all\[rank \* message/sum += all[0 * message/ | step_summary'
  'rounded_down         | operators/number_formats.hpp | s/u + 0x7fffU + ((u >> 16U) \& 1U)/u/ | number_formats'
  'partial_sums_rounded | operators/mixed_product.hpp | s/sum\[j\] += widened(before\[j\]);/sum[j] = widened(narrowed<Number>(sum[j])) + widened(before[j]);/ | mixed_product'
  'one_partial_sum      | operators/block_team.hpp | s/partial_sum(block.index, /partial_sum(0, / | bitwise_equality'
  'diagonal_hidden      | operators/attention_rows.hpp | s/hide_unseen(s, first + i + 1)/hide_unseen(s, first + i)/ | causal_attention'
  'other_tokens_taken   | checkpoint.hpp | s/kept.dataset_crc == run.dataset_crc/true/ | checkpoint'
  'scale_raised_late    | loss_scaler.hpp | s/state_.clean_steps % settings_.window == 0/state_.clean_steps % settings_.window == 1/ | loss_scaler'
)
export ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16  # the same everywhere: tiles (AMX) would take the pair kernel's place
if grep -qw avx512_bf16 /proc/cpuinfo; then  # elsewhere nothing runs it
  faults+=('pair_diagonal_hidden | operators/pair_softmax.hpp | s/auto const seen = first + i + 1;/auto const seen = first + i;/ | pair_attention')
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"
launcher=()
command -v ccache > /dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
# without optimisation: a fault shows in the results, not in the time
cmake -S "$copy" -B "$copy/build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 "${launcher[@]}" \
  > "$copy/configure.log" 2>&1 || { cat "$copy/configure.log" >&2; exit 1; }

# 0: built and passed, 1: failed, in a static_assert already or when run, 2: not built
outcome_of() {
  if ! cmake --build "$copy/build" --target "trainer_$1_test" > "$copy/build.log" 2>&1; then
    grep -qE "_test.cpp:.*static assertion failed" "$copy/build.log" && return 1
    return 2
  fi
  (cd "$copy/tests" && timeout 300 "$copy/build/bin/tests/trainer_$1_test" > "$copy/test.log" 2>&1) || return 1
}

trimmed() { sed 's/^ *//;s/ *$//' <<< "$1"; }

declare -A sound
unnoticed=0
tried=0
for fault in "${faults[@]}"; do
  IFS='|' read -r name header script test <<< "$fault"
  name=$(trimmed "$name") script=$(trimmed "$script") test=$(trimmed "$test")
  header=$copy/examples/llama2_zero3/$(trimmed "$header")
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  tried=$((tried + 1))
  if [ -z "${sound[$test]:-}" ]; then
    outcome_of "$test" || {
      echo "$test: needed to pass without a fault, and does not" >&2
      tail -20 "$copy/build.log" "$copy/test.log" >&2
      exit 1
    }
    sound[$test]=yes
  fi
  cp "$header" "$copy/unharmed"
  sed -i "$script" "$header"
  if cmp -s "$header" "$copy/unharmed"; then
    echo "$name: its sed script changes nothing in $(basename "$header") any more" >&2
    exit 1
  fi
  outcome=0
  outcome_of "$test" || outcome=$?
  cp "$copy/unharmed" "$header"
  case $outcome in
    0) printf '%-22s not noticed by %s\n' "$name" "$test"; unnoticed=$((unnoticed + 1)) ;;
    1) printf '%-22s noticed by %s\n' "$name" "$test" ;;
    2) echo "$name: does not compile" >&2; tail -20 "$copy/build.log" >&2; exit 1 ;;
  esac
done
[ "$tried" -gt 0 ] || { echo "tests/mutations.sh: needed names of faults, found none of: $*" >&2; exit 2; }
echo "$((tried - unnoticed)) of $tried faults noticed"
[ "$unnoticed" = 0 ]
