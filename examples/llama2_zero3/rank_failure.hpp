// The failure of one rank, told in one line: who, where in the run, what.
//
//   rank 1 of 4, step 7, unit layer1: all_gather: ...
//
// A failure on one rank becomes an `aborted` on all others; of all that is caught the first that is
// not such an echo is kept and told.
#pragma once

#include "communicator.hpp"

#include <exception>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace trainer {

// Libtorch's messages go on with where in its sources they come from.
inline std::string first_line(std::string_view text) { return std::string{text.substr(0, text.find('\n'))}; }

// The first failure among ranks, told with its rank; the exception itself is nested inside.
class rank_failure : public std::runtime_error {
 public:
  rank_failure(int rank, int size, run_position const& at, std::string const& what)
      : std::runtime_error("rank " + std::to_string(rank) + " of " + std::to_string(size) +
                           (at.known() ? ", " + described(at) : std::string{}) + ": " + first_line(what)),
        rank_(rank), at_(at) {}
  int rank() const { return rank_; }
  run_position const& at() const { return at_; }

 private:
  int rank_;
  run_position at_;
};

// Keeps the first failure of a group; an `aborted` is only the echo of one, and gives way to it.
class first_failure {
 public:
  void keep(int rank, run_position const& at, std::exception_ptr failure, bool echo) {
    std::scoped_lock const lock{mutex_};
    if (failure_ && (echo || !echo_)) return;
    rank_ = rank, at_ = at, failure_ = std::move(failure), echo_ = echo;
  }

  bool any() const {
    std::scoped_lock const lock{mutex_};
    return failure_ != nullptr;
  }

  // Whether what was kept is that ranks did not come in time.
  bool by_timeout() const {
    auto const failure = kept().failure;
    try {
      if (failure) std::rethrow_exception(failure);
    } catch (lost_ranks const&) {
      return true;
    } catch (...) {
      return false;
    }
    return false;
  }

  // Throws what was kept, nested in a rank_failure; does nothing when there was none.
  void rethrow(int size) const {
    auto const [rank, at, failure] = kept();
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (failure_of_origin const& cause) {
      std::throw_with_nested(rank_failure{static_cast<int>(cause.rank().value_or(rank)), size, cause.at(), cause.what()});
    } catch (std::exception const& cause) {
      std::throw_with_nested(rank_failure{rank, size, at, cause.what()});
    } catch (...) {
      std::throw_with_nested(rank_failure{rank, size, at, "an exception of unknown type"});
    }
  }

 private:
  struct failed {
    int rank;
    run_position at;
    std::exception_ptr failure;
  };
  failed kept() const {
    std::scoped_lock const lock{mutex_};
    return {rank_, at_, failure_};
  }

  mutable std::mutex mutex_;
  std::exception_ptr failure_;
  run_position at_;
  int rank_ = 0;
  bool echo_ = false;
};

}  // namespace trainer
