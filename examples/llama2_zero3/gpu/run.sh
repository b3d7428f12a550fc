#!/usr/bin/env bash
# Builds one_gpu against the libtorch inside Python's torch (2.x, with CUDA) and trains llama2-7b on one GPU.
#   gpu/run.sh [ARGUMENT...]     arguments go to one_gpu; PYTHON names the interpreter, CXX the compiler
# Needs a C++20 compiler, Python with torch, and Boost's headers (BOOST_INCLUDE names their folder where they are
# not the system's); installs nothing. One H200 takes the whole model with a micro-batch of one, see device_bytes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../../.." && pwd)
build=${BUILD:-$project/build/gpu}
mkdir -p "$build"

python=${PYTHON:-python3}
torch=$("$python" -c 'import os, torch; print(os.path.dirname(torch.__file__))') || {
  echo "$0: needed Python's torch, and $python has none" >&2
  exit 2
}
read -r abi cuda <<< "$("$python" -c 'import torch; print(int(torch._C._GLIBCXX_USE_CXX11_ABI), torch.version.cuda or "none")')"
flags=(-std=c++20 -O3 -DNDEBUG "-D_GLIBCXX_USE_CXX11_ABI=$abi" -I"$project/include" -I"$here/.."
       -isystem "$torch/include" -isystem "$torch/include/torch/csrc/api/include")
[ -n "${BOOST_INCLUDE:-}" ] && flags+=(-isystem "$BOOST_INCLUDE")
libraries=(-L"$torch/lib" "-Wl,-rpath,$torch/lib" -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10)
if [ "$cuda" != none ]; then
  libraries+=(-ltorch_cuda -lc10_cuda)
  # CUDA's headers come with the toolkit or with the wheels of nvidia-*
  for folder in "${CUDA_HOME:-/usr/local/cuda}/include" "$torch"/../nvidia/*/include; do
    [ -d "$folder" ] && flags+=(-isystem "$folder")
  done
  flags+=(-DKUNMETRICS_TORCH_CUDA)
fi
"${CXX:-g++}" "${flags[@]}" "$here/one_gpu.cpp" -o "$build/one_gpu" "${libraries[@]}"
exec "$build/one_gpu" "$@"
