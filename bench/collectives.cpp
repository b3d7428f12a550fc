// The two collectives of thread ranks against copying the same bytes on one thread, and an empty one.
//
// `NAME/R/MiB` moves a whole of MiB between R ranks: all_gather copies all of it to every rank, all_to_all a whole
// of it in all. `copies/...` is that many bytes by memcpy on one thread; with as many cores as ranks the ratio can
// fall to 1/R. `barrier/R` is a meeting of R ranks that moves nothing, over one wake-up between two threads.
#include "thread_communicator.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {
using namespace trainer;
constexpr int calls = 8;  // of a collective between two looks at the clock

void copies(benchmark::State& state, std::size_t bytes, int times) {
  std::vector<std::byte> from(bytes), to(bytes);
  for (auto _ : state) {
    for (int i = 0; i < times * calls; ++i) {
      std::memcpy(to.data(), from.data(), bytes);
      benchmark::ClobberMemory();
    }
  }
}

// Ranks that live as long as the measurement, so that no thread is made in it.
template <class Call>
void on_ranks(benchmark::State& state, int ranks, std::string const& label, Call const& call) {
  std::atomic<bool> more{true};
  run_ranks(ranks, [&](thread_communicator& mine) {
    auto body = call(mine);
    if (mine.rank() == 0) {
      for (auto _ : state) {
        barrier(mine);  // the others wait here for the next round
        for (int i = 0; i < calls; ++i) body();
      }
      more = false;
      barrier(mine);
      return;
    }
    for (;;) {
      barrier(mine);
      if (!more) return;
      for (int i = 0; i < calls; ++i) body();
    }
  }, rank_limits{});
  state.SetLabel(label);
}

void wake_up(benchmark::State& state) {
  on_ranks(state, 2, "", [](thread_communicator& mine) { return [&mine] { barrier(mine); }; });
}

bool const registered = [] {
  benchmark::RegisterBenchmark("barrier/2", wake_up)->UseRealTime()->MinTime(0.2);
  for (int const ranks : {4, 8}) {
    benchmark::RegisterBenchmark(("barrier/" + std::to_string(ranks)).c_str(), [ranks](benchmark::State& state) {
      on_ranks(state, ranks, "over barrier/2", [](thread_communicator& mine) { return [&mine] { barrier(mine); }; });
    })->UseRealTime()->MinTime(0.2);
  }
  for (int const ranks : {2, 4, 8}) {
    for (std::size_t const mebibytes : {1U, 16U}) {
      auto const name = std::to_string(ranks) + "/" + std::to_string(mebibytes);
      auto const whole = mebibytes << 20U;
      auto const part = whole / static_cast<std::size_t>(ranks);
      benchmark::RegisterBenchmark(("copies/all_gather/" + name).c_str(), copies, whole, ranks)->UseRealTime()->MinTime(0.2);
      benchmark::RegisterBenchmark(("all_gather/" + name).c_str(), [=](benchmark::State& state) {
        on_ranks(state, ranks, "over copies/all_gather/" + name, [=](thread_communicator& mine) {
          return [&mine, sent = std::vector<std::byte>(part), all = std::vector<std::byte>(whole)]() mutable { mine.all_gather(sent, all); };
        });
      })->UseRealTime()->MinTime(0.2);
      benchmark::RegisterBenchmark(("copies/all_to_all/" + name).c_str(), copies, part, ranks)->UseRealTime()->MinTime(0.2);
      benchmark::RegisterBenchmark(("all_to_all/" + name).c_str(), [=](benchmark::State& state) {
        auto const each = part / static_cast<std::size_t>(ranks);
        on_ranks(state, ranks, "over copies/all_to_all/" + name, [=](thread_communicator& mine) {
          return [&mine, sent = std::vector<std::byte>(each * static_cast<std::size_t>(mine.size())),
                  received = std::vector<std::byte>(each * static_cast<std::size_t>(mine.size()))]() mutable {
            mine.all_to_all(sent, received);
          };
        });
      })->UseRealTime()->MinTime(0.2);
    }
  }
  return true;
}();
}  // namespace
