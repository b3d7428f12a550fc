// From a run's backend and precision, known when it starts, to the type that computes its units.
#pragma once

#include "cpu_backend.hpp"
#include "number_of_precision.hpp"
#ifdef LLAMA2_ZERO3_TORCH
#include "torch_backend.hpp"

#include <kunmetrics/torch/allocation_counter.hpp>
#endif

#include <kunmetrics/io/json_document.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trainer {

#ifdef LLAMA2_ZERO3_TORCH
inline constexpr bool has_torch_backend = true;
inline constexpr bool torch_multiplies_fp16_on_cpu = KUNMETRICS_TORCH_HAS_FP16_ON_CPU;
#else
inline constexpr bool has_torch_backend = false;
inline constexpr bool torch_multiplies_fp16_on_cpu = false;
#endif

// Throws input_error for a backend that this build has not, or that cannot compute at the precision.
inline void require_backend(std::string_view backend, kunmetrics::precision precision) {
  using kunmetrics::detail::needed_found;
  if (backend != "torch") return;
  if (!has_torch_backend) {
    throw kunmetrics::input_error{needed_found("--backend torch", "a build that found libtorch (libtorch-dev)", "one without")};
  }
  if (precision == kunmetrics::fp16 && !torch_multiplies_fp16_on_cpu) {
    throw kunmetrics::input_error{needed_found("--backend torch", "fp32 or bf16, as this libtorch has no fp16 product on a CPU", "fp16")};
  }
}

// body.operator()<Backend>() for the backend, "cpu" or "torch", at fp32, bf16 or fp16.
template <class Body>
decltype(auto) with_backend_of(std::string_view backend, kunmetrics::precision precision, Body&& body) {
  return with_number_of(precision, [&]<class Number>() -> decltype(auto) {
#ifdef LLAMA2_ZERO3_TORCH
    if (backend == "torch") return body.template operator()<torch_backend<Number>>();
#else
    static_cast<void>(backend);
#endif
    return body.template operator()<cpu_backend<Number>>();
  });
}

// What a rank's thread sets before it computes: libtorch has its own number of threads, and our operators
// share their blocks among threads, each of which multiplies alone.
inline void use_threads(std::string_view backend, int threads) {
#ifdef _OPENMP
  omp_set_num_threads(1);
#endif
#ifdef LLAMA2_ZERO3_TORCH
  if (backend == "torch") at::set_num_threads(threads);
#else
  static_cast<void>(backend), static_cast<void>(threads);
#endif
}

// What a rank's libtorch allocates for itself while this object lives, on the rank's thread: the values of a unit that
// it computes. The engine's buffers are in the ledger. Empty where something else computes.
class backend_allocations {
 public:
  struct bytes {
    std::int64_t live = 0, peak = 0;
  };

  explicit backend_allocations([[maybe_unused]] std::string_view backend) {
#ifdef LLAMA2_ZERO3_TORCH
    if (backend == "torch") counter_.emplace();
#endif
  }

  std::optional<bytes> counted() const {
#ifdef LLAMA2_ZERO3_TORCH
    if (counter_) return bytes{counter_->counted().bytes, counter_->counted().peak_bytes};
#endif
    return std::nullopt;
  }

#ifdef LLAMA2_ZERO3_TORCH
 private:
  std::optional<kunmetrics::allocation_counter> counter_;
#endif
};

}  // namespace trainer
