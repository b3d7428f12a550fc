// Typed, checked reading of a JSON object: a cursor that remembers which keys were read.
//
//   json_document const document{file};
//   json_object fields{document};
//   auto const layers = fields.integer("layers", 1);
//   auto const seed = fields.optional_integer("seed", 0).value_or(0);
//   fields.finish();                                   a key that nobody asked for is an error
// Every error is an `input_error` of one line: `FILE: key.path: needed ..., found ...`. A cursor
// points into its document, which must outlive it.
#pragma once

#include <kunmetrics/io/json_document.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace kunmetrics {

// What `null` means: a wrong type, or, as in files written by Python, a key that is not there.
enum class null_is { refused, absent };

// What a number must fulfil, with the words for it.
struct number_requirement {
  std::string_view needed;
  bool (*holds)(double);
};
inline constexpr number_requirement any_number{"a number", [](double) { return true; }};
inline constexpr number_requirement positive_number{"a number above 0", [](double x) { return x > 0; }};
inline constexpr number_requirement non_negative_number{"a number of at least 0", [](double x) { return x >= 0; }};
inline constexpr number_requirement number_below_one{"a number from 0 to below 1",
                                                     [](double x) { return x >= 0 && x < 1; }};

namespace detail {
inline std::string between(std::string_view kind, std::int64_t least, std::int64_t most) {
  std::string text{kind};
  if (most == std::numeric_limits<std::int64_t>::max()) return text.append(" of at least ").append(std::to_string(least));
  return text.append(" from ").append(std::to_string(least)).append(" to ").append(std::to_string(most));
}

inline std::string one_of(std::span<std::string_view const> names) {
  std::string text = "one of";
  for (auto const& name : names) text.append(name.data() == names.front().data() ? " " : ", ").append(name);
  return text;
}

inline std::optional<std::int64_t> integer_of(json_value const& value) {
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return value.is_number_integer() ? std::optional{value.get<std::int64_t>()} : std::nullopt;
}

// Also 1e7 and 4.0, which are whole; up to 2^53, beyond which a double skips integers.
inline std::optional<std::int64_t> whole_of(json_value const& value) {
  if (!value.is_number_float()) return integer_of(value);
  double const number = value.get<double>();
  if (std::trunc(number) != number || std::abs(number) > 9007199254740992.0) return std::nullopt;
  return static_cast<std::int64_t>(number);
}
}  // namespace detail

class json_object {
 public:
  static constexpr std::int64_t no_limit = std::numeric_limits<std::int64_t>::max();

  // The document's root; throws input_error when that is not an object.
  explicit json_object(json_document const& document)
      : json_object{document.tree(), document.name(), {}, null_is::refused} {}

  // The same object, nothing read yet, with another meaning of null, here and further in.
  json_object with(null_is nulls) const { return {*value_, file_, path_, nulls}; }

  // As messages name it: `FILE`, or `FILE: key.path` for an object inside.
  std::string where() const { return path_.empty() ? file_ : file_ + ": " + path_; }
  std::string where(std::string_view key) const {
    return file_ + ": " + detail::joined_path(path_, detail::shown_key(std::string{key}));
  }

  bool has(std::string_view key) const { return value_of(key) != nullptr; }
  bool states(std::string_view key) const { return index_of(key) < entries().size(); }  // null or not
  bool is_text(std::string_view key) const { return has(key) && value_of(key)->is_string(); }
  bool is_object(std::string_view key) const { return has(key) && value_of(key)->is_object(); }
  std::vector<std::string> keys() const {
    std::vector<std::string> names;
    for (auto const& [name, value] : entries()) names.push_back(name);
    return names;
  }

