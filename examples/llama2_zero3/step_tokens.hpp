// The tokens one rank trains in one step: source, shuffled stream and deal put together.
//   out[k, i, :] = sequence sampler(first_position(step, k, rank) + i)   [GAS, LBS, S]
#pragma once

#include "sampler.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace trainer {

// Fills `out`, [accumulation, samples, S] with S taken from its size, for one rank and step.
// Throws std::invalid_argument unless out is a whole number of sequences and the sampler's samples
// are the source's sequences of that length; std::runtime_error for an id outside the vocabulary.
// `Tokens` is anything with sequences(length) and copy_sequence(index, out), as token_file has them.
template <class Tokens>
void copy_step_tokens(Tokens const& tokens, sampler const& stream,
                             micro_batches const& plan, std::int64_t step, std::int64_t rank,
                             std::span<std::int32_t> out) {
  auto const rows = static_cast<std::size_t>(plan.accumulation * plan.samples);
  if (plan.accumulation < 1 || plan.samples < 1 || out.empty() || out.size() % rows != 0)
    throw std::invalid_argument{"copy_step_tokens: needed room for whole sequences of " +
                                std::to_string(plan.accumulation) + " * " +
                                std::to_string(plan.samples) + " samples, received " +
                                std::to_string(out.size()) + " tokens"};
  auto const length = out.size() / rows;
  auto const sequences = tokens.sequences(static_cast<std::int64_t>(length));
  if (stream.samples() != sequences)
    throw std::invalid_argument{"copy_step_tokens: needed a sampler of " +
                                std::to_string(sequences) + " samples, received " +
                                std::to_string(stream.samples())};
  for (std::int64_t k = 0; k < plan.accumulation; ++k) {
    auto const first = plan.first_position(step, k, rank);
    for (std::int64_t i = 0; i < plan.samples; ++i) {
      tokens.copy_sequence(stream.sample(first + i), out.first(length));
      out = out.subspan(length);
    }
  }
}

}  // namespace trainer
