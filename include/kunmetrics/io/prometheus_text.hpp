// Prometheus' text format 0.0.4 of any Hana Struct, by Prometheus' naming conventions.
//
//   # HELP kunmetrics_tokens_total tokens, in token
//   # TYPE kunmetrics_tokens_total counter
//   kunmetrics_tokens_total 49152
//   kunmetrics_mfu_ratio{convention="palm",peak_precision="fp16",peak_source="..."} 0.52
// A name is prefix, path and base unit (seconds, bytes, joules, watts, ratio, tokens_per_processor_second),
// the unit not said twice. Fields in `prometheus_counters<Struct>` only grow: counters, `_total`; the others
// are gauges. Phases and conventions are labels; texts are labels of one `PREFIX_info` of value 1. What is
// absent has no sample, and a comment with the reason. Sources: prometheus.io/docs/instrumenting/
// exposition_formats and docs/practices/naming. Ranges within a struct are left out.
#pragma once

#include <kunmetrics/io/json_text.hpp>
#include <kunmetrics/io/leaves.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kunmetrics {

// The names of the fields of `Struct` that only grow while a run lasts; for a user's own struct, specialise it.
template <typename Struct>
inline constexpr std::array<std::string_view, 0> prometheus_counters{};
template <typename... Calculators>
inline constexpr std::array<std::string_view, 4> prometheus_counters<summary<Calculators...>>{"warm_up_steps", "steps",
                                                                                              "tokens", "time"};

using prometheus_labels = std::vector<std::pair<std::string, std::string>>;

struct prometheus_sample {
  prometheus_labels labels;
  double value = 0;
};

struct prometheus_family {
  std::string name;
  std::string help;
  bool counter = false;
  std::vector<prometheus_sample> samples;
  std::vector<std::string> absent;  // reasons of what has no sample
};

namespace detail {
// "token" and "processor s" of "token/(processor s)", as Prometheus writes units.
inline std::string prometheus_unit(std::string_view unit) {
  if (unit == "1") return {};
  if (unit == "J/s") return "watts";
  struct word { std::string_view symbol, one, many; };
  static constexpr std::array<word, 3> words{
      {{"s", "second", "seconds"}, {"B", "byte", "bytes"}, {"J", "joule", "joules"}}};
  std::string text;
  bool below = false;
  while (!unit.empty()) {
    auto const end = std::min(unit.find_first_of(" /()"), unit.size());
    auto const symbol = unit.substr(0, end);
    if (!symbol.empty() && symbol != "1") {
      auto const known = std::ranges::find(words, symbol, &word::symbol);
      if (!text.empty()) text += '_';
      if (known != words.end()) {
        text += below ? known->one : known->many;
      } else {
        text.append(symbol) += below ? "" : "s";
      }
    }
    if (end < unit.size() && unit[end] == '/') {
      text += text.empty() ? "per" : "_per";
      below = true;
    }
    unit.remove_prefix(std::min(end + 1, unit.size()));
  }
  std::ranges::replace(text, '^', '_');
  return text;
}

// Adds a unit unless the name ends with it, or with its singular, already.
inline std::string with_unit(std::string name, std::string_view unit) {
  auto const ends_with = [&](std::string_view word) {
    return name.ends_with(word) && (name.size() == word.size() || name[name.size() - word.size() - 1] == '_');
  };
  if (unit.empty() || ends_with(unit) || (unit.ends_with('s') && ends_with(unit.substr(0, unit.size() - 1))))
    return name;
  return name.append("_").append(unit);
}

// Only what Prometheus takes in a name.
inline std::string prometheus_name(std::string name) {
  std::ranges::replace_if(name, [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == ':');
  }, '_');
  if (!name.empty() && name[0] >= '0' && name[0] <= '9') name.insert(0, 1, '_');
  return name;
}

class prometheus_collector {
 public:
  prometheus_collector(std::string_view prefix, prometheus_labels const& common,
                       std::span<std::string_view const> counters)
      : prefix_{prefix}, common_{common}, counters_{counters} {}

  template <typename T>
  void add(leaf_path const& path, T const* value, leaf_absence why) {
    if constexpr (std::same_as<T, bool>) {
      double const number = value != nullptr && *value ? 1 : 0;
      sample(path, {}, value == nullptr ? nullptr : &number, why, {});
    } else if constexpr (single_number<T>) {
      add_number(path, value, why);
    } else if constexpr (text<T> || named<T>) {
      if (value == nullptr) return;
      if constexpr (text<T>)
        info_.emplace_back(prometheus_name(joined(path, '_')), std::string{std::string_view{*value}});
      else info_.emplace_back(prometheus_name(joined(path, '_')), std::string{name_of(*value)});
    }
  }

  std::vector<prometheus_family> take() && {
    if (!info_.empty()) {
      auto labels = common_;
      labels.insert(labels.end(), info_.begin(), info_.end());
      families_.push_back(
          {std::string{prefix_} + "_info", "what was run, in its labels", false, {{std::move(labels), 1}}, {}});
    }
    return std::move(families_);
  }

