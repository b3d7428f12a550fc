// Causal attention with grouped keys and values, forward and backward, in blocks of rows.
//
//   p[i,j] = exp(q[i] k[j] / sqrt(d) - lse[i]) for j <= i, else 0,   o[i] = sum_j p[i,j] v[j]
//   lse[i] = ln sum_{j<=i} exp(q[i] k[j] / sqrt(d))
//   dv[j] = sum_i p[i,j] do[i],   ds[i,j] = p[i,j] (do[i] v[j] - do[i] o[i]) / sqrt(d)
//   dq[i] = sum_j ds[i,j] k[j],   dk[j] = sum_i ds[i,j] q[i]
// A block of 64 rows meets the keys 0 .. its last row only, so memory is 64 x S and the part above
// the diagonal is skipped but for the diagonal blocks. Backward rebuilds p from q, k and lse.
// Sums and softmax are in fp32. bfloat16 is multiplied as such where the processor can, p and ds rounded to it first:
// by pair_attention.hpp, or by oneDNN where that has tiles or a head's size is odd; else 16-bit matrices are computed
// with in fp32, a head at a time. Results are rounded once.
// Heads that share a key head go to one of `threads` threads, whatever their number.
// Source: Dao et al., FlashAttention, 2022, appendix B. Not here: dropout, windows, packed rows.
#pragma once

#include "operator_profile.hpp"
#include "operators/attention_rows.hpp"
#include "operators/attention_shape.hpp"
#include "operators/mixed_product.hpp"
#include "operators/pair_attention.hpp"
#include "operators/row_blocks.hpp"
#include "operators/widest_vectors.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace trainer {

