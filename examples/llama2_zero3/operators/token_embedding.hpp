// Token embedding: row lookup forward, row sums backward.
//
//   y[t, :] = E[token[t], :],   dE[v, :] = sum over t with token[t] = v of dy[t, :], in order of t
// E and dE are [V, h], y and dy [T, h].
#pragma once

#include "operators/matrix_view.hpp"

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
template <class Real>
void token_embedding_forward(matrix_view<Real const> table, std::span<std::int32_t const> tokens,
                             matrix_view<Real> y) {
  require_tokens(tokens, table.rows);
  for (std::int64_t t = 0; t < y.rows; ++t)
    std::ranges::copy(table.row(tokens[static_cast<std::size_t>(t)]), y.row(t).begin());
}

/// d_table [V, h], overwritten, for T tokens and dy [T, h]; throws std::invalid_argument for an id
/// outside [0, V).
template <class Real>
void token_embedding_backward(std::span<std::int32_t const> tokens, matrix_view<Real const> dy,
                              matrix_view<Real> d_table) {
  require_tokens(tokens, d_table.rows);
  for (std::int64_t v = 0; v < d_table.rows; ++v) std::ranges::fill(d_table.row(v), Real{0});
  for (std::int64_t t = 0; t < dy.rows; ++t) {
    Real const* const from = dy.row(t).data();
    Real* const to = d_table.row(tokens[static_cast<std::size_t>(t)]).data();
    for (std::int64_t i = 0; i < dy.columns; ++i) to[i] += from[i];
  }
}

}  // namespace trainer
