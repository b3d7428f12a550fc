// A chart as SVG text: lines or stacked areas over steps, with axes, units and a legend.
//
// Nothing is drawn by a script, so a chart prints and shows where scripts are off; the page's script
// (html.hpp) only adds the values under the pointer, from the numbers put beside each chart. Colours
// are classes of the page's style sheet, so that light and dark are one document.
#pragma once

#include <kunmetrics/io/decimated.hpp>
#include <kunmetrics/io/text.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

struct chart_series {
  std::string name;
  std::vector<chart_point> points;
  bool overlay = false;  // in a stacked chart: a line over the areas, which come before it
};

enum class chart_kind { lines, stacked };

struct chart {
  std::string title;
  std::string unit;
  chart_kind kind = chart_kind::lines;
  std::vector<chart_series> series;  // stacked: all areas of the same x
};

// Text as the content of an XML element or attribute.
inline std::string escaped(std::string_view text) {
  std::string safe;
  for (char const c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += c;
    }
  }
  return safe;
}

namespace detail {
struct chart_range {
  double low = 0;
  double high = 1;
};

// Round numbers, about `most` of them, that cover a range: 1, 2 or 5 times a power of ten apart.
inline std::vector<double> ticks(chart_range range, int most) {
  auto const rough = (range.high - range.low) / most;
  auto const magnitude = std::pow(10.0, std::floor(std::log10(rough)));
  double spacing = 10 * magnitude;
  for (double const factor : {1.0, 2.0, 5.0}) {
    if (factor * magnitude >= rough) {
      spacing = factor * magnitude;
      break;
    }
  }
  std::vector<double> all;
  auto const first = std::ceil(range.low / spacing), last = std::floor(range.high / spacing + 1e-9);
  // counted, not added up: where the range is that of rounding, adding the spacing would lead nowhere
  for (int i = 0; i <= 2 * most && first + i <= last; ++i) all.push_back((first + i) * spacing);
  return all;
}

// Short enough for an axis, long enough to tell two ticks apart.
inline std::string tick_text(double value, double spacing) {
  if (std::abs(value) >= 1e5) return significant(value / 1e6, 4) + "M";
  auto const digits = spacing >= 1 ? 0 : static_cast<int>(std::ceil(-std::log10(spacing) - 1e-9));
  return formatted(value, std::clamp(digits, 0, 9));
}

class chart_drawing {
 public:
  explicit chart_drawing(chart const& what) : what_{what}, tops_{stacked_tops(what)} {
    measure();
  }

  std::string svg() const {
    std::string text = "<svg viewBox=\"0 0 " + number(width) + ' ' + number(height) + "\" role=\"img\" aria-label=\"" +
                       escaped(what_.title) + "\">\n";
    text += axes();
    for (std::size_t i = 0; i < what_.series.size(); ++i) text += drawn(i);
    text += "<line class=\"pointer\" y1=\"" + number(top) + "\" y2=\"" + number(height - bottom) + "\"/>\n";
    return text + "</svg>\n";
  }

  // What the script needs: the plot's place, and each series' values.
  std::string data() const {
    std::string text = "{\"left\":" + number(left) + ",\"right\":" + number(width - right) +
                       ",\"width\":" + number(width) + ",\"low\":" + rounded(x_.low) + ",\"high\":" + rounded(x_.high) +
                       ",\"unit\":\"" + json_safe(what_.unit) + "\",\"series\":[";
    for (std::size_t i = 0; i < what_.series.size(); ++i) {
      if (i > 0) text += ',';
      text += "{\"name\":\"" + json_safe(what_.series[i].name) + "\",\"x\":[";
      append_values(text, what_.series[i].points, &chart_point::x);
      text += "],\"y\":[";
      append_values(text, what_.series[i].points, &chart_point::y);
      text += "]}";
    }
    return text + "]}";
  }

 private:
  static constexpr double width = 860, height = 260, left = 64, right = 24, top = 10, bottom = 28;

  static std::vector<std::vector<double>> stacked_tops(chart const& what) {
    std::vector<std::vector<double>> tops;
    if (what.kind != chart_kind::stacked) return tops;
    for (auto const& series : what.series) {
      if (series.overlay) break;
      tops.emplace_back(series.points.size());
      for (std::size_t k = 0; k < series.points.size(); ++k) {
        tops.back()[k] = series.points[k].y + (tops.size() > 1 ? tops[tops.size() - 2][k] : 0);
      }
    }
    return tops;
  }

