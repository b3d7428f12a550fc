// Ranks that are processes under libtorch's c10d: gloo on CPUs, and what else is a ProcessGroup with the two calls.
//
//   all_gather   ProcessGroup::allgather       all_to_all   ProcessGroup::alltoall_base
// Both on bytes in host memory. A rank that gives up writes why to the store; the others look there now and then
// while they wait, and when a call of theirs fails. A rank that does not come within the group's own timeout is
// told by the group. After a failure the group is spent. A rank keeps its group until all ranks have made their
// last call: gloo takes the end of one for a failure. Left out: NCCL, which needs buffers on the device.
#pragma once

#include "communicator.hpp"

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/types.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace trainer {

class c10d_communicator {
 public:
  // The group's ranks share the store.
  c10d_communicator(c10::intrusive_ptr<c10d::ProcessGroup> group, c10::intrusive_ptr<c10d::Store> store)
      : group_(std::move(group)), store_(std::move(store)) {}

  int rank() const { return group_->getRank(); }
  int size() const { return group_->getSize(); }

  // Throw aborted when another rank gave up, std::runtime_error when the group fails, std::invalid_argument when
  // the parts are not one for each rank.
  void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
    require_parts("all_gather", mine.size(), all.size());
    std::vector<at::Tensor> send{bytes(mine)};
    std::vector<std::vector<at::Tensor>> receive(1);
    if (mine.empty()) return barrier();
    for (int r = 0; r < size(); ++r) receive[0].push_back(bytes(all.subspan(static_cast<std::size_t>(r) * mine.size(), mine.size())));
    finish("all_gather", [&] { return group_->allgather(receive, send); });
  }

  void all_to_all(std::span<std::byte const> send, std::span<std::byte> receive) {
    auto const each = send.size() / static_cast<std::size_t>(size());
    require_parts("all_to_all", each, send.size());
    require_parts("all_to_all", each, receive.size());
    if (send.empty()) return barrier();
    auto from = bytes(send), to = bytes(receive);
    std::vector<std::int64_t> equal{};
    finish("all_to_all", [&] { return group_->alltoall_base(to, from, equal, equal); });
  }

  void abort(std::string_view why) noexcept {
    try {
      store_->set(reason_key, std::vector<std::uint8_t>(why.begin(), why.end()));
    } catch (...) {  // the store is gone, and with it the run
    }
  }

 private:
  static constexpr char const* reason_key = "trainer/abort";

  void barrier() {
    finish("barrier", [&] { return group_->barrier(); });
  }

  // Host memory as the group takes it: from_blob knows no const, the group does not write to what it sends.
  static at::Tensor bytes(std::span<std::byte const> of) {
    return at::from_blob(const_cast<std::byte*>(of.data()), {static_cast<std::int64_t>(of.size())}, at::TensorOptions{at::kByte});
  }

  void require_parts(char const* what, std::size_t each, std::size_t whole) const {
    if (whole == each * static_cast<std::size_t>(size())) return;
    throw std::invalid_argument(std::string{"c10d_communicator: "} + what + ": " + std::to_string(size()) +
                                " equal parts needed, received " + std::to_string(whole) + " bytes");
  }

  template <class Begin>
  void finish(char const* what, Begin begin) {
    try {
      auto const work = begin();
      auto pause = std::chrono::microseconds{10};
      std::chrono::microseconds since_look{0};
      while (!work->isCompleted()) {
        std::this_thread::sleep_for(pause);
        since_look += pause;
        if (since_look < std::chrono::milliseconds{100}) continue;
        since_look = {};
        pause = std::chrono::milliseconds{1};
        throw_if_aborted();
      }
      work->wait();  // throws what the call failed with
    } catch (aborted const&) {
      throw;
    } catch (std::exception const& failure) {
      throw_if_aborted();
      std::string const text = failure.what();
      throw std::runtime_error(std::string{what} + ": " + text.substr(0, text.find('\n')));
    }
  }

  void throw_if_aborted() {
    if (!store_->check({reason_key})) return;
    auto const why = store_->get(reason_key);
    throw aborted(std::string(why.begin(), why.end()));
  }

  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  c10::intrusive_ptr<c10d::Store> store_;
};

static_assert(communicator<c10d_communicator>);

}  // namespace trainer
