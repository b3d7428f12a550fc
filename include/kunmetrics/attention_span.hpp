// How many keys a query meets, on average over a sequence: what attention's FLOP are proportional to.
//
//   every     W                              the whole square S·S, the mask ignored
//   half      W − W²/2S                      S/2 without a window: half of the square
//   exact     (W(W + 1)/2 + (S − W)·W) / S   (S + 1)/2 without: the pairs that the mask lets through
// with W = min(window, S), and W = S in a layer without a window. A window of 128 over 64 tokens
// is no window (NeMo's formula took 64 pairs there for the 2080 there are).
#pragma once

#include <kunmetrics/error.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace kunmetrics {

enum class attention_span { every, half, exact };

// `window` 0 means none. Throws precondition_error for a length below 1 or a negative window.
constexpr double keys_per_query(attention_span span, std::int64_t sequence_length, std::int64_t window = 0) {
  if (sequence_length < 1) {
    broken_precondition("keys_per_query", "a sequence of at least 1 token", std::to_string(sequence_length));
  }
  if (window < 0) broken_precondition("keys_per_query", "a window of at least 0", std::to_string(window));
  auto const s = static_cast<double>(sequence_length);
  auto const w = window == 0 ? s : std::min(static_cast<double>(window), s);
  switch (span) {
    case attention_span::every: return w;
    case attention_span::half: return w - w * w / (2 * s);
    case attention_span::exact: break;
  }
  return (w * (w + 1) / 2 + (s - w) * w) / s;
}

}  // namespace kunmetrics
