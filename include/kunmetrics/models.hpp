// Named model shapes, as their published configurations state them.
//
// Sources: the config.json of each model's checkpoint on Hugging Face, read by io/hf_config.hpp too. `model_named` looks a name up exactly, in lower case.
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

inline constexpr transformer llama1_7b{.name = "llama-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                       .head_size = 128, .ffn = 11008, .vocabulary = 32000, .nominal_parameters = 7'000'000'000};
inline constexpr transformer llama3_8b{.name = "llama3-8b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 8,
                                       .head_size = 128, .ffn = 14336, .vocabulary = 128256, .nominal_parameters = 8'000'000'000};
inline constexpr transformer llama3_70b{.name = "llama3-70b", .layers = 80, .hidden = 8192, .heads = 64, .kv_heads = 8,
                                        .head_size = 128, .ffn = 28672, .vocabulary = 128256, .nominal_parameters = 70'000'000'000};
inline constexpr transformer llama3_1_405b{.name = "llama3.1-405b", .layers = 126, .hidden = 16384, .heads = 128, .kv_heads = 8,
                                           .head_size = 128, .ffn = 53248, .vocabulary = 128256, .nominal_parameters = 405'000'000'000};
inline constexpr transformer mistral_7b{.name = "mistral-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 8,
                                        .head_size = 128, .ffn = 14336, .vocabulary = 32000, .nominal_parameters = 7'000'000'000,
                                        .windowed = {.window = 4096, .layers = 32}};
inline constexpr transformer mixtral_8x7b{.name = "mixtral-8x7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 8,
                                          .head_size = 128, .ffn = 14336, .vocabulary = 32000,
                                          .moe = {.experts = 8, .active = 2, .expert_ffn = 14336, .layers = 32}};
inline constexpr transformer qwen2_7b{.name = "qwen2-7b", .layers = 28, .hidden = 3584, .heads = 28, .kv_heads = 4,
                                      .head_size = 128, .ffn = 18944, .vocabulary = 152064, .nominal_parameters = 7'000'000'000,
                                      .qkv_bias = true};
inline constexpr transformer gpt2{.name = "gpt2", .layers = 12, .hidden = 768, .heads = 12, .kv_heads = 12, .head_size = 64,
                                  .ffn = 3072, .vocabulary = 50257, .gated_ffn = false, .tied_embedding = true,
                                  .nominal_parameters = 124'000'000, .learned_positions = 1024, .norm = norm_kind::layer,
                                  .qkv_bias = true, .output_bias = true, .ffn_bias = true};

inline constexpr std::array all{llama2_7b, llama2_13b,    llama2_70b, llama1_7b,    llama3_8b, llama3_70b,
                                llama3_1_405b, mistral_7b, mixtral_8x7b, qwen2_7b, gpt2};
}  // namespace models

// Empty for a name that is not in the table: an unknown model is never guessed.
constexpr std::optional<transformer> model_named(std::string_view name) {
  for (transformer const& model : models::all) {
    if (model.name == name) return model;
  }
  return std::nullopt;
}

}  // namespace kunmetrics
