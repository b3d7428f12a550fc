// The profile of a run, if one was asked for: begun before training, told and written after it.
#pragma once

#include "gemm_peak.hpp"
#include "operator_profile.hpp"
#include "options.hpp"
#include "profile_report.hpp"
#include "training_plan.hpp"

#include <kunmetrics/io/chrome_trace.hpp>
#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/whole_file.hpp>
#include <kunmetrics/step_record.hpp>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>

namespace trainer {

class run_profile {
 public:
  // `peak` is that of all ranks together; bandwidth is measured here.
  run_profile(training_plan const& plan, gemm_peak const& peak)
      : profile_(plan.threads),
        limits_{peak.flop_per_second / peak.threads * std::min(peak.threads, plan.threads), measured_bandwidth(plan.threads)} {}

  operator_profile& operators() { return profile_; }

  // Prints the table, and writes `out`/profile.json and `out`/trace.json.
  void tell(std::string const& name, std::span<kunmetrics::step_record const> records, std::filesystem::path const& out) const {
    double seconds = 0;
    std::int64_t steps = 0;
    for (auto const& record : records) {
      if (record.warm_up) continue;
      seconds += record.time.coherent();
      ++steps;
    }
    if (steps == 0) return;
    auto const rows = profile_rows(profile_, steps, seconds / static_cast<double>(steps), limits_);
    std::cerr << profile_table(rows, steps, limits_);
    kunmetrics::write_whole(out / "profile.json", kunmetrics::json_text(json_of(rows, steps, limits_)));
    kunmetrics::write_whole(out / "trace.json", kunmetrics::chrome_trace(records, {.process = name}));
  }

 private:
  operator_profile profile_;
  machine_limits limits_;
};

}  // namespace trainer
