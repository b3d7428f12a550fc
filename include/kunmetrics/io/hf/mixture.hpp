// Families with a mixture of experts, DeepSeek's latent attention among them.
//
//   mixtral phimoe granitemoe   all layers; the FFN's width is an expert's      olmoe   norms on all of q and k
//   qwen2_moe           a shared expert with a gate of its own          qwen3_moe   none shared
//   deepseek            some dense layers first, n_shared_experts       deepseek_v2 deepseek_v3 kimi_k2   latent
//   glm4_moe            as deepseek, with norms on each head's query and key where use_qk_norm
//   gpt_oss             biases throughout, sinks, every other layer windowed
//   dbrx                norms without biases; ffn_config, attn_config    minicpm   llama, tied; num_experts 0: dense
// Other names read: num_routed_experts, num_experts, num_local_experts, num_shared_experts of DeepSeek's
// form; num_experts, experts_per_token of gpt_oss; num_local_experts of Qwen. num_nextn_predict_layers
// are in no count. Source: configuration and modelling code in Hugging Face transformers and of DeepSeek.
#pragma once

#include <kunmetrics/io/hf/llama_like.hpp>

namespace kunmetrics::hf {

inline transformer mixtral(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  model.moe = {.experts = in.size_or({"num_local_experts"}, 8), .active = in.size_or({"num_experts_per_tok"}, 2),
               .expert_ffn = model.ffn, .layers = model.layers};
  if (auto const window = in.optional_size({"sliding_window"})) {
    model.windowed = {.window = *window, .layers = model.layers};
  }
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
  auto const every = in.size_or({"decoder_sparse_step"}, 1);
  auto dense = in.fields().optional_integers("mlp_only_layers").value_or(std::vector<std::int64_t>{});
  std::ranges::sort(dense);
  dense.erase(std::unique(dense.begin(), dense.end()), dense.end());  // clang 14 lacks the ranges one
  return layers / every -
         std::ranges::count_if(dense, [&](std::int64_t i) { return i >= 0 && i < layers && (i + 1) % every == 0; });
}

inline transformer qwen2_moe(reader& in) {
  auto model = qwen2(in);
  model.moe = {.experts = in.size_or({"num_experts", "num_local_experts"}, 60),
               .active = in.size_or({"num_experts_per_tok"}, 4),
               .expert_ffn = in.size_or({"moe_intermediate_size"}, 1408),
               .shared_ffn = in.size_or({"shared_expert_intermediate_size"}, 5632),
               .shared_gate = true,
               .layers = qwen_sparse_layers(in, model.layers)};
  return model;
}

inline transformer qwen3_moe(reader& in) {
  auto model = qwen3_attention(in, 4, 0);
  model.moe = {.experts = in.size_or({"num_experts", "num_local_experts"}, 128),
               .active = in.size_or({"num_experts_per_tok"}, 8),
               .expert_ffn = in.size_or({"moe_intermediate_size"}, 768),
               .layers = qwen_sparse_layers(in, model.layers)};
  return model;
}

// What absent keys mean; 0 experts: a dense model, none at all: that the key must be there, null or not.
struct expert_defaults {
  std::int64_t experts = 0, shared = 0, active = 0, width = 0, first = 0;
};

// Layers from first_k_dense_replace on with i % moe_layer_freq == 0 have experts.
inline void read_deepseek_experts(reader& in, transformer& model, std::optional<expert_defaults> const& absent) {
  reader::names const number{"n_routed_experts", "num_routed_experts", "num_experts", "num_local_experts"};
  bool const stated = std::ranges::any_of(number, [&](std::string_view key) { return in.states(key); });
  auto const experts = stated ? in.count_or(number, 0) : absent ? absent->experts : in.size(number);
  if (experts == 0) return;
  auto const otherwise = absent.value_or(expert_defaults{});
  auto const required_or = [&](std::string_view key, std::int64_t value) {
    return value == 0 ? in.size({key}) : in.size_or({key}, value);
  };
  auto const width = required_or("moe_intermediate_size", otherwise.width);
  auto const first = std::min(in.count_or({"first_k_dense_replace"}, otherwise.first), model.layers);
  auto const every = in.size_or({"moe_layer_freq"}, 1);
  auto const multiples_below = [&](std::int64_t end) { return (end + every - 1) / every; };
  model.moe = {.experts = experts,
               .active = required_or("num_experts_per_tok", otherwise.active),
               .expert_ffn = width,
               .shared_ffn = width * in.count_or({"n_shared_experts", "num_shared_experts"}, otherwise.shared),
               .layers = multiples_below(model.layers) - multiples_below(first)};
}

inline transformer deepseek(reader& in) {
  auto model = llama(in);
  read_deepseek_experts(in, model, expert_defaults{});
  return model;
}

// DeepSeek-V2-Lite is published with and without "q_lora_rank": null, so that absence means none there.
inline transformer deepseek_latent(reader& in, std::int64_t absent_query_rank,
                                   std::optional<expert_defaults> const& absent) {
  auto model = common_sizes(in);
  model.kv_heads = model.heads;
  auto const rotated = in.size_or({"qk_rope_head_dim"}, 64);
  model.head_size = in.size_or({"qk_nope_head_dim"}, 128) + rotated;
  model.value_head_size = in.size_or({"v_head_dim"}, 128);
  model.latent = {.kv_rank = in.size_or({"kv_lora_rank"}, 512),
                  .query_rank = in.count_or({"q_lora_rank"}, in.states("q_lora_rank") ? 0 : absent_query_rank),
                  .rope_head_size = rotated};
  set_biases(model, in.flag("attention_bias", false), false);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_deepseek_experts(in, model, absent);
  return model;
}

inline transformer deepseek_v2(reader& in) { return deepseek_latent(in, 0, std::nullopt); }

inline transformer deepseek_v3(reader& in) {
  auto model = deepseek_latent(in, 1536,
                               expert_defaults{.experts = 256, .shared = 1, .active = 8, .width = 2048, .first = 3});
  model.moe.router_bias = model.moe.layers > 0;  // e_score_correction_bias, which chooses experts
  model.prediction_layers = in.count_or({"num_nextn_predict_layers"}, 0);
  return model;
}

inline transformer glm4_moe(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8);
  model.qkv_bias = in.flag("attention_bias", false);
  if (in.flag("use_qk_norm", false)) model.qk_norm = query_key_norm::per_head;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_deepseek_experts(in, model,
                        expert_defaults{.experts = 128, .shared = 1, .active = 8, .width = 1408, .first = 1});
  model.moe.router_bias = model.moe.layers > 0;
  model.prediction_layers = in.count_or({"num_nextn_predict_layers"}, 0);
  return model;
}

