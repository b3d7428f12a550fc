// Papers, READMEs and logs: a rate and a shape lead to the published MFU, HFU or TFLOP/s under the one
// convention that fits a row's whole group.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <doctest/doctest.h>

#include <cstdio>

using namespace kunmetrics;

namespace {
// The shape by name, or, in rows of a sweep, by the sizes that their name states: "h=14400 L=77".
std::optional<transformer> shape_of(truth::csv_row const& row) {
  if (auto const found = truth::shapes().find(row.at("shape")); found != truth::shapes().end()) return found->second;
  int hidden = 0;
  int layers = 0;
  auto const at = row.at("model").find("h=");
  if (at == std::string::npos || std::sscanf(row.at("model").c_str() + at, "h=%d L=%d", &hidden, &layers) != 2) return std::nullopt;
  return transformer{.layers = layers, .hidden = hidden, .heads = 1, .kv_heads = 1, .head_size = hidden, .ffn = 4 * hidden, .vocabulary = 250880, .gated_ffn = false};
}

// The shape, with the size that its name advertises: "PaLM 540B".
std::optional<transformer> named_size(truth::csv_row const& row) {
  auto const& name = row.at("model");
  auto const end = name.find("B (");
  if (end == std::string::npos) return std::nullopt;
  auto const begin = name.find_last_of(' ', end) + 1;
  auto const billions = truth::number(name.substr(begin, end - begin));
  if (!billions) return std::nullopt;
  return transformer{.nominal_parameters = static_cast<std::int64_t>(*billions * 1e9)};
}

// FLOP/s of one device as a row publishes it beside its percentage, as text: "465.9".
std::string noted_tera(truth::csv_row const& row) {
  auto const& note = row.at("note");
  for (std::string const phrase : {"TFLOP/s/chip=", "TFLOP/s/GPU="}) {
    auto const at = note.find(phrase);
    if (at == std::string::npos || !row.at("strict_convention").starts_with("tflops")) continue;
    auto const begin = at + phrase.size();
    return note.substr(begin, note.find_first_not_of("0123456789.", begin) - begin);
  }
  return {};
}

// FLOP/s of one device, in tera; empty where the row does not lead to it.
std::optional<double> device_tera(truth::csv_row const& row) {
  if (auto const tera = truth::number(noted_tera(row))) return tera;
  auto const shape = row.at("strict_convention") == "6N_nominal" ? named_size(row) : shape_of(row);
  auto rate = truth::number(row.at("tps_per_device"));
  auto const total = truth::number(row.at("tps_total"));
  auto const devices = truth::number(row.at("n_devices"));
  auto const length = truth::number(row.at("seq_len"));
  if (!rate && total && devices) rate = *total / *devices;
  if (!shape || !length || !rate) return std::nullopt;
  auto const work = truth::flop_per_token(row.at("strict_convention"), *shape, static_cast<std::int64_t>(*length));
  return work ? std::optional{*rate * *work / 1e12} : std::nullopt;
}

// In the metric's unit: percent of the peak, or TFLOP/s.
std::optional<double> computed(truth::csv_row const& row) {
  auto const tera = device_tera(row);
  if (!tera || row.at("metric") == "tflops_per_device") return tera;
  auto const peak = truth::number(row.at("peak_tflops"));
  if (!peak || (row.at("metric") != "mfu_pct" && row.at("metric") != "hfu_pct")) return std::nullopt;
  return *tera / *peak * 100;
}

// How far the printed rate leaves the result uncertain: half of its last digit, or, in releases that
// print whole samples a second of the job, half a sample.
double uncertain_share(truth::csv_row const& row) {
  if (auto const tera = noted_tera(row); !tera.empty()) return truth::half_unit(tera) / *truth::number(tera);
  auto const& text = row.at("tps_per_device").empty() ? row.at("tps_total") : row.at("tps_per_device");
  auto const rate = truth::number(text);
  if (!rate || *rate <= 0) return 0;
  if (row.at("note").find("quantised to whole samples/s") != std::string::npos) {
    return 0.5 * *truth::number(row.at("seq_len")) / *truth::number(row.at("n_devices")) / *rate;
  }
  return truth::half_unit(text) / *rate;
}
}  // namespace

TEST_CASE("every row of papers.csv") {
  truth::exceptions known{"papers.csv"};
  for (auto const& row : truth::read_csv("papers.csv")) {
    auto const value = computed(row);
    CAPTURE(row.at("group"));
    CAPTURE(value.value_or(-1));
    known.expect(row.at("line"), value && truth::within_rounding(*value, row.at("published"), uncertain_share(row)));
  }
}
