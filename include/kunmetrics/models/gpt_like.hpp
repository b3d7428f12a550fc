// Named shapes of GPT's form: layer norms, a plain FFN, most with biases and tied embeddings.
//
// Sources: the config.json of each checkpoint on Hugging Face, collected with their counts in
// tests/truth/shapes.json; gpt3-175b: Brown et al. 2020 (2005.14165), table 2.1, whose banded layers
// are taken as full.
#pragma once

#include <kunmetrics/transformer.hpp>

namespace kunmetrics::models {
namespace detail {
// Layer norms and a plain FFN, with biases everywhere in the layers: starcoder2, and what follows.
constexpr transformer biased_form(transformer sizes) {
  sizes.gated_ffn = false;
  sizes.norm = norm_kind::layer;
  sizes.qkv_bias = sizes.output_bias = sizes.ffn_bias = true;
  return sizes;
}
constexpr transformer gpt2_form(transformer sizes) {
  sizes = biased_form(sizes);
  sizes.tied_embedding = true;
  return sizes;
}
constexpr transformer gpt_neo_form(transformer sizes) {
  sizes = gpt2_form(sizes);
  sizes.qkv_bias = false;
  return sizes;
}
constexpr transformer gpt_neox_form(transformer sizes) { return biased_form(sizes); }
constexpr transformer gptj_form(transformer sizes) {
  sizes = biased_form(sizes);
  sizes.qkv_bias = sizes.output_bias = false;
  sizes.head_bias = true;
  sizes.norms_per_layer = 1;
  return sizes;
}
constexpr transformer bloom_form(transformer sizes) {
  sizes = gpt2_form(sizes);
  sizes.embedding_norm = true;
  return sizes;
}
constexpr transformer falcon_new_form(transformer sizes) {
  sizes.gated_ffn = false;
  sizes.tied_embedding = true;
  sizes.norm = norm_kind::layer;
  return sizes;
}
constexpr transformer falcon_form(transformer sizes) {
  sizes = falcon_new_form(sizes);
  sizes.norms_per_layer = 1;
  return sizes;
}
// Layer norms without their bias: as many numbers as those of root mean squares.
constexpr transformer mpt_form(transformer sizes) {
  sizes.gated_ffn = false;
  sizes.tied_embedding = true;
  return sizes;
}
constexpr transformer phi_form(transformer sizes) {
  sizes = biased_form(sizes);
  sizes.head_bias = true;
  sizes.norms_per_layer = 1;
  return sizes;
}
}  // namespace detail

inline constexpr transformer gpt2 = detail::gpt2_form({.name = "gpt2", .layers = 12, .hidden = 768, .heads = 12,
                                                       .kv_heads = 12, .head_size = 64, .ffn = 3072,
                                                       .vocabulary = 50257, .nominal_parameters = 124'000'000,
                                                       .learned_positions = 1024});
inline constexpr transformer gpt2_medium = detail::gpt2_form({.name = "gpt2-medium", .layers = 24, .hidden = 1024,
    .heads = 16, .kv_heads = 16, .head_size = 64, .ffn = 4096, .vocabulary = 50257, .nominal_parameters = 355'000'000,
    .learned_positions = 1024});
inline constexpr transformer gpt2_large = detail::gpt2_form({.name = "gpt2-large", .layers = 36, .hidden = 1280,
    .heads = 20, .kv_heads = 20, .head_size = 64, .ffn = 5120, .vocabulary = 50257, .nominal_parameters = 774'000'000,
    .learned_positions = 1024});
inline constexpr transformer gpt2_xl = detail::gpt2_form({.name = "gpt2-xl", .layers = 48, .hidden = 1600, .heads = 25,
                                                          .kv_heads = 25, .head_size = 64, .ffn = 6400,
                                                          .vocabulary = 50257, .nominal_parameters = 1'558'000'000,
                                                          .learned_positions = 1024});
inline constexpr transformer gpt3_175b = detail::gpt2_form({.name = "gpt3-175b", .layers = 96, .hidden = 12288,
    .heads = 96, .kv_heads = 96, .head_size = 128, .ffn = 49152, .vocabulary = 50257,
    .nominal_parameters = 175'000'000'000, .learned_positions = 2048});
inline constexpr transformer starcoder = detail::gpt2_form({.name = "starcoder", .layers = 40, .hidden = 6144,
    .heads = 48, .kv_heads = 1, .head_size = 128, .ffn = 24576, .vocabulary = 49152,
    .nominal_parameters = 15'500'000'000, .learned_positions = 8192});
inline constexpr transformer gpt_neo_125m = detail::gpt_neo_form({.name = "gpt-neo-125m", .layers = 12, .hidden = 768,
    .heads = 12, .kv_heads = 12, .head_size = 64, .ffn = 3072, .vocabulary = 50257, .nominal_parameters = 125'000'000,
    .windowed = {.window = 256, .layers = 6}, .learned_positions = 2048});
inline constexpr transformer gpt_neo_1_3b = detail::gpt_neo_form({.name = "gpt-neo-1.3b", .layers = 24, .hidden = 2048,
    .heads = 16, .kv_heads = 16, .head_size = 128, .ffn = 8192, .vocabulary = 50257,
    .nominal_parameters = 1'300'000'000, .windowed = {.window = 256, .layers = 12}, .learned_positions = 2048});
inline constexpr transformer gpt_neo_2_7b = detail::gpt_neo_form({.name = "gpt-neo-2.7b", .layers = 32, .hidden = 2560,
    .heads = 20, .kv_heads = 20, .head_size = 128, .ffn = 10240, .vocabulary = 50257,
    .nominal_parameters = 2'700'000'000, .windowed = {.window = 256, .layers = 16}, .learned_positions = 2048});
inline constexpr transformer gpt_j_6b = detail::gptj_form({.name = "gpt-j-6b", .layers = 28, .hidden = 4096,
                                                           .heads = 16, .kv_heads = 16, .head_size = 256, .ffn = 16384,
                                                           .vocabulary = 50400, .nominal_parameters = 6'000'000'000});
inline constexpr transformer gpt_neox_20b = detail::gpt_neox_form({.name = "gpt-neox-20b", .layers = 44, .hidden = 6144,
    .heads = 64, .kv_heads = 64, .head_size = 96, .ffn = 24576, .vocabulary = 50432,
    .nominal_parameters = 20'000'000'000});
inline constexpr transformer pythia_70m = detail::gpt_neox_form({.name = "pythia-70m", .layers = 6, .hidden = 512,
    .heads = 8, .kv_heads = 8, .head_size = 64, .ffn = 2048, .vocabulary = 50304, .nominal_parameters = 70'000'000});
inline constexpr transformer pythia_160m = detail::gpt_neox_form({.name = "pythia-160m", .layers = 12, .hidden = 768,
    .heads = 12, .kv_heads = 12, .head_size = 64, .ffn = 3072, .vocabulary = 50304, .nominal_parameters = 160'000'000});
inline constexpr transformer pythia_410m = detail::gpt_neox_form({.name = "pythia-410m", .layers = 24, .hidden = 1024,
    .heads = 16, .kv_heads = 16, .head_size = 64, .ffn = 4096, .vocabulary = 50304, .nominal_parameters = 410'000'000});
inline constexpr transformer pythia_1b = detail::gpt_neox_form({.name = "pythia-1b", .layers = 16, .hidden = 2048,
    .heads = 8, .kv_heads = 8, .head_size = 256, .ffn = 8192, .vocabulary = 50304,
    .nominal_parameters = 1'000'000'000});
inline constexpr transformer pythia_1_4b = detail::gpt_neox_form({.name = "pythia-1.4b", .layers = 24, .hidden = 2048,
    .heads = 16, .kv_heads = 16, .head_size = 128, .ffn = 8192, .vocabulary = 50304,
    .nominal_parameters = 1'400'000'000});
inline constexpr transformer pythia_2_8b = detail::gpt_neox_form({.name = "pythia-2.8b", .layers = 32, .hidden = 2560,
    .heads = 32, .kv_heads = 32, .head_size = 80, .ffn = 10240, .vocabulary = 50304,
    .nominal_parameters = 2'800'000'000});
inline constexpr transformer pythia_6_9b = detail::gpt_neox_form({.name = "pythia-6.9b", .layers = 32, .hidden = 4096,
    .heads = 32, .kv_heads = 32, .head_size = 128, .ffn = 16384, .vocabulary = 50432,
    .nominal_parameters = 6'900'000'000});
inline constexpr transformer pythia_12b = detail::gpt_neox_form({.name = "pythia-12b", .layers = 36, .hidden = 5120,
    .heads = 40, .kv_heads = 40, .head_size = 128, .ffn = 20480, .vocabulary = 50688,
    .nominal_parameters = 12'000'000'000});
inline constexpr transformer opt_125m = detail::gpt2_form({.name = "opt-125m", .layers = 12, .hidden = 768, .heads = 12,
                                                           .kv_heads = 12, .head_size = 64, .ffn = 3072,
                                                           .vocabulary = 50272, .nominal_parameters = 125'000'000,
                                                           .learned_positions = 2050});
inline constexpr transformer opt_1_3b = detail::gpt2_form({.name = "opt-1.3b", .layers = 24, .hidden = 2048,
                                                           .heads = 32, .kv_heads = 32, .head_size = 64, .ffn = 8192,
                                                           .vocabulary = 50272, .nominal_parameters = 1'300'000'000,
                                                           .learned_positions = 2050});
inline constexpr transformer opt_2_7b = detail::gpt2_form({.name = "opt-2.7b", .layers = 32, .hidden = 2560,
                                                           .heads = 32, .kv_heads = 32, .head_size = 80, .ffn = 10240,
                                                           .vocabulary = 50272, .nominal_parameters = 2'700'000'000,
                                                           .learned_positions = 2050});
inline constexpr transformer opt_6_7b = detail::gpt2_form({.name = "opt-6.7b", .layers = 32, .hidden = 4096,
                                                           .heads = 32, .kv_heads = 32, .head_size = 128, .ffn = 16384,
                                                           .vocabulary = 50272, .nominal_parameters = 6'700'000'000,
                                                           .learned_positions = 2050});
inline constexpr transformer opt_13b = detail::gpt2_form({.name = "opt-13b", .layers = 40, .hidden = 5120, .heads = 40,
                                                          .kv_heads = 40, .head_size = 128, .ffn = 20480,
                                                          .vocabulary = 50272, .nominal_parameters = 13'000'000'000,
                                                          .learned_positions = 2050});
inline constexpr transformer opt_30b = detail::gpt2_form({.name = "opt-30b", .layers = 48, .hidden = 7168, .heads = 56,
                                                          .kv_heads = 56, .head_size = 128, .ffn = 28672,
                                                          .vocabulary = 50272, .nominal_parameters = 30'000'000'000,
                                                          .learned_positions = 2050});
inline constexpr transformer opt_66b = detail::gpt2_form({.name = "opt-66b", .layers = 64, .hidden = 9216, .heads = 72,
                                                          .kv_heads = 72, .head_size = 128, .ffn = 36864,
                                                          .vocabulary = 50272, .nominal_parameters = 66'000'000'000,
                                                          .learned_positions = 2050});
inline constexpr transformer opt_175b = detail::gpt2_form({.name = "opt-175b", .layers = 96, .hidden = 12288,
                                                           .heads = 96, .kv_heads = 96, .head_size = 128, .ffn = 49152,
                                                           .vocabulary = 50272, .nominal_parameters = 175'000'000'000,
                                                           .learned_positions = 2050});
inline constexpr transformer bloom_560m = detail::bloom_form({.name = "bloom-560m", .layers = 24, .hidden = 1024,
    .heads = 16, .kv_heads = 16, .head_size = 64, .ffn = 4096, .vocabulary = 250880,
    .nominal_parameters = 560'000'000});
inline constexpr transformer bloom_1b1 = detail::bloom_form({.name = "bloom-1b1", .layers = 24, .hidden = 1536,
    .heads = 16, .kv_heads = 16, .head_size = 96, .ffn = 6144, .vocabulary = 250880,
    .nominal_parameters = 1'100'000'000});
inline constexpr transformer bloom_1b7 = detail::bloom_form({.name = "bloom-1b7", .layers = 24, .hidden = 2048,
    .heads = 16, .kv_heads = 16, .head_size = 128, .ffn = 8192, .vocabulary = 250880,
    .nominal_parameters = 1'700'000'000});
inline constexpr transformer bloom_3b = detail::bloom_form({.name = "bloom-3b", .layers = 30, .hidden = 2560,
    .heads = 32, .kv_heads = 32, .head_size = 80, .ffn = 10240, .vocabulary = 250880,
    .nominal_parameters = 3'000'000'000});
inline constexpr transformer bloom_7b1 = detail::bloom_form({.name = "bloom-7b1", .layers = 30, .hidden = 4096,
    .heads = 32, .kv_heads = 32, .head_size = 128, .ffn = 16384, .vocabulary = 250880,
    .nominal_parameters = 7'100'000'000});
inline constexpr transformer bloom_176b = detail::bloom_form({.name = "bloom-176b", .layers = 70, .hidden = 14336,
    .heads = 112, .kv_heads = 112, .head_size = 128, .ffn = 57344, .vocabulary = 250880,
    .nominal_parameters = 176'000'000'000});
inline constexpr transformer falcon_7b = detail::falcon_form({.name = "falcon-7b", .layers = 32, .hidden = 4544,
    .heads = 71, .kv_heads = 1, .head_size = 64, .ffn = 18176, .vocabulary = 65024,
    .nominal_parameters = 7'000'000'000});
inline constexpr transformer falcon_40b = detail::falcon_new_form({.name = "falcon-40b", .layers = 60, .hidden = 8192,
    .heads = 128, .kv_heads = 8, .head_size = 64, .ffn = 32768, .vocabulary = 65024,
    .nominal_parameters = 40'000'000'000});
inline constexpr transformer falcon_180b = detail::falcon_new_form({.name = "falcon-180b", .layers = 80,
    .hidden = 14848, .heads = 232, .kv_heads = 8, .head_size = 64, .ffn = 59392, .vocabulary = 65024,
    .nominal_parameters = 180'000'000'000});
inline constexpr transformer mpt_7b = detail::mpt_form({.name = "mpt-7b", .layers = 32, .hidden = 4096, .heads = 32,
                                                        .kv_heads = 32, .head_size = 128, .ffn = 16384,
                                                        .vocabulary = 50432, .nominal_parameters = 7'000'000'000});
inline constexpr transformer mpt_30b = detail::mpt_form({.name = "mpt-30b", .layers = 48, .hidden = 7168, .heads = 64,
                                                         .kv_heads = 64, .head_size = 112, .ffn = 28672,
                                                         .vocabulary = 50432, .nominal_parameters = 30'000'000'000});
inline constexpr transformer phi_1_5 = detail::phi_form({.name = "phi-1.5", .layers = 24, .hidden = 2048, .heads = 32,
                                                         .kv_heads = 32, .head_size = 64, .ffn = 8192,
                                                         .vocabulary = 51200, .nominal_parameters = 1'300'000'000});
inline constexpr transformer phi_2 = detail::phi_form({.name = "phi-2", .layers = 32, .hidden = 2560, .heads = 32,
                                                       .kv_heads = 32, .head_size = 80, .ffn = 10240,
                                                       .vocabulary = 51200, .nominal_parameters = 2'700'000'000});
inline constexpr transformer starcoder2_3b = detail::biased_form({.name = "starcoder2-3b", .layers = 30, .hidden = 3072,
    .heads = 24, .kv_heads = 2, .head_size = 128, .ffn = 12288, .vocabulary = 49152, .tied_embedding = true,
    .nominal_parameters = 3'000'000'000, .windowed = {.window = 4096, .layers = 30}});
inline constexpr transformer starcoder2_7b = detail::biased_form({.name = "starcoder2-7b", .layers = 32, .hidden = 4608,
    .heads = 36, .kv_heads = 4, .head_size = 128, .ffn = 18432, .vocabulary = 49152, .tied_embedding = true,
    .nominal_parameters = 7'000'000'000, .windowed = {.window = 4096, .layers = 32}});
inline constexpr transformer starcoder2_15b = detail::biased_form({.name = "starcoder2-15b", .layers = 40,
    .hidden = 6144, .heads = 48, .kv_heads = 4, .head_size = 128, .ffn = 24576, .vocabulary = 49152,
    .nominal_parameters = 15'000'000'000, .windowed = {.window = 4096, .layers = 40}});

}  // namespace kunmetrics::models
