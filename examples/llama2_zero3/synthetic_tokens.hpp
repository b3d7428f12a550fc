// Tokens made from a seed, for a case that names no file: a stream to measure speed on, not to learn from.
//
//   id = floor((V + 1)^u) - 1,  u uniform in [0, 1):   P(id = k) = ln((k + 2) / (k + 1)) / ln(V + 1)
// Ids are drawn one by one, close to Zipf's law as in text, so the best loss is the entropy of that
// law. Token i is a pure function of (seed, i); sequence q is [q*S, (q+1)*S) of the first 100
// million, as many as FlagPerf's case trains on.
#pragma once

#include "mixed_bits.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace trainer {

class synthetic_tokens {
 public:
  static constexpr std::int64_t stream_tokens = 100'000'000;

  // Throws std::invalid_argument for a vocabulary below 1.
  synthetic_tokens(std::int64_t vocabulary, std::uint64_t seed)
      : vocabulary_{vocabulary}, key_{mixed_bits(seed)} {
    if (vocabulary < 1)
      throw std::invalid_argument{"synthetic_tokens: needed a vocabulary of 1 or more, received " +
                                  std::to_string(vocabulary)};
  }

  std::int64_t vocabulary() const noexcept { return vocabulary_; }
  std::int64_t size() const noexcept { return stream_tokens; }

  // Whole sequences of `length` tokens; throws std::invalid_argument for a length below 1.
  std::int64_t sequences(std::int64_t length) const {
    if (length < 1)
      throw std::invalid_argument{"synthetic_tokens: needed a sequence length of 1 or more, received " +
                                  std::to_string(length)};
    return stream_tokens / length;
  }

  // Fills `out` with sequence `index` of out.size() tokens.
  void copy_sequence(std::int64_t index, std::span<std::int32_t> out) const {
    auto const first = static_cast<std::uint64_t>(index) * out.size();
    auto const log_range = std::log(static_cast<double>(vocabulary_ + 1));
    for (std::size_t i = 0; i < out.size(); ++i) {
      auto const uniform = static_cast<double>(mixed_bits(key_ ^ mixed_bits(first + i)) >> 11U) * 0x1p-53;
      auto const id = static_cast<std::int64_t>(std::exp(uniform * log_range)) - 1;
      out[i] = static_cast<std::int32_t>(id < vocabulary_ ? id : vocabulary_ - 1);  // exp may round up
    }
  }

  // Of the law that the ids are drawn from, in nat a token.
  double entropy() const {
    auto const log_range = std::log(static_cast<double>(vocabulary_ + 1));
    double entropy = 0;
    for (std::int64_t k = 0; k < vocabulary_; ++k) {
      auto const p = std::log1p(1.0 / static_cast<double>(k + 1)) / log_range;
      entropy -= p * std::log(p);
    }
    return entropy;
  }

 private:
  std::int64_t vocabulary_;
  std::uint64_t key_;
};

}  // namespace trainer
