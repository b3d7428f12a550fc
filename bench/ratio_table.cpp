// Reads Google Benchmark's JSON files and prints one table: each benchmark's time over that of the
// benchmark its label names ("over NAME") in the same file. A ratio of two times measured in one run
// says something on a noisy machine; a time alone does not, and is shown for orientation only.
//   ratio_table FILE.json...
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct median {
  std::string name;
  std::string label;
  double nanoseconds;
};

// A benchmark's own name: how it was measured, which the library appends, is not part of it.
std::string own_name(std::string name) {
  for (std::string_view const measured : {"/min_time:", "/real_time"}) name = name.substr(0, name.find(measured));
  return name;
}

// The medians over the repetitions of every benchmark in a file.
std::vector<median> medians_of(std::string const& path) {
  std::ifstream stream{path};
  if (!stream) throw std::runtime_error{path + ": needed a readable file, found none"};
  auto const results = nlohmann::json::parse(stream);
  std::map<std::string, double> const units{{"ns", 1.0}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
  std::vector<median> medians;
  for (auto const& result : results.at("benchmarks")) {
    if (result.value("aggregate_name", "") != "median") continue;
    medians.push_back({own_name(result.at("run_name")), result.value("label", ""),
                       result.at("real_time").get<double>() * units.at(result.at("time_unit"))});
  }
  std::ranges::sort(medians, {}, &median::name);  // a run in random order is told in that order
  return medians;
}

void print(std::vector<median> const& medians) {
  constexpr std::string_view over = "over ";
  for (auto const& one : medians) {
    if (!one.label.starts_with(over)) continue;
    auto const base = one.label.substr(over.size());
    for (auto const& other : medians) {
      if (other.name != base) continue;
      std::printf("%-36s %-38s %10.3f %14.1f %14.1f\n", one.name.c_str(), base.c_str(),
                  one.nanoseconds / other.nanoseconds, one.nanoseconds, one.nanoseconds - other.nanoseconds);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::printf("%-36s %-38s %10s %14s %14s\n", "benchmark", "over", "ratio", "median (ns)", "more (ns)");
    for (int i = 1; i < argc; ++i) print(medians_of(argv[i]));
  } catch (std::exception const& error) {
    std::cerr << "ratio_table: " << error.what() << '\n';
    return 2;
  }
}
