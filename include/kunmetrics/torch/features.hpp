// What the libtorch at hand has, by feature: the one place where its version is asked for.
//
// 1.13 is the oldest that is supported; the tests have run on 1.13, 2.6 and 2.14. Macros, as code that names what
// is not there must not be seen by the compiler. Whether there is CUDA is the build's to say: KUNMETRICS_TORCH_CUDA.
#pragma once

#include <torch/version.h>

#define KUNMETRICS_TORCH_SINCE(first, second) \
  (TORCH_VERSION_MAJOR > (first) || (TORCH_VERSION_MAJOR == (first) && TORCH_VERSION_MINOR >= (second)))

// at::scaled_dot_product_attention
#define KUNMETRICS_TORCH_HAS_ATTENTION KUNMETRICS_TORCH_SINCE(2, 0)
// c10d::Backend, which gloo and NCCL are from then on; before they are a c10d::ProcessGroup
#define KUNMETRICS_TORCH_HAS_C10D_BACKEND KUNMETRICS_TORCH_SINCE(2, 0)
// products of fp16 on a CPU
#define KUNMETRICS_TORCH_HAS_FP16_ON_CPU KUNMETRICS_TORCH_SINCE(2, 3)
// at::_fused_adamw_ with kernels for both CPU and CUDA
#define KUNMETRICS_TORCH_HAS_FUSED_ADAMW KUNMETRICS_TORCH_SINCE(2, 4)
// at::Context::setBlasPreferredBackend: cuBLAS or cuBLASLt
#define KUNMETRICS_TORCH_HAS_BLAS_CHOICE KUNMETRICS_TORCH_SINCE(2, 4)
