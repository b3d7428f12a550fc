// Published rows as they were collected: a comma-separated file (RFC 4180) as one map a row.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace truth {

inline std::filesystem::path folder() { return std::filesystem::path{__FILE__}.parent_path(); }

using csv_row = std::map<std::string, std::string>;

namespace detail {
// Fields of all lines; quotes may hold commas, line breaks, and doubled quotes.
inline std::vector<std::vector<std::string>> fields_of(std::string const& text) {
  std::vector<std::vector<std::string>> lines(1, std::vector<std::string>(1));
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char const c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
        lines.back().back() += text[++i];
      } else if (c == '"') {
        quoted = false;
      } else {
        lines.back().back() += c;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      lines.back().emplace_back();
    } else if (c == '\n') {
      lines.emplace_back(1);
    } else if (c != '\r') {
      lines.back().back() += c;
    }
  }
  if (lines.back().size() == 1 && lines.back().front().empty()) lines.pop_back();
  return lines;
}
}  // namespace detail

// The rows of a file of this folder; "line" is where a row stands, the head being line 1. Throws
// std::runtime_error when the file is missing or a row has fewer fields than the head. What a row has
// more belongs to its last field: a source quoted with its commas, but without quotes.
inline std::vector<csv_row> read_csv(std::string const& name) {
  std::ifstream stream{folder() / name, std::ios::binary};
  if (!stream) throw std::runtime_error{name + ": needed a readable file, found none"};
  auto const lines = detail::fields_of({std::istreambuf_iterator<char>{stream}, {}});
  std::vector<csv_row> rows;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].size() < lines[0].size()) {
      throw std::runtime_error{name + ": row " + std::to_string(i + 1) + " is too short"};
    }
    csv_row& added = rows.emplace_back();
    for (std::size_t k = 0; k < lines[i].size(); ++k) {
      auto& field = added[lines[0][std::min(k, lines[0].size() - 1)]];
      field += (k < lines[0].size() ? "" : ",") + lines[i][k];
    }
    added["line"] = std::to_string(i + 1);
  }
  return rows;
}

// The number at the start of a field; empty when there is none.
inline std::optional<double> number(std::string const& text) {
  char* end = nullptr;
  double const value = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? std::nullopt : std::optional{value};
}

// Half a unit of the last digit that a figure was printed with: 48.0 -> 0.05, 3564 -> 0.5.
inline double half_unit(std::string const& text) {
  auto const exponent = text.find_first_of("eE");
  auto const mantissa = text.substr(0, exponent);
  auto const point = mantissa.find('.');
  auto const digits = point == std::string::npos ? 0 : static_cast<int>(mantissa.size() - point - 1);
  double const scale = exponent == std::string::npos ? 1 : std::pow(10.0, std::atoi(text.c_str() + exponent + 1));
  return 0.5 * std::pow(10.0, -digits) * scale;
}

}  // namespace truth
