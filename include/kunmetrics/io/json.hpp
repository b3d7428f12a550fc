// JSON of any Hana Struct whose members are numbers, texts, quantities, results, or such structs.
//
//   quantity        {"value": 3564.0, "unit": "token/(processor s)"}; a count is a JSON integer
//   maybe<number>   {"value": 5.27, "unit": "1"}
//   absent          {"value": null, what the type says ("unit", "convention"), "reason": "..."}
//   utilization     {"value", "unit", "convention", "recompute" (HFU), "flop_per_token", "peak"}
//   peak_rate       {"value", "unit", "precision", "source"}
//   phase_times     an object by phase;  std::optional  its value or null;  enum  its name
// A summary is one flat object: results stand beside its fields, utilizations grouped as
// "mfu": {"palm": {...}}. With number_form::plain a quantity is a bare number in its coherent unit
// (token, flop, B, s). NaN and infinities are never written: such a value is null.
#pragma once

#include <kunmetrics/io/whole_file.hpp>
#include <kunmetrics/summary.hpp>

#include <boost/hana/concept/struct.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/unpack.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <concepts>
#include <ranges>
#include <string>

namespace kunmetrics {

using json = nlohmann::ordered_json;

enum class number_form { described, plain };

// Does not compile for a type that is none of the above, nor for a summary with two results of one
// key (two HFUs of one convention, say).
template <number_form Form = number_form::described, typename T>
json json_of(T const& value);

// Indented text with a newline at its end. Bytes that are no UTF-8 become U+FFFD.
inline std::string json_text(json const& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + '\n';
}

namespace detail {
template <typename T>
inline constexpr bool is_quantity = false;
template <typename Dimension, typename Rep>
inline constexpr bool is_quantity<quantity<Dimension, Rep>> = true;
template <typename T>
inline constexpr bool is_maybe = false;
template <typename T>
inline constexpr bool is_maybe<maybe<T>> = true;
template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
inline constexpr bool is_utilization = false;
template <typename Work>
inline constexpr bool is_utilization<utilization<Work>> = true;
template <typename T>
inline constexpr bool is_summary = false;
template <typename... Calculators>
inline constexpr bool is_summary<summary<Calculators...>> = true;
template <typename T>
inline constexpr bool is_tuple = false;
template <typename... T>
inline constexpr bool is_tuple<boost::hana::tuple<T...>> = true;

template <typename T>
concept text = std::convertible_to<T const&, std::string_view>;
template <typename T>
concept named = requires(T const& value) {
  { name_of(value) } -> std::convertible_to<std::string_view>;
};
template <typename T>
concept hana_struct = boost::hana::Struct<T>::value;
// One number, with whatever describes it.
template <typename T>
concept single_number = number<T> || is_quantity<T> || is_utilization<T> || std::same_as<T, peak_rate>;

template <number T>
json json_of_number(T value) {
  if constexpr (std::floating_point<T>) {
    if (!std::isfinite(value)) return nullptr;
  }
  return value;
}

// The number itself, in its coherent unit.
template <single_number T>
constexpr auto coherent_number(T const& value) {
  if constexpr (is_quantity<T>) {
    return value.coherent();
  } else if constexpr (is_utilization<T>) {
    return value.ratio.coherent();
  } else if constexpr (std::same_as<T, peak_rate>) {
    return value.rate.coherent();
  } else {
    return value;
  }
}
template <single_number T>
json bare_number(T const& value) { return json_of_number(coherent_number(value)); }

// Adds what the type alone says: true of an absent value, too.
template <single_number T>
void add_labels(json& object) {
  if constexpr (is_quantity<T>) {
    object["unit"] = unit_text<T>;
  } else if constexpr (std::same_as<T, peak_rate>) {
    object["unit"] = unit_text<flop_rate>;
  } else {
    object["unit"] = unit_text<dimensionless>;
  }
  if constexpr (is_utilization<T>) {
    object["convention"] = T::work::convention::name;
    if constexpr (requires { T::work::recomputed; }) object["recompute"] = name_of(T::work::recomputed);
  }
}

template <single_number T>
json described_number(T const& value) {
  json object{{"value", bare_number(value)}};
  add_labels<T>(object);
  if (object["value"].is_null()) object["reason"] = "not a finite number";
  if constexpr (is_utilization<T>) {
    object["flop_per_token"] = json_of(value.flop_per_token);
    object["peak"] = json_of(value.peak);
  }
  if constexpr (std::same_as<T, peak_rate>) {
    object["precision"] = name_of(value.at);
    object["source"] = value.source;
  }
  return object;
}

template <number_form Form, typename T>
json json_of_maybe(maybe<T> const& value) {
  if constexpr (Form == number_form::plain) {
    return value ? json_of<Form>(*value) : json(nullptr);
  } else {
    if (value) {
      if constexpr (single_number<T>) return described_number(*value);
      return json_of<Form>(*value);
    }
    json object{{"value", nullptr}};
    if constexpr (single_number<T>) add_labels<T>(object);
    object["reason"] = value.reason();
    return object;
  }
}

template <number_form Form>
json json_of_phases(phase_times const& times) {
  json object = json::object();
  for (std::size_t i = 0; i < times.size(); ++i) object[std::string{phase_names[i]}] = json_of<Form>(times[i]);
  return object;
}

template <number_form Form, typename Range>
json json_of_range(Range const& range) {
  json array = json::array();
  for (auto const& element : range) array.push_back(json_of<Form>(element));
  return array;
}

template <number_form Form, typename Tuple>
json json_of_tuple(Tuple const& tuple) {
  json array = json::array();
  boost::hana::for_each(tuple, [&](auto const& element) { array.push_back(json_of<Form>(element)); });
  return array;
}

template <number_form Form, typename Struct>
json json_of_struct(Struct const& object) {
  json fields = json::object();
  for_each_field(object, [&](std::string_view name, auto const& value) {
    fields[std::string{name}] = json_of<Form>(value);
  });
  return fields;
}

// The place of a value in a summary's object; `convention` is empty outside groups.
struct summary_key {
  std::string_view name;
  std::string_view convention;
};
template <typename Result>
struct measured { using type = Result; };
template <typename Result>
struct measured<maybe<Result>> { using type = Result; };
template <typename Result>
using measured_t = typename measured<Result>::type;

template <typename Result>
constexpr summary_key result_key(std::string_view name) {
  if constexpr (is_utilization<measured_t<Result>>) return {name, measured_t<Result>::work::convention::name};
  return {name, {}};
}

// All different, and no group of the name of a single value.
template <std::size_t N>
constexpr bool distinct(std::array<summary_key, N> const& keys) {
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      bool const both_in_groups = !keys[i].convention.empty() && !keys[j].convention.empty();
      if (keys[i].name == keys[j].name && (!both_in_groups || keys[i].convention == keys[j].convention)) return false;
    }
  }
  return true;
}

