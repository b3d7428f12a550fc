// Every row of the collected table is a statement of the library's, value by value, with its source and
// remark; what is preferred is used, all else stands beside.
#include "csv.hpp"

#include <kunmetrics/devices.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto tera = teraflop / (processor * second);
constexpr auto giga = GB / (processor * second);

bool has(std::array<std::optional<peak_rate>, 8> const& rates, precision at, double value) {
  return std::ranges::any_of(rates, [&](auto const& rate) {
    return rate && rate->at == at && std::abs(rate->rate.in(tera) - value) < 1e-9 * value;
  });
}

// "A ; memory B ; int8 C": the sources A, B and C.
std::set<std::string> sources_of(std::string const& text) {
  std::set<std::string> sources;
  for (std::size_t from = 0; from <= text.size();) {
    auto const to = std::min(text.find(" ; ", from), text.size());
    auto source = text.substr(from, to - from);
    for (std::string const about : {"memory ", "NVLink ", "int8 ", "fp8 "}) {
      if (source.starts_with(about)) source.erase(0, about.size());
    }
    sources.insert(source);
    from = to + 3;
  }
  return sources;
}

std::set<std::string> sources_of(published const& statement) {
  auto sources = sources_of(std::string{statement.also});
  for (auto const source : {statement.source, statement.memory_source, statement.link_source}) sources.emplace(source);
  for (auto const& rate : statement.rates) sources.emplace(rate.source);
  return sources;
}

// The wafer's only rate is the sparse one: the row is preferred for its memory, its rate is not used.
bool sparse(truth::csv_row const& row) { return row.at("device") == "WSE-3 (CS-3)"; }

standing standing_of(truth::csv_row const& row) {
  auto const& role = row.at("role");
  if (sparse(row)) return standing::alternative;
  if (role == "preferred") return standing::used;
  if (role == "measured") return standing::measured;
  return role == "unverified" ? standing::unverified : standing::alternative;
}

origin origin_of(truth::csv_row const& row) {
  auto const& tier = row.at("tier");
  return tier == "vendor-doc" ? origin::maker : tier == "framework-code" ? origin::framework : origin::third_party;
}

// The printed GB; of a card of two dies the card's.
std::optional<double> memory_of(truth::csv_row const& row) {
  return row.at("memory_gb") == "64 per die /128" ? 128 : truth::number(row.at("memory_gb"));
}
std::optional<double> bandwidth_of(truth::csv_row const& row) {
  auto const rate = truth::number(row.at("bandwidth_gb_s"));
  return rate && row.at("bandwidth_gb_s").ends_with("GiB/s") ? *rate * 1.073741824 : rate;
}

bool states(published const& statement, truth::csv_row const& row) {
  return statement.as == standing_of(row) && statement.remark.starts_with(row.at("note")) &&
         std::ranges::includes(sources_of(statement), sources_of(row.at("source"))) &&
         std::ranges::all_of(precision_names, [&](std::string_view name) {
           auto const printed = truth::number(row.at(std::string{name}));
           auto const stated = rate_of(statement, *precision_named(name));
           return printed ? stated && stated->rate.in(tera) == doctest::Approx(*printed) : !stated;
         });
}

void check_bytes(truth::csv_row const& row, device_memory memory, byte_rate bandwidth, byte_rate links) {
  CHECK(memory.in(GiB / processor) == doctest::Approx(memory_of(row).value_or(0)).epsilon(0.001));
  CHECK(bandwidth.in(giga) == doctest::Approx(bandwidth_of(row).value_or(0)));
  CHECK(links.in(giga) == doctest::Approx(truth::number(row.at("interconnect_gb_s")).value_or(0)));
}
}  // namespace

TEST_CASE("every row of devices.csv") {
  std::set<published const*> seen;
  for (auto const& row : truth::read_csv("devices.csv")) {
    CAPTURE(row.at("line"));
    CAPTURE(row.at("device"));
    auto const known = device_named(row.at("device"));
    REQUIRE(known);
    auto const found = std::ranges::find_if(known->published_by, [&](published const& each) { return states(each, row); });
    REQUIRE(found != known->published_by.end());
    CHECK(seen.insert(&*found).second);
    CHECK(found->origin == origin_of(row));
    CHECK(found->memory_type == row.at("memory_type"));
    CHECK(found->link_type == row.at("interconnect"));
    check_bytes(row, found->memory, found->memory_bandwidth, found->link_bandwidth);
    bool const used = standing_of(row) == standing::used;
    if (used) check_bytes(row, known->memory, known->memory_bandwidth, known->link_bandwidth);
    for (std::string_view const name : precision_names) {
      auto const value = truth::number(row.at(std::string{name}));
      if (!value) continue;
      auto const at = *precision_named(name);
      CAPTURE(name);
      CHECK((has(known->peaks, at, *value) || (!used && has(known->alternatives, at, *value))));
      if (used) CHECK(peak(*known, at)->rate.in(tera) == doctest::Approx(*value));
    }
  }
  CHECK(seen.size() == 103);
}

// No peak comes from anywhere but a statement that is used.
TEST_CASE("what is used is stated") {
  for (device const* d : devices::all) {
    CAPTURE(d->name);
    for (auto const& rate : d->peaks) {
      if (!rate) continue;
      auto const first = std::ranges::find_if(
          d->published_by, [&](published const& each) { return rate_of(each, rate->at).has_value(); });
      REQUIRE(first != d->published_by.end());
      CHECK(first->as == standing::used);
      CHECK(rate_of(*first, rate->at)->rate == rate->rate);
    }
  }
}
