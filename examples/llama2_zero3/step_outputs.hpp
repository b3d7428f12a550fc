// Where each finished step goes: steps.jsonl, the terminal, /metrics, a harness; and what devices say beside it.
//
// None of it can end the training: a disk that is full, a reader that is gone or a monitor that fails is
// one warning on standard error.
#pragma once

#include "event_lines.hpp"
#include "kept_steps.hpp"
#include "live_metrics.hpp"
#include "options.hpp"
#include "progress.hpp"
#include "rank_comparison.hpp"

#include <kunmetrics/io/device_charts.hpp>
#include <kunmetrics/io/device_monitor.hpp>
#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/io/step_log.hpp>
#include <kunmetrics/io/terminal_line.hpp>
#include <kunmetrics/seqlock.hpp>
#include <kunmetrics/time_left.hpp>
#include <kunmetrics/utilization.hpp>
#if defined(KUNMETRICS_WITH_PROMETHEUS)
#include <kunmetrics/prometheus.hpp>
#endif

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace trainer {

inline void warn(std::string const& what) {
  std::fprintf(stderr, "\nllama2_zero3: warning: %s; the training goes on\n", what.c_str());
}

// The source that --monitor and --monitor-log name; empty when neither is given.
inline std::optional<kunmetrics::device_source> monitored_source(options const& o) {
  if (!o.monitor_log.empty()) return kunmetrics::monitor_log(o.monitor_log);
  if (o.monitor.empty()) return std::nullopt;
  return o.monitor == "machine" ? kunmetrics::machine_source() : kunmetrics::monitor_command(o.monitor);
}

template <class Meter>
class step_outputs {
 public:
  // Goes on after step `before`, once go_on() is called; 0: begins. `every`: steps between two lines where standard
  // error is no terminal. Throws std::runtime_error when the log cannot be begun or nothing can listen at --metrics.
  step_outputs(options const& o, Meter const& meter, std::int64_t before, std::int64_t steps, std::int64_t every)
      : meter_{meter},
        steps_{steps},
        progress_{every},
        path_{o.out / "steps.jsonl"},
        before_{before},
        events_{o.events, kunmetrics::global_batch_size(meter.run()), warn} {
    if (before == 0) log_.emplace(path_, kunmetrics::flush_rule{}, warn, kunmetrics::opening::fresh);
    if (auto source = monitored_source(o)) {
      monitor_.emplace(*std::move(source), std::chrono::milliseconds{std::llround(o.monitor_every * 1000)}, warn);
    }
    serve(o.metrics);
  }

  // Every rank has read its part of the checkpoint: from now on the log is that of this run. Not before, as what a
  // checkpoint that cannot be read was to replace would be lost. Throws std::runtime_error as the constructor does.
  void go_on() {
    if (log_) return;
    keep_steps(path_, before_);
    log_.emplace(path_, kunmetrics::flush_rule{}, warn, kunmetrics::opening::continued);
  }

  // Of the training thread, after each step.
  void append(kunmetrics::step_record const& record) {
    auto const device = monitor_ ? monitor_->now() : kunmetrics::device_sample{};
    if (monitor_) {
      log_->append(kunmetrics::monitored{record, device});
    } else {
      log_->append(record);
    }
    events_.step(record);
    if (progress_.due(record.step.coherent(), steps_)) show(record, device);
  }

  // After a reporting interval of several ranks; a terminal has its one live line.
  void append(std::vector<kunmetrics::rank_report_row> const& by_rank) {
    straggler_.store(kunmetrics::straggler_of(by_rank));
    if (!progress_.columns()) progress_.show("ranks: " + described(by_rank).en);
  }

  // After the last step.
  template <class Summary>
  void finish(Summary const& run, bool complete) {
    events_.finish(run, complete);
  }

  // What the monitor saw; empty without one.
  std::optional<kunmetrics::device_summary> devices() const {
    return monitor_ ? std::optional{monitor_->summary()} : std::nullopt;
  }
  // Charts of it over the steps, from the log itself.
  std::vector<kunmetrics::chart> charts() {
    if (!monitor_ || !log_) return {};
    try {
      log_->flush();
      return kunmetrics::device_charts(kunmetrics::read_step_log<kunmetrics::device_step>(path_).records);
    } catch (kunmetrics::input_error const&) {
      return {};  // a pipe in the place of the file
    }
  }
  std::int64_t lost() const { return log_ ? log_->lost() : 0; }

 private:
#if defined(KUNMETRICS_WITH_PROMETHEUS)
  void serve(std::string const& address) {
    if (address.empty()) return;
    // on the server's thread, which nothing here waits for
    server_ = std::make_unique<kunmetrics::metrics_server>(address, [this] {
      auto const device = monitor_ ? monitor_->now() : kunmetrics::device_sample{};
      return kunmetrics::prometheus_families(live_metrics_of(meter_, device, straggler_.load()));
    });
    std::fprintf(stderr, "metrics: port %d, /metrics\n", server_->port());
  }
#else
  void serve(std::string const& address) {
    if (!address.empty())
      throw kunmetrics::input_error{
          kunmetrics::detail::needed_found("--metrics", "a build with prometheus-cpp", "one without")};
  }
#endif

  void show(kunmetrics::step_record const& record, kunmetrics::device_sample const& device) {
    using namespace kunmetrics;
    auto const total = steps_ * units::step;
    auto const rate = meter_(tokens_per_processor_second);
    auto const use = meter_(mfu<flops::palm>);
    auto const columns = progress_.columns();
    if (!columns) return progress_.show(live_line(record, total, rate, use));
    terminal_values<model_work<flops::palm>> values{.total = total, .rate = rate, .use = use};
    if (device.memory_used) values.memory = *device.memory_used;
    if (auto const interval = meter_.rate()) values.half_width = interval->half_width;
    auto const& sums = meter_.measured();
    if (sums.steps.coherent() > 0) {  // checkpoints between steps included, as they have come so far
      values.mean_step = wall_clock(sums.time / static_cast<double>(sums.steps.coherent()), sums, meter_.totals().goodput);
    }
    progress_.show(terminal_line(record, values, *columns));
  }

  Meter const& meter_;
  std::int64_t steps_;
  progress progress_;
  std::filesystem::path path_;
  std::int64_t before_;
  std::optional<kunmetrics::json_lines> log_;
  event_lines events_;
  std::optional<kunmetrics::device_monitor> monitor_;
  kunmetrics::seqlock<kunmetrics::straggler_report> straggler_;  // of the last reporting interval
#if defined(KUNMETRICS_WITH_PROMETHEUS)
  std::unique_ptr<kunmetrics::metrics_server> server_;  // goes first: it reads the rest
#endif
};

}  // namespace trainer
