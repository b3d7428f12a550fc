// Named model shapes, as their published configurations state them; models/ has one file a form.
//
// `model_named` looks a name up exactly, in lower case.
#pragma once

#include <kunmetrics/models/gpt_like.hpp>
#include <kunmetrics/models/llama_like.hpp>
#include <kunmetrics/models/mixture.hpp>
#include <kunmetrics/parameters.hpp>

#include <array>
#include <optional>

namespace kunmetrics {

namespace models {
inline constexpr std::array all{
    llama2_7b, llama2_13b, llama2_70b, llama1_7b, llama1_13b, llama1_30b, llama1_65b, llama3_8b, llama3_70b,
    llama3_1_405b, llama3_1_8b, llama3_1_70b, llama3_2_1b, llama3_2_3b, codellama_34b, tinyllama_1_1b, mistral_7b,
    mistral_7b_v0_3, mistral_nemo_12b, yi_6b, yi_9b, yi_34b, aquila2_7b, baichuan_7b, baichuan2_7b, baichuan2_13b,
    internlm_7b, internlm2_7b, internlm2_20b, deepseek_llm_67b, smollm2_1_7b, smollm3_3b, phi_3_mini, phi_3_medium,
    phi_4, phi_4_mini, chatglm3_6b, glm4_9b, stablelm_3b_4e1t, olmo_1b, olmo_7b, olmo2_1b, olmo2_7b, olmo2_13b,
    olmo2_32b, qwen1_5_0_5b, qwen1_5_1_8b, qwen1_5_4b, qwen1_5_7b, qwen1_5_14b, qwen2_0_5b, qwen2_1_5b, qwen2_7b,
    qwen2_72b, qwen2_5_0_5b, qwen2_5_1_5b, qwen2_5_3b, qwen2_5_7b, qwen2_5_14b, qwen2_5_32b, qwen2_5_72b, qwen3_0_6b,
    qwen3_1_7b, qwen3_4b, qwen3_8b, qwen3_14b, qwen3_32b, gemma_2b, gemma_7b, gemma2_2b, gemma2_9b, gemma2_27b,
    gemma3_270m, gemma3_1b, gemma3_4b_text, gemma3_12b_text, gemma3_27b_text, gpt2, gpt2_medium, gpt2_large, gpt2_xl,
    gpt3_175b, starcoder, gpt_neo_125m, gpt_neo_1_3b, gpt_neo_2_7b, gpt_j_6b, gpt_neox_20b, pythia_70m, pythia_160m,
    pythia_410m, pythia_1b, pythia_1_4b, pythia_2_8b, pythia_6_9b, pythia_12b, opt_125m, opt_1_3b, opt_2_7b, opt_6_7b,
    opt_13b, opt_30b, opt_66b, opt_175b, bloom_560m, bloom_1b1, bloom_1b7, bloom_3b, bloom_7b1, bloom_176b, falcon_7b,
    falcon_40b, falcon_180b, mpt_7b, mpt_30b, phi_1_5, phi_2, starcoder2_3b, starcoder2_7b, starcoder2_15b,
    mixtral_8x7b, mixtral_8x22b, qwen1_5_moe_a2_7b, qwen2_57b_a14b, qwen3_30b_a3b, qwen3_235b_a22b,
    qwen3_480b_a35b_coder, olmoe_1b_7b, deepseek_moe_16b, deepseek_v2_lite, deepseek_v2, deepseek_v3, kimi_k2,
    gpt_oss_20b, gpt_oss_120b};
}  // namespace models

// Empty for a name that is not in the table: an unknown model is never guessed.
constexpr std::optional<transformer> model_named(std::string_view name) {
  for (transformer const& model : models::all) {
    if (model.name == name) return model;
  }
  return std::nullopt;
}

}  // namespace kunmetrics
