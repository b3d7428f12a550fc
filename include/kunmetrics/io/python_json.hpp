// JSON as Python's json.dumps writes it: ", " and ": " between, ASCII only, floats as repr has them.
//
// FlagPerf's and MLPerf's logs are made by json.dumps, and there are readers of both that look for
// `"key": `. A number that is not finite is null here: Python's NaN is no JSON.
#pragma once

#include <kunmetrics/io/json.hpp>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace kunmetrics {

namespace detail {
// repr(float): the shortest digits, an exponent below 1e-4 and from 1e16 on.
inline void append_python_float(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  std::array<char, 64> text;
  auto const size = value < 0 ? -value : value;
  auto const form = size != 0 && (size < 1e-4 || size >= 1e16) ? std::chars_format::scientific
                                                               : std::chars_format::fixed;
  std::string_view const digits{text.data(), std::to_chars(text.data(), text.data() + text.size(), value, form).ptr};
  out += digits;
  if (form == std::chars_format::fixed && digits.find('.') == std::string_view::npos) out += ".0";
}

inline void append_python_json(std::string& out, json const& value) {
  bool first = true;
  auto const separate = [&] {
    if (!first) out += ", ";
    first = false;
  };
  if (value.is_object()) {
    out += '{';
    for (auto const& [key, member] : value.items()) {
      separate();
      out.append(json(key).dump(-1, ' ', true, json::error_handler_t::replace)).append(": ");
      append_python_json(out, member);
    }
    out += '}';
  } else if (value.is_array()) {
    out += '[';
    for (auto const& element : value) {
      separate();
      append_python_json(out, element);
    }
    out += ']';
  } else if (value.is_number_float()) {
    append_python_float(out, value.get<double>());
  } else {
    out += value.dump(-1, ' ', true, json::error_handler_t::replace);
  }
}
}  // namespace detail

inline std::string python_json(json const& value) {
  std::string text;
  detail::append_python_json(text, value);
  return text;
}

}  // namespace kunmetrics
