// The bytes one rank's engine will hold, known before anything is allocated. b = bytes of a number.
//
//   parameters, gradients    b * sum of shards             optimizer_state   twice that
//   gathered_units           b * (min(2, layers) * padded layer + larger of padded embedding, head)
//   unit_gradients           b * largest padded unit       exchange          that + the summaries
//   saved_inputs             b * (layers + 1) * samples * S * hidden
//   activations              b * samples * S * hidden + one layer's, or `layers` times that
//
// The engine allocates all of it when it is constructed, so these are live and peak bytes alike.
// Used to refuse a case that does not fit; the tests hold it equal to the engine's ledger.
#pragma once

#include "ledger.hpp"
#include "settings.hpp"
#include "shape.hpp"
#include "shard.hpp"
#include "step_summary.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace trainer {

// The cut of every unit of a shape over `world` ranks.
inline std::vector<unit_cut> cuts(llama_shape const& shape, std::int64_t world) {
  std::vector<unit_cut> each;
  for (auto const& unit : llama_units(shape)) each.push_back(cut(unit.numel, world));
  return each;
}

// Bytes of one rank of zero3<Backend, ...>; throws std::invalid_argument for unusable settings.
template <class Backend>
bytes_by_part memory_plan(llama_shape const& shape, zero3_settings const& settings,
                          std::int64_t world) {
  checked(settings);
  constexpr auto number = static_cast<std::int64_t>(sizeof(typename Backend::real));
  auto const units = cuts(shape, world);
  std::int64_t shards = 0;
  std::int64_t largest = 0;
  for (auto const& unit : units) {
    shards += number * unit.shard;
    largest = std::max(largest, number * unit.padded());
  }
  auto const gathered = std::min<std::int64_t>(2, shape.layers) * units[1].padded() +
                        std::max(units.front().padded(), units.back().padded());
  auto const stream = number * settings.micro_batch_tokens() * shape.hidden;
  auto const summaries = (1 + world) * static_cast<std::int64_t>(sizeof(double)) *
                         summary_exchange::message_size(
                             units, settings.gradient_accumulation_steps);
  auto const kept = settings.recompute == recompute::none ? shape.layers : 1;

  bytes_by_part plan;
  plan[memory_part::parameters] = shards;
  plan[memory_part::gradients] = shards;
  plan[memory_part::optimizer_state] = 2 * shards;
  plan[memory_part::gathered_units] = number * gathered;
  plan[memory_part::unit_gradients] = largest;
  plan[memory_part::saved_inputs] = (shape.layers + 1) * stream;
  plan[memory_part::activations] =
      stream +
      kept * Backend::activation_bytes(shape, settings.samples, settings.sequence_length);
  plan[memory_part::scratch] =
      Backend::scratch_bytes(shape, settings.samples, settings.sequence_length);
  plan[memory_part::exchange] = largest + summaries;
  return plan;
}

}  // namespace trainer