namespace detail {
/// c (+)= alpha a b with sums in fp32 (fp64 of fp64), on this thread.
template <class Factor>
void attention_product(std::type_identity_t<factor<Factor>> const& a, std::type_identity_t<factor<Factor>> const& b,
                       matrix_view<arithmetic<Factor>> c, accumulate onto, arithmetic<Factor> alpha = 1) {
  if constexpr (half_width<Factor>) {
    native_product(a, b, c, onto, alpha);
  } else {
    unchecked_product(a, b, c, onto, alpha);
  }
}

/// Where scores are as factors of a product: themselves, or where Factor has 16 bits, in `room`.
template <class Factor, class Number>
matrix_view<Factor> factor_place(matrix_view<arithmetic<Number>> scores, std::span<Number> room) noexcept {
  if constexpr (half_width<Factor>) {
    return {room, scores.rows, scores.columns};
  } else {
    static_cast<void>(room);
    return scores;
  }
}

/// Rounds scores into their place as factors, if that is another.
template <class Factor>
void keep_factor(matrix_view<arithmetic<Factor>> scores, matrix_view<Factor> place) noexcept {
  if constexpr (half_width<Factor>) narrow_rows<Factor>(scores, place);
}

/// o [positions, head_size] and lse [positions] of one head.
template <class Factor, class Number>
void head_attention_forward(attention_shape const& shape, matrix_view<Factor const> q, matrix_view<Factor const> k,
                            matrix_view<Factor const> v, matrix_view<Number> o, std::span<arithmetic<Number>> lse,
                            attention_scratch<Number> const& scratch) {
  using real = arithmetic<Number>;
  auto const d = shape.head_size;
  for_each_block_of_rows(shape, [&](std::int64_t first, std::int64_t rows) {
    auto const keys = first + rows;
    matrix_view<real> const scores(scratch.scores, rows, whole_panels(keys)), out(scratch.rows, rows, d);
    attention_product<Factor>(q.block(first, 0, rows, d), transposed(k.block(0, 0, keys, d)), scores.block(0, 0, rows, keys), accumulate::no,
                              static_cast<real>(shape.scale()));
    block_values<real> inverse;
    auto const p = factor_place<Factor>(scores, scratch.factors);
    with_widest_vectors([&] {
      exponentiate_scores<Factor>(scores, first, p, lse.subspan(static_cast<std::size_t>(first)), inverse);
    });
    attention_product<Factor>(p.block(0, 0, rows, keys), v.block(0, 0, keys, d), out, accumulate::no);
    with_widest_vectors([&] {
      for (std::int64_t i = 0; i < rows; ++i) {
        for (auto& element : out.row(i)) element *= inverse[static_cast<std::size_t>(i)];
      }
      narrow_rows<Number>(out, o.block(first, 0, rows, d));
    });
  });
}

/// One head's part in backward: inputs, and the gradient dq; those of k and v are added to in the scratch.
template <class Factor, class Number>
struct head_gradient {
  matrix_view<Factor const> q, k, v, d_o;
  matrix_view<Number const> o, stored_d_o;
  matrix_view<Number> dq;
  std::span<arithmetic<Number> const> lse;
};

template <class Factor, class Number>
void head_attention_backward(attention_shape const& shape, head_gradient<Factor, Number> const& head,
                             attention_scratch<Number> const& scratch) {
  using real = arithmetic<Number>;
  auto const d = shape.head_size;
  matrix_view<real> const dk(scratch.dk, shape.positions, d), dv(scratch.dv, shape.positions, d);
  for_each_block_of_rows(shape, [&](std::int64_t first, std::int64_t rows) {
    auto const keys = first + rows;
    auto const rows_of = [&](auto m) { return m.block(first, 0, rows, d); };
    auto const keys_of = [&](auto m) { return m.block(0, 0, keys, d); };
    auto const seen = [&](auto m) { return m.block(0, 0, rows, keys); };
    matrix_view<real> const scores(scratch.scores, rows, whole_panels(keys)), d_scores(scratch.d_scores, rows, whole_panels(keys));
    auto const scale = static_cast<real>(shape.scale());
    attention_product<Factor>(rows_of(head.q), transposed(keys_of(head.k)), seen(scores), accumulate::no, scale);
    attention_product<Factor>(rows_of(head.d_o), transposed(keys_of(head.v)), seen(d_scores), accumulate::no);
    auto const p = factor_place<Factor>(scores, scratch.factors), ds = factor_place<Factor>(d_scores, scratch.d_factors);
    with_widest_vectors([&] {
      block_values<real> mean;
      row_products<Number>(rows_of(head.stored_d_o), rows_of(head.o), mean);
      score_gradient<real>(scores, d_scores, head.lse.subspan(static_cast<std::size_t>(first)), first, mean, scale);
      keep_factor<Factor>(scores, p);
      keep_factor<Factor>(d_scores, ds);
    });
    attention_product<Factor>(transposed(seen(p)), rows_of(head.d_o), keys_of(dv), accumulate::yes);
    attention_product<Factor>(transposed(seen(ds)), rows_of(head.q), keys_of(dk), accumulate::yes);
    matrix_view<real> const dq(scratch.rows, rows, d);
    attention_product<Factor>(seen(ds), keys_of(head.k), dq, accumulate::no);
    with_widest_vectors([&] { narrow_rows<Number>(dq, rows_of(head.dq)); });
  });
}

/// body.operator()<Factor>() for what matrices of Number are multiplied as.
template <class Number, class Body>
void with_factor_of(Body const& body) {
  if constexpr (std::same_as<Number, bfloat16>) {
    if (has_native_bfloat16_product()) return body.template operator()<bfloat16>();
  }
  body.template operator()<arithmetic<Number>>();
}

/// Calls body(sample, key head, scratch) for every one of them, on as many threads as there is scratch for.
template <class Number, class Body>
void for_each_key_head(attention_shape const& shape, std::span<attention_scratch<Number> const> scratch,
                       operator_profile* profile, operator_work const& work, Body const& body) {
  for_each_row_block(shape.samples * shape.kv_heads, 1, static_cast<int>(scratch.size()), [&](row_block const& one) {
    operator_laps lap(profile, one.thread);
    body(one.first / shape.kv_heads, one.first % shape.kv_heads, scratch[one.thread]);
    lap(operator_kind::attention, work);
  });
}

/// Work of the query heads of one key head, for `products` products of the scores' size and `moved` matrices of
/// a query head's: the scores that a row sees are half of all and half the diagonal.
template <class Number>
operator_work attention_work(attention_shape const& shape, int products, int matrices) noexcept {
  auto const positions = static_cast<double>(shape.positions), d = static_cast<double>(shape.head_size);
  auto const group = static_cast<double>(shape.group());
  return {group * products * d * positions * (positions + 1), group * matrices * positions * d * static_cast<double>(sizeof(Number))};
}
}  // namespace detail

