// One matrix of weights in one pass, as it is multiplied with block after block of rows by the chosen kernel.
//
//   forward         y = x W^T     W is [out, in], x [T, in]
//   input gradient  dx = dy W     dy [T, out]
// Use: prepare(W) once the unit has been gathered, then multiply(block of rows, tile, thread) as often as
// there are blocks, on as many threads as were named. Sums are in the arithmetic of Number. Where threads are to
// share the columns of a result instead, multiply_columns, for kernels that do not pack.
#pragma once

#include "fc_plan.hpp"
#include "operators/mixed_product.hpp"
#include "operators/openblas.hpp"
#include "operators/packed_product.hpp"
#include "operators/pair_product.hpp"
#include "operators/panel_product.hpp"
#include "operators/row_blocks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>

namespace trainer {

/// Whether a kernel multiplies numbers of this format on this processor.
template <class Number>
bool has_kernel(fc_kernel kernel) noexcept {
  switch (kernel) {
    case fc_kernel::untuned: return false;
    case fc_kernel::gemm: return true;
    case fc_kernel::packed:
      return std::is_same_v<Number, float> || (std::is_same_v<Number, bfloat16> && has_native_bfloat16_product());
    case fc_kernel::openblas: return std::is_same_v<Number, float> && openblas::library() != nullptr;
    case fc_kernel::panels:
    case fc_kernel::packed_panels: return !std::is_same_v<Number, double> && has_panel_kernel();
    case fc_kernel::packed_pairs: return std::is_same_v<Number, bfloat16> && has_pair_product();
  }
  return false;
}

/// The kernel, or gemm where this processor has it not for this format.
template <class Number>
fc_kernel kernel_or_gemm(fc_kernel kernel) noexcept {
  return has_kernel<Number>(kernel) ? kernel : fc_kernel::gemm;
}

/// c [M, N] (+)= a [M, K] * b [K, N] by a kernel that does not pack. Throws std::invalid_argument if the sizes do not
/// agree.
template <class Number>
void unpacked_product(fc_kernel kernel, factor<Number> const& a, factor<Number> const& b, matrix_view<arithmetic<Number>> c,
                      accumulate onto = accumulate::no) {
  kernel = kernel_or_gemm<Number>(kernel);
  if constexpr (std::is_same_v<Number, float>) {
    if (kernel == fc_kernel::openblas) {
      require_product_sizes(a, b, c);
      return openblas::library()->product(a, b, c, onto);
    }
  }
  if constexpr (!std::is_same_v<Number, double>) {
    if (kernel == fc_kernel::panels) {
      require_product_sizes(a, b, c);
      return panel_product<Number>(a, b, c, onto);
    }
  }
  mixed_product<Number>(a, b, c, onto);
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

  /// A kernel that this processor has not for this format, or not for this depth, becomes gemm.
  fc_product(fc_sizes const& sizes, fc_pass pass, fc_choice how, int threads)
      : pass_(pass),
        threads_(threads),
        columns_(pass == fc_pass::forward ? sizes.out : sizes.in),
        depth_(pass == fc_pass::forward ? sizes.in : sizes.out),
        kernel_(kernel_or_gemm<Number>(how.kernel)),
        columns_at_once_(how.columns) {
    if (kernel_ == fc_kernel::packed_pairs && depth_ % 2 != 0) kernel_ = fc_kernel::gemm;  // a pair would reach beyond a row
    if (kernel_ == fc_kernel::packed) packed_.emplace(packed_sizes_of(sizes, pass), threads);
  }

  fc_pass pass() const noexcept { return pass_; }
  std::int64_t columns() const noexcept { return columns_; }  // of a result
  std::int64_t depth() const noexcept { return depth_; }      // columns of the other factor
  fc_kernel kernel() const noexcept { return kernel_; }
  std::int64_t columns_at_once() const noexcept { return columns_at_once_; }  // 0: all

  /// Bytes of room that prepare needs, whole cache lines; 0 for kernels that do not pack.
  std::int64_t room_bytes() const {
    if (kernel_ == fc_kernel::packed_panels) return packed_panel_elements(depth_, columns_) * std::int64_t{sizeof(float)};
    if (kernel_ == fc_kernel::packed_pairs) return panel_pairs(depth_, columns_) * std::int64_t{sizeof(bfloat16_pair)};
    return packed_ ? packed_->room_bytes() : 0;
  }

  /// The weights [out, in] of the products to come, which must stay where they are.
  void prepare(matrix_view<Number const> weights, std::span<std::byte> room) {
    weights_ = pass_ == fc_pass::forward ? transposed(weights) : factor<Number>(weights);
    if constexpr (may_pack) {
      if (packed_) return packed_->pack(weights_, room, threads_);
    }
    if constexpr (std::is_same_v<Number, bfloat16>) {
      if (kernel_ == fc_kernel::packed_pairs) {
        pairs_ = {reinterpret_cast<bfloat16_pair*>(room.data()), static_cast<std::size_t>(panel_pairs(depth_, columns_))};
        return for_each_row_block(columns_, columns_packed_at_once, threads_,
                                  [&](row_block const& columns) { pack_pairs(weights_, columns.first, columns.rows, pairs_); });
      }
    }
    if constexpr (!std::is_same_v<Number, double>) {
      if (kernel_ != fc_kernel::packed_panels) return;
      panels_ = reinterpret_cast<float*>(room.data());
      for_each_row_block(columns_, columns_packed_at_once, threads_,
                         [&](row_block const& columns) { pack_panels(weights_, columns.first, columns.rows, panels_); });
    }
  }

  /// c [rows, .] = a [rows, .] * the prepared weights; both have rows without gaps.
  void multiply(matrix_view<Number const> a, matrix_view<real> c, std::size_t thread) {
    if constexpr (may_pack) {
      if (packed_) return packed_->multiply(a, c, thread);
    }
    if constexpr (std::is_same_v<Number, bfloat16>) {
      if (kernel_ == fc_kernel::packed_pairs) return packed_pair_product(a, pairs_, c);
    }
    if constexpr (!std::is_same_v<Number, double>) {
      if (kernel_ == fc_kernel::packed_panels) return packed_panel_product<Number>(a, panels_, c);
    }
    auto const width = columns_at_once_ > 0 ? columns_at_once_ : columns_;
    for (std::int64_t first = 0; first < columns_; first += width) {
      multiply_columns(a, first, c.block(0, first, c.rows, std::min(width, columns_ - first)));
    }
  }

  /// Columns of the same from `first` on, as many as c has. Precondition: the kernel does not pack.
  void multiply_columns(matrix_view<Number const> a, std::int64_t first, matrix_view<real> c) const {
    auto const weights = part(weights_, 0, first, weights_.rows, c.columns);
    unpacked_product<Number>(kernel_, a, weights, c);
  }

 private:
  static constexpr std::int64_t columns_packed_at_once = 8 * panel_columns;

  static packed_sizes packed_sizes_of(fc_sizes const& sizes, fc_pass pass) {
    bool const forward = pass == fc_pass::forward;
    return {sizes.rows, sizes.height, forward ? sizes.in : sizes.out, forward ? sizes.out : sizes.in, forward};
  }

  fc_pass pass_;
  int threads_;
  std::int64_t columns_, depth_;
  fc_kernel kernel_;
  std::int64_t columns_at_once_;
  factor<Number> weights_{nullptr, 0, 0, 0, false};
  std::optional<packed_product<packable>> packed_{};
  float* panels_ = nullptr;
  std::span<bfloat16_pair> pairs_{};
};

}  // namespace trainer