  // The `optional_` form is empty when the key is not there; the plain one throws then. All throw
  // input_error for another type or a value out of range.
  std::optional<std::int64_t> optional_integer(std::string_view key, std::int64_t least, std::int64_t most = no_limit) {
    return ranged(key, "an integer", &detail::integer_of, least, most);
  }
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most = no_limit) {
    return present(key, optional_integer(key, least, most), detail::between("an integer", least, most));
  }

  // A count that may be written as a float, as in "bucket_size": 1e7.
  std::optional<std::int64_t> optional_whole(std::string_view key, std::int64_t least, std::int64_t most = no_limit) {
    return ranged(key, "a whole number", &detail::whole_of, least, most);
  }
  std::int64_t whole(std::string_view key, std::int64_t least, std::int64_t most = no_limit) {
    return present(key, optional_whole(key, least, most), detail::between("a whole number", least, most));
  }

  std::optional<double> optional_number(std::string_view key, number_requirement const& required) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !required.holds(value->get<double>())) refuse(key, required.needed);
    return value->get<double>();
  }
  double number(std::string_view key, number_requirement const& required) {
    return present(key, optional_number(key, required), required.needed);
  }

  // An array of exactly `size` numbers.
  std::optional<std::vector<double>> optional_numbers(std::string_view key, std::size_t size,
                                                      number_requirement const& required) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    auto const usable = [&](json_value const& each) { return each.is_number() && required.holds(each.get<double>()); };
    if (!value->is_array() || value->size() != size || !std::ranges::all_of(*value, usable)) {
      refuse(key, "an array of " + std::to_string(size) + ", each " + std::string{required.needed});
    }
    return value->get<std::vector<double>>();
  }

  std::optional<bool> optional_boolean(std::string_view key) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) refuse(key, "true or false");
    return value->get<bool>();
  }

  std::optional<std::string> optional_text(std::string_view key) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(key, "a string");
    return value->get<std::string>();
  }
  std::string text(std::string_view key) { return present(key, optional_text(key), "a string"); }

  // An array of strings.
  std::optional<std::vector<std::string>> optional_texts(std::string_view key) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_array() || !std::ranges::all_of(*value, [](json_value const& each) { return each.is_string(); })) {
      refuse(key, "an array of strings");
    }
    return value->get<std::vector<std::string>>();
  }

  // An array of any kind, to be walked by hand; null when the key is not there.
  json_value const* optional_array(std::string_view key) {
    auto const* const value = read(key);
    if (value != nullptr && !value->is_array()) refuse(key, "an array");
    return value;
  }

  std::optional<std::vector<std::int64_t>> optional_integers(std::string_view key) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_array() || !std::ranges::all_of(*value, [](json_value const& each) { return detail::integer_of(each).has_value(); })) {
      refuse(key, "an array of integers");
    }
    return value->get<std::vector<std::int64_t>>();
  }

  // The position in `names` of the string read.
  std::optional<std::size_t> optional_choice(std::string_view key, std::span<std::string_view const> names) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    auto const found = value->is_string()
                           ? std::ranges::find(names, std::string_view{value->get_ref<std::string const&>()})
                           : names.end();
    if (found == names.end()) refuse(key, detail::one_of(names));
    return static_cast<std::size_t>(found - names.begin());
  }
  std::size_t choice(std::string_view key, std::span<std::string_view const> names) {
    return present(key, optional_choice(key, names), detail::one_of(names));
  }

  std::optional<json_object> optional_object(std::string_view key) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    return json_object{*value, file_, detail::joined_path(path_, detail::shown_key(std::string{key})), nulls_};
  }

  // Takes note of a key whose value does not matter.
  void accept(std::string_view key) { read(key); }

  // Throws input_error for the first key, in the file's order, that was not read.
  void finish() const {
    for (std::size_t i = 0; i < read_.size(); ++i) {
      if (!read_[i]) refuse(entries().begin()[static_cast<std::ptrdiff_t>(i)].first, "a key known here", "an unknown one");
    }
  }

  // Throws input_error about a key, with the value that it has.
  [[noreturn]] void refuse(std::string_view key, std::string_view needed) const {
    auto const* const value = value_of(key);
    refuse(key, needed, value == nullptr ? "no such key" : detail::shown(*value));
  }
  [[noreturn]] void refuse(std::string_view key, std::string_view needed, std::string_view found) const {
    throw input_error{detail::needed_found(where(key), needed, found)};
  }

 private:
  json_object(json_value const& value, std::string file, std::string path, null_is nulls)
      : value_{&value}, file_{std::move(file)}, path_{std::move(path)}, nulls_{nulls} {
    if (!value.is_object()) throw input_error{detail::needed_found(where(), "an object", detail::shown(value))};
    read_.resize(value.size());
  }

  json_value::object_t const& entries() const { return value_->get_ref<json_value::object_t const&>(); }
  std::size_t index_of(std::string_view key) const {
    auto const at = std::ranges::find(entries(), key, [](auto const& entry) { return std::string_view{entry.first}; });
    return static_cast<std::size_t>(at - entries().begin());
  }
  json_value const* value_of(std::string_view key) const {
    auto const i = index_of(key);
    if (i == entries().size()) return nullptr;
    auto const& value = entries().begin()[static_cast<std::ptrdiff_t>(i)].second;
    return value.is_null() && nulls_ == null_is::absent ? nullptr : &value;
  }
  json_value const* read(std::string_view key) {
    if (auto const i = index_of(key); i < read_.size()) read_[i] = true;
    return value_of(key);
  }

  std::optional<std::int64_t> ranged(std::string_view key, std::string_view kind,
                                     std::optional<std::int64_t> (*converted)(json_value const&), std::int64_t least,
                                     std::int64_t most) {
    auto const* const value = read(key);
    if (value == nullptr) return std::nullopt;
    auto const number = converted(*value);
    if (!number || *number < least || *number > most) refuse(key, detail::between(kind, least, most));
    return number;
  }
  template <typename T>
  T present(std::string_view key, std::optional<T> value, std::string_view needed) const {
    if (!value) refuse(key, needed);
    return *std::move(value);
  }

  json_value const* value_;
  std::string file_;
  std::string path_;
  null_is nulls_;
  std::vector<bool> read_;
};

}  // namespace kunmetrics
