// Memory, power, temperature and utilisation over the steps, as charts for html_report: those that were read.
#pragma once

#include <kunmetrics/io/chart.hpp>
#include <kunmetrics/io/device_reading.hpp>
#include <kunmetrics/step_record.hpp>

#include <span>
#include <string>
#include <vector>

namespace kunmetrics {

// What a line of steps.jsonl says of devices; the rest of the line is passed over.
struct device_step {
  count_of<units::step> step{};
  quantity_of<units::second> time{};
  std::optional<device_sample> device{};

  using hana_accessors_impl = fields<
      field<"step", &device_step::step>, field<"time", &device_step::time>, field<"device", &device_step::device>>;
};

inline std::vector<chart> device_charts(std::span<device_step const> steps) {
  std::vector<chart> charts;
  auto const add = [&](std::string title, std::string unit, std::string series, auto const& value_of) {
    auto points = decimated(steps.size(), 500, [&](std::size_t i) -> std::optional<chart_point> {
      if (!steps[i].device) return std::nullopt;
      std::optional<double> const value = value_of(*steps[i].device);
      if (!value) return std::nullopt;
      return chart_point{static_cast<double>(steps[i].step.coherent()), *value};
    });
    if (!points.empty())
      charts.push_back(
          {.title = std::move(title), .unit = std::move(unit), .series = {{std::move(series), std::move(points)}}});
  };
  auto const in = [](auto const& value, auto unit) {
    return value ? std::optional<double>{value->in(unit)} : std::nullopt;
  };
  add("Memory", "GiB", "used, of the card that used most",
      [&](device_sample const& d) { return in(d.memory_used, units::GiB); });
  add("Power", "W", "of all cards", [&](device_sample const& d) { return in(d.power, units::watt); });
  add("Temperature", "\u00b0C", "of the hottest card", [](device_sample const& d) { return d.temperature_celsius; });
  add("Utilisation", "%", "mean of the cards",
      [&](device_sample const& d) { return in(d.utilization, units::percent); });
  return charts;
}

}  // namespace kunmetrics
