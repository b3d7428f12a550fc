// A square of 16 x 16 pairs turned in registers: rows of bfloat16 into lines of a panel, for pair_packing.hpp.
// AVX-512; elsewhere nothing runs it.
#pragma once

#include "operators/number_formats.hpp"
#include "operators/pair_kernel.hpp"

#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_PAIR_TARGET [[gnu::target("avx512f")]]
#include <immintrin.h>
#endif

namespace trainer::detail {

#ifdef TRAINER_PAIR_TARGET
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 of its own _mm512_undefined_epi32 (bug 105593)
#endif

/// to[s * 16 + j] = pair s of row j, for 16 rows of 16 pairs that lie `stride` numbers apart; `to` is a whole line's.
TRAINER_PAIR_TARGET inline void transpose_pairs(bfloat16 const* from, std::int64_t stride, bfloat16_pair* to) noexcept {
  __m512i rows[16], pairs[16];
#pragma GCC unroll 16
  for (std::int64_t j = 0; j < 16; ++j) rows[j] = _mm512_loadu_si512(from + j * stride);
#pragma GCC unroll 8
  for (int j = 0; j < 16; j += 2) {
    pairs[j] = _mm512_unpacklo_epi32(rows[j], rows[j + 1]);
    pairs[j + 1] = _mm512_unpackhi_epi32(rows[j], rows[j + 1]);
  }
#pragma GCC unroll 4
  for (int j = 0; j < 16; j += 4) {  // lane L of rows[j + c] then holds step 4 L + c of rows j .. j + 3
    rows[j] = _mm512_unpacklo_epi64(pairs[j], pairs[j + 2]);
    rows[j + 1] = _mm512_unpackhi_epi64(pairs[j], pairs[j + 2]);
    rows[j + 2] = _mm512_unpacklo_epi64(pairs[j + 1], pairs[j + 3]);
    rows[j + 3] = _mm512_unpackhi_epi64(pairs[j + 1], pairs[j + 3]);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    __m512i const even_low = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0x88), even_high = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0x88);
    __m512i const odd_low = _mm512_shuffle_i32x4(rows[c], rows[4 + c], 0xdd), odd_high = _mm512_shuffle_i32x4(rows[8 + c], rows[12 + c], 0xdd);
    _mm512_store_si512(to + c * 16, _mm512_shuffle_i32x4(even_low, even_high, 0x88));
    _mm512_store_si512(to + (4 + c) * 16, _mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
    _mm512_store_si512(to + (8 + c) * 16, _mm512_shuffle_i32x4(even_low, even_high, 0xdd));
    _mm512_store_si512(to + (12 + c) * 16, _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd));
  }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#else
inline void transpose_pairs(bfloat16 const*, std::int64_t, bfloat16_pair*) noexcept {}
#endif

}  // namespace trainer::detail

#undef TRAINER_PAIR_TARGET