 private:
  template <typename T>
  void add_number(leaf_path const& path, T const* value, leaf_absence why) {
    double number = 0;
    if (value != nullptr) number = static_cast<double>(coherent_number(*value));
    double const* const given = value == nullptr ? nullptr : &number;
    prometheus_labels labels;
    if constexpr (is_utilization<T>) {
      if constexpr (requires { T::work::recomputed; }) labels.emplace_back("recompute", name_of(T::work::recomputed));
      if (value != nullptr) {
        labels.emplace_back("peak_precision", name_of(value->peak.at));
        labels.emplace_back("peak_source", value->peak.source);
      }
      sample(path, "ratio", given, why, std::move(labels));
    } else if constexpr (std::same_as<T, peak_rate>) {
      if (value != nullptr)
        labels = {{"precision", std::string{name_of(value->at)}}, {"source", std::string{value->source}}};
      sample(path, prometheus_unit(unit_text<flop_rate>), given, why, std::move(labels));
    } else if constexpr (is_quantity<T>) {
      auto const unit = prometheus_unit(unit_text<T>);
      sample(path, unit.empty() ? "ratio" : unit, given, why, {}, unit_text<T>);
    } else {
      sample(path, {}, given, why, {});
    }
  }

  // `number` is null where there is none.
  void sample(leaf_path const& path, std::string_view unit, double const* number, leaf_absence why,
              prometheus_labels own, std::string_view described_unit = {}) {
    auto labels = common_;
    std::string name, words;
    for (auto const& segment : path) {
      if (!segment.label.empty()) {
        labels.emplace_back(segment.label, segment.name);
        continue;
      }
      name.append("_").append(segment.name);
      words.append(words.empty() ? "" : ", ").append(segment.name);
    }
    labels.insert(labels.end(), own.begin(), own.end());
    bool const counter = path.size() == 1 && std::ranges::find(counters_, path[0].name) != counters_.end();
    name = with_unit(prometheus_name(std::string{prefix_} + name), unit);
    if (counter && !name.ends_with("_total")) name += "_total";
    std::ranges::replace(words, '_', ' ');
    auto& family = named_family(name, counter);
    if (family.help.empty())
      family.help = words +
                    (described_unit.empty() || described_unit == "1" ? "" : ", in " + std::string{described_unit});
    if (number != nullptr) {
      family.samples.push_back({std::move(labels), *number});
    } else {
      family.absent.emplace_back(why.can_tell ? why.reason : "not given");
    }
  }

  prometheus_family& named_family(std::string const& name, bool counter) {
    auto const at = std::ranges::find(families_, name, &prometheus_family::name);
    if (at != families_.end()) return *at;
    families_.push_back({name, {}, counter, {}, {}});
    return families_.back();
  }

  std::string_view prefix_;
  prometheus_labels const& common_;
  std::span<std::string_view const> counters_;
  prometheus_labels info_;
  std::vector<prometheus_family> families_;
};

inline void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (char const c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (quotes && c == '"')) out += '\\';
    out += c;
  }
}

inline void append_prometheus_number(std::string& out, double value) {
  if (std::isfinite(value)) {
    std::array<char, 32> digits;
    out.append(digits.data(),
               static_cast<std::size_t>(std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr -
                                        digits.data()));
  } else {
    out += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  }
}
}  // namespace detail

// Throws precondition_error when two values would be one sample: the same name and the same labels.
template <typename Struct>
std::vector<prometheus_family> prometheus_families(Struct const& object, std::string_view prefix = "kunmetrics",
                                                   prometheus_labels const& common = {}) {
  detail::prometheus_collector collector{prefix, common, prometheus_counters<Struct>};
  for_each_leaf(object,
                [&](leaf_path const& path, auto const* value, leaf_absence why) { collector.add(path, value, why); });
  auto families = std::move(collector).take();
  for (auto const& family : families) {
    for (std::size_t i = 1; i < family.samples.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (family.samples[i].labels != family.samples[j].labels) continue;
        broken_precondition("prometheus_families", "samples that labels tell apart", "two of " + family.name);
      }
    }
  }
  return families;
}

// The page, its content type being `text/plain; version=0.0.4`.
inline std::string prometheus_text(std::span<prometheus_family const> families) {
  std::string out;
  for (auto const& family : families) {
    for (auto const& reason : family.absent) {
      out.append("# ").append(family.name).append(" absent: ");
      detail::append_escaped(out, reason, false);
      out += '\n';
    }
    if (family.samples.empty()) continue;
    out.append("# HELP ").append(family.name).append(" ");
    detail::append_escaped(out, family.help, false);
    out.append("\n# TYPE ").append(family.name).append(family.counter ? " counter\n" : " gauge\n");
    for (auto const& sample : family.samples) {
      out += family.name;
      for (std::size_t i = 0; i < sample.labels.size(); ++i) {
        out.append(i == 0 ? "{" : ",").append(detail::prometheus_name(sample.labels[i].first)).append("=\"");
        detail::append_escaped(out, sample.labels[i].second, true);
        out += '"';
      }
      out += sample.labels.empty() ? " " : "} ";
      detail::append_prometheus_number(out, sample.value);
      out += '\n';
    }
  }
  return out;
}

template <typename Struct>
std::string prometheus_text(Struct const& object, std::string_view prefix = "kunmetrics",
                            prometheus_labels const& common = {}) {
  auto const families = prometheus_families(object, prefix, common);
  return prometheus_text(std::span<prometheus_family const>{families});
}

}  // namespace kunmetrics