/// o [samples * positions, heads * head_size] and lse [samples, heads, positions] of qkv; one scratch a
/// thread. Throws what product throws.
template <class Number>
void causal_attention_forward(attention_shape const& shape, matrix_view<Number const> qkv, matrix_view<Number> o,
                              std::span<arithmetic<Number>> lse, std::span<attention_scratch<Number> const> scratch,
                              operator_profile* profile = nullptr) {
  auto const work = detail::attention_work<Number>(shape, 2, 4);
  if constexpr (std::same_as<Number, bfloat16>) {
    if (uses_pair_attention(shape)) {
      return detail::for_each_key_head<Number>(shape, scratch, profile, work, [&](std::int64_t sample, std::int64_t key_head, auto const& mine) {
        auto const first = key_head * shape.group();
        head_views<Number const> const shared(shape, qkv, sample, first);
        auto const packed = detail::packed_for_forward(shared.k, shared.v, mine.pairs);
        for (auto head = first; head < first + shape.group(); ++head) {
          detail::pair_attention_forward(shape, head_of(shape, qkv, sample, head), packed, head_of(shape, o, sample, head),
                                         head_row(shape, lse, sample, head), mine);
        }
      });
    }
  }
  detail::with_factor_of<Number>([&]<class Factor>() {
    detail::for_each_key_head<Number>(shape, scratch, profile, work, [&](std::int64_t sample, std::int64_t key_head, auto const& mine) {
      head_views<Number const> const shared(shape, qkv, sample, key_head * shape.group());
      auto const k = as_factor<Factor>(shared.k, mine, 1), v = as_factor<Factor>(shared.v, mine, 2);
      for (auto head = key_head * shape.group(); head < (key_head + 1) * shape.group(); ++head) {
        detail::head_attention_forward<Factor, Number>(shape, as_factor<Factor>(head_of(shape, qkv, sample, head), mine, 0),
                                                       k, v, head_of(shape, o, sample, head),
                                                       head_row(shape, lse, sample, head), mine);
      }
    });
  });
}

/// d_qkv, overwritten, of the forward call's qkv, o and lse, for d_o; one scratch a thread. Throws what
/// product throws.
template <class Number>
void causal_attention_backward(attention_shape const& shape, matrix_view<Number const> qkv, matrix_view<Number const> o,
                               std::span<arithmetic<Number> const> lse, matrix_view<Number const> d_o,
                               matrix_view<Number> d_qkv, std::span<attention_scratch<Number> const> scratch,
                               operator_profile* profile = nullptr) {
  auto const work = detail::attention_work<Number>(shape, 5, 8);
  if constexpr (std::same_as<Number, bfloat16>) {
    if (uses_pair_attention(shape)) {
      return detail::for_each_key_head<Number>(shape, scratch, profile, work, [&](std::int64_t sample, std::int64_t key_head, auto const& mine) {
        auto const first = key_head * shape.group();
        head_views<Number const> const shared(shape, qkv, sample, first);
        head_views<Number> const out(shape, d_qkv, sample, first);
        auto const packed = detail::packed_for_backward(shared.k, shared.v, mine.pairs);
        std::ranges::fill(mine.dk, 0.0F);
        std::ranges::fill(mine.dv, 0.0F);
        for (auto head = first; head < first + shape.group(); ++head) {
          detail::pair_attention_backward(
              shape, packed,
              {head_of(shape, qkv, sample, head), head_of(shape, o, sample, head), head_of(shape, d_o, sample, head),
               head_of(shape, d_qkv, sample, head), head_row(shape, lse, sample, head)},
              mine);
        }
        auto const width = whole_panels(shape.head_size);
        narrow_rows<Number>({mine.dk.data(), shape.positions, shape.head_size, width}, out.k);
        narrow_rows<Number>({mine.dv.data(), shape.positions, shape.head_size, width}, out.v);
      });
    }
  }
  detail::with_factor_of<Number>([&]<class Factor>() {
    detail::for_each_key_head<Number>(shape, scratch, profile, work, [&](std::int64_t sample, std::int64_t key_head, auto const& mine) {
      auto const first = key_head * shape.group();
      head_views<Number const> const shared(shape, qkv, sample, first);
      head_views<Number> const out(shape, d_qkv, sample, first);
      auto const k = as_factor<Factor>(shared.k, mine, 1), v = as_factor<Factor>(shared.v, mine, 2);
      std::ranges::fill(mine.dk, 0);
      std::ranges::fill(mine.dv, 0);
      for (auto head = first; head < first + shape.group(); ++head) {
        auto const part = head_of(shape, d_o, sample, head);
        detail::head_attention_backward<Factor, Number>(
            shape,
            {as_factor<Factor>(head_of(shape, qkv, sample, head), mine, 0), k, v, as_factor<Factor>(part, mine, 3),
             head_of(shape, o, sample, head), part, head_of(shape, d_qkv, sample, head), head_row(shape, lse, sample, head)},
            mine);
      }
      narrow_rows<Number>({mine.dk, shape.positions, shape.head_size}, out.k);
      narrow_rows<Number>({mine.dv, shape.positions, shape.head_size}, out.v);
    });
  });
}

}  // namespace trainer
