// A run as one HTML page: its numbers, its charts, and FlagPerf's tables; no network, no second file.
//
// Charts: loss, tokens/p/s of each step with the rate of the whole run, and step time by phase. They
// are SVG in the page, thinned so that extremes stay (decimated.hpp); the script only shows the values
// under the pointer. Light and dark follow the reader's system, paper is always light. Every number
// carries unit, convention and peak as in the other writers; what is absent says why.
#pragma once

#include <kunmetrics/io/chart.hpp>
#include <kunmetrics/io/flagperf_document.hpp>
#include <kunmetrics/io/html_assets.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/summary.hpp>

#include <span>
#include <string>
#include <string_view>

namespace kunmetrics {

namespace detail {
inline double step_of(step_record const& record) { return static_cast<double>(record.step.coherent()); }

inline chart loss_chart(std::span<step_record const> records) {
  return {.title = "Loss", .unit = "nat/token",
          .series = {{"loss", decimated(records.size(), 500, [&](std::size_t i) -> std::optional<chart_point> {
                        if (!records[i].loss) return std::nullopt;
                        return chart_point{step_of(records[i]), *records[i].loss};
                      })}}};
}

// g++ 12 at -O3 takes the value of an empty `whole` for used, though every use is behind the test of it.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
// Of each step; a step that was skipped trained no token. `half_width`: of the whole rate's interval.
inline chart rate_chart(std::span<step_record const> records, double processors, maybe<double> const& whole,
                        std::optional<double> half_width = {}) {
  chart rates{.title = "Throughput", .unit = std::string{unit_text<token_rate_t>}};
  rates.series.push_back({"step", decimated(records.size(), 500, [&](std::size_t i) -> std::optional<chart_point> {
                            auto const& record = records[i];
                            if (record.warm_up || !(record.time.coherent() > 0)) return std::nullopt;
                            auto const tokens = record.skipped ? 0.0 : static_cast<double>(record.tokens.coherent());
                            return chart_point{step_of(record), tokens / record.time.coherent() / processors};
                          })});
  if (!whole || rates.series[0].points.empty()) return rates;
  auto const first = rates.series[0].points.front().x, last = rates.series[0].points.back().x;
  auto const level = [&](std::string name, double y) {
    rates.series.push_back({std::move(name), {{first, y}, {last, y}}});
  };
  level("whole run, \u03a3 tokens \u00f7 \u03a3 time", *whole);
  if (half_width) level("lower end of its 95 % interval", *whole - *half_width);
  if (half_width) level("upper end", *whole + *half_width);
  return rates;
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// Half of the 95 % interval of tokens/p/s; empty where too few steps were measured for one.
template <typename Summary>
std::optional<double> half_width_of_rate(Summary const& run) {
  if (!run.rate) return std::nullopt;
  return run.rate->half_width.coherent();
}

// Means over equal stretches of steps, so that the areas add up to the step time.
inline chart phase_chart(std::span<step_record const> records) {
  constexpr std::size_t most = 200;
  auto const stretches = std::min(most, records.size());
  chart phases{.title = "Step time by phase", .unit = "s/step", .kind = chart_kind::stacked};
  for (std::size_t p = 0; p <= phase_names.size(); ++p) {
    chart_series series{p < phase_names.size() ? std::string{phase_names[p]} : "in no phase", {}};
    bool any = false;
    for (std::size_t s = 0; s < stretches; ++s) {
      auto const first = s * records.size() / stretches;
      auto const last = (s + 1) * records.size() / stretches;
      double sum = 0;
      for (step_record const& record : records.subspan(first, last - first)) {
        double in_phases = 0;
        for (auto const& time : record.phases) in_phases += time.coherent();
        sum += p < phase_names.size() ? record.phases[p].coherent() : std::max(0.0, record.time.coherent() - in_phases);
      }
      any = any || sum > 1e-9;  // what rounding leaves of no time in no phase is no series
      series.points.push_back(
          {(step_of(records[first]) + step_of(records[last - 1])) / 2, sum / static_cast<double>(last - first)});
    }
    if (any) phases.series.push_back(std::move(series));
  }
  // the means would hide one slow step among many
  phases.series.push_back({"longest step", {}, true});
  for (std::size_t s = 0; s < stretches; ++s) {
    auto const first = s * records.size() / stretches;
    auto const last = (s + 1) * records.size() / stretches;
    auto const longest = std::ranges::max_element(records.subspan(first, last - first), {},
                                                  [](step_record const& r) { return r.time.coherent(); });
    if (std::isfinite(longest->time.coherent()))
      phases.series.back().points.push_back({step_of(*longest), longest->time.coherent()});
  }
  return phases;
}

inline std::string figure(chart const& what, std::size_t index) {
  chart_drawing const drawing{what};
  std::string text = "<figure><figcaption>" + escaped(what.title) + " <span class=\"unit\">" + escaped(what.unit) +
                     "</span></figcaption>\n";
  bool const empty = std::ranges::all_of(what.series, [](auto const& s) { return s.points.empty(); });
  if (empty) return text + "<p class=\"absent\">no step has a value</p></figure>\n";
  if (what.series.size() > 1) {
    text += "<p class=\"legend\">";
    for (std::size_t i = 0; i < what.series.size(); ++i) {
      text += "<span class=\"key s" + std::to_string(i % 9) + "\"></span>" + escaped(what.series[i].name) + ' ';
    }
    text += "</p>\n";
  }
  return text + "<div class=\"chart\">" + drawing.svg() +
         "<output></output></div>\n<script type=\"application/json\" id=\"data" + std::to_string(index) + "\">" +
         drawing.data() + "</script></figure>\n";
}

inline std::string tile(std::string_view name, std::string_view value, std::string_view below) {
  return "<div class=\"tile\"><dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd><p>" + escaped(below) +
         "</p></div>\n";
}

// A result finds its tile by its type; of any other type it has none.
template <typename Result>
std::string result_tile(std::string_view, Result const&) { return {}; }
template <typename Dimension, typename Rep>
std::string result_tile(std::string_view name, maybe<quantity<Dimension, Rep>> const& value) {
  return tile(name == tokens_per_processor_second.name ? "tokens/p/s" : name,
              value ? significant(static_cast<double>(value->coherent()), 5) : "-",
              value ? unit_text<Dimension> : value.reason());
}
template <typename Work>
std::string result_tile(std::string_view, maybe<utilization<Work>> const& use) {
  return tile(utilization_name<Work>(), use ? percentage(use->ratio) : "-",
              use ? flop_text(use->flop_per_token.coherent(), 5) + "/token, of " + formatted(use->peak)
                  : std::string{use.reason()});
}

template <typename Summary>
std::string tiles(flagperf_document const& document, Summary const& run) {
  std::string text = "<dl class=\"tiles\">\n";
  for_each_result(run, [&](std::string_view name, auto const& result) { text += result_tile(name, result); });
  text += tile("loss", run.loss ? formatted(*run.loss, 4) : "-",
               run.loss ? "nat/token, mean of the latest steps" : run.loss.reason());
  text += tile("step time, median", run.step_time ? significant(run.step_time->p50.coherent(), 4) : "-",
               run.step_time ? "s; p99 " + significant(run.step_time->p99.coherent(), 4) + " s, longest " +
                                   significant(run.step_time->max.coherent(), 4) + " s"
                             : std::string{run.step_time.reason()});
  text += tile("global batch size", std::to_string(run.global_batch_size.coherent()),
               "sample/step, " + std::to_string(run.tokens_per_step.coherent()) + " token/step");
  auto const& memory = document.memory;
  text += tile("memory of a processor", memory.used ? formatted(*memory.used, units::GiB / units::processor, 2) : "-",
               memory.used ? "GiB" + (memory.total ? " of " + formatted(*memory.total, units::GiB / units::processor, 2)
                                                   : std::string{})
                           : std::string{memory.used.reason()});
  text += "</dl>\n<p class=\"lead\">Peak of a processor: " +
          (run.peak ? escaped(formatted(*run.peak)) + ", " + escaped(run.peak->source)
                    : "not known, " + escaped(run.peak.reason()));
  if (memory.used && !memory.measured_by.en.empty()) text += ". Memory: " + escaped(memory.measured_by.en);
  return text + ".</p>\n";
}

inline std::string environment_rows(flagperf_document const& document) {
  std::string text = "<table>\n";
  for_each_field(document.environment, [&](std::string_view name, environment::text const& value) {
    text += "<tr><th>" + escaped(name) + "</th><td>" + (value ? escaped(*value) : "-") + "</td></tr>\n";
  });
  return text + "</table>\n";
}
}  // namespace detail

// The whole page. `records` are those to draw, oldest first: a meter's own, or all of a log; `further` are
// charts to draw below them, of memory, say (device_charts.hpp).
template <calculator... Calculators>
std::string html_report(std::string_view title, flagperf_document const& document, summary<Calculators...> const& run,
                        std::span<step_record const> records, std::span<chart const> further = {}) {
  auto const world = static_cast<double>(run.processors.coherent());
  maybe<double> whole = absent{"no step has been measured after warm-up"};
  if (run.time.coherent() > 0) whole = static_cast<double>(run.tokens.coherent()) / run.time.coherent() / world;
  std::string text =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      escaped(title) + "</title>\n<style>\n" + std::string{detail::page_style} + "</style></head><body>\n<h1>" +
      escaped(title) + "</h1>\n";
  text += "<p class=\"lead\">" + escaped(run.model) + ", " + escaped(run.precision) + ", " +
          std::to_string(run.processors.coherent()) + " processors (" + escaped(run.processor) +
          "), S = " + std::to_string(run.sequence_length.coherent()) + " token/sample; " +
          std::to_string(run.steps.coherent()) + " steps measured, " + std::to_string(run.warm_up_steps.coherent()) +
          " of warm-up left out</p>\n";
  text += detail::tiles(document, run);
  if (records.empty()) {
    text += "<p class=\"absent\">no step was recorded</p>\n";
  } else {
    text += detail::figure(detail::loss_chart(records), 0) +
            detail::figure(detail::rate_chart(records, world, whole, detail::half_width_of_rate(run)), 1) +
            detail::figure(detail::phase_chart(records), 2);
  }
  for (std::size_t i = 0; i < further.size(); ++i) text += detail::figure(further[i], 3 + i);
  text += "<h2>Environment</h2>\n" + detail::environment_rows(document);
  if (!document.notes.empty()) {
    text += "<h2>Notes</h2>\n<ul>\n";
    for (bilingual const& note : document.notes) text += "<li>" + escaped(note.en) + "</li>\n";
    text += "</ul>\n";
  }
  return text + "<script>\n" + std::string{detail::page_script} + "</script></body></html>\n";
}

}  // namespace kunmetrics
