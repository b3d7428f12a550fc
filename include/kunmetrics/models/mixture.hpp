// Named shapes with a mixture of experts.
//
// Sources: the config.json of each checkpoint on Hugging Face, collected with their counts in
// tests/truth/shapes.json. They have no advertised size for FLOP: theirs is of all experts.
#pragma once

#include <kunmetrics/transformer.hpp>

namespace kunmetrics::models {
namespace detail {
constexpr transformer gpt_oss_form(transformer sizes) {
  sizes.qkv_bias = sizes.output_bias = sizes.ffn_bias = sizes.attention_sinks = true;
  return sizes;
}
}  // namespace detail

inline constexpr transformer mixtral_8x7b{.name = "mixtral-8x7b", .layers = 32, .hidden = 4096, .heads = 32,
                                          .kv_heads = 8, .head_size = 128, .ffn = 14336, .vocabulary = 32000,
                                          .moe = {.experts = 8, .active = 2, .expert_ffn = 14336, .layers = 32}};
inline constexpr transformer mixtral_8x22b{.name = "mixtral-8x22b", .layers = 56, .hidden = 6144, .heads = 48,
                                           .kv_heads = 8, .head_size = 128, .ffn = 16384, .vocabulary = 32768,
                                           .moe = {.experts = 8, .active = 2, .expert_ffn = 16384, .layers = 56}};
inline constexpr transformer qwen1_5_moe_a2_7b{
    .name = "qwen1.5-moe-a2.7b",
    .layers = 24,
    .hidden = 2048,
    .heads = 16,
    .kv_heads = 16,
    .head_size = 128,
    .ffn = 5632,
    .vocabulary = 151936,
    .moe = {.experts = 60, .active = 4, .expert_ffn = 1408, .shared_ffn = 5632, .shared_gate = true, .layers = 24},
    .qkv_bias = true};
inline constexpr transformer qwen2_57b_a14b{
    .name = "qwen2-57b-a14b",
    .layers = 28,
    .hidden = 3584,
    .heads = 28,
    .kv_heads = 4,
    .head_size = 128,
    .ffn = 18944,
    .vocabulary = 151936,
    .moe = {.experts = 64, .active = 8, .expert_ffn = 2560, .shared_ffn = 20480, .shared_gate = true, .layers = 28},
    .qkv_bias = true};
inline constexpr transformer qwen3_30b_a3b{.name = "qwen3-30b-a3b", .layers = 48, .hidden = 2048, .heads = 32,
                                           .kv_heads = 4, .head_size = 128, .ffn = 6144, .vocabulary = 151936,
                                           .moe = {.experts = 128, .active = 8, .expert_ffn = 768, .layers = 48},
                                           .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_235b_a22b{.name = "qwen3-235b-a22b", .layers = 94, .hidden = 4096, .heads = 64,
                                             .kv_heads = 4, .head_size = 128, .ffn = 12288, .vocabulary = 151936,
                                             .moe = {.experts = 128, .active = 8, .expert_ffn = 1536, .layers = 94},
                                             .qk_norm = query_key_norm::per_head};
inline constexpr transformer qwen3_480b_a35b_coder{
    .name = "qwen3-480b-a35b-coder",
    .layers = 62,
    .hidden = 6144,
    .heads = 96,
    .kv_heads = 8,
    .head_size = 128,
    .ffn = 8192,
    .vocabulary = 151936,
    .moe = {.experts = 160, .active = 8, .expert_ffn = 2560, .layers = 62},
    .qk_norm = query_key_norm::per_head};
inline constexpr transformer olmoe_1b_7b{.name = "olmoe-1b-7b", .layers = 16, .hidden = 2048, .heads = 16,
                                         .kv_heads = 16, .head_size = 128, .ffn = 1024, .vocabulary = 50304,
                                         .moe = {.experts = 64, .active = 8, .expert_ffn = 1024, .layers = 16},
                                         .qk_norm = query_key_norm::whole};
inline constexpr transformer deepseek_moe_16b{
    .name = "deepseek-moe-16b",
    .layers = 28,
    .hidden = 2048,
    .heads = 16,
    .kv_heads = 16,
    .head_size = 128,
    .ffn = 10944,
    .vocabulary = 102400,
    .moe = {.experts = 64, .active = 6, .expert_ffn = 1408, .shared_ffn = 2816, .layers = 27}};
inline constexpr transformer deepseek_v2_lite{
    .name = "deepseek-v2-lite",
    .layers = 27,
    .hidden = 2048,
    .heads = 16,
    .kv_heads = 16,
    .head_size = 192,
    .ffn = 10944,
    .vocabulary = 102400,
    .value_head_size = 128,
    .latent = {.kv_rank = 512, .rope_head_size = 64},
    .moe = {.experts = 64, .active = 6, .expert_ffn = 1408, .shared_ffn = 2816, .layers = 26}};
inline constexpr transformer deepseek_v2{
    .name = "deepseek-v2",
    .layers = 60,
    .hidden = 5120,
    .heads = 128,
    .kv_heads = 128,
    .head_size = 192,
    .ffn = 12288,
    .vocabulary = 102400,
    .value_head_size = 128,
    .latent = {.kv_rank = 512, .query_rank = 1536, .rope_head_size = 64},
    .moe = {.experts = 160, .active = 6, .expert_ffn = 1536, .shared_ffn = 3072, .layers = 59}};
inline constexpr transformer deepseek_v3{
    .name = "deepseek-v3",
    .layers = 61,
    .hidden = 7168,
    .heads = 128,
    .kv_heads = 128,
    .head_size = 192,
    .ffn = 18432,
    .vocabulary = 129280,
    .value_head_size = 128,
    .latent = {.kv_rank = 512, .query_rank = 1536, .rope_head_size = 64},
    .moe = {.experts = 256, .active = 8, .expert_ffn = 2048, .shared_ffn = 2048, .layers = 58, .router_bias = true},
    .prediction_layers = 1};
inline constexpr transformer kimi_k2{
    .name = "kimi-k2",
    .layers = 61,
    .hidden = 7168,
    .heads = 64,
    .kv_heads = 64,
    .head_size = 192,
    .ffn = 18432,
    .vocabulary = 163840,
    .value_head_size = 128,
    .latent = {.kv_rank = 512, .query_rank = 1536, .rope_head_size = 64},
    .moe = {.experts = 384, .active = 8, .expert_ffn = 2048, .shared_ffn = 2048, .layers = 60, .router_bias = true}};
inline constexpr transformer gpt_oss_20b = detail::gpt_oss_form({.name = "gpt-oss-20b", .layers = 24, .hidden = 2880,
    .heads = 64, .kv_heads = 8, .head_size = 64, .ffn = 2880, .vocabulary = 201088,
    .moe = {.experts = 32, .active = 4, .expert_ffn = 2880, .layers = 24, .router_bias = true},
    .windowed = {.window = 128, .layers = 12}});
inline constexpr transformer gpt_oss_120b = detail::gpt_oss_form({.name = "gpt-oss-120b", .layers = 36, .hidden = 2880,
    .heads = 64, .kv_heads = 8, .head_size = 64, .ffn = 2880, .vocabulary = 201088,
    .moe = {.experts = 128, .active = 4, .expert_ffn = 2880, .layers = 36, .router_bias = true},
    .windowed = {.window = 128, .layers = 18}});

}  // namespace kunmetrics::models
