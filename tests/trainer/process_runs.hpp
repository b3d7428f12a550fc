// What ranks that are processes must train to the bit as thread ranks do, by whichever library they talk.
//
// Every precision, number of ranks, stage, prefetch and recomputation is in one of these at least; which of them
// change no bit among threads is bitwise_equality_test's. Masters, m and v are compared as the shards of the last
// step have them, losses and norms as its log.
#pragma once

#include "saved_run.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace trainer_test {

struct process_run {
  int ranks;
  char const* precision;
  int stage;
  char const* recompute;
  bool prefetch;
};

inline constexpr std::array<process_run, 7> process_runs{{{8, "fp32", 3, "layers", true},
                                                          {8, "bf16", 3, "none", false},
                                                          {4, "fp16", 3, "layers", true},
                                                          {3, "fp16", 2, "layers", false},
                                                          {3, "bf16", 1, "none", true},
                                                          {2, "fp32", 0, "layers", true},
                                                          {4, "fp32", 2, "none", true}}};

/// Runs the program on so many processes, with "--engine" among the arguments.
using process_start = std::function<program_outcome(int ranks, arguments const&)>;

inline void check_processes_against_threads(small_folder const& folder, std::string const& program, std::vector<process_start> const& starts) {
  for (auto const& each : process_runs) {
    CAPTURE(each.ranks);
    CAPTURE(each.precision);
    CAPTURE(each.stage);
    auto what = on_ranks(each.ranks, 1);
    what["recompute"] = each.recompute;
    what["deepspeed_config"]["zero_optimization"]["stage"] = each.stage;
    if (!each.prefetch) what["deepspeed_config"]["zero_optimization"]["stage3_prefetch_bucket_size"] = 0;
    folder.write(what);
    arguments const common{"--steps", "20", "--checkpoint-every", "20", "--precision", each.precision};
    auto const to = [&](std::string const& out) {
      auto all = with({"--out", out});
      all.insert(all.end(), common.begin(), common.end());
      return all;
    };
    std::filesystem::remove_all(folder / "threads");
    REQUIRE(run_program(folder, program, to("threads")).code == 0);
    auto const steps = content(folder / "threads/steps.jsonl");
    auto const state = state_of(folder / "threads/checkpoints/step_00000020", each.ranks);
    CHECK(json_lines_of(steps).size() == 20);
    CHECK(state.size() > 10'000);
    for (std::size_t i = 0; i < starts.size(); ++i) {
      CAPTURE(i);
      std::filesystem::remove_all(folder / "processes");
      auto const result = starts[i](each.ranks, to("processes"));
      CAPTURE(result.err);
      CHECK(result.code == 0);
      CHECK(result.out.find("DP_SIZE=" + std::to_string(each.ranks)) != std::string::npos);
      CHECK(trace_of(content(folder / "processes/steps.jsonl")) == trace_of(steps));
      CHECK_UNARY(state_of(folder / "processes/checkpoints/step_00000020", each.ranks) == state);
    }
  }
}

}  // namespace trainer_test
