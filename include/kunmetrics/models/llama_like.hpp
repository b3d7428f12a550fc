// Named shapes of llama's form: rotary positions, a gated FFN.
//
// Sources: the config.json of each checkpoint on Hugging Face, collected with their counts in
// tests/truth/shapes.json. gemma3 "-text" are the text models of the multi-modal checkpoints, whose
// vocabulary is 262208. phi-3 are those of 4096 tokens.
#pragma once

#include <kunmetrics/transformer.hpp>

namespace kunmetrics::models {
namespace detail {
constexpr transformer internlm_form(transformer sizes) {
  sizes.qkv_bias = sizes.output_bias = true;
  return sizes;
}
constexpr transformer stablelm_form(transformer sizes) {
  sizes.norm = norm_kind::layer;
  return sizes;
}
constexpr transformer olmo_form(transformer sizes) {
  sizes.norm = norm_kind::none;
  return sizes;
}
constexpr transformer four_norms(transformer sizes) {
  sizes.norms_per_layer = 4;
  return sizes;
}
}  // namespace detail

inline constexpr transformer llama2_7b{.name = "llama2-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                       .head_size = 128, .ffn = 11008, .vocabulary = 32000,
                                       .nominal_parameters = 7'000'000'000};
inline constexpr transformer llama2_13b{.name = "llama2-13b", .layers = 40, .hidden = 5120, .heads = 40, .kv_heads = 40,
                                        .head_size = 128, .ffn = 13824, .vocabulary = 32000,
                                        .nominal_parameters = 13'000'000'000};
inline constexpr transformer llama2_70b{.name = "llama2-70b", .layers = 80, .hidden = 8192, .heads = 64, .kv_heads = 8,
                                        .head_size = 128, .ffn = 28672, .vocabulary = 32000,
                                        .nominal_parameters = 70'000'000'000};
inline constexpr transformer llama1_7b{.name = "llama-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                       .head_size = 128, .ffn = 11008, .vocabulary = 32000,
                                       .nominal_parameters = 7'000'000'000};
inline constexpr transformer llama1_13b{.name = "llama-13b", .layers = 40, .hidden = 5120, .heads = 40, .kv_heads = 40,
                                        .head_size = 128, .ffn = 13824, .vocabulary = 32000,
                                        .nominal_parameters = 13'000'000'000};
inline constexpr transformer llama1_30b{.name = "llama-30b", .layers = 60, .hidden = 6656, .heads = 52, .kv_heads = 52,
                                        .head_size = 128, .ffn = 17920, .vocabulary = 32000,
                                        .nominal_parameters = 30'000'000'000};
inline constexpr transformer llama1_65b{.name = "llama-65b", .layers = 80, .hidden = 8192, .heads = 64, .kv_heads = 64,
                                        .head_size = 128, .ffn = 22016, .vocabulary = 32000,
                                        .nominal_parameters = 65'000'000'000};
inline constexpr transformer llama3_8b{.name = "llama3-8b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 8,
                                       .head_size = 128, .ffn = 14336, .vocabulary = 128256,
                                       .nominal_parameters = 8'000'000'000};
inline constexpr transformer llama3_70b{.name = "llama3-70b", .layers = 80, .hidden = 8192, .heads = 64, .kv_heads = 8,
                                        .head_size = 128, .ffn = 28672, .vocabulary = 128256,
                                        .nominal_parameters = 70'000'000'000};
inline constexpr transformer llama3_1_405b{.name = "llama3.1-405b", .layers = 126, .hidden = 16384, .heads = 128,
                                           .kv_heads = 8, .head_size = 128, .ffn = 53248, .vocabulary = 128256,
                                           .nominal_parameters = 405'000'000'000};
inline constexpr transformer llama3_1_8b{.name = "llama3.1-8b", .layers = 32, .hidden = 4096, .heads = 32,
                                         .kv_heads = 8, .head_size = 128, .ffn = 14336, .vocabulary = 128256,
                                         .nominal_parameters = 8'000'000'000};
inline constexpr transformer llama3_1_70b{.name = "llama3.1-70b", .layers = 80, .hidden = 8192, .heads = 64,
                                          .kv_heads = 8, .head_size = 128, .ffn = 28672, .vocabulary = 128256,
                                          .nominal_parameters = 70'000'000'000};
inline constexpr transformer llama3_2_1b{.name = "llama3.2-1b", .layers = 16, .hidden = 2048, .heads = 32,
                                         .kv_heads = 8, .head_size = 64, .ffn = 8192, .vocabulary = 128256,
                                         .tied_embedding = true, .nominal_parameters = 1'000'000'000};
inline constexpr transformer llama3_2_3b{.name = "llama3.2-3b", .layers = 28, .hidden = 3072, .heads = 24,
                                         .kv_heads = 8, .head_size = 128, .ffn = 8192, .vocabulary = 128256,
                                         .tied_embedding = true, .nominal_parameters = 3'000'000'000};
inline constexpr transformer codellama_34b{.name = "codellama-34b", .layers = 48, .hidden = 8192, .heads = 64,
                                           .kv_heads = 8, .head_size = 128, .ffn = 22016, .vocabulary = 32000,
                                           .nominal_parameters = 34'000'000'000};
inline constexpr transformer tinyllama_1_1b{.name = "tinyllama-1.1b", .layers = 22, .hidden = 2048, .heads = 32,
                                            .kv_heads = 4, .head_size = 64, .ffn = 5632, .vocabulary = 32000,
                                            .nominal_parameters = 1'100'000'000};
inline constexpr transformer mistral_7b{.name = "mistral-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 8,
                                        .head_size = 128, .ffn = 14336, .vocabulary = 32000,
                                        .nominal_parameters = 7'000'000'000,
                                        .windowed = {.window = 4096, .layers = 32}};
inline constexpr transformer mistral_7b_v0_3{.name = "mistral-7b-v0.3", .layers = 32, .hidden = 4096, .heads = 32,
                                             .kv_heads = 8, .head_size = 128, .ffn = 14336, .vocabulary = 32768,
                                             .nominal_parameters = 7'000'000'000};
inline constexpr transformer mistral_nemo_12b{.name = "mistral-nemo-12b", .layers = 40, .hidden = 5120, .heads = 32,
                                              .kv_heads = 8, .head_size = 128, .ffn = 14336, .vocabulary = 131072,
                                              .nominal_parameters = 12'000'000'000};
inline constexpr transformer yi_6b{.name = "yi-6b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 4,
                                   .head_size = 128, .ffn = 11008, .vocabulary = 64000,
                                   .nominal_parameters = 6'000'000'000};
inline constexpr transformer yi_9b{.name = "yi-9b", .layers = 48, .hidden = 4096, .heads = 32, .kv_heads = 4,
                                   .head_size = 128, .ffn = 11008, .vocabulary = 64000,
                                   .nominal_parameters = 9'000'000'000};
inline constexpr transformer yi_34b{.name = "yi-34b", .layers = 60, .hidden = 7168, .heads = 56, .kv_heads = 8,
                                    .head_size = 128, .ffn = 20480, .vocabulary = 64000,
                                    .nominal_parameters = 34'000'000'000};
inline constexpr transformer aquila2_7b{.name = "aquila2-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                        .head_size = 128, .ffn = 11008, .vocabulary = 100008,
                                        .nominal_parameters = 7'000'000'000};
inline constexpr transformer baichuan_7b{.name = "baichuan-7b", .layers = 32, .hidden = 4096, .heads = 32,
                                         .kv_heads = 32, .head_size = 128, .ffn = 11008, .vocabulary = 64000,
                                         .nominal_parameters = 7'000'000'000};
inline constexpr transformer baichuan2_7b{.name = "baichuan2-7b", .layers = 32, .hidden = 4096, .heads = 32,
                                          .kv_heads = 32, .head_size = 128, .ffn = 11008, .vocabulary = 125696,
                                          .nominal_parameters = 7'000'000'000};
inline constexpr transformer baichuan2_13b{.name = "baichuan2-13b", .layers = 40, .hidden = 5120, .heads = 40,
                                           .kv_heads = 40, .head_size = 128, .ffn = 13696, .vocabulary = 125696,
                                           .nominal_parameters = 13'000'000'000};
inline constexpr transformer internlm_7b = detail::internlm_form({.name = "internlm-7b", .layers = 32, .hidden = 4096,
    .heads = 32, .kv_heads = 32, .head_size = 128, .ffn = 11008, .vocabulary = 103168,
    .nominal_parameters = 7'000'000'000});
inline constexpr transformer internlm2_7b{.name = "internlm2-7b", .layers = 32, .hidden = 4096, .heads = 32,
                                          .kv_heads = 8, .head_size = 128, .ffn = 14336, .vocabulary = 92544,
                                          .nominal_parameters = 7'000'000'000};
inline constexpr transformer internlm2_20b{.name = "internlm2-20b", .layers = 48, .hidden = 6144, .heads = 48,
                                           .kv_heads = 8, .head_size = 128, .ffn = 16384, .vocabulary = 92544,
                                           .nominal_parameters = 20'000'000'000};
inline constexpr transformer deepseek_llm_67b{.name = "deepseek-llm-67b", .layers = 95, .hidden = 8192, .heads = 64,
                                              .kv_heads = 8, .head_size = 128, .ffn = 22016, .vocabulary = 102400,
                                              .nominal_parameters = 67'000'000'000};
inline constexpr transformer smollm2_1_7b{.name = "smollm2-1.7b", .layers = 24, .hidden = 2048, .heads = 32,
                                          .kv_heads = 32, .head_size = 64, .ffn = 8192, .vocabulary = 49152,
                                          .tied_embedding = true, .nominal_parameters = 1'700'000'000};
inline constexpr transformer smollm3_3b{.name = "smollm3-3b", .layers = 36, .hidden = 2048, .heads = 16, .kv_heads = 4,
                                        .head_size = 128, .ffn = 11008, .vocabulary = 128256, .tied_embedding = true,
                                        .nominal_parameters = 3'000'000'000};
inline constexpr transformer phi_3_mini{.name = "phi-3-mini", .layers = 32, .hidden = 3072, .heads = 32, .kv_heads = 32,
                                        .head_size = 96, .ffn = 8192, .vocabulary = 32064,
                                        .nominal_parameters = 3'800'000'000,
                                        .windowed = {.window = 2047, .layers = 32}};
inline constexpr transformer phi_3_medium{.name = "phi-3-medium", .layers = 40, .hidden = 5120, .heads = 40,
                                          .kv_heads = 10, .head_size = 128, .ffn = 17920, .vocabulary = 32064,
                                          .nominal_parameters = 14'000'000'000,
                                          .windowed = {.window = 2047, .layers = 40}};
inline constexpr transformer phi_4{.name = "phi-4", .layers = 40, .hidden = 5120, .heads = 40, .kv_heads = 10,
                                   .head_size = 128, .ffn = 17920, .vocabulary = 100352,
                                   .nominal_parameters = 14'000'000'000};
inline constexpr transformer phi_4_mini{.name = "phi-4-mini", .layers = 32, .hidden = 3072, .heads = 24, .kv_heads = 8,
                                        .head_size = 128, .ffn = 8192, .vocabulary = 200064, .tied_embedding = true,
                                        .nominal_parameters = 3'800'000'000,
                                        .windowed = {.window = 262144, .layers = 32}};
inline constexpr transformer chatglm3_6b{.name = "chatglm3-6b", .layers = 28, .hidden = 4096, .heads = 32,
                                         .kv_heads = 2, .head_size = 128, .ffn = 13696, .vocabulary = 65024,
                                         .nominal_parameters = 6'000'000'000, .qkv_bias = true};
inline constexpr transformer glm4_9b{.name = "glm4-9b", .layers = 40, .hidden = 4096, .heads = 32, .kv_heads = 2,
                                     .head_size = 128, .ffn = 13696, .vocabulary = 151552,
                                     .nominal_parameters = 9'000'000'000, .qkv_bias = true};
inline constexpr transformer stablelm_3b_4e1t = detail::stablelm_form({.name = "stablelm-3b-4e1t", .layers = 32,
    .hidden = 2560, .heads = 32, .kv_heads = 32, .head_size = 80, .ffn = 6912, .vocabulary = 50304,
    .nominal_parameters = 3'000'000'000});
inline constexpr transformer olmo_1b = detail::olmo_form({.name = "olmo-1b", .layers = 16, .hidden = 2048, .heads = 16,
                                                          .kv_heads = 16, .head_size = 128, .ffn = 8192,
                                                          .vocabulary = 50304, .tied_embedding = true,
                                                          .nominal_parameters = 1'000'000'000});
inline constexpr transformer olmo_7b = detail::olmo_form({.name = "olmo-7b", .layers = 32, .hidden = 4096, .heads = 32,
                                                          .kv_heads = 32, .head_size = 128, .ffn = 11008,
                                                          .vocabulary = 50304, .nominal_parameters = 7'000'000'000});
inline constexpr transformer olmo2_1b{.name = "olmo2-1b", .layers = 16, .hidden = 2048, .heads = 16, .kv_heads = 16,
                                      .head_size = 128, .ffn = 8192, .vocabulary = 100352,
                                      .nominal_parameters = 1'000'000'000, .qk_norm = query_key_norm::whole};
inline constexpr transformer olmo2_7b{.name = "olmo2-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                      .head_size = 128, .ffn = 11008, .vocabulary = 100352,
                                      .nominal_parameters = 7'000'000'000, .qk_norm = query_key_norm::whole};
inline constexpr transformer olmo2_13b{.name = "olmo2-13b", .layers = 40, .hidden = 5120, .heads = 40, .kv_heads = 40,
                                       .head_size = 128, .ffn = 13824, .vocabulary = 100352,
                                       .nominal_parameters = 13'000'000'000, .qk_norm = query_key_norm::whole};
inline constexpr transformer olmo2_32b{.name = "olmo2-32b", .layers = 64, .hidden = 5120, .heads = 40, .kv_heads = 8,
                                       .head_size = 128, .ffn = 27648, .vocabulary = 100352,
                                       .nominal_parameters = 32'000'000'000, .qk_norm = query_key_norm::whole};

inline constexpr transformer qwen1_5_0_5b{.name = "qwen1.5-0.5b", .layers = 24, .hidden = 1024, .heads = 16,
                                          .kv_heads = 16, .head_size = 64, .ffn = 2816, .vocabulary = 151936,
                                          .tied_embedding = true, .nominal_parameters = 500'000'000, .qkv_bias = true};
inline constexpr transformer qwen1_5_1_8b{.name = "qwen1.5-1.8b", .layers = 24, .hidden = 2048, .heads = 16,
                                          .kv_heads = 16, .head_size = 128, .ffn = 5504, .vocabulary = 151936,
                                          .nominal_parameters = 1'800'000'000, .qkv_bias = true};
inline constexpr transformer qwen1_5_4b{.name = "qwen1.5-4b", .layers = 40, .hidden = 2560, .heads = 20, .kv_heads = 20,
                                        .head_size = 128, .ffn = 6912, .vocabulary = 151936,
                                        .nominal_parameters = 4'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen1_5_7b{.name = "qwen1.5-7b", .layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                        .head_size = 128, .ffn = 11008, .vocabulary = 151936,
                                        .nominal_parameters = 7'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen1_5_14b{.name = "qwen1.5-14b", .layers = 40, .hidden = 5120, .heads = 40,
                                         .kv_heads = 40, .head_size = 128, .ffn = 13696, .vocabulary = 152064,
                                         .nominal_parameters = 14'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_0_5b{.name = "qwen2-0.5b", .layers = 24, .hidden = 896, .heads = 14, .kv_heads = 2,
                                        .head_size = 64, .ffn = 4864, .vocabulary = 151936, .tied_embedding = true,
                                        .nominal_parameters = 500'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_1_5b{.name = "qwen2-1.5b", .layers = 28, .hidden = 1536, .heads = 12, .kv_heads = 2,
                                        .head_size = 128, .ffn = 8960, .vocabulary = 151936, .tied_embedding = true,
                                        .nominal_parameters = 1'500'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_7b{.name = "qwen2-7b", .layers = 28, .hidden = 3584, .heads = 28, .kv_heads = 4,
                                      .head_size = 128, .ffn = 18944, .vocabulary = 152064,
                                      .nominal_parameters = 7'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_72b{.name = "qwen2-72b", .layers = 80, .hidden = 8192, .heads = 64, .kv_heads = 8,
                                       .head_size = 128, .ffn = 29568, .vocabulary = 152064,
                                       .nominal_parameters = 72'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_5_0_5b{.name = "qwen2.5-0.5b", .layers = 24, .hidden = 896, .heads = 14,
                                          .kv_heads = 2, .head_size = 64, .ffn = 4864, .vocabulary = 151936,
                                          .tied_embedding = true, .nominal_parameters = 500'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_5_1_5b{.name = "qwen2.5-1.5b", .layers = 28, .hidden = 1536, .heads = 12,
                                          .kv_heads = 2, .head_size = 128, .ffn = 8960, .vocabulary = 151936,
                                          .tied_embedding = true, .nominal_parameters = 1'500'000'000,
                                          .qkv_bias = true};
inline constexpr transformer qwen2_5_3b{.name = "qwen2.5-3b", .layers = 36, .hidden = 2048, .heads = 16, .kv_heads = 2,
                                        .head_size = 128, .ffn = 11008, .vocabulary = 151936, .tied_embedding = true,
                                        .nominal_parameters = 3'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_5_7b{.name = "qwen2.5-7b", .layers = 28, .hidden = 3584, .heads = 28, .kv_heads = 4,
                                        .head_size = 128, .ffn = 18944, .vocabulary = 152064,
                                        .nominal_parameters = 7'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_5_14b{.name = "qwen2.5-14b", .layers = 48, .hidden = 5120, .heads = 40,
                                         .kv_heads = 8, .head_size = 128, .ffn = 13824, .vocabulary = 152064,
                                         .nominal_parameters = 14'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_5_32b{.name = "qwen2.5-32b", .layers = 64, .hidden = 5120, .heads = 40,
                                         .kv_heads = 8, .head_size = 128, .ffn = 27648, .vocabulary = 152064,
                                         .nominal_parameters = 32'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen2_5_72b{.name = "qwen2.5-72b", .layers = 80, .hidden = 8192, .heads = 64,
                                         .kv_heads = 8, .head_size = 128, .ffn = 29568, .vocabulary = 152064,
                                         .nominal_parameters = 72'000'000'000, .qkv_bias = true};
inline constexpr transformer qwen3_0_6b{.name = "qwen3-0.6b", .layers = 28, .hidden = 1024, .heads = 16, .kv_heads = 8,
                                        .head_size = 128, .ffn = 3072, .vocabulary = 151936, .tied_embedding = true,
                                        .nominal_parameters = 600'000'000, .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_1_7b{.name = "qwen3-1.7b", .layers = 28, .hidden = 2048, .heads = 16, .kv_heads = 8,
                                        .head_size = 128, .ffn = 6144, .vocabulary = 151936, .tied_embedding = true,
                                        .nominal_parameters = 1'700'000'000, .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_4b{.name = "qwen3-4b", .layers = 36, .hidden = 2560, .heads = 32, .kv_heads = 8,
                                      .head_size = 128, .ffn = 9728, .vocabulary = 151936, .tied_embedding = true,
                                      .nominal_parameters = 4'000'000'000, .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_8b{.name = "qwen3-8b", .layers = 36, .hidden = 4096, .heads = 32, .kv_heads = 8,
                                      .head_size = 128, .ffn = 12288, .vocabulary = 151936,
                                      .nominal_parameters = 8'000'000'000, .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_14b{.name = "qwen3-14b", .layers = 40, .hidden = 5120, .heads = 40, .kv_heads = 8,
                                       .head_size = 128, .ffn = 17408, .vocabulary = 151936,
                                       .nominal_parameters = 14'000'000'000, .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_32b{.name = "qwen3-32b", .layers = 64, .hidden = 5120, .heads = 64, .kv_heads = 8,
                                       .head_size = 128, .ffn = 25600, .vocabulary = 151936,
                                       .nominal_parameters = 32'000'000'000, .qk_norm = query_key_norm::per_head};

inline constexpr transformer gemma_2b{.name = "gemma-2b", .layers = 18, .hidden = 2048, .heads = 8, .kv_heads = 1,
                                      .head_size = 256, .ffn = 16384, .vocabulary = 256000, .tied_embedding = true,
                                      .nominal_parameters = 2'000'000'000};
inline constexpr transformer gemma_7b{.name = "gemma-7b", .layers = 28, .hidden = 3072, .heads = 16, .kv_heads = 16,
                                      .head_size = 256, .ffn = 24576, .vocabulary = 256000, .tied_embedding = true,
                                      .nominal_parameters = 7'000'000'000};
inline constexpr transformer gemma2_2b = detail::four_norms({.name = "gemma2-2b", .layers = 26, .hidden = 2304,
    .heads = 8, .kv_heads = 4, .head_size = 256, .ffn = 9216, .vocabulary = 256000, .tied_embedding = true,
    .nominal_parameters = 2'000'000'000, .windowed = {.window = 4096, .layers = 13}});
inline constexpr transformer gemma2_9b = detail::four_norms({.name = "gemma2-9b", .layers = 42, .hidden = 3584,
    .heads = 16, .kv_heads = 8, .head_size = 256, .ffn = 14336, .vocabulary = 256000, .tied_embedding = true,
    .nominal_parameters = 9'000'000'000, .windowed = {.window = 4096, .layers = 21}});
inline constexpr transformer gemma2_27b = detail::four_norms({.name = "gemma2-27b", .layers = 46, .hidden = 4608,
    .heads = 32, .kv_heads = 16, .head_size = 128, .ffn = 36864, .vocabulary = 256000, .tied_embedding = true,
    .nominal_parameters = 27'000'000'000, .windowed = {.window = 4096, .layers = 23}});
inline constexpr transformer gemma3_270m = detail::four_norms({.name = "gemma3-270m", .layers = 18, .hidden = 640,
    .heads = 4, .kv_heads = 1, .head_size = 256, .ffn = 2048, .vocabulary = 262144, .tied_embedding = true,
    .nominal_parameters = 270'000'000, .windowed = {.window = 512, .layers = 15}, .qk_norm = query_key_norm::per_head});
inline constexpr transformer gemma3_1b = detail::four_norms({.name = "gemma3-1b", .layers = 26, .hidden = 1152,
    .heads = 4, .kv_heads = 1, .head_size = 256, .ffn = 6912, .vocabulary = 262144, .tied_embedding = true,
    .nominal_parameters = 1'000'000'000, .windowed = {.window = 512, .layers = 22},
    .qk_norm = query_key_norm::per_head});
inline constexpr transformer gemma3_4b_text = detail::four_norms({.name = "gemma3-4b-text", .layers = 34,
    .hidden = 2560, .heads = 8, .kv_heads = 4, .head_size = 256, .ffn = 10240, .vocabulary = 262208,
    .tied_embedding = true, .nominal_parameters = 4'000'000'000, .windowed = {.window = 1024, .layers = 29},
    .qk_norm = query_key_norm::per_head});
inline constexpr transformer gemma3_12b_text = detail::four_norms({.name = "gemma3-12b-text", .layers = 48,
    .hidden = 3840, .heads = 16, .kv_heads = 8, .head_size = 256, .ffn = 15360, .vocabulary = 262208,
    .tied_embedding = true, .nominal_parameters = 12'000'000'000, .windowed = {.window = 1024, .layers = 40},
    .qk_norm = query_key_norm::per_head});
inline constexpr transformer gemma3_27b_text = detail::four_norms({.name = "gemma3-27b-text", .layers = 62,
    .hidden = 5376, .heads = 32, .kv_heads = 16, .head_size = 128, .ffn = 21504, .vocabulary = 262208,
    .tied_embedding = true, .nominal_parameters = 27'000'000'000, .windowed = {.window = 1024, .layers = 52},
    .qk_norm = query_key_norm::per_head});

}  // namespace kunmetrics::models
