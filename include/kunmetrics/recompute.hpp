// What a training run computes a second time in its backward pass, to keep fewer activations.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace kunmetrics {

enum class recompute {
  none,
  selective,  // the attention core alone
  layers,     // every layer's forward pass, the output product left out
  all         // the whole forward pass
};

inline constexpr std::array<std::string_view, 4> recompute_names{"none", "selective", "layers", "all"};
constexpr std::string_view name_of(recompute r) { return recompute_names.at(static_cast<std::size_t>(r)); }

}  // namespace kunmetrics
