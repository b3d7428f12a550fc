// Reads JSON text straight into the members of a Hana Struct, without a tree: for logs of many lines.
//
// A key that the struct has not is passed over, so that a log of a richer record can be read as a plainer
// one; a member whose key is not there keeps its value. Numbers are in coherent units, as append_json
// writes them. null empties an optional, and is NaN for a measured number. What does not fit throws
// json_misfit with what was needed and the text that was found.
#pragma once

#include <kunmetrics/io/json.hpp>

#include <charconv>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace kunmetrics {

struct json_misfit : std::runtime_error {
  json_misfit(std::string_view wanted, std::string_view found)
      : std::runtime_error{std::string{wanted}}, text{found.substr(0, 40)} {}
  std::string text;  // what() is what was needed
};

class json_cursor {
 public:
  explicit json_cursor(std::string_view text) : text_{text} {}

  // Throws json_misfit unless nothing but white space is left.
  void finish() {
    skip_space();
    if (!text_.empty()) misfit("the end of the line");
  }

  template <typename T>
  void read(T& value) {
    if constexpr (std::same_as<T, bool>) {
      if (taken("true")) value = true;
      else if (taken("false")) value = false;
      else misfit("true or false");
    } else if constexpr (detail::number<T>) {
      value = number<T>();
    } else if constexpr (detail::is_quantity<T>) {
      value = T::from_coherent(number<typename T::rep>());
    } else if constexpr (detail::is_optional<T>) {
      if (taken("null")) {
        value.reset();
      } else {
        read(value.emplace());
      }
    } else if constexpr (std::same_as<T, std::string>) {
      value = string();
    } else if constexpr (std::same_as<T, phase_times>) {
      object([&](std::string_view key) {
        for (std::size_t i = 0; i < phase_names.size(); ++i) {
          if (phase_names[i] == key) return read(value[i]);
        }
        skip_value();
      });
    } else {
      static_assert(detail::hana_struct<T>,
                    "json_cursor::read requires a number, a bool, a string, an optional of one or a Hana Struct");
      read_fields(value);
    }
  }

  // Reads an object into a Hana Struct; the n-th bit of the result says that the n-th member was there.
  template <typename Struct>
  std::uint64_t read_fields(Struct& object_read) {
    std::uint64_t seen = 0;
    object([&](std::string_view key) {
      std::uint64_t bit = 1;
      bool known = false;
      boost::hana::for_each(boost::hana::accessors<Struct>(), [&](auto const& pair) {
        if (!known && key == std::string_view{boost::hana::first(pair).c_str(),
                                              boost::hana::length(boost::hana::first(pair)).value}) {
          known = true;
          seen |= bit;
          read(boost::hana::second(pair)(object_read));
        }
        bit <<= 1U;
      });
      if (!known) skip_value();
    });
    return seen;
  }

 private:
  [[noreturn]] void misfit(std::string_view wanted) const {
    throw json_misfit{wanted, text_.empty() ? "nothing" : text_};
  }

  void skip_space() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t' || text_[0] == '\r')) text_.remove_prefix(1);
  }
  bool taken(std::string_view token) {
    skip_space();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void take(std::string_view token, std::string_view wanted) {
    if (!taken(token)) misfit(wanted);
  }

  template <typename Visit>
  void object(Visit&& visit) {
    take("{", "an object");
    if (taken("}")) return;
    do {
      auto const key = raw_string();
      take(":", "a colon");
      visit(key);
    } while (taken(","));
    take("}", "a comma or the end of the object");
  }

  // The characters between the quotes, as they stand.
  std::string_view raw_string() {
    take("\"", "a string");
    std::size_t end = 0;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2U : 1U;
    if (end >= text_.size()) misfit("the end of a string");
    auto const raw = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return raw;
  }
  std::string string() {
    auto const raw = raw_string();
    if (raw.find('\\') == std::string_view::npos) return std::string{raw};
    auto const parsed = json::parse('"' + std::string{raw} + '"', nullptr, false);
    if (!parsed.is_string()) throw json_misfit{"a string", raw};
    return parsed.get<std::string>();
  }

  template <typename T>
  T number() {
    skip_space();
    if constexpr (std::floating_point<T>) {
      if (taken("null")) return std::numeric_limits<T>::quiet_NaN();
    }
    // JSON's numbers begin with a digit or a minus: no plus, no point, no "inf"
    auto const digit = text_.starts_with('-') ? 1U : 0U;
    if (text_.size() <= digit || text_[digit] < '0' || text_[digit] > '9')
      misfit(std::floating_point<T> ? "a number" : "an integer");
    T value{};
    auto const [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{})
      misfit(std::floating_point<T> ? "a number that a double can hold" : "an integer within 64 bits");
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  void skip_value() {
    skip_space();
    if (text_.starts_with('"')) {
      raw_string();
    } else if (text_.starts_with('{') || text_.starts_with('[')) {
      int depth = 0;
      do {
        if (text_.empty()) misfit("the end of an object or array");
        if (text_[0] == '"') {
          raw_string();
          continue;
        }
        if (text_[0] == '{' || text_[0] == '[') ++depth;
        if (text_[0] == '}' || text_[0] == ']') --depth;
        text_.remove_prefix(1);
      } while (depth > 0);
    } else if (!taken("true") && !taken("false")) {
      number<double>();
    }
  }

  std::string_view text_;
};

}  // namespace kunmetrics
