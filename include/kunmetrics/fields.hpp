// Names the members of a struct, which makes it a Boost.Hana Struct that every writer can walk.
//
//   struct outcome {
//     double loss;
//     using hana_accessors_impl = fields<field<"loss", &outcome::loss>>;   // below the members it names
//   };
// The pairs are what BOOST_HANA_DEFINE_STRUCT makes, without its macros and their two megabytes
// of text, and are made only where something walks them. A user's own struct, adapted in any of
// Hana's ways, is written by the same writers.
#pragma once

#include <boost/hana/accessors.hpp>
#include <boost/hana/first.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/second.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/tuple.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace kunmetrics {

namespace detail {
template <std::size_t N>
struct fixed_string {
  char characters[N]{};
  consteval fixed_string(char const (&text)[N]) { std::copy_n(text, N, characters); }
};

template <fixed_string Name, std::size_t... I>
consteval auto hana_string(std::index_sequence<I...>) {
  return boost::hana::string<Name.characters[I]...>{};
}
}  // namespace detail

template <detail::fixed_string Name, auto Member>
struct field {
  static constexpr auto name =
      detail::hana_string<Name>(std::make_index_sequence<sizeof(Name.characters) - 1>{});
  static constexpr auto access = [](auto&& object) -> decltype(auto) {
    return (std::forward<decltype(object)>(object).*Member);
  };
};

template <typename... Fields>
struct fields {
  static constexpr auto apply() {
    return boost::hana::make_tuple(boost::hana::make_pair(Fields::name, Fields::access)...);
  }
};

// Calls visit(name, value) for each field of a Hana Struct, in order; name is a std::string_view.
template <typename Struct, typename Visit>
constexpr void for_each_field(Struct const& object, Visit&& visit) {
  boost::hana::for_each(boost::hana::accessors<Struct>(), [&](auto const& pair) {
    visit(std::string_view{boost::hana::first(pair).c_str()}, boost::hana::second(pair)(object));
  });
}

}  // namespace kunmetrics
