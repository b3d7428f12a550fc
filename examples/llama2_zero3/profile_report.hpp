// A profile as people and programs read it: one row an operator and pass, its time, work and rates.
//
//   time       seconds of a step: of all threads, over the number of threads
//   share      of the step's time; the rest of 100 % is waiting and what has no operator
//   roofline   what the machine allows is min(peak, FLOP/byte * bandwidth) for a product and the bandwidth for
//              what multiplies nothing; the share of it that was reached. Above 100 % is possible: operands may
//              come from a cache.
// The peak and the bandwidth are measured on as many threads as the rank has. Source of the roofline: Williams,
// Waterman and Patterson, Roofline, 2009.
#pragma once

#include "operator_profile.hpp"
#include "operators/row_blocks.hpp"

#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/text.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace trainer {

/// What a rank's threads can do: FLOP/s of products, and bytes/s of memory.
struct machine_limits {
  double flop_per_second = 0, bytes_per_second = 0;
};

/// Bytes a second that `threads` threads read and write together: the best of several sums a = b + c of arrays
/// that no cache holds (McCalpin's STREAM "add", 24 bytes... of floats 12 an element, what is written counted once).
inline double measured_bandwidth(int threads) {
  constexpr std::size_t elements = std::size_t{1} << 24U;
  std::vector<float> a(elements), b(elements, 1.0F), c(elements, 2.0F);
  double best = 0;
  for (int turn = 0; turn < 8; ++turn) {
    auto const start = std::chrono::steady_clock::now();
    for_each_row_block(static_cast<std::int64_t>(elements), std::int64_t{1} << 18U, threads, [&](row_block const& block) {
      auto const first = static_cast<std::size_t>(block.first);
      float* const to = a.data() + first;
      float const* const x = b.data() + first;
      float const* const y = c.data() + first;
      for (std::size_t i = 0; i < static_cast<std::size_t>(block.rows); ++i) to[i] = x[i] + y[i];
    });
    auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, static_cast<double>(3 * elements * sizeof(float)) / seconds);
  }
  return best;
}

/// One operator in one pass, per step.
struct profile_row {
  operator_kind kind;
  operator_pass pass;
  double seconds = 0, flop = 0, bytes = 0;
  double share = 0;                          // of the step
  std::optional<double> of_roofline{};       // where work was told
};

/// All that took time, the longest first, of `steps` steps that took `step_seconds` each.
inline std::vector<profile_row> profile_rows(operator_profile const& profile, std::int64_t steps, double step_seconds,
                                             machine_limits const& limits) {
  std::vector<profile_row> rows;
  auto const per_step = 1.0 / static_cast<double>(steps);
  for (std::size_t pass = 0; pass < operator_pass_names.size(); ++pass) {
    for (std::size_t kind = 0; kind < operator_names.size(); ++kind) {
      auto const cost = profile.cost(static_cast<operator_kind>(kind), static_cast<operator_pass>(pass));
      if (cost.calls == 0) continue;
      profile_row row{static_cast<operator_kind>(kind), static_cast<operator_pass>(pass),
                      cost.seconds * per_step / profile.threads(), cost.work.flop * per_step, cost.work.bytes * per_step};
      row.share = row.seconds / step_seconds;
      auto const least = std::max(row.flop / limits.flop_per_second, row.bytes / limits.bytes_per_second);
      if (least > 0) row.of_roofline = least / row.seconds;
      rows.push_back(row);
    }
  }
  std::ranges::sort(rows, std::ranges::greater{}, &profile_row::seconds);
  return rows;
}

/// A table for people.
inline std::string profile_table(std::span<profile_row const> rows, std::int64_t steps, machine_limits const& limits) {
  using kunmetrics::significant;
  auto const text_of = [](double value, double unit) { return value > 0 ? significant(value / unit, 4) : std::string{"-"}; };
  std::string text = "profile of " + std::to_string(steps) + " steps on rank 0; the machine: " + significant(limits.flop_per_second / 1e9, 4) +
                     " GFLOP/s, " + significant(limits.bytes_per_second / 1e9, 3) + " GB/s\n" +
                     "operator      pass             ms/step   share     GFLOP        MB   GFLOP/s      GB/s  roofline\n";
  double share = 0;
  std::array<char, 160> line;
  for (auto const& row : rows) {
    share += row.share;
    std::snprintf(line.data(), line.size(), "%-13s %-15s %8s  %5.1f %%  %8s  %8s  %8s  %8s  %8s\n",
                  operator_names[static_cast<std::size_t>(row.kind)].data(), operator_pass_names[static_cast<std::size_t>(row.pass)].data(),
                  text_of(row.seconds, 1e-3).c_str(), 100 * row.share, text_of(row.flop, 1e9).c_str(), text_of(row.bytes, 1e6).c_str(),
                  text_of(row.flop / row.seconds, 1e9).c_str(), text_of(row.bytes / row.seconds, 1e9).c_str(),
                  row.of_roofline ? (significant(100 * *row.of_roofline, 3) + " %").c_str() : "-");
    text += line.data();
  }
  std::snprintf(line.data(), line.size(), "%-13s %-15s %8s  %5.1f %%\n", "waiting, rest", "", "", 100 * (1 - share));
  return text + line.data();
}

/// The same for programs: an array of objects, and the limits beside it.
inline kunmetrics::json json_of(std::span<profile_row const> rows, std::int64_t steps, machine_limits const& limits) {
  auto operators = kunmetrics::json::array();
  for (auto const& row : rows) {
    operators.push_back({{"operator", operator_names[static_cast<std::size_t>(row.kind)]},
                         {"pass", operator_pass_names[static_cast<std::size_t>(row.pass)]},
                         {"seconds", row.seconds}, {"share", row.share}, {"flop", row.flop}, {"bytes", row.bytes},
                         {"of_roofline", row.of_roofline ? kunmetrics::json(*row.of_roofline) : kunmetrics::json(nullptr)}});
  }
  return {{"steps", steps}, {"flop_per_second", limits.flop_per_second}, {"bytes_per_second", limits.bytes_per_second},
          {"operators", std::move(operators)}};
}

}  // namespace trainer
