#!/usr/bin/env bash
# A soak: a demo training that is struck by a random fault every 100 steps, taken up again each time, must end with
# the same bits as one that nothing disturbed.
#   tests/soak.sh [STEPS [SEED]]     2000 steps if not said; the seed of the faults, else the number of this process
# Faults: a rank that throws, hangs or sends NaN at a random step, rank and unit; kill -9 at a random point of a
# commit; SIGTERM at a random moment. Needs build/bin/llama2_zero3. Exit 0: the same bits.
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-2000}
RANDOM=${2:-$$}
program=build/bin/llama2_zero3
out=build/soak
# one layer of the demo on four ranks: the schedule in full, at little cost
arguments=(--case examples/llama2_zero3/cases/demo.json --layers 1 --ranks 4 --steps "$steps" --checkpoint-every 20 --timeout 5)
rm -rf "$out"
mkdir -p "$out"

state() { cat "$1/checkpoints/$(cat "$1/checkpoints/latest")"/rank_*.bin | cksum; }
trace() { python3 -c 'import json, sys
for line in open(sys.argv[1]):
    step = json.loads(line)
    print(step["step"], step["loss"], step["grad_norm"], step["tokens"])' "$1/steps.jsonl" | cksum; }
trained() { [ -f "$1/checkpoints/latest" ] && sed 's/step_0*\([0-9][0-9]*\).*/\1/' "$1/checkpoints/latest" || echo 0; }

"$program" "${arguments[@]}" --out "$out/whole" > "$out/whole.log" 2>&1
points=("folder made" "shard written" "shard synced" "shards complete" "meta written" "folder renamed" "latest moved" "old removed")
units=(embedding layer0 head summary)
faults=0
while [ "$(trained "$out/struck")" -lt "$steps" ]; do
  done=$(trained "$out/struck")
  at=$((done + 1 + RANDOM % 100 + 20))
  resume=()
  [ "$done" -gt 0 ] && resume=(--resume "$out/struck/checkpoints")
  fault=() before=()
  kind=$((RANDOM % 5))
  case $kind in
    0 | 1 | 2)
      names=(throw hang nan)
      unit=${units[RANDOM % 4]}
      [ $kind = 2 ] && unit=layer0
      fault=(LLAMA2_ZERO3_FAULT="${names[kind]}:$((RANDOM % 4)):$at:$unit") ;;
    3) fault=(LLAMA2_ZERO3_KILL_AT="${points[RANDOM % 8]}:$((1 + RANDOM % 12))") ;;
    4) before=(timeout --preserve-status -s TERM "$((2 + RANDOM % 5))") ;;
  esac
  code=0
  "${before[@]}" env "${fault[@]}" "$program" "${arguments[@]}" --out "$out/struck" "${resume[@]}" > "$out/struck.log" 2>&1 || code=$?
  if [ $code = 2 ]; then
    cat "$out/struck.log" >&2
    exit 1
  fi
  faults=$((faults + 1))
  echo "step $(trained "$out/struck"): ${fault[*]:-SIGTERM}, exit $code"
done
if [ "$(state "$out/whole")" = "$(state "$out/struck")" ] && [ "$(trace "$out/whole")" = "$(trace "$out/struck")" ]; then
  echo "the same bits after $steps steps and $faults faults"
else
  echo "other bits after $steps steps and $faults faults" >&2
  exit 1
fi
