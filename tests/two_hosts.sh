#!/usr/bin/env bash
# Ranks on two hosts train the bits of ranks that are threads: over MPI, and over gloo where the trainer has it.
#   tests/two_hosts.sh [PROGRAM]     build/bin/llama2_zero3 if not said
# The hosts are two network namespaces of this machine with names of their own, a cable between them, and nothing
# else: what is not sent through it does not arrive. Exit 0: the same bits; 77: no root, no `ip`, or no Open MPI.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:-build/bin/llama2_zero3}")
left_out() { echo "left out: $*" >&2; exit 77; }

[ "$(id -u)" = 0 ] || left_out "only root makes network namespaces"
for tool in ip unshare mpirun.openmpi; do command -v "$tool" > /dev/null || left_out "no $tool"; done
grep -q 'libmpi\.so' <(ldd "$program") || left_out "$program is not built with Open MPI"
out=$(mktemp -d)
a=host-a-$$ b=host-b-$$  # names of hosts, too
undone() {
  ip netns del "$a" 2> /dev/null || true
  ip netns del "$b" 2> /dev/null || true
  rm -rf "$out"
}
trap undone EXIT
ip netns add "$a" 2> "$out/refusal" || left_out "no network namespace: $(cat "$out/refusal")"
ip netns add "$b"
ip link add cable netns "$a" type veth peer name cable netns "$b"
ip -n "$a" addr add 10.77.0.1/24 dev cable
ip -n "$b" addr add 10.77.0.2/24 dev cable
for host in "$a" "$b"; do
  ip -n "$host" link set lo up
  ip -n "$host" link set cable up
done

# HOST COMMAND...: as a shell on that host would run it; what mpirun calls in place of ssh
printf '#!/bin/sh\nhost=$1\nshift\nexec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"\n' > "$out/agent"
chmod +x "$out/agent"
on() { "$out/agent" "$@"; }

case=$PWD/examples/llama2_zero3/cases/demo.json
run="$program --case $case --layers 1 --steps 6 --checkpoint-every 6 --timeout 60"
export OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# Waits for an address to answer: a new interface is a moment without one that can be used.
for _ in $(seq 50); do on "$a" "ip -brief link show cable | grep -q UP" && break; sleep 0.1; done

state() { cat "$out/$1/checkpoints/$(cat "$out/$1/checkpoints/latest")"/rank_*.bin | cksum; }
same() { # NAME: whether its state is that of threads
  [ "$(state threads)" = "$(state "$1")" ] || { echo "$1 on two hosts: other bits than ranks that are threads" >&2; exit 1; }
  echo "$1 on two hosts: the bits of ranks that are threads"
}

$run --ranks 4 --out "$out/threads" > "$out/log" 2>&1 || { cat "$out/log" >&2; exit 1; }

on "$a" "mpirun.openmpi --mca plm_rsh_agent $out/agent --mca oob_tcp_if_include 10.77.0.0/24 --mca btl tcp,self \
  --mca btl_tcp_if_include 10.77.0.0/24 --oversubscribe --bind-to none -x OMP_NUM_THREADS -np 4 -H $a:2,$b:2 \
  $run --engine mpi --out $out/mpi" > "$out/log" 2>&1 || { cat "$out/log" >&2; exit 1; }
same mpi

if grep -q libtorch <(ldd "$program"); then
  ranks=()
  for rank in 0 1 2 3; do
    host=$a
    [ $rank -ge 2 ] && host=$b
    on "$host" "env GLOO_SOCKET_IFNAME=cable MASTER_ADDR=10.77.0.1 MASTER_PORT=29400 WORLD_SIZE=4 RANK=$rank \
      $run --engine c10d --out $out/c10d" > "$out/log$rank" 2>&1 &
    ranks+=($!)
  done
  for rank in "${ranks[@]}"; do wait "$rank" || { cat "$out"/log? >&2; exit 1; }; done
  same c10d
fi
