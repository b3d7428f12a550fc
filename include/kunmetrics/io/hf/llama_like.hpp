// Families of llama's form: rotary positions, norms of root mean squares, a gated FFN.
//
//   llama Yi      as they are; attention_bias, mlp_bias        mistral   all layers windowed, 4096 unless null
//   qwen qwen2    biases on q, k, v; qwen's width is half       qwen3     a norm on each head's query and key
//   gemma         tied; head size 256                           gemma2 gemma3   four norms a layer, windows
//   phi3          llama with a window                           internlm internlm2   bias: one flag
//   baichuan      llama without grouped queries                 chatglm glm glm4     biases on q, k, v
//   stablelm      layer norms                                   olmo olmo2    norms without numbers; norms on q and k
//   cohere        one norm a layer, tied
// Source: configuration and modelling code of each family in Hugging Face transformers.
#pragma once

#include <kunmetrics/io/hf/reader.hpp>

namespace kunmetrics::hf {

inline transformer llama(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model);
  set_biases(model, in.flag("attention_bias", false), in.flag("mlp_bias", false));
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer mistral(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  bool const stated = in.states("sliding_window") || in.states("sliding_window_size");
  auto const window = stated ? in.optional_size({"sliding_window", "sliding_window_size"}) : std::optional<std::int64_t>{4096};
  if (window) model.windowed = {.window = *window, .layers = model.layers};
  return model;
}

// Layers from max_window_layers on are windowed, where use_sliding_window says so.
inline void read_qwen_window(reader& in, transformer& model) {
  if (!in.flag("use_sliding_window", false)) return;
  auto const window = in.size_or({"sliding_window"}, 4096);
  auto const full = in.count_or({"max_window_layers"}, 28);
  auto const layers = windowed_layer_types(in).value_or(std::max<std::int64_t>(0, model.layers - full));
  if (layers > 0) model.windowed = {.window = window, .layers = layers};
}

inline transformer qwen(reader& in) {
  auto model = common_sizes(in);
  if (model.ffn % 2 != 0) in.fields().refuse("intermediate_size", "an even number, twice the width of the ffn");
  model.ffn /= 2;
  model.kv_heads = model.heads;
  model.head_size = in.size_or({"kv_channels"}, model.hidden / model.heads);
  model.qkv_bias = true;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer qwen2(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, in.states("num_key_value_heads") ? 0 : std::min<std::int64_t>(32, model.heads));
  model.qkv_bias = true;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_qwen_window(in, model);
  return model;
}

inline transformer qwen3(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, in.states("num_key_value_heads") ? 0 : std::min<std::int64_t>(32, model.heads), 128);
  set_biases(model, in.flag("attention_bias", false), false);
  model.qk_norm = query_key_norm::per_head;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_qwen_window(in, model);
  return model;
}

inline transformer gemma(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 0, 256);
  set_biases(model, in.flag("attention_bias", false), false);
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

inline transformer gemma2(reader& in) {
  auto model = gemma(in);
  model.norms_per_layer = 4;
  auto const window = in.size_or({"sliding_window"}, 4096);
  model.windowed = {.window = window, .layers = windowed_layer_types(in).value_or((model.layers + 1) / 2)};  // every other one
  return model;
}

// All layers are windowed but each sliding_window_pattern-th.
inline transformer gemma3(reader& in) {
  auto model = gemma(in);
  model.norms_per_layer = 4;
  model.qk_norm = query_key_norm::per_head;
  auto const window = in.size_or({"sliding_window"}, 4096);
  auto const pattern = in.size_or({"sliding_window_pattern", "_sliding_window_pattern"}, 6);
  model.windowed = {.window = window, .layers = windowed_layer_types(in).value_or(model.layers - model.layers / pattern)};
  return model;
}

inline transformer phi3(reader& in) {
  auto model = llama(in);
  model.head_bias = in.flag("lm_head_bias", false);
  if (auto const window = in.optional_size({"sliding_window"})) model.windowed = {.window = *window, .layers = model.layers};
  return model;
}

inline transformer baichuan(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer internlm(reader& in) {
  auto model = baichuan(in);
  model.qkv_bias = model.output_bias = in.flag("bias", true);
  return model;
}

inline transformer internlm2(reader& in) {
  auto model = baichuan(in);
  set_biases(model, in.flag("bias", false), false);
  return model;
}

inline transformer chatglm(reader& in) {
  transformer model{.layers = in.size({"num_layers", "num_hidden_layers"}),
                    .hidden = in.size({"hidden_size"}),
                    .heads = in.size({"num_attention_heads"}),
                    .ffn = in.size({"ffn_hidden_size"}),
                    .vocabulary = in.size({"padded_vocab_size", "vocab_size"})};
  model.kv_heads = in.flag("multi_query_attention", false) ? in.size_or({"multi_query_group_num"}, 1) : model.heads;
  model.head_size = in.size_or({"kv_channels"}, model.hidden / model.heads);
  bool const all = in.flag("add_bias_linear", false);
  set_biases(model, all, all);
  model.qkv_bias = all || in.flag("add_qkv_bias", false);
  model.norm = in.flag("rmsnorm", true) ? norm_kind::rms : norm_kind::layer;
  in.require_flag("post_layer_norm", true, "as every model of the family has a last norm");
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer glm(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 2, 128);
  model.qkv_bias = in.flag("attention_bias", true);  // the output product has none
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer glm4(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 2, 128);
  model.qkv_bias = in.flag("attention_bias", true);
  model.norms_per_layer = 4;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer stablelm(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, in.states("num_key_value_heads") ? 0 : std::min<std::int64_t>(32, model.heads));
  in.require_flag("qk_layernorm", false, "as norms of its heads are not described");
  model.norm = norm_kind::layer;
  model.qkv_bias = in.flag("use_qkv_bias", false);
  model.norms_per_layer = in.flag("use_parallel_residual", false) ? 1 : 2;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer olmo(reader& in) {
  auto model = llama(in);
  model.norm = norm_kind::none;
  return model;
}

inline transformer olmo2(reader& in) {
  auto model = llama(in);
  model.qk_norm = query_key_norm::whole;
  return model;
}

inline transformer cohere(reader& in) {
  auto model = llama(in);
  in.require_flag("use_qk_norm", false, "as norms of its heads are not described");
  model.norms_per_layer = 1;
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

}  // namespace kunmetrics::hf
