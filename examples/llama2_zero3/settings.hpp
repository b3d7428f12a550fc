// What a run of the engine is told, beside the shape of the model.
//
//   micro-batch   samples * sequence_length tokens, of one rank
//   step          gradient_accumulation_steps micro-batches on each of N ranks
//
// Results depend on N * gradient_accumulation_steps, never on the two apart, nor on `stage`,
// `recompute` and `prefetch`, which trade memory and time only.
#pragma once

#include "adamw.hpp"
#include "compute_settings.hpp"
#include "loss_scaler.hpp"
#include "sharding.hpp"

#include <kunmetrics/recompute.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace trainer {

// none: every layer keeps its activations until its backward. layers: a layer keeps its input, and
// runs forward again in its backward. The schedule knows no other.
using kunmetrics::recompute;

struct zero3_settings {
  std::int64_t samples = 1;
  std::int64_t sequence_length = 0;
  std::int64_t gradient_accumulation_steps = 1;
  kunmetrics::recompute recompute = kunmetrics::recompute::layers;
  int stage = 3;         // of ZeRO
  bool prefetch = true;  // gather the next unit before computing this one
  adamw_settings adamw{};
  double clip = 1.0;  // largest norm of the gradient, 0 for no clipping
  std::optional<loss_scale_settings> loss_scale{};  // absent: the loss is not scaled, and no step is skipped
  std::uint64_t seed = 0;
  compute_settings compute{};

  std::int64_t micro_batch_tokens() const { return samples * sequence_length; }

  // How many micro-batches so many tokens are; throws std::invalid_argument unless they are whole ones.
  std::int64_t micro_batches(std::int64_t tokens) const {
    if (tokens > 0 && tokens % micro_batch_tokens() == 0) return tokens / micro_batch_tokens();
    throw std::invalid_argument("zero3: whole micro-batches of " + std::to_string(micro_batch_tokens()) +
                                " tokens needed, received " + std::to_string(tokens) + " tokens");
  }
};

// The settings themselves, when usable; throws std::invalid_argument naming the field.
inline zero3_settings const& checked(zero3_settings const& settings) {
  auto const positive = [](std::string_view name, std::int64_t value) {
    if (value >= 1) return;
    throw std::invalid_argument("zero3_settings: " + std::string{name} +
                                " of at least 1 needed, received " + std::to_string(value));
  };
  positive("samples", settings.samples);
  positive("sequence_length", settings.sequence_length);
  positive("gradient_accumulation_steps", settings.gradient_accumulation_steps);
  positive("compute.threads", settings.compute.threads);
  if (settings.recompute != recompute::none && settings.recompute != recompute::layers) {
    throw std::invalid_argument("zero3_settings: recompute of none or layers needed, received " +
                                std::string{name_of(settings.recompute)});
  }
  sharding_of_stage(settings.stage);
  if (settings.loss_scale) loss_scaler{*settings.loss_scale};
  if (!(settings.clip >= 0)) {
    throw std::invalid_argument("zero3_settings: clip of at least 0 needed, received " +
                                std::to_string(settings.clip));
  }
  return settings;
}

}  // namespace trainer
