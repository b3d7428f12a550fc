// A run as the lines of FlagPerf's or MLPerf's harness, on standard output, where both look for them.
#pragma once

#include <kunmetrics/io/flagperf_events.hpp>
#include <kunmetrics/io/mlperf_log.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>

namespace trainer {

class event_lines {
 public:
  using failure_handler = void (*)(std::string const&);

  // `harness`: "flagperf", "mlperf", or empty for none. `on_failure` is told once when lines are no longer taken.
  event_lines(std::string const& harness, kunmetrics::global_batch_size_t batch, failure_handler on_failure)
      : flagperf_{harness == "flagperf"}, mlperf_{harness == "mlperf"}, batch_{batch}, on_failure_{on_failure} {
    using namespace kunmetrics;
    if (flagperf_) print(flagperf_line(flagperf_event::train_start));
    if (!mlperf_) return;
    print(mlperf_line(mlperf_event::interval_start, "run_start"));
    print(mlperf_line(mlperf_event::point_in_time, "global_batch_size", batch.coherent()));
  }

  void step(kunmetrics::step_record const& record) {
    if (flagperf_) print(kunmetrics::flagperf_step_line(record, batch_));
    if (mlperf_) print(kunmetrics::mlperf_step_lines(record, batch_));
  }

  // `complete`: all steps that were asked for are done.
  template <class Summary>
  void finish(Summary const& run, bool complete) {
    using namespace kunmetrics;
    auto const whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count() * units::second;
    if (flagperf_) print(flagperf_line(flagperf_event::train_end) + flagperf_finished_line(run, whole));
    if (!mlperf_) return;
    for_each_result(run, [&]<class Result>(std::string_view name, Result const& result) {
      print(mlperf_number_line(name, result));
    });
    print(mlperf_line(mlperf_event::interval_end, "run_stop", nullptr, {{"status", complete ? "success" : "aborted"}}));
  }

 private:
  // A reader that is gone stops no training.
  void print(std::string const& lines) {
    bool const taken = std::fwrite(lines.data(), 1, lines.size(), stdout) == lines.size() && std::fflush(stdout) == 0;
    if (taken || failed_) return;
    failed_ = true;
    on_failure_("standard output does not take the event lines: " + std::generic_category().message(errno));
  }

  bool flagperf_, mlperf_;
  kunmetrics::global_batch_size_t batch_;
  failure_handler on_failure_;
  bool failed_ = false;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace trainer
