// How products are computed where nothing was tuned: by the kernel found fastest on processors of a kind for a format.
//
//   AVX2 alone                           our own panels, on packed weights
//   AVX-512, 16 bits it cannot multiply  our own panels: the others multiply copies that were widened first
//   AVX-512 with bfloat16, without tiles  our own on pairs, on packed weights; the weights' gradients by gemm
//   AVX-512, other formats               oneDNN's gemm, in higher blocks: it packs the weights anew for each. Its matmul
//                                        on weights packed once is as fast, but allocates with every call
//   neither                              oneDNN's gemm
// Blocks of rows are lower where a micro-batch has few rows, so that there is work for several threads; how many threads
// there are has no part in it. So a run that is not tuned has the same bits on any two machines of one kind and one version
// of oneDNN. A kernel
// that the processor has not for a format becomes oneDNN's gemm.
#pragma once

#include "fc_plan.hpp"
#include "operators/fc_product.hpp"
#include "operators/widest_vectors.hpp"

#include <cstdint>
#include <type_traits>

namespace trainer {

template <class Number>
bool prefers_panels() noexcept {
  if (!has_kernel<Number>(fc_kernel::panels)) return false;
  if (std::is_same_v<Number, float>) return widest_vectors() == vector_width::avx2;
  return !(std::is_same_v<Number, bfloat16> && has_native_bfloat16_product());
}

/// The height of blocks of `rows` rows: at most `most`, but at least four of them down to a height of 64.
constexpr std::int64_t untuned_height(std::int64_t rows, std::int64_t most) noexcept {
  while (most > 64 && 4 * most > rows) most /= 2;
  return most;
}

/// The kernels, and the greatest height.
template <class Number>
fc_plan untuned_fc_plan() noexcept {
  fc_plan plan{.height = 128};
  for (auto& passes : plan.choices) passes.fill({.kernel = fc_kernel::gemm});
  plan.gradients.fill({.kernel = fc_kernel::gemm});
  if (prefers_panels<Number>()) {
    for (auto& passes : plan.choices) passes.fill({.kernel = fc_kernel::packed_panels});
    plan.gradients.fill({.kernel = fc_kernel::panels, .rows = 512});
  } else if (widest_vectors() == vector_width::avx512) {
    plan.height = 512;
    if (has_kernel<Number>(fc_kernel::packed_pairs)) {
      for (auto& passes : plan.choices) passes.fill({.kernel = fc_kernel::packed_pairs});
    }
  }
  return plan;
}

/// The same for micro-batches of `rows` rows.
template <class Number>
fc_plan untuned_fc_plan(std::int64_t rows) noexcept {
  auto plan = untuned_fc_plan<Number>();
  plan.height = untuned_height(rows, plan.height);
  return plan;
}

/// The plan with a kernel of this processor wherever it names none, or one that is not there for the format.
template <class Number>
fc_plan resolved(fc_plan plan, std::int64_t rows) noexcept {
  auto const untuned = untuned_fc_plan<Number>(rows);
  if (plan.height == 0) plan.height = untuned.height;
  auto const resolve = [](auto& how, auto const& otherwise) {
    if (how.kernel == fc_kernel::untuned) how = otherwise;
    how.kernel = kernel_or_gemm<Number>(how.kernel);
  };
  for (std::size_t m = 0; m < plan.choices.size(); ++m) {
    for (std::size_t pass = 0; pass < plan.choices[m].size(); ++pass) resolve(plan.choices[m][pass], untuned.choices[m][pass]);
    resolve(plan.gradients[m], untuned.gradients[m]);
  }
  return plan;
}

}  // namespace trainer
