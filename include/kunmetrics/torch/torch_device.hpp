// Clock, memory and name of the device that libtorch computes on.
//
//   synchronised_clock<Device>   the steady clock, read when the device has done all that it was given
//   device_memory_of             bytes held now, at most and in reserve, and by whom they are counted
//   memory_size_of               bytes that the device has, whoever holds them
//   device_of                    the device's entry in devices.hpp, by the name that its driver tells
// On a CPU the clock is the steady clock and memory is the process's. CUDA's figures need a libtorch with CUDA
// (KUNMETRICS_TORCH_CUDA, set by the CMake target); without it they are absent and say so.
#pragma once

#include <kunmetrics/devices.hpp>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/Device.h>
#ifdef KUNMETRICS_TORCH_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDACachingAllocator.h>
#endif

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace kunmetrics {

// A device that is not there is named, and how many there are. Throws precondition_error.
inline void require_device(c10::Device device) {
  auto const there = device.is_cuda() ? at::detail::getCUDAHooks().getNumGPUs() : device.is_cpu() ? 1 : 0;
  if (device.has_index() ? device.index() >= there : there == 0) {
    broken_precondition("device", "one of " + std::to_string(there) + " of this kind", device.str());
  }
}

// A clock for basic_meter. Index -1 is the CPU, others a CUDA device.
template <int Index = -1>
struct synchronised_clock {
  using duration = std::chrono::steady_clock::duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::steady_clock::time_point;
  static constexpr bool is_steady = true;

  static time_point now() {
    if constexpr (Index >= 0) at::detail::getCUDAHooks().deviceSynchronize(Index);
    return std::chrono::steady_clock::now();
  }
};

struct memory_use {
  std::int64_t bytes = 0;
  std::int64_t peak_bytes = 0;
  maybe<std::int64_t> reserved_bytes = absent{"a CPU's allocator keeps nothing in reserve"};  // with what is free in it
  std::string_view counted_by{};
};

namespace detail {
// A line of /proc/self/status in bytes; absent where there is no such file or line.
inline std::optional<std::int64_t> process_status(std::string_view key) {
  std::ifstream status{"/proc/self/status"};
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ':') {
      return std::stoll(line.substr(key.size() + 1)) * 1024;
    }
  }
  return std::nullopt;
}
}  // namespace detail

// Throws precondition_error for a device that is not there.
inline maybe<memory_use> device_memory_of(c10::Device device) {
  require_device(device);
  if (device.is_cpu()) {
    auto const now = detail::process_status("VmRSS"), most = detail::process_status("VmHWM");
    if (!now || !most) return absent{"this system does not tell a process's memory"};
    return memory_use{.bytes = *now, .peak_bytes = *most, .counted_by = "the process: VmRSS, VmHWM"};
  }
#ifdef KUNMETRICS_TORCH_CUDA
  auto const statistics = c10::cuda::CUDACachingAllocator::getDeviceStats(device.has_index() ? device.index() : 0);
  constexpr std::size_t both_pools = 0;
  auto const& held = statistics.allocated_bytes[both_pools];
  return memory_use{.bytes = held.current, .peak_bytes = held.peak, .reserved_bytes = statistics.reserved_bytes[both_pools].current,
                    .counted_by = "libtorch's caching allocator"};
#else
  return absent{"this libtorch was built without CUDA"};
#endif
}

// Throws precondition_error for a device that is not there.
inline maybe<std::int64_t> memory_size_of(c10::Device device) {
  require_device(device);
  if (device.is_cpu()) {
    auto const pages = ::sysconf(_SC_PHYS_PAGES), each = ::sysconf(_SC_PAGESIZE);
    if (pages < 0 || each < 0) return absent{"this system does not tell its memory"};
    return std::int64_t{pages} * each;
  }
#ifdef KUNMETRICS_TORCH_CUDA
  auto const* const properties = at::cuda::getDeviceProperties(device.has_index() ? device.index() : 0);
  return static_cast<std::int64_t>(properties->totalGlobalMem);
#else
  return absent{"this libtorch was built without CUDA"};
#endif
}

// Throws precondition_error for a device that is not there.
inline maybe<kunmetrics::device> device_of(c10::Device device) {
  require_device(device);
  if (device.is_cpu()) return absent{"a CPU has no entry: measure its peak"};
#ifdef KUNMETRICS_TORCH_CUDA
  auto const* const properties = at::cuda::getDeviceProperties(device.has_index() ? device.index() : 0);
  return device_named(properties->name);
#else
  return absent{"this libtorch was built without CUDA"};
#endif
}

}  // namespace kunmetrics
