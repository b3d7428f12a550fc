// A rank for tests of mpi_communicator: mpirun starts several of it, the first argument says what they do.
//
//   collectives BYTES   both collectives of many sizes, no call moving more than BYTES; prints "right"
//   large BYTES         both collectives once, of parts so large; prints "right"
//   throw | hang | die  rank 2 does so at step 5, unit layer1; the timeout is 1 s
//   stop                there rank 2 stops all others for 3 s and comes 0.7 s later; the timeout is 2 s; prints "right"
//   together            ranks 0 and 3 throw at once
#include "mpi_world.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>
#include <unistd.h>

namespace {
using trainer::mpi_communicator;

// Byte `at` of what `from` says to `to`.
std::byte said(int from, int to, std::size_t at) {
  auto const mixed = static_cast<std::size_t>(from * 31 + to * 7) + at * 13 + (at >> 8U);
  return static_cast<std::byte>(mixed & 0xffU);
}

void fill(std::span<std::byte> part, int from, int to) {
  for (std::size_t at = 0; at < part.size(); ++at) part[at] = said(from, to, at);
}

bool holds(std::span<std::byte const> part, int from, int to) {
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (part[at] != said(from, to, at)) return false;
  }
  return true;
}

void require(bool holds, std::string const& what) {
  if (!holds) throw std::runtime_error("wrong bytes: " + what);
}

void gather(mpi_communicator& ranks, std::size_t bytes) {
  auto const size = static_cast<std::size_t>(ranks.size());
  std::vector<std::byte> mine(bytes), received(bytes * size);
  fill(mine, ranks.rank(), -1);
  ranks.all_gather(mine, received);
  for (std::size_t r = 0; r < size; ++r) {
    require(holds(std::span{received}.subspan(r * bytes, bytes), static_cast<int>(r), -1), "all_gather");
  }
}

void swap_parts(mpi_communicator& ranks, std::size_t bytes) {
  auto const size = static_cast<std::size_t>(ranks.size());
  std::vector<std::byte> send(bytes * size), received(bytes * size);
  for (std::size_t r = 0; r < size; ++r) fill(std::span{send}.subspan(r * bytes, bytes), ranks.rank(), static_cast<int>(r));
  ranks.all_to_all(send, received);
  for (std::size_t r = 0; r < size; ++r) {
    require(holds(std::span{received}.subspan(r * bytes, bytes), static_cast<int>(r), ranks.rank()), "all_to_all");
  }
}

void exchange(mpi_communicator& ranks, std::size_t bytes) {
  gather(ranks, bytes);
  swap_parts(ranks, bytes);
}

void misbehave(mpi_communicator& ranks, std::string_view how, std::int64_t step) {
  auto const rank = ranks.rank();
  if (step != 5) return;
  if (how == "together" && (rank == 0 || rank == 3)) throw std::runtime_error("a thing went wrong");
  if (rank != 2) return;
  if (how == "throw") throw std::runtime_error("a thing went wrong");
  if (how == "die") std::raise(SIGKILL);
  while (how == "hang") std::this_thread::sleep_for(std::chrono::seconds{1});
}

// As if the whole machine were stopped, but for this rank.
void stop_all_others(mpi_communicator& ranks) {
  auto const mine = ::getpid();
  std::vector<pid_t> all(static_cast<std::size_t>(ranks.size()));
  ranks.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{all}));
  if (ranks.rank() != 2) return;
  std::erase(all, mine);
  for (auto const other : all) require(::kill(other, SIGSTOP) == 0, "SIGSTOP");
  std::this_thread::sleep_for(std::chrono::seconds{3});
  for (auto const other : all) require(::kill(other, SIGCONT) == 0, "SIGCONT");
  std::this_thread::sleep_for(std::chrono::milliseconds{700});  // longer than they listen for answers
}

void right(mpi_communicator& ranks) {
  trainer::barrier(ranks);
  if (ranks.rank() == 0) std::puts("right");
}

void body(mpi_communicator& ranks, std::string_view what, std::int64_t most) {
  if (what == "collectives") {
    for (std::size_t const bytes : std::initializer_list<std::size_t>{0, 1, 2, 3, 63, 64, 65, 257}) exchange(ranks, bytes);
    if (most >= 1000) exchange(ranks, 70'001);  // a call a byte would take minutes
    return right(ranks);
  }
  if (what == "large") {
    exchange(ranks, static_cast<std::size_t>(most));
    return right(ranks);
  }
  for (std::int64_t step = 1; step < 10; ++step) {
    for (auto const* unit : {"embedding", "layer0", "layer1"}) {
      ranks.at({step, unit});
      if (std::string_view{unit} == "layer1") misbehave(ranks, what, step);
      if (what == "stop" && step == 5 && std::string_view{unit} == "layer1") stop_all_others(ranks);
      exchange(ranks, 128);
    }
  }
  if (what == "stop") right(ranks);
}
}  // namespace

int main(int argc, char** argv) {
  std::string_view const what = argc > 1 ? argv[1] : "";
  trainer::mpi_world world;
  std::signal(SIGTERM, SIG_IGN);  // mpirun sends it when a rank dies; the trainer's own handler returns too
  std::signal(SIGUSR1, SIG_IGN);  // so does MPICH, with -disable-auto-cleanup
  try {
    auto const most = argc > 2 ? std::atoll(argv[2]) : 1 << 30;
    auto const seconds = what == "large" ? 300 : what == "collectives" ? 120 : what == "stop" ? 2 : 1;
    trainer::mpi_limits limits{.timeout = std::chrono::seconds{seconds}};
    if (what != "large") limits.message_bytes = most;
    mpi_communicator ranks{MPI_COMM_WORLD, limits};
    trainer::run_rank(ranks, [&](mpi_communicator& all) { body(all, what, most); });
    world.finish();
    return 0;
  } catch (trainer::aborted const&) {
    trainer::end_process(1);
  } catch (std::exception const& failure) {
    std::fprintf(stderr, "mpi_ranks: %s\n", failure.what());
    trainer::end_process(1);
  }
}
