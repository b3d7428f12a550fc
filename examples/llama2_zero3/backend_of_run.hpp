// From a run's backend and precision, known when it starts, to the type that computes its units.
#pragma once

#include "compute_device.hpp"
#include "cpu_backend.hpp"
#include "number_of_precision.hpp"
#ifdef LLAMA2_ZERO3_TORCH
#include "torch_backend.hpp"

#include <kunmetrics/torch/allocation_counter.hpp>
#include <kunmetrics/torch/torch_device.hpp>
#endif

#include <kunmetrics/devices.hpp>
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

// Cards of CUDA that libtorch finds.
inline int cards() {
#ifdef LLAMA2_ZERO3_TORCH
  return static_cast<int>(torch::cuda::device_count());
#else
  return 0;
#endif
}

// A card as the table of devices has it, or without a peak where it has none of that name. Precondition: it is there.
inline kunmetrics::device processor_of_card([[maybe_unused]] int card) {
#ifdef LLAMA2_ZERO3_TORCH
  if (auto const known = kunmetrics::device_of(device_of_card(card))) return *known;
#endif
  return {.name = "a card that is in no table", .is = "a card of CUDA"};
}

// Throws input_error for a backend that this build has not, or that cannot compute there or at the precision.
inline void require_backend(std::string_view backend, compute_device const& device, kunmetrics::precision precision) {
  using kunmetrics::detail::needed_found;
  if (backend != "torch") {
    if (device.on_card) throw kunmetrics::input_error{needed_found("--device " + described(device), "--backend torch", std::string{backend})};
    return;
  }
  if (!has_torch_backend) {
    throw kunmetrics::input_error{needed_found("--backend torch", "a build that found libtorch (libtorch-dev)", "one without")};
  }
  if (precision == kunmetrics::fp16 && !device.on_card && !torch_multiplies_fp16_on_cpu) {
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

// What a rank's libtorch allocates for itself: the values of a unit that it computes, on the CPU while this object lives
// and on the rank's thread, on a card since the process began. The engine's buffers are in the ledger. Empty where
// something else computes.
class backend_allocations {
 public:
  struct bytes {
    std::int64_t live = 0, peak = 0;
    std::optional<std::int64_t> reserved{};
  };

  explicit backend_allocations([[maybe_unused]] std::string_view backend, std::optional<int> card = {}) : card_(card) {
#ifdef LLAMA2_ZERO3_TORCH
    if (backend == "torch" && !card) counter_.emplace();
#endif
  }

  std::optional<bytes> counted() const {
#ifdef LLAMA2_ZERO3_TORCH
    if (counter_) return bytes{counter_->counted().bytes, counter_->counted().peak_bytes};
    if (!card_) return std::nullopt;
    auto const use = kunmetrics::device_memory_of(device_of_card(card_));
    if (use) return bytes{use->bytes, use->peak_bytes, use->reserved_bytes ? std::optional{*use->reserved_bytes} : std::nullopt};
#endif
    return std::nullopt;
  }

 private:
  [[maybe_unused]] std::optional<int> card_;
#ifdef LLAMA2_ZERO3_TORCH
  std::optional<kunmetrics::allocation_counter> counter_;
#endif
};

}  // namespace trainer
