// One matrix of weights in one pass, as it is multiplied with block after block of rows by the chosen kernel.
//
//   forward         y = x W^T     W is [out, in], x [T, in]
//   input gradient  dx = dy W     dy [T, out]
// Use: prepare(W) once the unit has been gathered, then multiply(block of rows, tile, thread) as often as
// there are blocks, on as many threads as were named. Sums are in the arithmetic of Number.
#pragma once

#include "fc_plan.hpp"
#include "operators/mixed_product.hpp"
#include "operators/packed_product.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace trainer {

/// Whether a kernel multiplies numbers of this format on this processor.
template <class Number>
bool has_kernel(fc_kernel kernel) noexcept {
  if (kernel == fc_kernel::gemm) return true;
  return std::is_same_v<Number, float> || (std::is_same_v<Number, bfloat16> && has_native_bfloat16_product());
}

/// T rows, in blocks of `height`, times a matrix stored [out, in].
struct fc_sizes {
  std::int64_t rows, height, out, in;
};

template <class Number>
class fc_product {
  static constexpr bool may_pack = std::is_same_v<Number, float> || std::is_same_v<Number, bfloat16>;
  using packable = std::conditional_t<may_pack, Number, float>;

 public:
  using real = arithmetic<Number>;

  /// A kernel that this processor has not for this format becomes gemm.
  fc_product(fc_sizes const& sizes, fc_pass pass, fc_kernel kernel, int threads)
      : pass_(pass), threads_(threads), columns_(pass == fc_pass::forward ? sizes.out : sizes.in) {
    if (kernel == fc_kernel::packed && has_kernel<Number>(kernel)) packed_.emplace(packed_sizes_of(sizes, pass), threads);
  }

  std::int64_t columns() const noexcept { return columns_; }  // of a result
  fc_kernel kernel() const noexcept { return packed_ ? fc_kernel::packed : fc_kernel::gemm; }

  /// Bytes of room that prepare needs, whole cache lines; 0 for gemm.
  std::int64_t room_bytes() const {
    return packed_ ? packed_->room_bytes() : 0;
  }

  /// The weights [out, in] of the products to come, which must stay where they are.
  void prepare(matrix_view<Number const> weights, std::span<std::byte> room) {
    weights_ = pass_ == fc_pass::forward ? transposed(weights) : factor<Number>(weights);
    if constexpr (may_pack) {
      if (packed_) packed_->pack(weights_, room, threads_);
    }
  }

  /// c [rows, .] = a [rows, .] * the prepared weights; both have rows without gaps.
  void multiply(matrix_view<Number const> a, matrix_view<real> c, std::size_t thread) {
    if constexpr (may_pack) {
      if (packed_) return packed_->multiply(a, c, thread);
    }
    mixed_product<Number>(a, weights_, c);
  }

 private:
  static packed_sizes packed_sizes_of(fc_sizes const& sizes, fc_pass pass) {
    bool const forward = pass == fc_pass::forward;
    return {sizes.rows, sizes.height, forward ? sizes.in : sizes.out, forward ? sizes.out : sizes.in, forward};
  }

  fc_pass pass_;
  int threads_;
  std::int64_t columns_;
  factor<Number> weights_{nullptr, 0, 0, 0, false};
  std::optional<packed_product<packable>> packed_{};
};

}  // namespace trainer
