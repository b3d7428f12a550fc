// Reads a source of devices again and again on a thread of its own, for records and reports.
//
//   device_monitor monitor{monitor_log("kunlunxin_monitor.log"), std::chrono::seconds{5}};
//   log.append(monitored{record, monitor.now()});      step, time, ..., "device": {"cards", "memory_used", ...}
//   monitor.summary()                                  peak memory, mean power, energy, and where from
// now() takes no lock. A source that fails leaves its values out from then on until it answers again; the
// first failure is told to the handler, and training goes on. Energy is the power's sum over time, by trapezoids.
#pragma once

#include <kunmetrics/error.hpp>
#include <kunmetrics/io/device_sources.hpp>
#include <kunmetrics/seqlock.hpp>

#include <boost/hana/concat.hpp>
#include <boost/hana/transform.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

namespace kunmetrics {

// What a whole run amounts to, as far as the source said it.
struct device_summary {
  std::string source;
  std::int64_t samples = 0;
  std::int64_t failures = 0;
  std::int64_t cards = 0;
  maybe<count_of<units::byte>> memory_peak = absent{"the monitor did not say it"};  // of the card that used most
  maybe<count_of<units::byte>> memory_total = absent{"the monitor did not say it"};
  maybe<quantity_of<units::watt>> mean_power = absent{"the monitor did not say it"};  // of all cards
  maybe<quantity_of<units::joule>> energy = absent{"the monitor did not say it"};     // while it was watched
  maybe<double> highest_temperature_celsius = absent{"the monitor did not say it"};
  maybe<quantity_of<units::one>> mean_utilization = absent{"the monitor did not say it"};

  using hana_accessors_impl = fields<
      field<"source", &device_summary::source>, field<"samples", &device_summary::samples>,
      field<"failures", &device_summary::failures>, field<"cards", &device_summary::cards>,
      field<"memory_peak", &device_summary::memory_peak>, field<"memory_total", &device_summary::memory_total>,
      field<"mean_power", &device_summary::mean_power>, field<"energy", &device_summary::energy>,
      field<"highest_temperature_celsius", &device_summary::highest_temperature_celsius>,
      field<"mean_utilization", &device_summary::mean_utilization>>;
};

// A record with what the devices said last: its own fields, and "device" behind them.
template <typename Record>
struct monitored {
  Record record;
  device_sample device;

  struct hana_accessors_impl {
    static constexpr auto apply() {
      auto const of_record = boost::hana::transform(boost::hana::accessors<Record>(), [](auto const& pair) {
        return boost::hana::make_pair(boost::hana::first(pair), [](auto&& object) -> decltype(auto) {
          return std::remove_cvref_t<decltype(boost::hana::second(pair))>{}(
              std::forward<decltype(object)>(object).record);
        });
      });
      return boost::hana::concat(of_record, fields<field<"device", &monitored::device>>::apply());
    }
  };
};
template <typename Record>
monitored(Record, device_sample) -> monitored<Record>;

class device_monitor {
 public:
  using failure_handler = std::function<void(std::string const&)>;

  // Reads once before it returns, then every `interval`.
  explicit device_monitor(device_source source, std::chrono::milliseconds interval, failure_handler on_failure = {})
      : source_{std::move(source)}, on_failure_{std::move(on_failure)} {
    summary_.source = source_.name;
    sample();
    thread_ = std::thread{[this, interval] {
      std::unique_lock lock{mutex_};
      while (!wake_.wait_for(lock, interval, [this] { return stop_; })) {
        lock.unlock();
        sample();
        lock.lock();
      }
    }};
  }
  device_monitor(device_monitor const&) = delete;
  device_monitor& operator=(device_monitor const&) = delete;
  ~device_monitor() {
    {
      std::lock_guard const lock{mutex_};
      stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  // What was read last; without a value where nothing could be read.
  device_sample now() const { return now_.load(); }
  std::string const& source() const { return source_.name; }

  device_summary summary() const {
    std::lock_guard const lock{mutex_};
    return summary_;
  }

 private:
  using clock = std::chrono::steady_clock;

  void sample() {
    device_sample read;
    std::string failure;
    try {
      read = device_sample_of(source_.read());
    } catch (std::exception const& error) {
      failure = error.what();
    }
    now_.store(read);
    bool first_failure = false;
    {
      std::lock_guard const lock{mutex_};
      first_failure = !failure.empty() && summary_.failures++ == 0;
      if (failure.empty()) add(read);
    }
    if (first_failure && on_failure_) on_failure_(failure);
  }

  void add(device_sample const& read) {
    auto const at = clock::now();
    ++summary_.samples;
    summary_.cards = std::max(summary_.cards, read.cards);
    larger(summary_.memory_peak, read.memory_used);
    larger(summary_.memory_peak, read.memory_peak);
    larger(summary_.memory_total, read.memory_total);
    larger(summary_.highest_temperature_celsius, read.temperature_celsius);
    if (read.power && last_power_) {
      auto const passed = std::chrono::duration<double>(at - last_).count() * units::second;
      energy_ += (*read.power + *last_power_) / 2 * passed;
      watched_ += passed;
      summary_.energy = energy_;
      summary_.mean_power = energy_ / watched_;
    }
    if (read.power && !summary_.mean_power) summary_.mean_power = *read.power;  // of one reading
    if (read.utilization) {
      use_ += *read.utilization;
      summary_.mean_utilization = use_ / static_cast<double>(++users_);
    }
    last_power_ = read.power;
    last_ = at;
  }

  template <typename T>
  static void larger(maybe<T>& largest, std::optional<T> const& value) {
    if (value && (!largest || *largest < *value)) largest = *value;
  }

  device_source source_;
  failure_handler on_failure_;
  seqlock<device_sample> now_;
  mutable std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  bool stop_ = false;
  device_summary summary_;
  quantity_of<units::joule> energy_{};
  quantity_of<units::second> watched_{};
  quantity_of<units::one> use_{};
  std::int64_t users_ = 0;
  std::optional<quantity_of<units::watt>> last_power_;
  clock::time_point last_{};
  std::thread thread_;
};

}  // namespace kunmetrics
