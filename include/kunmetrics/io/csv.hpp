// CSV (RFC 4180) of any Hana Struct: a header whose names carry units, and one record a struct.
//
//   step (step),time (s),tokens (token),loss (1),...,phases.forward (s),...
// Numbers are the shortest that read back to the same bits, in the unit of the header. A value that is not
// there, or not finite, is an empty field; where the type knows the reason it stands in the column
// "NAME reason". A utilization has columns for its work, its peak and that peak's source. A range within a
// struct is one field of JSON. Lines end with CRLF, as the RFC has them.
#pragma once

#include <kunmetrics/io/json_text.hpp>
#include <kunmetrics/io/leaves.hpp>

#include <ranges>
#include <string>
#include <string_view>

namespace kunmetrics {

namespace detail {
inline void append_csv_text(std::string& row, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    row += text;
    return;
  }
  row += '"';
  for (char const c : text) row.append(c == '"' ? 2U : 1U, c);
  row += '"';
}

// One record, or the header of such records: the same walk, so that they cannot differ.
class csv_record {
 public:
  explicit csv_record(bool header) : header_{header} {}

  template <typename T>
  void add(leaf_path const& path, T const* value, leaf_absence why) {
    name_ = joined(path, '.');
    if constexpr (is_utilization<T>) {
      number(name_, unit_text<dimensionless>, value == nullptr ? nullptr : &value->ratio);
      number(name_ + ".flop_per_token", unit_text<flop_per_token_t>,
             value == nullptr ? nullptr : &value->flop_per_token);
      peak(name_ + ".peak", value == nullptr ? nullptr : &value->peak);
    } else if constexpr (std::same_as<T, peak_rate>) {
      peak(name_, value);
    } else if constexpr (single_number<T>) {
      number(name_, number_unit<T>(), value);
    } else {
      field(name_, [&](std::string& row) { append_csv_text(row, text_of(*value)); }, value != nullptr);
    }
    if (why.can_tell) field(name_ + " reason", [&](std::string& row) { append_csv_text(row, why.reason); }, true);
  }

  std::string take() && { return std::move(row_) + "\r\n"; }

 private:
  template <typename T>
  static constexpr std::string_view number_unit() {
    if constexpr (is_quantity<T>) return unit_text<T>;
    return unit_text<dimensionless>;
  }

  template <typename T>
  static std::string text_of(T const& value) {
    if constexpr (std::same_as<T, bool>) {
      return value ? "true" : "false";
    } else if constexpr (text<T>) {
      return std::string{std::string_view{value}};
    } else if constexpr (named<T>) {
      return std::string{name_of(value)};
    } else {
      std::string json;
      append_json(json, value);
      return json;
    }
  }

  void peak(std::string const& name, peak_rate const* value) {
    number(name, unit_text<flop_rate>, value == nullptr ? nullptr : &value->rate);
    field(name + ".precision", [&](std::string& row) { append_csv_text(row, name_of(value->at)); }, value != nullptr);
    field(name + ".source", [&](std::string& row) { append_csv_text(row, value->source); }, value != nullptr);
  }

  template <typename T>
  void number(std::string const& name, std::string_view unit, T const* value) {
    field(name + " (" + std::string{unit} + ')', [&](std::string& row) {
      auto const before = row.size();
      append_number(row, coherent_number(*value));
      if (std::string_view{row}.substr(before) == "null") row.resize(before);
    }, value != nullptr);
  }

  template <typename Append>
  void field(std::string const& name, Append const& append, bool present) {
    if (!first_) row_ += ',';
    first_ = false;
    if (header_) {
      append_csv_text(row_, name);
    } else if (present) {
      append(row_);
    }
  }

  bool header_;
  bool first_ = true;
  std::string name_;
  std::string row_;
};
}  // namespace detail

// The header of records of `Struct`, CRLF included.
template <typename Struct>
std::string csv_header() {
  detail::csv_record record{true};
  for_each_leaf<Struct>(
      nullptr, [&](leaf_path const& path, auto const* value, leaf_absence why) { record.add(path, value, why); });
  return std::move(record).take();
}

// One record, CRLF included.
template <typename Struct>
std::string csv_row(Struct const& object) {
  detail::csv_record record{false};
  for_each_leaf(object,
                [&](leaf_path const& path, auto const* value, leaf_absence why) { record.add(path, value, why); });
  return std::move(record).take();
}

// A header and a record for each.
template <std::ranges::input_range Range>
std::string csv_of(Range const& objects) {
  auto text = csv_header<std::ranges::range_value_t<Range>>();
  for (auto const& object : objects) text += csv_row(object);
  return text;
}

}  // namespace kunmetrics
