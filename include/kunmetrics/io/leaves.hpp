// The leaves of any Hana Struct: every number, text, flag or name in it, with its path; for the writers of
// flat forms, where a struct in a struct has no place.
//
//   for_each_leaf(record, [](leaf_path const& path, auto const* value, leaf_absence why) { ... });
// Optional and `maybe` members are looked into; where they are empty `value` is null and `why` tells, so
// that a table's columns never depend on the values. A phase and a summary's convention are `labels` of the
// path: one quantity, told apart by them. A utilization or a peak is one leaf with its provenance inside.
#pragma once

#include <kunmetrics/io/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

struct leaf_segment {
  std::string_view name;   // "phases", "forward", "palm"
  std::string_view label;  // what kind of name it is, where it tells members of one quantity apart: "phase"
};
using leaf_path = std::vector<leaf_segment>;

// The segments' names, joined.
inline std::string joined(leaf_path const& path, char by) {
  std::string text;
  for (auto const& [name, label] : path) (text.empty() ? text : text += by) += name;
  return text;
}

// Whether the type can tell why a value is not there (`maybe` can), and what it tells.
struct leaf_absence {
  bool can_tell = false;
  std::string_view reason;
};

namespace detail {
// A path that grows by one segment while it lives.
class deeper {
 public:
  deeper(leaf_path& path, leaf_segment segment) : path_{path} { path_.push_back(segment); }
  deeper(deeper const&) = delete;
  deeper& operator=(deeper const&) = delete;
  ~deeper() { path_.pop_back(); }

 private:
  leaf_path& path_;
};

// Results of calculators, named: a summary, and what else has them.
template <typename T>
concept with_results = requires(T const& value) {
  T::result_names.size();
  requires is_tuple<std::remove_cvref_t<decltype(value.results)>>;
};

template <typename T, typename Visit>
void visit_leaves(leaf_path& path, T const* value, leaf_absence why, Visit& visit);

template <typename T, typename Visit>
void visit_fields(leaf_path& path, T const* object, leaf_absence why, Visit& visit) {
  boost::hana::for_each(boost::hana::accessors<T>(), [&](auto const& pair) {
    using field_type = std::remove_cvref_t<decltype(boost::hana::second(pair)(std::declval<T const&>()))>;
    if constexpr (!(with_results<T> && is_tuple<field_type>)) {
      deeper const inside{path, {boost::hana::first(pair).c_str(), {}}};
      visit_leaves<field_type>(path, object == nullptr ? nullptr : &boost::hana::second(pair)(*object), why, visit);
    }
  });
}

template <with_results T, typename Visit>
void visit_results(leaf_path& path, T const* run, leaf_absence why, Visit& visit) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    auto const one = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
      using result = std::remove_cvref_t<decltype(boost::hana::at_c<At>(run->results))>;
      constexpr auto key = result_key<result>(T::result_names[At]);
      deeper const inside{path, {key.name, {}}};
      result const* const value = run == nullptr ? nullptr : &boost::hana::at_c<At>(run->results);
      if constexpr (key.convention.empty()) {
        visit_leaves<result>(path, value, why, visit);
      } else {
        deeper const further{path, {key.convention, "convention"}};
        visit_leaves<result>(path, value, why, visit);
      }
    };
    (one(std::integral_constant<std::size_t, I>{}), ...);
  }(std::make_index_sequence<T::result_names.size()>{});
}

template <typename T, typename Visit>
void visit_leaves(leaf_path& path, T const* value, leaf_absence why, Visit& visit) {
  if constexpr (is_maybe<T>) {
    auto const* const inner = value != nullptr && *value ? &**value : nullptr;
    visit_leaves(path, inner, {true, value == nullptr ? why.reason : value->reason()}, visit);
  } else if constexpr (is_optional<T>) {
    visit_leaves(path, value != nullptr && *value ? &**value : nullptr, why, visit);
  } else if constexpr (std::same_as<T, phase_times>) {
    for (std::size_t i = 0; i < phase_names.size(); ++i) {
      deeper const inside{path, {phase_names[i], "phase"}};
      visit_leaves(path, value == nullptr ? nullptr : &(*value)[i], why, visit);
    }
  } else if constexpr (hana_struct<T> && !single_number<T>) {
    visit_fields(path, value, why, visit);
    if constexpr (with_results<T>) visit_results(path, value, why, visit);
  } else {
    visit(std::as_const(path), value, why);
  }
}
}  // namespace detail

// Calls visit(path, value, why) for each leaf in order; `object` may be null: the leaves of the type alone.
template <typename Struct, typename Visit>
void for_each_leaf(Struct const* object, Visit&& visit) {
  leaf_path path;
  detail::visit_leaves(path, object, {}, visit);
}
template <typename Struct, typename Visit>
void for_each_leaf(Struct const& object, Visit&& visit) {
  for_each_leaf(&object, visit);
}

}  // namespace kunmetrics
