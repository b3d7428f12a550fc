// Every published peak, memory and bandwidth of the collected table stands in the library's, as the
// value used or beside it; the sparse rate of one device is not taken for a dense one.
#include "csv.hpp"

#include <kunmetrics/devices.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto tera = teraflop / (processor * second);

bool has(std::array<std::optional<peak_rate>, 8> const& rates, precision at, double value) {
  return std::ranges::any_of(rates, [&](auto const& rate) {
    return rate && rate->at == at && std::abs(rate->rate.in(tera) - value) < 1e-9 * value;
  });
}
}  // namespace

TEST_CASE("every row of devices.csv") {
  for (auto const& row : truth::read_csv("devices.csv")) {
    CAPTURE(row.at("line"));
    CAPTURE(row.at("device"));
    auto const known = device_named(row.at("device"));
    REQUIRE(known);
    bool const sparse = row.at("device") == "WSE-3 (CS-3)";  // its only rate is the sparse one
    bool const used = row.at("role") == "preferred" && !sparse;
    for (std::string_view const name : precision_names) {
      auto const value = truth::number(row.at(std::string{name}));
      if (!value) continue;
      auto const at = *precision_named(name);
      CAPTURE(name);
      CHECK((used ? has(known->peaks, at, *value) : has(known->peaks, at, *value) || has(known->alternatives, at, *value)));
      if (used) CHECK(peak(*known, at)->rate.in(tera) == doctest::Approx(*value));
    }
    if (!used) continue;
    if (auto const gb = truth::number(row.at("memory_gb"))) CHECK(known->memory.in(GiB / processor) == doctest::Approx(*gb).epsilon(0.001));
    if (auto const rate = truth::number(row.at("bandwidth_gb_s"))) {
      auto const scale = row.at("bandwidth_gb_s").ends_with("GiB/s") ? 1.073741824 : 1.0;
      CHECK(known->memory_bandwidth.in(GB / (processor * second)) == doctest::Approx(*rate * scale));
    }
    if (auto const rate = truth::number(row.at("interconnect_gb_s"))) CHECK(known->link_bandwidth.in(GB / (processor * second)) == doctest::Approx(*rate));
  }
}
