// The name of a convention that is built on another one: "causal" and "_mtp" make "causal_mtp".
#pragma once

#include <kunmetrics/fields.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace kunmetrics::detail {

template <typename Named, fixed_string Suffix>
struct suffixed {
  static constexpr std::size_t added = sizeof(Suffix.characters) - 1;
  static constexpr auto characters = [] {
    std::array<char, Named::name.size() + added> all{};
    std::copy_n(Suffix.characters, added, std::ranges::copy(Named::name, all.begin()).out);
    return all;
  }();
  static constexpr std::string_view name{characters.data(), characters.size()};
};

}  // namespace kunmetrics::detail
