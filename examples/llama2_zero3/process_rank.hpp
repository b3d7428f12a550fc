// A rank that is a process: its failure becomes everyone's, and a process that failed is left at once.
#pragma once

#include "communicator.hpp"
#include "rank_failure.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>

#include <unistd.h>

namespace trainer {

// Without waiting for ranks that may never come. MPICH's mpirun kills all ranks as soon as one has failed, and a store of
// c10d goes with its process: those that only heard of it must not leave before the one that has something to say
// has said it, nor it before all have heard.
[[noreturn]] inline void end_process(int code) noexcept {
  std::fflush(nullptr);
  if (code != 0) std::this_thread::sleep_for(std::chrono::milliseconds{300});
  ::_exit(code);
}

// Calls body(ranks) and turns its failure into everyone's: throws rank_failure with it nested, or
// `aborted` as the echo of another rank's. `ranks` says where it is in the run: position(). What all ranks see at once is
// told by the one that it came from, or by the first.
template <communicator Communicator, class Body>
void run_rank(Communicator& ranks, Body&& body) {
  first_failure failure;
  auto const keep = [&] { failure.keep(ranks.rank(), ranks.position(), std::current_exception(), false); };
  try {
    body(ranks);
  } catch (aborted const&) {
    throw;
  } catch (failure_of_origin const& cause) {
    if (cause.rank().value_or(0) != ranks.rank()) throw aborted(cause.what());
    keep();
  } catch (std::exception const& cause) {
    keep();
    ranks.abort("rank " + std::to_string(ranks.rank()) + ": " + cause.what());
  } catch (...) {
    keep();
    ranks.abort("rank " + std::to_string(ranks.rank()) + ": an exception of unknown type");
  }
  failure.rethrow(ranks.size());
}

}  // namespace trainer
