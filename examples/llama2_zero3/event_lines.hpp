// A run as the lines of FlagPerf's or MLPerf's harness, on standard output, where both look for them.
#pragma once

#include <kunmetrics/io/flagperf_events.hpp>
#include <kunmetrics/io/mlperf_log.hpp>

#include <chrono>
#include <cstdio>
#include <string>

namespace trainer {

class event_lines {
 public:
  // `harness`: "flagperf", "mlperf", or empty for none.
  event_lines(std::string const& harness, kunmetrics::global_batch_size_t batch)
      : flagperf_{harness == "flagperf"}, mlperf_{harness == "mlperf"}, batch_{batch} {
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

  template <class Summary>
  void finish(Summary const& run) {
    using namespace kunmetrics;
    auto const whole = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count() * units::second;
    if (flagperf_) print(flagperf_line(flagperf_event::train_end) + flagperf_finished_line(run, whole));
    if (!mlperf_) return;
    for_each_result(run, [&]<class Result>(std::string_view name, Result const& result) {
      print(mlperf_number_line(name, result));
    });
    print(mlperf_line(mlperf_event::interval_end, "run_stop", nullptr, {{"status", "success"}}));
  }

 private:
  // A reader that is gone is nothing to a training.
  static void print(std::string const& lines) {
    std::fwrite(lines.data(), 1, lines.size(), stdout);
    std::fflush(stdout);
  }

  bool flagperf_, mlperf_;
  kunmetrics::global_batch_size_t batch_;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace trainer
