// Bytes that a rank sends in ring collectives, and what ZeRO's data parallelism adds up to.
//
//   all_gather, reduce_scatter    (n − 1)/n · bytes of the whole    byte/processor
//   all_reduce                    both after each other
//   ZeRO-3        GAS·2 gathers of the weights + one reduce-scatter of the gradients    a step
//   ZeRO-1, 2     one reduce-scatter + one gather of the updated weights; plain DP the same as an all-reduce
// As much again is received. Source: Rajbhandari et al. 2020 (1910.02054) section 7, Thakur et al. 2005. Left
// out: latency, tensor and pipeline parallelism, expert exchange, what is kept from forward to backward.
#pragma once

#include <kunmetrics/memory.hpp>

namespace kunmetrics {

// Of bytes that all `ranks` have, or want, together. Throws precondition_error for no rank or negative bytes.
constexpr rank_memory all_gather(quantity_of<units::byte> whole, count_of<units::processor> ranks) {
  detail::require_positive("all_gather", ranks);
  if (!(whole.coherent() >= 0)) broken_precondition("all_gather", "at least 0 B", std::to_string(whole.coherent()));
  auto const n = static_cast<double>(ranks.coherent());
  return rank_memory::from_coherent(whole.coherent() * (n - 1) / n);
}
constexpr rank_memory reduce_scatter(quantity_of<units::byte> whole, count_of<units::processor> ranks) {
  return all_gather(whole, ranks);
}
constexpr rank_memory all_reduce(quantity_of<units::byte> whole, count_of<units::processor> ranks) {
  return reduce_scatter(whole, ranks) + all_gather(whole, ranks);
}

// When gradients are summed over the ranks: DeepSpeed's ZeRO-2 and 3 do so in every micro-step.
enum class gradient_reduction { each_step, each_micro_step };

struct data_parallel_traffic {
  quantity_of<units::byte / (units::processor * units::step)> gathered{};
  quantity_of<units::byte / (units::processor * units::step)> reduced{};

  constexpr auto total() const { return gathered + reduced; }
};

// `parameters` are those that a replica's rank holds; weights and gradients travel in bytes.weight and
// bytes.gradient each. Throws precondition_error for no parameter, rank or micro-step.
constexpr data_parallel_traffic zero_traffic(std::int64_t parameters, state_bytes const& bytes, zero_stage stage,
                                             count_of<units::processor> ranks,
                                             gradient_accumulation_t gradient_accumulation_steps,
                                             gradient_reduction reduction) {
  detail::require_positive("zero_traffic", gradient_accumulation_steps);
  if (parameters < 1) broken_precondition("zero_traffic", "at least 1 parameter", std::to_string(parameters));
  auto const of = [&](std::int64_t size) {
    return static_cast<double>((checked{parameters} * size).value()) * units::byte;
  };
  auto const micro_steps = static_cast<double>(gradient_accumulation_steps.coherent());
  auto const gathers = stage == zero_stage::parameters ? 2 * micro_steps : 1;
  auto const reductions = reduction == gradient_reduction::each_micro_step ? micro_steps : 1;
  auto const gathered = stage == zero_stage::none ? of(bytes.gradient) : of(bytes.weight);
  return {.gathered = (stage == zero_stage::none ? reductions : gathers) * all_gather(gathered, ranks) / units::step,
          .reduced = reductions * reduce_scatter(of(bytes.gradient), ranks) / units::step};
}

}  // namespace kunmetrics
