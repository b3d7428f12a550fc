// Whom the others wait for: every rank times its own steps by phase, and the times are put side by side.
//
//   once a reporting interval   the mean step of the interval       a line where standard error is no terminal
//   at the end of the run       the mean step after warm-up         report.json "ranks", a note in report.md
// A message is sizeof(rank_times), about 160 bytes, a rank. What tells ranks apart is their own work, all but
// communication and idle: a step itself takes all ranks the same time, since each waits for the slowest.
#pragma once

#include "any_communicator.hpp"

#include <kunmetrics/io/flagperf_document.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/rank_summary.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <string>
#include <vector>

#include <unistd.h>

namespace trainer {

// Times a rank that does not report; no number is calculated from it.
using rank_meter = kunmetrics::meter<>;

// It leaves out the warm-up that the run's meter leaves out, and keeps the records of one interval, up to 4096.
inline kunmetrics::meter_settings settings_of_rank(kunmetrics::meter_settings const& of_run, std::int64_t interval) {
  return {.warm_up = of_run.warm_up,
          .records_kept = static_cast<std::size_t>(std::clamp<std::int64_t>(interval, 1, 4096))};
}

inline kunmetrics::rank_identity identity_of(int rank) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.fill('\0');
  return {rank, kunmetrics::node_name{host.data()}};
}

// A rank's mean step over its newest `steps` records, or those that its meter kept; warm-up left out.
inline kunmetrics::rank_times newest_times(int rank, std::span<kunmetrics::step_record const> records,
                                           std::int64_t steps) {
  auto const newest = records.last(std::min(records.size(), static_cast<std::size_t>(steps)));
  return times_of_rank(identity_of(rank), newest | std::views::filter([](auto const& each) { return !each.warm_up; }));
}

// Every rank's times on every rank, in rows: step, own work, and each phase. Called by all ranks.
inline std::vector<kunmetrics::rank_report_row> compared(kunmetrics::rank_times const& mine, any_communicator& ranks) {
  auto const all = rank_summary_of(mine, ranks);
  auto const rows = rows_of(*all);
  return {rows.begin(), rows.end()};
}

// "own work of a step 0.412 to 0.633 s, median 0.420 s; longest on rank 2 (host)"
inline kunmetrics::bilingual described(std::vector<kunmetrics::rank_report_row> const& rows) {
  auto const& own = rows[kunmetrics::own_work];
  auto const seconds = [](auto time) { return kunmetrics::significant(time.in(kunmetrics::units::second), 3); };
  auto const least = seconds(own.min), most = seconds(own.max), median = seconds(own.median);
  auto const rank = std::to_string(own.slowest_rank);
  std::string const node{own.slowest_node.text()};
  return {"各rank每步自身计算（不含通信与等待）" + least + "至" + most + " s，中位数" + median + " s；最慢的是rank " + rank +
              "（" + node + "）",
          "own work of a step, without communication and waiting, " + least + " to " + most + " s, median " + median +
              " s; longest on rank " + rank + " (" + node + ")"};
}

}  // namespace trainer
