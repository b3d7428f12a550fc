// Serves numbers to Prometheus: http://ADDRESS/metrics, while the program runs. Needs prometheus-cpp.
//
//   seqlock<live> now;
//   metrics_server const server{"127.0.0.1:9464", [&] { return prometheus_families(now.load()); }};
// Names, units and labels are those of io/prometheus_text.hpp. The function is called at each scrape, on a
// thread of the server: what it reads must bear that (seqlock.hpp does). The page also holds prometheus-cpp's
// own three exposer_ families; it writes 16 significant digits. An address without a host listens on every
// interface.
#pragma once

#include <kunmetrics/io/prometheus_text.hpp>

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pthread.h>

namespace kunmetrics {

class metrics_server {
 public:
  using source = std::function<std::vector<prometheus_family>()>;

  // Listens on HOST:PORT or PORT; port 0 is one that is free. Throws std::runtime_error when nothing can listen
  // there, or the server's threads cannot start.
  metrics_server(std::string const& address, source families)
      : collected_{std::make_shared<collected>(std::move(families))}, exposer_{listening(address)} {
    exposer_->RegisterCollectable(collected_);
  }

  // The port that it listens on.
  int port() const { return exposer_->GetListeningPorts().at(0); }

 private:
  class collected final : public ::prometheus::Collectable {
   public:
    explicit collected(source families) : families_{std::move(families)} {}

    std::vector<::prometheus::MetricFamily> Collect() const override {
      std::vector<::prometheus::MetricFamily> all;
      for (auto const& family : families_()) {
        if (family.samples.empty()) continue;
        auto& made = all.emplace_back();
        made.name = family.name;
        made.help = family.help;
        made.type = family.counter ? ::prometheus::MetricType::Counter : ::prometheus::MetricType::Gauge;
        for (auto const& sample : family.samples) {
          auto& metric = made.metric.emplace_back();
          for (auto const& [name, value] : sample.labels)
            metric.label.push_back({detail::prometheus_name(name), value});
          (family.counter ? metric.counter.value : metric.gauge.value) = sample.value;
        }
      }
      return all;
    }

   private:
    source families_;
  };

  static std::unique_ptr<::prometheus::Exposer> listening(std::string const& address) {
    try {
      return std::make_unique<::prometheus::Exposer>(address);
    } catch (std::exception const&) {  // civetweb's own text says nothing more
      if (!starts_small_threads()) {
        throw std::runtime_error{address +
                                 ": needed threads of 100 KiB of stack, as civetweb starts them, received a program "
                                 "whose libraries' thread-local storage takes more (OpenBLAS's is 60 KiB)"};
      }
      throw std::runtime_error{address +
                               ": needed an address to listen on, HOST:PORT, received one that is taken or none"};
    }
  }

  // civetweb's threads have stacks of 102400 bytes, and thread-local storage of all libraries is taken from them.
  static bool starts_small_threads() {
    ::pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_t thread;
    bool const started = ::pthread_attr_setstacksize(&small, 102'400) == 0 &&
                         ::pthread_create(&thread, &small, [](void*) -> void* { return nullptr; }, nullptr) == 0;
    if (started) ::pthread_join(thread, nullptr);
    ::pthread_attr_destroy(&small);
    return started;
  }

  std::shared_ptr<collected> collected_;  // the exposer holds it weakly
  std::unique_ptr<::prometheus::Exposer> exposer_;
};

}  // namespace kunmetrics
