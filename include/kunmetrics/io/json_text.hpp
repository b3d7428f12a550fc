// The text of `json_of<number_form::plain>(value)` straight into a buffer: no tree, no allocation but
// the buffer's own growth. For logs of many lines; a test holds the two against each other.
//
//   append_json(line, record);      {"step":3,"time":1.5,"tokens":49152,"loss":2.25,...}
// Numbers are the shortest that read back to the same bits. NaN and infinities are null.
#pragma once

#include <kunmetrics/io/json.hpp>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace kunmetrics {

// Adds the text of a value of any type that json_of takes.
template <typename T>
void append_json(std::string& out, T const& value);

namespace detail {
// `,"name":` of a Hana string, made at compile time.
template <char... C>
constexpr auto json_key(boost::hana::string<C...>) {
  static_assert(((C >= ' ' && C != '"' && C != '\\') && ...), "append_json requires names that JSON need not escape");
  return std::array<char, sizeof...(C) + 4>{',', '"', C..., '"', ':'};
}
template <typename Name>
inline constexpr auto json_key_of = json_key(Name{});

template <number T>
void append_number(std::string& out, T value) {
  if constexpr (std::floating_point<T>) {
    if (value == 0) {
      out += std::signbit(value) ? "-0.0" : "0.0";
      return;
    }
    if (!std::isfinite(value)) {
      out += "null";
      return;
    }
  }
  std::array<char, 32> digits;
  std::string_view const text{digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
  out += text;
  if constexpr (std::floating_point<T>) {
    // a measured value stays one to readers that tell integers from numbers
    if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
  }
}

inline void append_json_text(std::string& out, std::string_view text) {
  auto const plain = [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; };
  if (std::ranges::all_of(text, plain)) {
    out.append(1, '"').append(text).append(1, '"');
  } else {
    out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

inline void append_phases(std::string& out, phase_times const& times) {
  out += '{';
  for (std::size_t i = 0; i < times.size(); ++i) {
    out.append(i == 0 ? "\"" : ",\"").append(phase_names[i]).append("\":");
    append_number(out, times[i].coherent());
  }
  out += '}';
}

template <typename Struct>
void append_fields(std::string& out, Struct const& object) {
  out += '{';
  bool first = true;
  boost::hana::for_each(boost::hana::accessors<Struct>(), [&](auto const& pair) {
    constexpr auto const& key = json_key_of<std::remove_cvref_t<decltype(boost::hana::first(pair))>>;
    out.append(key.data() + (first ? 1 : 0), key.size() - (first ? 1 : 0));
    first = false;
    append_json(out, boost::hana::second(pair)(object));
  });
  out += '}';
}
}  // namespace detail

template <typename T>
void append_json(std::string& out, T const& value) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (detail::single_number<T>) {
    detail::append_number(out, detail::coherent_number(value));
  } else if constexpr (detail::text<T>) {
    detail::append_json_text(out, value);
  } else if constexpr (detail::is_maybe<T> || detail::is_optional<T>) {
    if (value) {
      append_json(out, *value);
    } else {
      out += "null";
    }
  } else if constexpr (detail::named<T>) {
    detail::append_json_text(out, name_of(value));
  } else if constexpr (std::same_as<T, phase_times>) {
    detail::append_phases(out, value);
  } else if constexpr (detail::hana_struct<T> && !detail::is_summary<T>) {
    detail::append_fields(out, value);
  } else {
    out += json_of<number_form::plain>(value).dump(-1, ' ', false, json::error_handler_t::replace);
  }
}

}  // namespace kunmetrics
