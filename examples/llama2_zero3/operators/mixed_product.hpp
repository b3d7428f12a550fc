// Matrix products of 16-bit factors, accumulated in fp32: c = a * b, or c += a * b.
//
//   bfloat16   oneDNN's bf16 product where the processor has the instructions, K never cut
//   else       tiles of both factors converted to fp32 and multiplied by oneDNN's sgemm, partial sums in fp32
//
// c is fp32; who stores 16 bits rounds it. What is computed depends on the sizes alone, so equal arguments
// give equal bits. A thread keeps the memory of its tiles, 1.3 MiB, from one product to the next, as oneDNN
// keeps what it packs. A product runs on the calling thread, as far as OpenMP's setting lets oneDNN.
// dnnl_gemm_bf16bf16f32 is exported by oneDNN 1.0 to 3.x beside dnnl_sgemm, but not declared in its
// headers; it is bound weakly, and a library without it means converted tiles.
#pragma once

#include "operators/conversion.hpp"
#include "operators/product.hpp"
#include "operators/widest_vectors.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

extern "C" {
// Row-major, as dnnl_sgemm; a bfloat16 is its 16 bits.
[[gnu::weak]] dnnl_status_t dnnl_gemm_bf16bf16f32(char transa, char transb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k,
                                                  float alpha, trainer::bfloat16 const* a, dnnl_dim_t lda,
                                                  trainer::bfloat16 const* b, dnnl_dim_t ldb, float beta, float* c,
                                                  dnnl_dim_t ldc);
}

namespace trainer {

/// Whether bfloat16 products run on the processor's own instructions. The library may be told to leave
/// them alone (ONEDNN_MAX_CPU_ISA), and would then imitate them; a product of one number asks it.
inline bool has_native_bfloat16_product() noexcept {
#if defined(__x86_64__)
  static bool const native = [] {
    auto const used = static_cast<unsigned>(dnnl_get_effective_cpu_isa());
    auto const needed = static_cast<unsigned>(dnnl_cpu_isa_avx512_core_bf16);
    if (dnnl_gemm_bf16bf16f32 == nullptr || (used & needed) != needed) return false;
    bfloat16 const one{0x3f80};
    float result = 0;
    auto const status = dnnl_gemm_bf16bf16f32('N', 'N', 1, 1, 1, 1.0F, &one, 1, &one, 1, 0.0F, &result, 1);
    return status == dnnl_success && result == 1.0F;
  }();
  return native;
#else
  return false;
#endif
}

/// Whether oneDNN multiplies bfloat16 in tiles (AMX).
inline bool has_bfloat16_tiles() noexcept {
#if defined(__x86_64__)
  constexpr auto needed = static_cast<unsigned>(dnnl_cpu_isa_avx512_core_amx);
  static bool const it_has = (static_cast<unsigned>(dnnl_get_effective_cpu_isa()) & needed) == needed;
  return it_has && has_native_bfloat16_product();
#else
  return false;
#endif
}

namespace detail {
inline constexpr std::int64_t tile_m = 128, tile_n = 512, tile_k = 512;

/// One thread's tiles of both factors.
struct product_tiles {
  std::vector<float> a = std::vector<float>(tile_m * tile_k), b = std::vector<float>(tile_k * tile_n);

  static product_tiles& of_this_thread() {
    static thread_local product_tiles tiles;
    return tiles;
  }
};

/// An fp32 copy of a factor, in the orientation it is stored in.
template <half_width Number>
factor<float> converted(factor<Number> const& from, float* to) noexcept {
  auto const rows = from.is_transposed ? from.columns : from.rows;
  auto const columns = from.is_transposed ? from.rows : from.columns;
  with_widest_vectors([&] { widen_rows<Number>({from.data, rows, columns, from.stride}, {to, rows, columns, columns}); });
  return {to, from.rows, from.columns, columns, from.is_transposed};
}

inline void native_product(factor<bfloat16> const& a, factor<bfloat16> const& b, matrix_view<float> c,
                           accumulate onto, float alpha = 1.0F) {
  auto const status = dnnl_gemm_bf16bf16f32(a.is_transposed ? 'T' : 'N', b.is_transposed ? 'T' : 'N', c.rows, c.columns,
                                            a.columns, alpha, a.data, a.stride, b.data, b.stride,
                                            onto == accumulate::yes ? 1.0F : 0.0F, c.data, c.stride);
  if (status != dnnl_success) {
    throw std::runtime_error("product: dnnl_success was needed from dnnl_gemm_bf16bf16f32, received status " +
                             std::to_string(static_cast<int>(status)));
  }
}

/// c (+)= a * b for a c of at most a tile, by fp32 copies of a and b.
template <half_width Number>
void converted_product(factor<Number> const& a, factor<Number> const& b, matrix_view<float> c, accumulate onto,
                       product_tiles& tiles) {
  for (std::int64_t k = 0; k < a.columns; k += tile_k) {
    auto const depth = std::min(tile_k, a.columns - k);
    auto const left = converted(part(a, 0, k, a.rows, depth), tiles.a.data());
    auto const right = converted(part(b, k, 0, depth, b.columns), tiles.b.data());
    unchecked_product(left, right, c, k == 0 ? onto : accumulate::yes, 1.0F);
  }
}

}  // namespace detail

/// Rounds sums into c, what stood in c added first for accumulate::yes; the sums are spent.
template <half_width Number>
void round_into(matrix_view<float> sums, matrix_view<Number> c, accumulate onto) noexcept {
  for (std::int64_t i = 0; i < c.rows; ++i) {
    float* const sum = sums.row(i).data();
    Number const* const before = c.row(i).data();
    if (onto == accumulate::yes) {
      for (std::int64_t j = 0; j < c.columns; ++j) sum[j] += widened(before[j]);
    }
    narrow<Number>(sums.row(i), c.row(i));
  }
}
/// c [M, N] = a [M, K] * b [K, N], or c += that; a and b do not overlap c. Throws std::invalid_argument if
/// the sizes do not agree.
template <class Number>
void mixed_product(factor<Number> const& a, factor<Number> const& b, matrix_view<arithmetic<Number>> c,
                   accumulate onto = accumulate::no) {
  require_product_sizes(a, b, c);
  if constexpr (!half_width<Number>) {
    unchecked_product(a, b, c, onto, Number{1});
  } else {
    if constexpr (std::is_same_v<Number, bfloat16>) {
      if (has_native_bfloat16_product()) return detail::native_product(a, b, c, onto);
    }
    auto& tiles = detail::product_tiles::of_this_thread();
    for (std::int64_t i = 0; i < c.rows; i += detail::tile_m) {
      for (std::int64_t j = 0; j < c.columns; j += detail::tile_n) {
        auto const rows = std::min(detail::tile_m, c.rows - i), columns = std::min(detail::tile_n, c.columns - j);
        detail::converted_product(part(a, i, 0, rows, a.columns), part(b, 0, j, b.rows, columns),
                                  c.block(i, j, rows, columns), onto, tiles);
      }
    }
  }
}

}  // namespace trainer
