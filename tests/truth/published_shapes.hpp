// Shapes that the collected rows name and shapes.json has not, each with where it is published.
// Those marked `recalled` are as known of the named document, which was not read again: their rows fit.
#pragma once

#include <kunmetrics/transformer.hpp>

#include <map>
#include <string>

namespace truth {

namespace km = kunmetrics;

// A GPT: layer norms, a plain FFN of 4h, tied and learned positions only where said.
constexpr km::transformer gpt(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary) {
  return {.layers = layers, .hidden = hidden, .heads = heads, .kv_heads = heads, .head_size = hidden / heads, .ffn = 4 * hidden,
          .vocabulary = vocabulary, .gated_ffn = false, .norm = km::norm_kind::layer};
}

// nanoGPT's own: tied, learned positions, with bias=False weights alone in products and norms.
constexpr km::transformer nano_gpt(std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t vocabulary, std::int64_t positions) {
  auto model = gpt(layers, hidden, heads, vocabulary);
  model.tied_embedding = true;
  model.learned_positions = positions;
  model.norm = km::norm_kind::rms;
  return model;
}

inline std::map<std::string, km::transformer> const& published_shapes() {
  static auto const all = [] {
    std::map<std::string, km::transformer> shapes{
        {"gpt3-5b", gpt(24, 4096, 32, 51200)},  // recalled: NeMo-Megatron-Launcher, conf/training/gpt3; 20b too
        {"gpt3-20b", gpt(44, 6144, 48, 51200)},
        {"gpt3-175b-51200", gpt(96, 12288, 96, 51200)},  // recalled: Narayanan et al. 2021, Korthikanti et al. 2022; 1t too
        {"turing-530b", gpt(105, 20480, 128, 51200)},  // Megatron-LM's launch scripts of gpt3-530b
        {"megatron-1t", gpt(128, 25600, 160, 51200)},
        {"glm-130b", gpt(70, 12288, 96, 150528)},    // THUDM/GLM-130B configs/model_glm_130b.sh; its gated FFN of 8h/3 is one of 4h
        {"nemotron-8b", gpt(32, 4096, 32, 256000)},  // NeMo, collections/llm/gpt/model/nemotron.py
        {"nemotron-22b", gpt(40, 6144, 48, 256000)},  // recalled: NeMo recipe nemotron3_22b
        {"nemotron-340b", gpt(96, 18432, 96, 256000)},
        {"gopher", gpt(80, 16384, 128, 32000)},      // recalled: Rae et al. 2021 (2112.11446) table 1, keys of 128
        {"nanochat-d20", gpt(20, 1280, 10, 65536)},  // the log's own line
        {"gpt2-bias-free", nano_gpt(12, 768, 12, 50257, 1024)},
        {"shakespeare-char", nano_gpt(6, 384, 6, 65, 256)}};
    shapes["nemotron-340b"].kv_heads = 8;
    shapes["nanochat-d20"].norm = km::norm_kind::none;
    // KempnerForge's report of 2026-04-05: 14.84B, "auto (1.3x)" of 8h/3 rounded up to 256
    shapes["kempner-13b"] = {.layers = 40, .hidden = 5120, .heads = 40, .kv_heads = 8, .head_size = 128, .ffn = 17920, .vocabulary = 128256};
    return shapes;
  }();
  return all;
}

}  // namespace truth