inline transformer dbrx(reader& in) {
  auto model = gpt_sizes(in, {});
  model.norm = norm_kind::rms;
  model.gated_ffn = true;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  auto attention = in.fields().optional_object("attn_config");
  model.kv_heads = attention ? attention->optional_integer("kv_n_heads", 1).value_or(1) : 1;
  auto ffn = in.fields().optional_object("ffn_config");
  if (!ffn) in.fields().refuse("ffn_config", "an object");
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  model.ffn = ffn->optional_integer("ffn_hidden_size", 1, most).value_or(3584);
  model.moe = {.experts = ffn->optional_integer("moe_num_experts", 1, most).value_or(4),
               .active = ffn->optional_integer("moe_top_k", 1, most).value_or(1),
               .expert_ffn = model.ffn, .layers = model.layers};
  return model;
}

inline transformer granitemoe(reader& in) {
  auto model = llama(in);
  model.ffn_bias = false;
  model.moe = {.experts = in.size_or({"num_local_experts"}, 8), .active = in.size_or({"num_experts_per_tok"}, 2),
               .expert_ffn = model.ffn, .layers = model.layers};
  return model;
}

inline transformer minicpm(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model);
  set_biases(model, in.flag("attention_bias", false), false);
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  if (auto const experts = in.count_or({"num_experts"}, 0); experts > 0) {
    model.moe = {.experts = experts,
                 .active = in.size({"num_experts_per_tok"}),
                 .expert_ffn = model.ffn,
                 .layers = model.layers};
  }
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
