// Families with a mixture of experts, DeepSeek's latent attention among them.
//
//   mixtral phimoe      all layers; the FFN's width is an expert's     olmoe   with norms on all of q and k
//   qwen2_moe           a shared expert with a gate of its own          qwen3_moe   none shared
//   deepseek            some dense layers first, n_shared_experts       deepseek_v2 deepseek_v3 kimi_k2   latent
//   gpt_oss             biases throughout, sinks, every other layer windowed
// num_nextn_predict_layers (deepseek_v3) are layers of their own, in no count. Source: configuration
// and modelling code of each family in Hugging Face transformers and of DeepSeek.
#pragma once

#include <kunmetrics/io/hf/llama_like.hpp>

namespace kunmetrics::hf {

inline transformer mixtral(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  model.moe = {.experts = in.size_or({"num_local_experts"}, 8), .active = in.size_or({"num_experts_per_tok"}, 2),
               .expert_ffn = model.ffn, .layers = model.layers};
  if (auto const window = in.optional_size({"sliding_window"})) model.windowed = {.window = *window, .layers = model.layers};
  return model;
}

inline transformer phimoe(reader& in) {
  auto model = mixtral(in);
  model.norm = norm_kind::layer;
  model.qkv_bias = model.output_bias = in.flag("attention_bias", false);
  model.head_bias = in.flag("lm_head_bias", false);
  return model;
}

inline transformer olmoe(reader& in) {
  auto model = olmo2(in);
  model.moe = {.experts = in.size_or({"num_experts"}, 64), .active = in.size_or({"num_experts_per_tok"}, 8),
               .expert_ffn = model.ffn, .layers = model.layers};
  return model;
}

// Layers with (i + 1) % decoder_sparse_step == 0 have experts, but for those listed as mlp_only_layers.
inline std::int64_t qwen_sparse_layers(reader& in, std::int64_t layers) {
  auto const dense = static_cast<std::int64_t>(in.fields().optional_length("mlp_only_layers").value_or(0));
  return std::max<std::int64_t>(0, sparse_layers(layers, 0, in.size_or({"decoder_sparse_step"}, 1)) - dense);
}

inline transformer qwen2_moe(reader& in) {
  auto model = qwen2(in);
  model.moe = {.experts = in.size_or({"num_experts"}, 60), .active = in.size_or({"num_experts_per_tok"}, 4),
               .expert_ffn = in.size_or({"moe_intermediate_size"}, 1408),
               .shared_ffn = in.size_or({"shared_expert_intermediate_size"}, 5632), .shared_gate = true,
               .layers = qwen_sparse_layers(in, model.layers)};
  return model;
}

inline transformer qwen3_moe(reader& in) {
  auto model = qwen3(in);
  model.moe = {.experts = in.size_or({"num_experts"}, 128), .active = in.size_or({"num_experts_per_tok"}, 8),
               .expert_ffn = in.size_or({"moe_intermediate_size"}, 768), .layers = qwen_sparse_layers(in, model.layers)};
  return model;
}

inline void read_deepseek_experts(reader& in, transformer& model) {
  auto const experts = in.optional_size({"n_routed_experts", "num_routed_experts"});
  if (!experts) return;
  auto const width = in.size({"moe_intermediate_size"});
  auto const first = in.count_or({"first_k_dense_replace"}, 0);
  auto const every = in.size_or({"moe_layer_freq"}, 1);
  std::int64_t layers = 0;
  for (std::int64_t i = first; i < model.layers; ++i) layers += i % every == 0 ? 1 : 0;
  model.moe = {.experts = *experts, .active = in.size({"num_experts_per_tok"}), .expert_ffn = width,
               .shared_ffn = width * in.count_or({"n_shared_experts", "num_shared_experts"}, 0), .layers = layers};
}

inline transformer deepseek(reader& in) {
  auto model = llama(in);
  read_deepseek_experts(in, model);
  return model;
}

inline transformer deepseek_latent(reader& in, std::int64_t absent_query_rank) {
  auto model = common_sizes(in);
  model.kv_heads = model.heads;
  auto const rotated = in.size_or({"qk_rope_head_dim"}, 64);
  model.head_size = in.size_or({"qk_nope_head_dim"}, 128) + rotated;
  model.value_head_size = in.size_or({"v_head_dim"}, 128);
  model.latent = {.kv_rank = in.size_or({"kv_lora_rank"}, 512),
                  .query_rank = in.count_or({"q_lora_rank"}, in.states("q_lora_rank") ? 0 : absent_query_rank),
                  .rope_head_size = rotated};
  in.require_flag("attention_bias", false, "as biases of latent attention are not described");
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_deepseek_experts(in, model);
  return model;
}

inline transformer deepseek_v2(reader& in) { return deepseek_latent(in, 0); }

inline transformer deepseek_v3(reader& in) {
  auto model = deepseek_latent(in, 1536);
  model.moe.router_bias = model.moe.layers > 0;  // e_score_correction_bias, which chooses experts
  model.prediction_layers = in.count_or({"num_nextn_predict_layers"}, 0);
  return model;
}

inline transformer gpt_oss(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8, 64);
  set_biases(model, in.flag("attention_bias", true), true);
  model.attention_sinks = true;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  model.moe = {.experts = in.size_or({"num_local_experts", "num_experts"}, 128),
               .active = in.size_or({"num_experts_per_tok", "experts_per_token"}, 4),
               .expert_ffn = model.ffn, .layers = model.layers, .router_bias = true};
  auto const window = in.size_or({"sliding_window"}, 128);
  model.windowed = {.window = window, .layers = windowed_layer_types(in).value_or((model.layers + 1) / 2)};
  return model;
}

}  // namespace kunmetrics::hf
