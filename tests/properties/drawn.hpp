// What the property tests draw: shapes, lengths, rates, peaks, clusters; and how a law is stated.
#pragma once

#include <kunmetrics/batch.hpp>
#include <kunmetrics/requirements.hpp>
#include <kunmetrics/throughput.hpp>

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

namespace drawn {

using namespace kunmetrics;
using namespace kunmetrics::units;

inline std::int64_t size(std::int64_t least, std::int64_t most) {
  return *rc::gen::inRange<std::int64_t>(least, most + 1);
}
inline bool coin() { return *rc::gen::arbitrary<bool>(); }

inline bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max({1.0, std::abs(a), std::abs(b)}); }

// Small sizes: their FLOP are whole numbers that a double holds.
inline transformer any_dense() {
  transformer model{.layers = size(1, 40),
                    .hidden = 2 * size(1, 512),
                    .kv_heads = size(1, 8),
                    .head_size = 2 * size(1, 64),
                    .ffn = size(1, 2048),
                    .vocabulary = size(1, 50000)};
  model.heads = model.kv_heads * size(1, 8);
  model.gated_ffn = coin();
  model.tied_embedding = coin();
  model.norm = *rc::gen::element(norm_kind::rms, norm_kind::layer, norm_kind::none);
  model.qkv_bias = coin();
  model.output_bias = coin();
  model.ffn_bias = coin();
  model.learned_positions = coin() ? size(1, 2048) : 0;
  return model;
}
inline transformer any_shape() {
  auto model = any_dense();
  if (coin()) {
    auto const experts = size(1, 32);
    model.moe = {.experts = experts,
                 .active = size(1, experts),
                 .expert_ffn = size(1, 512),
                 .shared_ffn = size(0, 512),
                 .layers = size(1, model.layers)};
  }
  if (coin()) model.windowed = {.window = size(1, 4096), .layers = size(1, model.layers)};
  return model;
}
inline sequence_length_t any_length() { return size(1, 8192) * token / sample; }
inline token_rate_t any_rate() { return static_cast<double>(size(1, 100'000)) * token / (processor * second); }
inline peak_rate any_peak() {
  return {.at = bf16, .rate = static_cast<double>(size(1, 5000)) * teraflop / (processor * second), .source = "drawn"};
}

template <typename Work>
double of(transformer const& model, sequence_length_t length) {
  return Work::per_token(model, length).in(flop / token);
}

// A shape with one size enlarged that all conventions depend on.
inline transformer enlarged(transformer model) {
  switch (size(0, 4)) {
    case 0:
      model.layers += size(1, 5);
      break;
    case 1:
      model.hidden += size(1, 64);
      break;
    case 2:
      model.heads += model.kv_heads;
      break;
    case 3:
      model.head_size += size(1, 16);
      break;
    default:
      model.vocabulary += size(1, 1000);
      break;
  }
  return model;
}

inline cluster any_cluster() {
  cluster c{.nodes = size(1, 64) * node,
            .tensor_parallel = size(1, 4),
            .pipeline_parallel = size(1, 4),
            .context_parallel = size(1, 4)};
  c.per_node = c.tensor_parallel * c.pipeline_parallel * c.context_parallel * size(1, 4) * processor / node;
  return c;
}

template <typename Property>
void holds(std::string const& what, Property const& property) {
  CAPTURE(what);
  CHECK(rc::check(what, property));
}

}  // namespace drawn
