// Ranks that are processes under libtorch's c10d: gloo on CPUs, NCCL, and what else is a group with the two calls.
//
//   all_gather   allgather       all_to_all   alltoall_base
// Both on bytes in host memory, of which the group gets a copy where it works, a CPU too: a rank that gives up must
// not wait for a call under way, and its caller's memory is gone then. While a rank waits it looks
// into the group's store, where who gives up says why, and at the processes of its own host; a call that fails, a
// process that is gone and a wait beyond `timeout` end the group with one reason, told by one rank; where all others
// answer, it waits once more. The group's own timeout, which names no rank, must be longer than both. After a failure
// the group is spent. A rank keeps its group until `leave` has returned on it: gloo takes the end of one for a failure.
#pragma once

#include "communicator.hpp"
#include "patience.hpp"
#include "rank_processes.hpp"
#include "thread_communicator.hpp"

#include <kunmetrics/torch/features.hpp>

#if KUNMETRICS_TORCH_HAS_C10D_BACKEND
#include <torch/csrc/distributed/c10d/Backend.hpp>
#endif
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <torch/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace trainer {

#if KUNMETRICS_TORCH_HAS_C10D_BACKEND
using c10d_group = c10d::Backend;
#else
using c10d_group = c10d::ProcessGroup;
#endif

class c10d_communicator {
 public:
  // The group's ranks share the store; every one of them must construct one of these. `device` is where the group works.
  c10d_communicator(c10::intrusive_ptr<c10d_group> group, c10::intrusive_ptr<c10d::Store> store,
                    std::chrono::milliseconds timeout = default_timeout, at::Device device = at::kCPU)
      : group_(std::move(group)), store_(std::move(store)), timeout_(timeout), device_(device) {
    auto const mine = process_identity::own();
    std::vector<process_identity> all(static_cast<std::size_t>(size()));
    all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
    processes_.emplace(std::move(all), static_cast<std::size_t>(rank()));
  }

  int rank() const { return group_->getRank(); }
  int size() const { return group_->getSize(); }
  // Ranks on this host.
  int local_size() const { return processes_->local(); }
  int local_rank() const { return processes_->place(); }

  // Throw aborted when another rank gave up, lost_ranks when the group fails or a rank is gone or does not come in
  // time, std::invalid_argument when the parts are not one for each rank.
  void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
    require_parts("all_gather", mine.size(), all.size());
    if (mine.empty()) return barrier();
    std::vector<at::Tensor> send{sent(mine)};
    auto const to = room(receive_, all.size());
    std::vector<std::vector<at::Tensor>> receive{to.split(send[0].numel())};
    finish("all_gather", [&] { return group_->allgather(receive, send); });
    bytes(all).copy_(to);
  }

  void all_to_all(std::span<std::byte const> send, std::span<std::byte> receive) {
    auto const each = send.size() / static_cast<std::size_t>(size());
    require_parts("all_to_all", each, send.size());
    require_parts("all_to_all", each, receive.size());
    if (send.empty()) return barrier();
    auto from = sent(send), to = room(receive_, receive.size());
    std::vector<std::int64_t> equal{};
    finish("all_to_all", [&] { return group_->alltoall_base(to, from, equal, equal); });
    bytes(receive).copy_(to);
  }

  void abort(std::string_view why) noexcept {
    over_ = true;
    try {
      put(reason_key, why);
    } catch (...) {  // the store is gone, and with it the run
    }
  }

  void at(run_position const& position) { position_ = position; }
  run_position const& position() const { return position_; }

  // Returns when every rank has made its last call, on rank 0, whose process may hold the store, after all others;
  // waits no longer than the timeout. Throws aborted when another rank gave up in the meantime.
  void leave() {
    auto const all_at = [this](char const* key) {
      heed();
      return store_->add(key, 0) >= size();
    };
    store_->add("trainer/through", 1);
    wait_until([&] { return all_at("trainer/through"); }, timeout_);
    store_->add("trainer/left", 1);
    if (rank() == 0) wait_until([&] { return all_at("trainer/left"); }, timeout_);
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr char const* reason_key = "trainer/abort";
  static constexpr char const* questions_key = "trainer/where_are_you";  // how often it was asked
  static std::string answer_key(int rank) { return "trainer/here/" + std::to_string(rank); }  // the last one answered

  void barrier() {
    c10d::BarrierOptions options;
    if (!device_.is_cpu()) options.device_ids = {device_.index()};
    finish("barrier", [&] { return group_->barrier(options); });
  }

  // Host memory as a tensor: from_blob knows no const, what is sent is only read.
  static at::Tensor bytes(std::span<std::byte const> of) {
    return at::from_blob(const_cast<std::byte*>(of.data()), {static_cast<std::int64_t>(of.size())}, at::TensorOptions{at::kByte});
  }

  // The first bytes of memory where the group works, which is kept for the calls that follow.
  at::Tensor room(at::Tensor& kept, std::size_t size) const {
    auto const elements = static_cast<std::int64_t>(size);
    if (!kept.defined() || kept.numel() < elements) kept = at::empty({elements}, at::TensorOptions{at::kByte}.device(device_));
    return kept.narrow(0, 0, elements);
  }
  at::Tensor sent(std::span<std::byte const> of) { return room(send_, of.size()).copy_(bytes(of)); }

  void require_parts(char const* what, std::size_t each, std::size_t whole) const {
    if (whole == each * static_cast<std::size_t>(size())) return;
    throw std::invalid_argument(std::string{"c10d_communicator: "} + what + ": " + std::to_string(size()) +
                                " equal parts needed, received " + std::to_string(whole) + " bytes");
  }

  void put(std::string const& key, std::string_view text) {
    store_->set(key, std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  std::string got(std::string const& key) {
    auto const text = store_->get(key);
    return {text.begin(), text.end()};
  }

  template <class Begin>
  void finish(char const* operation, Begin begin) {
    if (over_) throw aborted{"the group of ranks has ended"};
    operation_ = operation;
    std::string failed;
    try {
      auto const work = begin();
      if (await(*work)) return static_cast<void>(work->wait());  // throws what the call failed with
    } catch (aborted const&) {
      throw;
    } catch (std::exception const& failure) {
      failed = failure.what();
      failed = failed.substr(0, failed.find('\n'));
    }
    give_up(failed);
  }

  // Whether it has ended; false when a process is gone or patience ends first.
  template <class Work>
  bool await(Work& work) {
    patience waiting{timeout_, clock::now()};
    auto look = clock::now() + std::chrono::milliseconds{20};
    auto pause = std::chrono::microseconds{10};
    while (!work.isCompleted()) {
      std::this_thread::sleep_for(pause);
      auto const now = clock::now();
      if (now < look || work.isCompleted()) continue;  // a call that has ended is not given up
      pause = std::chrono::microseconds{200};
      look = now + std::chrono::milliseconds{50};
      heed();
      if (processes_ && processes_->gone()) return false;
      if (!waiting.ends(now)) continue;
      auto const missing = silent_ranks(work);
      if (work.isCompleted() || (missing.empty() && waiting.again(clock::now()))) continue;
      reason_ = waiting.reason(missing);
      return false;
    }
    return true;
  }

  // Asks all where they are and gives them a little time, or until the call has ended; who did not answer.
  template <class Work>
  std::string silent_ranks(Work& work) {
    auto const question = store_->add(questions_key, 1);
    auto const is_silent = [&](int other) {
      auto const key = answer_key(other);
      return !store_->check({key}) || std::stoll(got(key)) < question;
    };
    int answered = 0;  // all ranks below this one have
    wait_until([&] {
      heed();
      while (answered < size() && !is_silent(answered)) ++answered;
      return answered == size() || work.isCompleted();
    }, std::chrono::milliseconds{300});
    return ranks_that(size(), is_silent);
  }

  // What other ranks have left in the store: a reason ends this rank, a question is answered.
  void heed() {
    if (store_->check({reason_key})) {
      over_ = true;
      throw aborted(got(reason_key));
    }
    auto const asked = store_->add(questions_key, 0);
    if (asked > answered_) put(answer_key(rank()), std::to_string(answered_ = asked));
  }

  // Ends the group with one reason: that a rank is gone, that some did not come, or what the call failed with.
  // Throws lost_ranks on the rank that was the first to come here, aborted on all others.
  [[noreturn]] void give_up(std::string const& failed) {
    std::string what;
    try {
      heed();
      if (store_->add("trainer/failed", 1) > 1) {
        wait_until([&] { return heed(), false; }, std::chrono::seconds{2});
        throw aborted{"another rank gave up and did not say why"};
      }
      what = reason(failed);
    } catch (aborted const&) {
      throw;
    } catch (std::exception const&) {  // the store is gone: it was in a process that is
      what = reason_without_store(failed);
    }
    what += std::string{" while "} + operation_ + " waited at " + described(position_);
    abort(what);
    throw lost_ranks{what};
  }

  std::string reason(std::string const& failed) {
    if (auto const gone = gone_soon()) return "rank " + std::to_string(*gone) + " died";
    return failed.empty() ? reason_ : failed;
  }

  // One rank has to tell it: the first of this host that is alive.
  std::string reason_without_store(std::string const& failed) const {
    auto const gone = gone_soon();
    for (int other = 0; processes_ && other < rank(); ++other) {
      if (processes_->is_near(static_cast<std::size_t>(other)) && !processes_->is_gone(static_cast<std::size_t>(other))) {
        throw aborted{"another rank tells why"};
      }
    }
    return gone ? "rank " + std::to_string(*gone) + " died" : failed.empty() ? "the group's store is gone" : failed;
  }

  // A connection ends a little before the process that it led to.
  std::optional<std::size_t> gone_soon() const {
    std::optional<std::size_t> gone;
    wait_until([&] { return !processes_ || (gone = processes_->gone()).has_value(); }, std::chrono::milliseconds{200});
    return gone;
  }

  // Counted in looks, of which a stall, in which no rank could do anything, uses up one.
  template <class Condition>
  static void wait_until(Condition const& holds, std::chrono::milliseconds most) {
    constexpr std::chrono::milliseconds each{5};
    for (auto looks = most / each; !holds() && looks > 0; --looks) std::this_thread::sleep_for(each);
  }

  c10::intrusive_ptr<c10d_group> group_;
  c10::intrusive_ptr<c10d::Store> store_;
  std::chrono::milliseconds timeout_;
  at::Device device_;
  at::Tensor send_, receive_;
  std::optional<rank_processes> processes_;
  run_position position_;
  char const* operation_ = "a collective";
  std::string reason_;         // why patience ended
  std::int64_t answered_ = 0;  // the last question
  bool over_ = false;
};

static_assert(communicator<c10d_communicator>);

}  // namespace trainer