template <typename... Calculators>
consteval bool has_distinct_keys(summary<Calculators...> const*) {
  using run = summary<Calculators...>;
  return boost::hana::unpack(boost::hana::accessors<run>(), [](auto const&... pairs) {
    return distinct(std::array<summary_key, sizeof...(pairs) + sizeof...(Calculators)>{
        summary_key{boost::hana::first(pairs).c_str(), {}}...,
        result_key<std::invoke_result_t<Calculators const&, training_case const&, interval const&>>(
            Calculators::name)...});
  });
}

template <number_form Form, typename Summary>
json json_of_summary(Summary const& run) {
  static_assert(has_distinct_keys(static_cast<Summary const*>(nullptr)),
                "json_of(summary) requires results of different names, utilizations of different conventions");
  json object = json::object();
  for_each_field(run, [&](std::string_view name, auto const& value) {
    if constexpr (!is_tuple<std::remove_cvref_t<decltype(value)>>) object[std::string{name}] = json_of<Form>(value);
  });
  for_each_result(run, [&]<typename Result>(std::string_view name, Result const& result) {
    auto const key = result_key<Result>(name);
    json& place = key.convention.empty() ? object[std::string{key.name}]
                                         : object[std::string{key.name}][std::string{key.convention}];
    place = json_of<Form>(result);
  });
  return object;
}
}  // namespace detail

template <number_form Form, typename T>
json json_of(T const& value) {
  if constexpr (std::same_as<T, bool>) {
    return value;
  } else if constexpr (std::same_as<T, json>) {
    return value;
  } else if constexpr (detail::number<T>) {
    return detail::json_of_number(value);
  } else if constexpr (detail::single_number<T>) {
    return Form == number_form::plain ? detail::bare_number(value) : detail::described_number(value);
  } else if constexpr (detail::text<T>) {
    return std::string_view{value};
  } else if constexpr (detail::is_maybe<T>) {
    return detail::json_of_maybe<Form>(value);
  } else if constexpr (detail::is_optional<T>) {
    return value ? json_of<Form>(*value) : json(nullptr);
  } else if constexpr (detail::named<T>) {
    return std::string_view{name_of(value)};
  } else if constexpr (std::same_as<T, phase_times>) {
    return detail::json_of_phases<Form>(value);
  } else if constexpr (detail::is_summary<T>) {
    return detail::json_of_summary<Form>(value);
  } else if constexpr (detail::hana_struct<T>) {
    return detail::json_of_struct<Form>(value);
  } else if constexpr (detail::is_tuple<T>) {
    return detail::json_of_tuple<Form>(value);
  } else {
    static_assert(std::ranges::input_range<T const>,
                  "json_of(value) requires 'value' to be a number, a text, a quantity, a result, an enum with "
                  "name_of, a range, a Hana tuple or a Hana Struct");
    return detail::json_of_range<Form>(value);
  }
}

}  // namespace kunmetrics