  void measure() {
    bool any = false;
    for (std::size_t i = 0; i < what_.series.size(); ++i) {
      for (std::size_t k = 0; k < what_.series[i].points.size(); ++k) {
        auto const x = what_.series[i].points[k].x;
        auto const y = top_of(i, k);
        x_ = any ? chart_range{std::min(x_.low, x), std::max(x_.high, x)} : chart_range{x, x};
        y_ = any ? chart_range{std::min(y_.low, y), std::max(y_.high, y)} : chart_range{y, y};
        any = true;
      }
    }
    if (what_.kind == chart_kind::stacked) y_.low = 0;
    auto const size = std::max(std::abs(y_.low), std::abs(y_.high));
    // values that differ by no more than rounding are equal
    auto const margin = y_.high - y_.low > 1e-9 * size ? 0.04 * (y_.high - y_.low) : std::max(1e-12, 0.05 * size);
    y_ = {what_.kind == chart_kind::stacked ? 0 : y_.low - margin, y_.high + margin};
    if (x_.low == x_.high) x_ = {x_.low - 0.5, x_.high + 0.5};
  }

  bool is_area(std::size_t series) const { return series < tops_.size(); }
  double top_of(std::size_t series, std::size_t k) const {
    return is_area(series) ? tops_[series][k] : what_.series[series].points[k].y;
  }
  double px(double x) const { return left + (x - x_.low) / (x_.high - x_.low) * (width - left - right); }
  double py(double y) const { return height - bottom - (y - y_.low) / (y_.high - y_.low) * (height - top - bottom); }

  static std::string number(double value) { return formatted(value, value == std::floor(value) ? 0 : 1); }
  static std::string rounded(double value) {
    return value == std::floor(value) && std::abs(value) < 1e15 ? formatted(value, 0) : significant(value, 6);
  }
  static std::string json_safe(std::string_view text) {
    std::string safe;
    for (char const c : text) {
      if (c == '"' || c == '\\') safe += '\\';
      safe += c == '<' ? ' ' : c;  // a script element ends at the first "</"
    }
    return safe;
  }
  static void append_values(std::string& text, std::vector<chart_point> const& points, double chart_point::*member) {
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (k > 0) text += ',';
      text += rounded(points[k].*member);
    }
  }

  std::string axes() const {
    std::string text;
    auto const label = [&](double x, double y, std::string_view anchor, std::string const& words) {
      text += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + std::string{anchor} + "\">" +
              words + "</text>\n";
    };
    auto const values = ticks(y_, 5);
    auto const spacing = values.size() > 1 ? values[1] - values[0] : std::max(1e-9, y_.high - y_.low);
    for (double const value : values) {
      text += "<line class=\"grid\" x1=\"" + number(left) + "\" x2=\"" + number(width - right) + "\" y1=\"" +
              number(py(value)) + "\" y2=\"" + number(py(value)) + "\"/>\n";
      label(left - 6, py(value) + 4, "end", tick_text(value, spacing));
    }
    label(left - 6, height - bottom + 18, "end", "step");
    for (double const step : ticks(x_, 8)) {
      if (step == std::floor(step)) label(px(step), height - bottom + 18, "middle", tick_text(step, 1));
    }
    return text;
  }

  std::string drawn(std::size_t i) const {
    auto const& points = what_.series[i].points;
    if (points.empty()) return {};
    std::string path;
    for (std::size_t k = 0; k < points.size(); ++k)
      path += (k == 0 ? 'M' : 'L') + number(px(points[k].x)) + ',' + number(py(top_of(i, k)));
    auto const colour = " class=\"s" + std::to_string(i % 9) + (is_area(i) ? " area" : " line") + "\"";
    if (is_area(i)) {
      for (std::size_t k = points.size(); k-- > 0;)
        path += 'L' + number(px(points[k].x)) + ',' + number(py(i == 0 ? 0 : tops_[i - 1][k]));
      path += 'Z';
    } else if (points.size() == 1) {
      return "<circle" + colour + " cx=\"" + number(px(points[0].x)) + "\" cy=\"" + number(py(points[0].y)) +
             "\" r=\"3\"/>\n";
    }
    return "<path" + colour + " d=\"" + path + "\"/>\n";
  }

  chart const& what_;
  std::vector<std::vector<double>> tops_;
  chart_range x_{}, y_{};
};
}  // namespace detail

}  // namespace kunmetrics
