// FLOP per token of packed sequences: several documents in one row, each attending to itself alone.
//
//   packed_per_token     Σ Lᵢ·F(Lᵢ) / Σ Lᵢ     flop/token, F a convention's FLOP per token at one length
//   mean_context         Σ Lᵢ² / Σ Lᵢ          token/sample, the one length that has the same attention
// The pack taken for one sequence would count (Σ Lᵢ)² where Σ Lᵢ² is computed. Source: Megatron-LM's and
// Megatron-Bridge's count from cu_seqlens. Left out: padding, which is computed but is no token.
#pragma once

#include <kunmetrics/requirements.hpp>

#include <span>

namespace kunmetrics {

namespace detail {
constexpr double sum_over(std::string_view where, std::span<sequence_length_t const> lengths, auto const& value) {
  if (lengths.empty()) broken_precondition(where, "at least 1 sequence", "none");
  double sum = 0;
  for (sequence_length_t const length : lengths) {
    if (length.coherent() < 1) {
      broken_precondition(where, "sequences of at least 1 token", std::to_string(length.coherent()));
    }
    sum += value(length);
  }
  return sum;
}
constexpr double tokens_of(sequence_length_t length) { return static_cast<double>(length.coherent()); }
}  // namespace detail

// Throws precondition_error for no sequence or one without tokens.
template <convention Convention>
constexpr flop_per_token_t packed_per_token(transformer const& model, std::span<sequence_length_t const> lengths) {
  auto const work = detail::sum_over("packed_per_token", lengths, [&](sequence_length_t length) {
    return detail::tokens_of(length) * Convention::per_token(model, length).coherent();
  });
  return flop_per_token_t::from_coherent(work / detail::sum_over("packed_per_token", lengths, detail::tokens_of));
}

// Throws precondition_error for no sequence or one without tokens. In a model without windows, whose FLOP
// grow evenly with the length, F at this length is packed_per_token.
constexpr quantity_of<units::token / units::sample> mean_context(std::span<sequence_length_t const> lengths) {
  auto const squares = detail::sum_over("mean_context", lengths, [](sequence_length_t length) {
    return detail::tokens_of(length) * detail::tokens_of(length);
  });
  return quantity_of<units::token / units::sample>::from_coherent(
      squares / detail::sum_over("mean_context", lengths, detail::tokens_of));
}

}  // namespace kunmetrics
