// By which kernel each product of a layer and of the head runs, and in blocks of how many rows.
//
// An FC product of a llama is one of five matrices (qkv, wo, gate_up, down, lm_head) in one of two passes
// that read it: forward x W^T and the gradient of its input, dy W. (The gradient of W itself, dy^T x, reads
// no weights: it has kernel and blocks of rows of its own, and nothing to pack.) Kernels:
//   gemm      oneDNN's gemm on weights as they lie, packed anew for every block
//   packed    oneDNN's matmul primitive on weights packed once, when they have been gathered
//   openblas  OpenBLAS' sgemm on weights as they lie, where the library is on the machine
//   panels    our own for AVX2, fp32 and 16 bits (panel_product.hpp), on weights as they lie
//   packed_panels  the same on weights packed once: for every other purpose it has the bits of `panels`
//   packed_pairs   our own for bfloat16 instructions (pair_product.hpp), on weights packed once
// Kernels that leave weights as they lie may compute a block's columns some at a time. Panels have the same bits
// for every height and width of blocks; so had `gemm` where this was tried (AVX-512, oneDNN 2.6); kernels differ
// from each other. A tuned plan may thus be compared, to the bit, with itself only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trainer {

enum class fc_matrix { qkv, wo, gate_up, down, lm_head };
enum class fc_pass { forward, input_gradient };
enum class fc_kernel { untuned, gemm, packed, openblas, panels, packed_panels, packed_pairs };

inline constexpr std::array<std::string_view, 5> fc_matrix_names{"qkv", "wo", "gate_up", "down", "lm_head"};
inline constexpr std::array<std::string_view, 2> fc_pass_names{"forward", "input_gradient"};
inline constexpr std::array<std::string_view, 7> fc_kernel_names{"untuned", "gemm",          "packed",      "openblas",
                                                                   "panels",  "packed_panels", "packed_pairs"};
/// Those that multiply; `untuned` is to be resolved to one of them.
inline constexpr std::array fc_kernels{fc_kernel::gemm, fc_kernel::packed, fc_kernel::openblas, fc_kernel::panels, fc_kernel::packed_panels,
                                     fc_kernel::packed_pairs};

/// Whether a kernel multiplies weights that were packed before.
constexpr bool packs_weights(fc_kernel kernel) noexcept {
  return kernel == fc_kernel::packed || kernel == fc_kernel::packed_panels || kernel == fc_kernel::packed_pairs;
}

/// How a product that reads weights is computed: by which kernel, and how many columns of a block at once;
/// 0 are all, but in the head's forward pass, whose threads share columns, head_columns.
struct fc_choice {
  fc_kernel kernel = fc_kernel::untuned;
  std::int64_t columns = 0;

  friend constexpr bool operator==(fc_choice const&, fc_choice const&) = default;
};

/// How a weight's gradient is computed: by which kernel, in blocks of how many rows of W; fewer where a tile
/// does not hold them.
struct fc_gradient {
  fc_kernel kernel = fc_kernel::untuned;  // none that packs weights
  std::int64_t rows = 256;

  friend constexpr bool operator==(fc_gradient const&, fc_gradient const&) = default;
};

/// Rows of a block of a weight's gradient [rows, .] that `threads` share. Panels have the same bits in blocks of any
/// height, so that theirs are as many as share out evenly.
constexpr std::int64_t rows_of_block(fc_gradient const& how, std::int64_t rows, int threads) noexcept {
  if (how.kernel != fc_kernel::panels) return how.rows;
  auto const rounds = (rows + how.rows * threads - 1) / (how.rows * threads);
  return (rows + rounds * threads - 1) / (rounds * threads);
}

/// Columns of logits that a thread of the head computes at once, where they are not tuned.
inline constexpr std::int64_t head_columns = 1024;

/// The head's chunks are a few hundred rows: lower blocks, so that there is one for every thread.
inline constexpr std::int64_t head_height = 128;
constexpr std::int64_t height_of(fc_matrix matrix, std::int64_t height) noexcept {
  return matrix == fc_matrix::lm_head ? std::min(height, head_height) : height;
}

struct fc_plan {
  std::int64_t height = 0;  // rows of a block, in the head at most head_height; 0: as is best untuned
  std::array<std::array<fc_choice, 2>, 5> choices{};
  std::array<fc_gradient, 5> gradients{};  // by matrix

  constexpr fc_choice& operator()(fc_matrix matrix, fc_pass pass) {
    return choices[static_cast<std::size_t>(matrix)][static_cast<std::size_t>(pass)];
  }
  constexpr fc_choice operator()(fc_matrix matrix, fc_pass pass) const {
    return choices[static_cast<std::size_t>(matrix)][static_cast<std::size_t>(pass)];
  }
  friend constexpr bool operator==(fc_plan const&, fc_plan const&) = default;
};

}  // namespace trainer
