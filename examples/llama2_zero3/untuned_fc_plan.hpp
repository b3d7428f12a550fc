// How products are computed where nothing was tuned: by the kernel that was found fastest on processors of a kind.
//
// Processors with AVX2 and without AVX-512 get our own, on packed weights; all others oneDNN's gemm. So a run that
// is not tuned has the same bits on any two machines of one kind and one version of oneDNN. A kernel that the
// processor or the format has not becomes oneDNN's gemm where it is used.
#pragma once

#include "fc_plan.hpp"
#include "operators/widest_vectors.hpp"

namespace trainer {

inline bool prefers_panels() noexcept { return widest_vectors() == vector_width::avx2; }

inline fc_plan untuned_fc_plan() noexcept {
  fc_plan plan;
  if (!prefers_panels()) return plan;
  for (auto& passes : plan.choices) passes.fill({.kernel = fc_kernel::packed_panels});
  plan.gradients.fill({.kernel = fc_kernel::panels, .rows = 512});
  return plan;
}

}  // namespace trainer
