// Named model shapes, as their published configurations state them.
//
// Sources: meta-llama/Llama-2-{7b,13b,70b}-hf config.json; llama2-70b groups its 64 query heads
// over 8 key/value heads. `model_named` looks a name up exactly, in lower case.
#pragma once

#include <kunmetrics/parameters.hpp>

#include <array>
#include <optional>

namespace kunmetrics {

namespace models {
inline constexpr transformer llama2_7b{.name = "llama2-7b", .layers = 32, .hidden = 4096, .heads = 32,
                                       .kv_heads = 32, .head_size = 128, .ffn = 11008, .vocabulary = 32000,
                                       .nominal_parameters = 7'000'000'000};
inline constexpr transformer llama2_13b{.name = "llama2-13b", .layers = 40, .hidden = 5120, .heads = 40,
                                        .kv_heads = 40, .head_size = 128, .ffn = 13824, .vocabulary = 32000,
                                       .nominal_parameters = 13'000'000'000};
inline constexpr transformer llama2_70b{.name = "llama2-70b", .layers = 80, .hidden = 8192, .heads = 64,
                                        .kv_heads = 8, .head_size = 128, .ffn = 28672, .vocabulary = 32000,
                                       .nominal_parameters = 70'000'000'000};

inline constexpr std::array all{llama2_7b, llama2_13b, llama2_70b};
}  // namespace models

// Empty for a name that is not in the table: an unknown model is never guessed.
constexpr std::optional<transformer> model_named(std::string_view name) {
  for (transformer const& model : models::all) {
    if (model.name == name) return model;
  }
  return std::nullopt;
}

}  // namespace kunmetrics
