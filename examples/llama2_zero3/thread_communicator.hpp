// Ranks that are threads of one process: the embedded default, and the reference for the others.
//
// A collective is: post what I send, wait until all have posted, check that all agree, copy my
// part straight out of the others' memory, wait until all have copied. The first wait can be
// aborted. The second cannot, and need not be: whoever passed the first only copies and arrives,
// so it ends, and no rank can free memory that another still reads.
// Leaves out: processes and hosts (a transport of its own), and overlap with computation.
#pragma once

#include "communicator.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
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

// What all thread ranks of one group share.
class thread_group {
 public:
  struct post {
    std::string_view operation;
    std::span<std::byte const> sent;
    std::size_t received_bytes = 0;
  };

  // Throws std::invalid_argument for fewer than one rank.
  explicit thread_group(int size) : posts_(ranks(size)) {}

  int size() const { return static_cast<int>(posts_.size()); }
  std::vector<post> const& posts() const { return posts_; }

  // Publishes a rank's side of a collective and waits for all; throws aborted.
  void meet(int rank, post const& mine) {
    std::unique_lock lock{mutex_};
    if (reason_) throw aborted{*reason_};
    posts_[static_cast<std::size_t>(rank)] = mine;
    auto const round = arrive();
    changed_.wait(lock, [&] { return round_ != round || reason_.has_value(); });
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

  std::uint64_t arrive() {
    auto const round = round_;
    if (++arrived_ == posts_.size()) {
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
    }
    return round;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<post> posts_;
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

 private:
  // `part` is which part of the others' bytes is mine, `growth` is received bytes per sent byte.
  void exchange(std::string_view operation, std::span<std::byte const> sent,
                std::span<std::byte> received, std::size_t part, std::size_t growth) {
    group_->meet(rank_, {operation, sent, received.size()});
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
};

static_assert(communicator<thread_communicator>);

// The first failure among ranks, told with its rank; the exception itself is nested inside.
class rank_failure : public std::runtime_error {
 public:
  rank_failure(int rank, int size, std::string const& what)
      : std::runtime_error("rank " + std::to_string(rank) + " of " + std::to_string(size) + ": " +
                           what),
        rank_(rank) {}
  int rank() const { return rank_; }

 private:
  int rank_;
};

// Keeps the first failure of a group; an `aborted` is only the echo of one, and gives way to it.
class first_failure {
 public:
  void keep(int rank, std::exception_ptr failure, bool echo) {
    std::scoped_lock const lock{mutex_};
    if (failure_ && (echo || !echo_)) return;
    rank_ = rank, failure_ = std::move(failure), echo_ = echo;
  }

  // Throws what was kept, nested in a rank_failure; does nothing when there was none.
  void rethrow(int size) const {
    if (!failure_) return;
    try {
      std::rethrow_exception(failure_);
    } catch (std::exception const& failure) {
      std::throw_with_nested(rank_failure{rank_, size, failure.what()});
    } catch (...) {
      std::throw_with_nested(rank_failure{rank_, size, "an exception of unknown type"});
    }
  }

 private:
  std::mutex mutex_;
  std::exception_ptr failure_;
  int rank_ = 0;
  bool echo_ = false;
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
  try {
    body(communicator);
  } catch (aborted const& echo) {
    failure.keep(rank, std::current_exception(), true);
    group.abort(echo.what());
  } catch (std::exception const& cause) {
    failure.keep(rank, std::current_exception(), false);
    group.abort("rank " + std::to_string(rank) + ": " + cause.what());
  } catch (...) {
    failure.keep(rank, std::current_exception(), false);
    group.abort("rank " + std::to_string(rank) + ": an exception of unknown type");
  }
}

// Calls body(thread_communicator&) on `size` threads, each with `threads_per_rank` OpenMP threads,
// and joins them; throws rank_failure, with the first failure nested, when a rank threw.
template <class Body>
void run_ranks(int size, Body&& body, int threads_per_rank = 1) {
  thread_group group{size};
  first_failure failure;
  {
    std::vector<std::jthread> threads;
    try {
      for (int rank = 0; rank < size; ++rank) {
        threads.emplace_back(
            [&, rank] { run_rank(group, rank, threads_per_rank, body, failure); });
      }
    } catch (std::exception const& cause) {  // no thread to be had: release those that wait
      group.abort(cause.what());
      throw;
    }
  }
  failure.rethrow(size);
}

}  // namespace trainer
