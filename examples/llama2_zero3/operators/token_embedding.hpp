// Token embedding: row lookup forward, row sums backward.
//
//   y[t, :] = E[token[t], :],   dE[v, :] = sum over t with token[t] = v of dy[t, :], in order of t
// E and dE are [V, h], y and dy [T, h], T below 2^32.
#pragma once

#include "operators/conversion.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace trainer {

/// Throws std::invalid_argument, with the place and the id, unless every token is in [0, vocabulary).
inline void require_tokens(std::span<std::int32_t const> tokens, std::int64_t vocabulary) {
  auto const outside = std::ranges::find_if(
      tokens, [vocabulary](std::int32_t token) { return token < 0 || token >= vocabulary; });
  if (outside != tokens.end())
    throw std::invalid_argument("tokens: an id in [0, " + std::to_string(vocabulary) +
                                ") was needed, received " + std::to_string(*outside) +
                                " at position " + std::to_string(outside - tokens.begin()));
}

/// y [T, h], for a table [V, h] and T tokens; throws std::invalid_argument for an id outside [0, V).
template <class Number>
void token_embedding_forward(matrix_view<Number const> table, std::span<std::int32_t const> tokens,
                             matrix_view<Number> y) {
  require_tokens(tokens, table.rows);
  for (std::int64_t t = 0; t < y.rows; ++t)
    std::ranges::copy(table.row(tokens[static_cast<std::size_t>(t)]), y.row(t).begin());
}

/// Scratch of token_embedding_backward, for T tokens.
template <class Number>
struct embedding_scratch {
  std::span<std::uint64_t> order;      // [T] token and place, to sort
  std::span<arithmetic<Number>> rows;  // [2, h] a row of dy, and a sum of them
};

/// d_table [V, h], overwritten, for T tokens and dy [T, h]; throws std::invalid_argument for an id
/// outside [0, V). A row's sum is taken in the arithmetic of Number and rounded once.
template <class Number>
void token_embedding_backward(std::span<std::int32_t const> tokens, matrix_view<Number const> dy,
                              matrix_view<Number> d_table, embedding_scratch<Number> const& scratch) {
  require_tokens(tokens, d_table.rows);
  for (std::int64_t v = 0; v < d_table.rows; ++v) std::ranges::fill(d_table.row(v), Number{});
  auto const order = scratch.order.first(tokens.size());
  for (std::size_t t = 0; t < tokens.size(); ++t) order[t] = static_cast<std::uint64_t>(tokens[t]) << 32U | t;
  std::ranges::sort(order);
  auto const h = static_cast<std::size_t>(dy.columns);
  auto const addend = scratch.rows.first(h), sum = scratch.rows.subspan(h, h);
  for (auto at = order.begin(); at != order.end();) {
    auto const token = *at >> 32U;
    std::ranges::fill(sum, 0);
    for (; at != order.end() && *at >> 32U == token; ++at) {
      widen<Number>(dy.row(static_cast<std::int64_t>(*at & 0xffffffffU)), addend);
      for (std::size_t i = 0; i < h; ++i) sum[i] += addend[i];
    }
    narrow<Number>(sum, d_table.row(static_cast<std::int64_t>(token)));
  }
}

}  // namespace trainer
