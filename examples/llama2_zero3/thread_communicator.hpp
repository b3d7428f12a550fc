// Ranks that are threads of one process: the embedded default, and the reference for the others.
//
// A collective is: post what I send, wait until all have posted, check that all agree, copy my
// part straight out of the others' memory, wait until all have copied. The first wait can be
// aborted. The second cannot, and need not be: whoever passed the first only copies and arrives,
// so it ends, and no rank can free memory that another still reads.
// A rank that does not come within the timeout is named, with where it was last seen, and everyone
// else stops. A thread cannot be ended from outside: run_ranks then ends the process.
// Leaves out: processes and hosts (a transport of its own), and overlap with computation.
#pragma once

#include "communicator.hpp"
#include "patience.hpp"
#include "rank_failure.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace trainer {

inline constexpr std::chrono::milliseconds default_timeout = std::chrono::minutes{2};

// What all thread ranks of one group share.
class thread_group {
 public:
  struct post {
    std::string_view operation;
    std::span<std::byte const> sent;
    std::size_t received_bytes = 0;
    run_position at{};
    std::uint64_t meetings = 0;  // of this rank, this one included
  };

  // A rank that waits longer than `timeout` for another gives up. Throws std::invalid_argument for
  // fewer than one rank.
  explicit thread_group(int size, std::chrono::milliseconds timeout = default_timeout)
      : posts_(ranks(size)), timeout_(timeout) {}

  int size() const { return static_cast<int>(posts_.size()); }
  std::vector<post> const& posts() const { return posts_; }

  // Publishes a rank's side of a collective and waits for all; throws aborted, and lost_ranks on the
  // first rank whose patience ends.
  void meet(int rank, post mine) {
    std::unique_lock lock{mutex_};
    if (reason_) throw aborted{*reason_};
    auto& own = posts_[static_cast<std::size_t>(rank)];
    mine.meetings = own.meetings + 1;
    own = mine;
    auto const round = arrive();
    if (!waited(lock, [&] { return round_ != round || reason_.has_value(); })) {
      reason_ = absent(mine);
      changed_.notify_all();
      throw lost_ranks{*reason_};
    }
    if (round_ == round) throw aborted{*reason_};
  }

  // Waits until every rank that met has finished copying.
  void part() {
    std::unique_lock lock{mutex_};
    auto const round = arrive();
    changed_.wait(lock, [&] { return round_ != round; });
  }

  // The first reason given is the one that everyone hears.
  void abort(std::string_view why) noexcept {
    std::scoped_lock const lock{mutex_};
    if (!reason_) reason_.emplace(why);
    changed_.notify_all();
  }

 private:
  static std::size_t ranks(int size) {
    if (size >= 1) return static_cast<std::size_t>(size);
    throw std::invalid_argument("thread_group: size of at least 1 needed, received " +
                                std::to_string(size));
  }

  // Whether it holds before patience ends.
  template <class Condition>
  bool waited(std::unique_lock<std::mutex>& lock, Condition const& holds) {
    patience waiting{timeout_, patience::clock::now()};
    while (!changed_.wait_for(lock, waiting.next_look(), holds)) {
      if (waiting.ends(patience::clock::now())) return false;
    }
    return true;
  }

  std::uint64_t arrive() {
    auto const round = round_;
    if (++arrived_ == posts_.size()) {
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
    }
    return round;
  }

  // Who has not come to the collective that a rank waits in.
  std::string absent(post const& waiting) const {
    std::string text;
    for (auto const& other : posts_) {
      if (other.meetings >= waiting.meetings) continue;
      text.append(text.empty() ? "" : "; ").append("rank ").append(std::to_string(&other - posts_.data()));
      text.append(" did not come to ").append(waiting.operation).append(" within ").append(seconds_text(timeout_));
      text.append(other.at.known() ? ", last seen at " + described(other.at) : ", and was never seen");
    }
    return text;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<post> posts_;
  std::chrono::milliseconds timeout_;
  std::size_t arrived_ = 0;
  std::uint64_t round_ = 0;
  std::optional<std::string> reason_;
};

class thread_communicator {
 public:
  thread_communicator(thread_group& group, int rank) : group_(&group), rank_(rank) {}

  int rank() const { return rank_; }
  int size() const { return group_->size(); }

  // Throws aborted, and std::logic_error on all ranks when they disagree about the collective.
  void all_gather(std::span<std::byte const> mine, std::span<std::byte> all) {
    exchange("all_gather", mine, all, 0, static_cast<std::size_t>(size()));
  }

  // Throws as all_gather does; also when the bytes are not `size` equal parts.
  void all_to_all(std::span<std::byte const> send, std::span<std::byte> receive) {
    exchange("all_to_all", send, receive, static_cast<std::size_t>(rank_), 1);
  }

  void abort(std::string_view why) noexcept { group_->abort(why); }

  void at(run_position const& position) { position_ = position; }
  run_position const& position() const { return position_; }

