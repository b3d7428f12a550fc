// Built a second time with -fsanitize=thread, where the compiler has it: meter_snapshot_thread_sanitized.
#include "r300_case.hpp"

#include <kunmetrics/meter.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto const& run = r300_case;
}  // namespace

TEST_CASE("a reader takes whole snapshots while the training thread measures") {
  constexpr std::int64_t steps = 20'000;
  meter meter{run, {.warm_up = 0 * step, .records_kept = 64, .window = 10}, tokens_per_processor_second, mfu<flops::palm>};
  std::atomic<bool> wrong = false;
  std::atomic<std::int64_t> taken = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::int64_t last = 0;
      while (last < steps) {
        auto const seen = meter.snapshot();
        auto const n = seen.steps.coherent();
        // every field tells of the same step
        wrong = wrong || n < last || seen.measured.steps != seen.steps || seen.tokens_trained.coherent() != 100 * n ||
                seen.measured.tokens != seen.tokens_trained || seen.latest.step != seen.steps ||
                seen.window.steps.coherent() != std::min<std::int64_t>(n, 10) || (n > 0 && *seen.latest.loss != static_cast<double>(n));
        if (auto const rate = meter.rate()) wrong = wrong || !(rate->rate.coherent() > 0);
        wrong = wrong || meter.step_times().count() > static_cast<std::uint64_t>(steps);
        last = n;
        ++taken;
      }
    });
  }
  for (std::int64_t i = 1; i <= steps; ++i) {
    auto running = meter.start();
    { auto scope = running.enter(phase::forward); }
    running.finish({.tokens = 100 * token, .loss = static_cast<double>(i)});
    if (i % 64 == 0) std::this_thread::yield();
  }
  for (auto& reader : readers) reader.join();
  CHECK(!wrong);
  CHECK(taken > 0);
  CHECK(meter.step_times().count() == steps);
}

TEST_CASE("a snapshot is a Hana Struct") {
  std::string names;
  for_each_field(meter_snapshot{}, [&](std::string_view name, auto const&) { names += std::string{name} + ' '; });
  CHECK(names == "latest steps tokens_trained measured window phases overlapped_communication longest_step slow_steps "
                 "skipped_steps untimed_steps warm_up_steps losses_not_finite goodput ");
}
