// Memory of one rank: model state by ZeRO stage, activations by parallelism, DeepSpeed's estimates.
//
//   model state   N·(w + g + o)        w, g, o bytes of a parameter's weight, gradient and optimizer state;
//                 what the stage shards divided by DP: stage 1 o, stage 2 o + g, stage 3 all three
//   activations   s·b·h·L·(10 + 24/t + 5·a·s/(h·t)) and its kin: Korthikanti et al. 2022 (2205.05198), table 2,
//                 of the first pipeline stage, which holds L layers' worth whatever p is; interleaved in m
//                 pieces, 1 + (p − 1)/(p·m) times as much
//   DeepSpeed     estimate_zero2/3_model_states_mem_needs, as docs/code-docs/source/memory.rst has them
// N is what a rank would hold without ZeRO. Activations are a GPT's, of FFN 4h in 16 bits with dropout.
// Left out: embedding, temporary buffers, fragmentation.
#pragma once

#include <kunmetrics/batch.hpp>
#include <kunmetrics/checked.hpp>
#include <kunmetrics/recompute.hpp>

#include <algorithm>

namespace kunmetrics {

using rank_memory = quantity_of<units::byte / units::processor>;

enum class zero_stage { none, optimizer, gradients, parameters };  // ZeRO 0, 1, 2, 3

// Bytes that training keeps for a parameter.
struct state_bytes {
  std::int64_t weight = 2;
  std::int64_t gradient = 2;
  std::int64_t optimizer = 12;  // Adam: a master weight and two moments in fp32
};
inline constexpr state_bytes mixed_precision_adam{};                  // 16 bytes
inline constexpr state_bytes fp32_gradient_adam{.gradient = 4};       // 18: Megatron-LM, DeepSpeed's estimates

// Throws precondition_error for no parameter, no replica or negative bytes.
constexpr rank_memory model_state_memory(std::int64_t parameters, state_bytes const& bytes, zero_stage stage,
                                         count_of<units::replica> data_parallel_size) {
  detail::require_positive("model_state_memory", data_parallel_size);
  if (parameters < 1) broken_precondition("model_state_memory", "at least 1 parameter", std::to_string(parameters));
  for (std::int64_t const size : {bytes.weight, bytes.gradient, bytes.optimizer}) {
    if (size < 0) broken_precondition("model_state_memory", "at least 0 bytes a parameter", std::to_string(size));
  }
  auto const of_rank = [&](std::int64_t size, bool sharded) {
    auto const whole = static_cast<double>((checked{parameters} * size).value());
    return sharded ? whole / static_cast<double>(data_parallel_size.coherent()) : whole;
  };
  return rank_memory::from_coherent(of_rank(bytes.weight, stage >= zero_stage::parameters) +
                                    of_rank(bytes.gradient, stage >= zero_stage::gradients) +
                                    of_rank(bytes.optimizer, stage >= zero_stage::optimizer));
}

// How a model's layers are spread over ranks.
struct layer_parallelism {
  std::int64_t tensor = 1;
  std::int64_t pipeline = 1;
  std::int64_t interleaved = 1;  // pieces of the model on a rank
  bool sequence = false;         // sequence parallelism over the tensor ranks
};

// Activations of the first pipeline stage in the 1F1B schedule, with enough micro-batches to fill it.
// `layers` and `all` keep every layer's input alone, 2·s·b·h·L, which the paper does not divide by t.
// Throws precondition_error on an invalid shape or a size below 1.
constexpr rank_memory activation_memory(transformer const& model, sequence_length_t sequence_length,
                                        micro_batch_size_t micro_batch_size, layer_parallelism const& parallel,
                                        recompute recomputed) {
  require_valid(model);
  detail::require_positive("activation_memory", sequence_length);
  detail::require_positive("activation_memory", micro_batch_size);
  for (std::int64_t const size : {parallel.tensor, parallel.pipeline, parallel.interleaved}) {
    if (size < 1) broken_precondition("layer_parallelism", "at least 1 rank", std::to_string(size));
  }
  auto const t = static_cast<double>(parallel.tensor), p = static_cast<double>(parallel.pipeline);
  auto const tokens = static_cast<double>((checked{sequence_length.coherent()} * micro_batch_size.coherent()).value());
  auto const scores = 5.0 * static_cast<double>(model.heads) * static_cast<double>(sequence_length.coherent()) /
                      static_cast<double>(model.hidden);
  auto const of_number = [&] {  // bytes for each of a layer's s·b·h numbers
    switch (recomputed) {
      case recompute::layers:
      case recompute::all: return 2.0;
      case recompute::selective: return parallel.sequence ? 34 / t : 10 + 24 / t;
      case recompute::none: break;
    }
    return (parallel.sequence ? 34 / t : 10 + 24 / t) + scores / t;
  }();
  auto const interleaving = parallel.interleaved == 1 ? 1.0
                                                      : 1 + (p - 1) / (p * static_cast<double>(parallel.interleaved));
  auto const numbers = tokens * static_cast<double>((checked{model.hidden} * model.layers).value());
  return rank_memory::from_coherent(numbers * of_number * interleaving);
}

// What the last pipeline stage keeps more: the final norm's and the output product's inputs, and logits in fp32,
// 4·s·b·(h + v)/t. Source: the same, section 4.3. Throws precondition_error on an invalid shape or a size below 1.
constexpr rank_memory output_memory(transformer const& model, sequence_length_t sequence_length,
                                    micro_batch_size_t micro_batch_size, std::int64_t tensor_parallel = 1) {
  require_valid(model);
  detail::require_positive("output_memory", sequence_length);
  detail::require_positive("output_memory", micro_batch_size);
  if (tensor_parallel < 1) broken_precondition("output_memory", "at least 1 tensor rank", std::to_string(tensor_parallel));
  auto const tokens = checked{sequence_length.coherent()} * micro_batch_size.coherent();
  auto const numbers = tokens * (checked{model.hidden} + model.vocabulary).value();
  return rank_memory::from_coherent(4 * static_cast<double>(numbers.value()) / static_cast<double>(tensor_parallel));
}

// DeepSpeed's estimates of model states. `largest_layer` is the largest module's own parameters.
namespace deepspeed_estimate {

struct setup {
  std::int64_t parameters = 0;
  std::int64_t largest_layer = 0;
  count_of<units::node> nodes = 1 * units::node;
  count_of<units::processor / units::node> per_node{};
};
enum class offload { none, optimizer, optimizer_and_parameters };
using node_memory = quantity_of<units::byte / units::node>;

namespace detail {
constexpr double count(checked value) { return static_cast<double>(value.value()); }
constexpr double world(setup const& s) {
  if (s.parameters < 1 || s.largest_layer < 0) {
    broken_precondition("deepspeed_estimate", "at least 1 parameter",
                        std::to_string(std::min(s.parameters, s.largest_layer)));
  }
  return static_cast<double>(processors({.nodes = s.nodes, .per_node = s.per_node}).coherent());
}
inline constexpr double buffer_factor = 1.5;
}  // namespace detail

constexpr rank_memory zero2(setup const& s, offload to_cpu) {
  auto const world = detail::world(s);
  auto const n = detail::count(s.parameters);
  return rank_memory::from_coherent(to_cpu == offload::none ? 4 * n + 16 * n / world : 2 * n);
}
constexpr node_memory zero2_cpu(setup const& s, offload to_cpu) {
  detail::world(s);
  auto const fp32 = detail::count(checked{4} * s.per_node.coherent());
  return node_memory::from_coherent(detail::count(s.parameters) *
                                    (to_cpu == offload::none ? fp32 : std::max(fp32, 16.0)) * detail::buffer_factor);
}

constexpr rank_memory zero3(setup const& s, offload to_cpu) {
  auto const world = detail::world(s);
  auto const sharded = to_cpu == offload::none ? 18.0 : to_cpu == offload::optimizer ? 2.0 : 0.0;
  return rank_memory::from_coherent(4 * detail::count(s.largest_layer) + sharded * detail::count(s.parameters) / world);
}
// `zero_init`: parameters are sharded as the model is made.
constexpr node_memory zero3_cpu(setup const& s, offload to_cpu, bool zero_init) {
  detail::world(s);
  auto const fp32 = detail::count(checked{4} * s.per_node.coherent());
  auto const bytes = to_cpu == offload::none ? 0.0 : to_cpu == offload::optimizer ? 16.0 : 18.0;
  auto const kept = bytes / static_cast<double>(s.nodes.coherent());
  auto const n = detail::count(s.parameters);
  auto const made = to_cpu == offload::none ? detail::count(s.largest_layer) * fp32 : 0.0;
  return node_memory::from_coherent((zero_init ? std::max(made, n * kept) : n * std::max(fp32, kept)) *
                                    detail::buffer_factor);
}

}  // namespace deepspeed_estimate

}  // namespace kunmetrics
