// A group of c10d, gloo's or NCCL's, as libtorch's launchers make it: from RANK, WORLD_SIZE, MASTER_ADDR and
// MASTER_PORT. torchrun's agent may hold the store itself, and says so; else rank 0 does.
#pragma once

#include "c10d_communicator.hpp"

#include <kunmetrics/io/json_document.hpp>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <torch/cuda.h>
#endif
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace trainer {

struct c10d_place {
  int rank = 0, size = 1;
  std::string address;
  std::uint16_t port = 0;
};

namespace detail {
inline long environment_number(char const* name, long least, long most) {
  char const* const text = std::getenv(name);
  char* end = nullptr;
  long const value = text != nullptr ? std::strtol(text, &end, 10) : -1;
  if (text != nullptr && end != text && *end == '\0' && value >= least && value <= most) return value;
  throw std::invalid_argument(std::string{"--engine c10d: "} + name + " of " + std::to_string(least) + " to " +
                              std::to_string(most) + " needed, received " + (text != nullptr ? text : "none"));
}
}  // namespace detail

// Throws std::invalid_argument naming the variable that is not there or not a number in range.
inline c10d_place place_from_environment() {
  auto const size = static_cast<int>(detail::environment_number("WORLD_SIZE", 1, 65'536));
  auto const rank = static_cast<int>(detail::environment_number("RANK", 0, size - 1));
  auto const port = static_cast<std::uint16_t>(detail::environment_number("MASTER_PORT", 1, 65'535));
  char const* const address = std::getenv("MASTER_ADDR");
  if (address == nullptr || *address == '\0') {
    throw std::invalid_argument("--engine c10d: MASTER_ADDR needed, the host of rank 0, received none");
  }
  return {rank, size, address, port};
}

// The store at the place's address, which the ranks meet at. Throws what libtorch throws when it is not there in time.
inline c10::intrusive_ptr<c10d::Store> store_of(c10d_place const& place, std::chrono::milliseconds timeout) {
  char const* const held = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  bool const of_agent = held != nullptr && std::string_view{held} == "True";
  c10d::TCPStoreOptions options;
  options.port = place.port;
  options.isServer = place.rank == 0 && !of_agent;
  options.waitWorkers = false;
  options.timeout = timeout;
  auto store = c10::make_intrusive<c10d::TCPStore>(place.address, options);
  if (!of_agent) return store;
  char const* const attempt = std::getenv("TORCHELASTIC_RESTART_COUNT");  // a restart's keys are its own
  return c10::make_intrusive<c10d::PrefixStore>(std::string{"trainer/attempt_"} + (attempt != nullptr ? attempt : "0"), store);
}

// gloo over GLOO_SOCKET_IFNAME where that is set, over the loopback where the store is there, else over the
// interface of this host's name.
inline c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_group(c10::intrusive_ptr<c10d::Store> const& store, int rank,
                                                             int size, std::string const& address,
                                                             std::chrono::milliseconds timeout) {
  using gloo = c10d::ProcessGroupGloo;
  auto const options = gloo::Options::create();
  char const* const interface_name = std::getenv("GLOO_SOCKET_IFNAME");
  bool const loopback = address == "127.0.0.1" || address == "localhost" || address == "::1";
  options->devices.push_back(interface_name != nullptr ? gloo::createDeviceForInterface(interface_name)
                             : loopback                ? gloo::createDeviceForHostname("127.0.0.1")
                                                       : gloo::createDefaultDevice());
  options->timeout = timeout;
  return c10::make_intrusive<gloo>(store, rank, size, options);
}

#ifdef USE_C10D_NCCL
// The card of LOCAL_RANK, which torchrun sets; without it, of the rank among all.
inline at::Device card_of(c10d_place const& place) {
  auto const cards = static_cast<int>(torch::cuda::device_count());
  if (cards == 0) throw std::runtime_error("a GPU needed for NCCL, found none");
  bool const local = std::getenv("LOCAL_RANK") != nullptr;
  auto const mine = local ? static_cast<int>(detail::environment_number("LOCAL_RANK", 0, 65'535)) : place.rank;
  return {at::kCUDA, static_cast<at::DeviceIndex>(mine % cards)};
}

// NCCL between the ranks' cards, of which each rank has its own. Runs on GPUs only.
inline c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl_group(c10::intrusive_ptr<c10d::Store> const& store, int rank,
                                                             int size, std::chrono::milliseconds timeout) {
  auto const options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, size, options);
}
#endif

// Throws input_error for collectives, "gloo" or "nccl", that this build has not.
inline void require_collectives([[maybe_unused]] std::string_view collectives) {
#ifndef USE_C10D_NCCL
  if (collectives != "nccl") return;
  throw kunmetrics::input_error{kunmetrics::detail::needed_found(
      "--collectives nccl", "a build against a libtorch with NCCL, and nccl.h", "one without")};
#endif
}

// Joins this process to the others of its run, over "gloo" or "nccl". Throws std::runtime_error when they do not meet in
// time. The group's own timeout, which can only say that a call failed, comes after the communicator's, which says
// who did not come and may wait twice. It runs on the clock alone: a machine that stands still for longer ends the run.
inline c10d_communicator c10d_ranks(c10d_place const& place, std::chrono::milliseconds timeout,
                                    [[maybe_unused]] std::string_view collectives = "gloo") {
  auto const of_group = 2 * timeout + std::chrono::seconds{30};
  try {
    auto const store = store_of(place, timeout);
#ifdef USE_C10D_NCCL
    if (collectives == "nccl") {
      auto const card = card_of(place);
      return {nccl_group(store, place.rank, place.size, of_group), store, timeout, card};
    }
#endif
    return {gloo_group(store, place.rank, place.size, place.address, of_group), store, timeout};
  } catch (std::exception const& failure) {  // after the first line comes a trace of calls, for libtorch's authors
    std::string const text = failure.what();
    throw std::runtime_error("--engine c10d: " + text.substr(0, text.find('\n')));
  }
}

}  // namespace trainer
