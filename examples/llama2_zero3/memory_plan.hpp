// The bytes one rank's engine will hold, known before anything is allocated.
//
//   parameters, optimizer_state   a, 2 a a parameter: fp32 master copy, m and v    shards from stage 1 on
//   gradients                     a * sum of shards: the fp32 sums
//   gathered_units                b * (min(2, layers) * padded layer + larger of padded embedding, head), or at
//                                 stages 0 to 2 b * all padded units
//   unit_gradients                b * largest padded unit, or at stages 0 and 1 b * all padded units
//   exchange                      b * largest padded unit + the summaries
//                                 + b * largest shard, if b < a and from stage 1 on; at stage 0 a * largest unit
//   saved_inputs                  b * (layers + 1) * samples * S * hidden
//   activations                   b * samples * S * hidden + one layer's, or `layers` times that
//
// a and b are bytes of a number computed with (fp32: 4) and of one stored and sent (fp32: 4, bf16, fp16: 2):
// at stage 3 16 bytes a parameter over N ranks, whatever b is, as the 16-bit copy is made when it is
// sent. kunmetrics/memory.hpp's model_state_memory of {b, b, 3 a} differs from this by the sums' a/N and
// the b/N that sharded parameters and gradients do not take here.
// The engine allocates all of it when it is constructed, so these are live and peak bytes alike.
// Used to refuse a case that does not fit; the tests hold it equal to the engine's ledger.
#pragma once

#include "gathered_units.hpp"
#include "gradient_reduction.hpp"
#include "ledger.hpp"
#include "settings.hpp"
#include "shape.hpp"
#include "shard.hpp"
#include "step_summary.hpp"
#include "unit.hpp"

#include <cstdint>
#include <numeric>
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
  using number = typename Backend::real;
  constexpr auto stored = static_cast<std::int64_t>(sizeof(number));
  constexpr auto exact = static_cast<std::int64_t>(sizeof(arithmetic<number>));
  auto const shards = sharding_of_stage(settings.stage);
  auto const units = cuts(shape, world);
  std::int64_t sharded = 0;
  std::int64_t whole = 0;
  for (auto const& unit : units) {
    sharded += unit.shard;
    whole += unit.padded();
  }
  auto const sum = [](std::vector<std::int64_t> const& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  };
  auto const largest = largest_padded(units);
  auto const state = exact * (shards.optimizer ? sharded : whole);
  auto const stream = stored * settings.micro_batch_tokens() * shape.hidden;
  auto const summaries = (1 + world) * static_cast<std::int64_t>(sizeof(double)) *
                         summary_exchange::message_size(
                             units, settings.gradient_accumulation_steps);
  auto const kept = settings.recompute == recompute::none ? shape.layers : 1;

  bytes_by_part plan;
  plan[memory_part::parameters] = state;
  plan[memory_part::gradients] = exact * sharded;
  plan[memory_part::optimizer_state] = 2 * state;
  plan[memory_part::gathered_units] = stored * sum(gathered_units<number>::place_sizes(units, shards));
  plan[memory_part::unit_gradients] = stored * sum(gradient_reduction<number>::place_sizes(units, shards));
  plan[memory_part::saved_inputs] = (shape.layers + 1) * stream;
  plan[memory_part::activations] =
      stream +
      kept * Backend::activation_bytes(shape, settings.samples, settings.sequence_length);
  plan[memory_part::scratch] =
      Backend::scratch_bytes(shape, settings.samples, settings.sequence_length, settings.compute);
  plan[memory_part::exchange] = stored * largest + summaries +
                                stored * gathered_units<number>::sent_elements(units, shards) +
                                (shards.optimizer ? 0 : exact * largest);
  return plan;
}

}  // namespace trainer
