// Batch sizes and the identity between them.
//
//   GBS = LBS · GAS · DP            sample/step
//   tokens a step = GBS · MPE       token/step
// LBS is the micro-batch size of one data-parallel replica, GAS the gradient accumulation steps,
// DP = world/(TP·PP·CP). The dimensions make LBS in the place of GBS, or GAS left out, an error
// of the compiler. Source: FlagPerf's llama2_7b case (GBS ≡ LBS·GAS·DP).
#pragma once

#include <kunmetrics/training_case.hpp>

namespace kunmetrics {

using global_batch_size_t = count_of<units::sample / units::step>;
using tokens_per_step_t = count_of<units::token / units::step>;

namespace detail {
template <typename Quantity>
constexpr void require_positive(std::string_view where, Quantity value) {
  if (value.coherent() <= 0) {
    broken_precondition(where, "a positive number of " + std::string{unit_text<Quantity>},
                        std::to_string(value.coherent()));
  }
}
}  // namespace detail

// Throws precondition_error when a factor is not positive.
constexpr global_batch_size_t global_batch_size(micro_batch_size_t micro_batch_size,
                                                gradient_accumulation_t gradient_accumulation_steps,
                                                count_of<units::replica> data_parallel_size) {
  detail::require_positive("micro_batch_size", micro_batch_size);
  detail::require_positive("gradient_accumulation_steps", gradient_accumulation_steps);
  detail::require_positive("data_parallel_size", data_parallel_size);
  return micro_batch_size * gradient_accumulation_steps * data_parallel_size;
}

constexpr global_batch_size_t global_batch_size(training_case const& run) {
  return global_batch_size(run.micro_batch_size, run.gradient_accumulation_steps, replicas(run.cluster));
}

// The identity, for a global batch size that somebody states. Throws precondition_error with all
// four numbers when it is broken.
constexpr void require_global_batch_size(global_batch_size_t stated, micro_batch_size_t micro_batch_size,
                                         gradient_accumulation_t gradient_accumulation_steps,
                                         count_of<units::replica> data_parallel_size) {
  auto const product = global_batch_size(micro_batch_size, gradient_accumulation_steps, data_parallel_size);
  if (stated == product) return;
  broken_precondition("global_batch_size",
                      "LBS * GAS * DP = " + std::to_string(micro_batch_size.coherent()) + " * " +
                          std::to_string(gradient_accumulation_steps.coherent()) + " * " +
                          std::to_string(data_parallel_size.coherent()) + " = " + std::to_string(product.coherent()) +
                          " sample/step",
                      std::to_string(stated.coherent()));
}

constexpr tokens_per_step_t tokens_per_step(global_batch_size_t batch, sequence_length_t sequence_length) {
  return batch * sequence_length;
}

constexpr tokens_per_step_t tokens_per_step(training_case const& run) {
  return tokens_per_step(global_batch_size(run), run.sequence_length);
}

}  // namespace kunmetrics
