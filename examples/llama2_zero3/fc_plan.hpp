// By which kernel each product of a layer and of the head runs, and in blocks of how many rows.
//
// An FC product of a llama is one of five matrices (qkv, wo, gate_up, down, lm_head) in one of two passes
// that read it: forward x W^T and the gradient of its input, dy W. (The gradient of W itself, dy^T x, reads
// no weights and always runs by `gemm`, in blocks of gradient_rows of W.) Two kernels:
//   gemm     oneDNN's gemm on weights as they lie, packed anew for every block
//   packed   oneDNN's matmul primitive on weights packed once, when they have been gathered
// The bits of `gemm` were the same for every height of blocks where this was tried (AVX-512, oneDNN 2.6); those
// of `packed` are others. A tuned plan may thus be compared, to the bit, with itself only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trainer {

enum class fc_matrix { qkv, wo, gate_up, down, lm_head };
enum class fc_pass { forward, input_gradient };
enum class fc_kernel { gemm, packed };

inline constexpr std::array<std::string_view, 5> fc_matrix_names{"qkv", "wo", "gate_up", "down", "lm_head"};
inline constexpr std::array<std::string_view, 2> fc_pass_names{"forward", "input_gradient"};
inline constexpr std::array<std::string_view, 2> fc_kernel_names{"gemm", "packed"};

struct fc_plan {
  std::int64_t height = 128;  // rows of a block
  std::array<std::array<fc_kernel, 2>, 5> kernels{};
  std::array<std::int64_t, 5> gradient_rows{256, 256, 256, 256, 256};  // by matrix; at most what a tile holds

  constexpr fc_kernel& operator()(fc_matrix matrix, fc_pass pass) {
    return kernels[static_cast<std::size_t>(matrix)][static_cast<std::size_t>(pass)];
  }
  constexpr fc_kernel operator()(fc_matrix matrix, fc_pass pass) const {
    return kernels[static_cast<std::size_t>(matrix)][static_cast<std::size_t>(pass)];
  }
  friend constexpr bool operator==(fc_plan const&, fc_plan const&) = default;
};

}  // namespace trainer
