// The entropy of a text's tokens taken one by one: the loss of the best model without context.
//   H = -sum over ids of p ln p,  p = count / total   [nat/token]
// A training loss (mean cross-entropy, nats) well below H means that context is being used.
// Source: Shannon 1948. It is the plug-in estimate, a little low where the text is short.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>

namespace trainer {

// Nats per token from the occurrences of each id; nullopt when there are no tokens.
inline std::optional<double> unigram_entropy(std::span<std::int64_t const> counts) {
  auto const total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  if (total <= 0) return std::nullopt;
  double entropy = 0;
  for (auto const count : counts) {
    if (count <= 0) continue;
    auto const p = static_cast<double>(count) / static_cast<double>(total);
    entropy -= p * std::log(p);
  }
  return entropy;
}

}  // namespace trainer
