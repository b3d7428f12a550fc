// What libtorch allocates on the CPU while a scope is alive: the bytes that live now, and the most that lived at once.
//
//   km::allocation_counter counter;
//   train();
//   counter.counted().peak_bytes
// Counts the tensors of this thread and of the backward passes that it starts, as libtorch tells its profiler of
// them, of which a thread can have one. Tensors over the caller's memory (from_blob) are no allocation. Counters
// nest, each sees the inner one's. Out of scope it costs nothing. Left out: what an operator's own threads take for
// themselves, and CUDA, whose allocator keeps such counts for all threads together (device_memory_of).
#pragma once

#include <kunmetrics/error.hpp>
#include <kunmetrics/torch/torch_device.hpp>

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace kunmetrics {

namespace detail {
// The type that libtorch tells totals in: signed in 1.13, unsigned later.
template <typename Total>
Total total_told(void (c10::MemoryReportingInfoBase::*)(void*, std::int64_t, Total, Total, c10::Device));
using allocator_total = decltype(total_told(&c10::MemoryReportingInfoBase::reportMemoryUsage));

class allocation_sums : public c10::MemoryReportingInfoBase {
 public:
  static c10::DebugInfoKind kind() { return c10::DebugInfoKind::PROFILER_STATE; }

  explicit allocation_sums(allocation_sums* outer) : outer_{outer} {}

  // This thread's, or null. Throws precondition_error where libtorch's profiler has the thread.
  static allocation_sums* active() {
    auto* const there = c10::ThreadLocalDebugInfo::get(kind());
    auto* const own = dynamic_cast<allocation_sums*>(there);
    if (there != nullptr && own == nullptr) {
      broken_precondition("allocation_counter", "a thread without libtorch's profiler", "one with it");
    }
    return own;
  }

  void reportMemoryUsage(void* at, std::int64_t bytes, allocator_total allocated, allocator_total reserved,
                         c10::Device device) override {
    if (outer_ != nullptr) outer_->reportMemoryUsage(at, bytes, allocated, reserved, device);
    if (!device.is_cpu()) return;
    auto const live = live_.fetch_add(bytes) + bytes;
    auto peak = peak_.load();
    while (live > peak && !peak_.compare_exchange_weak(peak, live)) {
    }
  }
  bool memoryProfilingEnabled() const override { return true; }

  memory_use read() const {
    return {.bytes = live_, .peak_bytes = peak_, .counted_by = "libtorch's CPU allocator, as it tells its profiler"};
  }

 private:
  allocation_sums* outer_;
  std::atomic<std::int64_t> live_{0}, peak_{0};
};
}  // namespace detail

// Made and destroyed on one thread, as scopes nest. Throws precondition_error where libtorch's profiler has the thread.
class allocation_counter {
 public:
  allocation_counter()
      : sums_{std::make_shared<detail::allocation_sums>(detail::allocation_sums::active())},
        guard_{detail::allocation_sums::kind(), sums_} {}
  allocation_counter(allocation_counter const&) = delete;
  allocation_counter& operator=(allocation_counter const&) = delete;

  // Since the counter was made.
  memory_use counted() const { return sums_->read(); }

 private:
  std::shared_ptr<detail::allocation_sums> sums_;
  c10::DebugInfoGuard guard_;
};

}  // namespace kunmetrics