 private:
  // `part` is which part of the others' bytes is mine, `growth` is received bytes per sent byte.
  void exchange(std::string_view operation, std::span<std::byte const> sent,
                std::span<std::byte> received, std::size_t part, std::size_t growth) {
    group_->meet(rank_, {operation, sent, received.size(), position_});
    auto const wrong = disagreement(growth);
    if (!wrong) {
      auto const bytes = received.size() / static_cast<std::size_t>(size());
      auto to = received.begin();
      for (auto const& other : group_->posts()) {
        to = std::ranges::copy(other.sent.subspan(part * bytes, bytes), to).out;
      }
    }
    group_->part();
    if (wrong) throw std::logic_error(*wrong);
  }

  // What is wrong with the posts, the same text on every rank.
  std::optional<std::string> disagreement(std::size_t growth) const {
    auto const& posts = group_->posts();
    auto const& first = posts.front();
    for (auto const& other : posts) {
      if (other.operation != first.operation || other.sent.size() != first.sent.size() ||
          other.received_bytes != first.received_bytes) {
        auto const rank = std::to_string(&other - posts.data());
        return "thread_communicator: the same collective on all ranks needed, received " +
               described(first) + " on rank 0 and " + described(other) + " on rank " + rank;
      }
    }
    auto const whole = first.received_bytes % posts.size() == 0;
    if (whole && first.received_bytes == first.sent.size() * growth) return std::nullopt;
    return "thread_communicator: one equal part for each of " + std::to_string(posts.size()) +
           " ranks needed, received " + described(first);
  }

  static std::string described(thread_group::post const& post) {
    return std::string{post.operation} + " of " + std::to_string(post.sent.size()) +
           " bytes to receive " + std::to_string(post.received_bytes);
  }

  thread_group* group_;
  int rank_;
  run_position position_;
};

static_assert(communicator<thread_communicator>);

// How thread ranks run.
struct rank_limits {
  int threads = 1;  // OpenMP threads of each rank
  std::chrono::milliseconds timeout = default_timeout;
  // Called when a rank does not end although another has failed; must not return.
  void (*stuck)(rank_failure const&) = [](rank_failure const& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    std::_Exit(1);
  };
};

// Counts ranks that have ended, so that a run can wait for them with a limit.
class finish_line {
 public:
  void cross() {
    std::scoped_lock const lock{mutex_};
    ++crossed_;
    changed_.notify_all();
  }
  // Waits for `all` ranks. From the moment that one has failed, at most the timeout, and at most a
  // second where the timeout has been waited for already. Whether all came.
  bool wait(int all, first_failure const& failure, std::chrono::milliseconds timeout) {
    std::unique_lock lock{mutex_};
    auto const ended = [&] { return crossed_ == all; };
    // a failed rank has crossed too, so that its failure is seen as it happens
    changed_.wait(lock, [&] { return ended() || failure.any(); });
    auto const waited = failure.by_timeout();
    return changed_.wait_for(lock, waited ? std::min(timeout, std::chrono::milliseconds{1000}) : timeout, ended);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int crossed_ = 0;
};

// Runs one rank's body, and turns its failure into everyone's.
template <class Body>
void run_rank(thread_group& group, int rank, int threads, Body& body, first_failure& failure) {
#ifdef _OPENMP
  omp_set_num_threads(threads);
#else
  static_cast<void>(threads);
#endif
  thread_communicator communicator{group, rank};
  auto const keep = [&](bool echo) {
    failure.keep(rank, communicator.position(), std::current_exception(), echo);
  };
  try {
    body(communicator);
  } catch (aborted const& echo) {
    keep(true);
    group.abort(echo.what());
  } catch (std::exception const& cause) {
    keep(false);
    group.abort("rank " + std::to_string(rank) + ": " + cause.what());
  } catch (...) {
    keep(false);
    group.abort("rank " + std::to_string(rank) + ": an exception of unknown type");
  }
}

// Calls body(thread_communicator&) on `size` threads and joins them; throws rank_failure, with the
// first failure nested, when a rank threw. A rank that hangs is given the timeout once, by those that
// wait for it; one that computes on when another failed, as long from then. After that `stuck` is called.
template <class Body>
void run_ranks(int size, Body&& body, rank_limits const& limits) {
  thread_group group{size, limits.timeout};
  first_failure failure;
  finish_line finish;
  {
    std::vector<std::jthread> threads;
    try {
      for (int rank = 0; rank < size; ++rank) {
        threads.emplace_back([&, rank] {
          run_rank(group, rank, limits.threads, body, failure);
          finish.cross();
        });
      }
    } catch (std::exception const& cause) {  // no thread to be had: release those that wait
      group.abort(cause.what());
      throw;
    }
    if (!finish.wait(size, failure, limits.timeout)) {
      try {
        failure.rethrow(size);
      } catch (rank_failure const& told) {
        limits.stuck(told);
      }
    }
  }
  failure.rethrow(size);
}

// The same with `threads_per_rank` OpenMP threads and the usual timeout.
template <class Body>
void run_ranks(int size, Body&& body, int threads_per_rank = 1) {
  run_ranks(size, std::forward<Body>(body), rank_limits{.threads = threads_per_rank});
}

}  // namespace trainer
