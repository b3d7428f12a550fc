// Families of llama's form: rotary positions, norms of root mean squares, a gated FFN.
//
// Source: configuration and modelling code of each family in Hugging Face transformers, or beside the
// checkpoint where transformers has none (qwen, baichuan, chatglm, internlm, orion, hf_olmo).
#pragma once

#include <kunmetrics/io/hf/reader.hpp>

namespace kunmetrics::hf {

// What differs from llama, and the keys that say so:
//
//   llama Yi aquila granite   attention_bias, mlp_bias
//   smollm3            tied; 4 key and value heads
//   mistral            all layers windowed, 4096 unless null; 8 key and value heads
//   ministral3         heads of 128, a window where sliding_window says so
//   qwen               biases on q, k, v; intermediate_size is twice the FFN's width; kv_channels, no_bias
//   qwen2 qwen3        biases on q, k, v; a norm on each head's query and key
//   gemma gemma2 gemma3   tied, heads of 256; four norms a layer from 2 on, windows in every other layer or in
//                      five of six (sliding_window_pattern, layer_types)
//   phi3               sliding_window, lm_head_bias
//   baichuan           every head has a key
//   internlm internlm2 internlm3   bias: all of attention's, on unless said; 3: bias and qkv_bias, off unless said
//   chatglm            num_layers, ffn_hidden_size, padded_vocab_size, multi_query_group_num, kv_channels,
//                      add_bias_linear, add_qkv_bias; with inner_hidden_size the first of them: layer norms, a
//                      plain FFN, all biases, tied
//   glm glm4           biases on q, k, v, two key and value heads of 128; glm4 four norms a layer
//   seed_oss ernie4_5  heads of 128; attention_bias, attention_out_bias; tied, use_bias
//   exaone4            as qwen3, windows in three of four layers unless sliding_window is null
//   stablelm orion     layer norms; use_qkv_bias, use_parallel_residual, qk_layernorm: one a head, none shared
//   nemotron           layer norms, a plain FFN
//   olmo hf_olmo       norms without numbers; hf_olmo by its own names: d_model, n_layers, n_heads,
//                      mlp_hidden_size (gate and up together), weight_tying
//   olmo2 olmo3        a norm on all of q, one on all of k; olmo3 windows in three of four layers
//   cohere cohere2     one norm a layer, tied; use_qk_norm as olmo2; cohere2 windows in three of four layers

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
  auto const window = stated ? in.optional_size({"sliding_window", "sliding_window_size"})
                             : std::optional<std::int64_t>{4096};
  if (window) model.windowed = {.window = *window, .layers = model.layers};
  return model;
}

inline transformer ministral3(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8, 128);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  if (auto const window = in.optional_size({"sliding_window"})) {
    model.windowed = {.window = *window, .layers = model.layers};
  }
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
  model.output_bias = model.ffn_bias = !in.flag("no_bias", true);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer qwen2(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 32);
  model.qkv_bias = true;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_qwen_window(in, model);
  return model;
}

inline transformer qwen3_attention(reader& in, std::int64_t absent_kv, std::int64_t absent_head_size) {
  auto model = common_sizes(in);
  read_heads(in, model, absent_kv, absent_head_size);
  set_biases(model, in.flag("attention_bias", false), false);
  model.qk_norm = query_key_norm::per_head;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  read_qwen_window(in, model);
  return model;
}

inline transformer qwen3(reader& in) { return qwen3_attention(in, 32, 128); }

inline transformer gemma_of(reader& in, transformer model, std::int64_t absent_kv) {
  read_heads(in, model, absent_kv, 256);
  set_biases(model, in.flag("attention_bias", false), false);
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

inline transformer gemma(reader& in) { return gemma_of(in, common_sizes(in), 16); }

inline transformer gemma2(reader& in) {
  auto model = gemma_of(in, common_sizes(in), 4);
  model.norms_per_layer = 4;
  auto const window = in.size_or({"sliding_window"}, 4096);
  model.windowed = {.window = window,
                    .layers = windowed_layer_types(in).value_or((model.layers + 1) / 2)};  // every other one
  return model;
}

// All layers are windowed but each sliding_window_pattern-th. Published text_configs leave out what is
// the class's default.
inline transformer gemma3(reader& in) {
  auto model = gemma_of(in, {.layers = in.size_or({"num_hidden_layers"}, 26),
                             .hidden = in.size_or({"hidden_size"}, 2304),
                             .heads = in.size_or({"num_attention_heads"}, 8),
                             .ffn = in.size_or({"intermediate_size"}, 9216),
                             .vocabulary = in.size_or({"vocab_size"}, 262208)}, 4);
  model.norms_per_layer = 4;
  model.qk_norm = query_key_norm::per_head;
  auto const window = in.size_or({"sliding_window"}, 4096);
  auto const pattern = in.size_or({"sliding_window_pattern", "_sliding_window_pattern"}, 6);
  model.windowed = {.window = window, .layers = all_but_each(in, model.layers, pattern)};
  return model;
}

inline transformer phi3(reader& in) {
  auto model = llama(in);
  model.head_bias = in.flag("lm_head_bias", false);
  if (auto const window = in.optional_size({"sliding_window"})) {
    model.windowed = {.window = *window, .layers = model.layers};
  }
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
  set_biases(model, in.flag("bias", true), false);
  return model;
}

inline transformer internlm3(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model);
  bool const biases = in.flag("bias", false);
  set_biases(model, biases, biases);
  model.qkv_bias = in.flag("qkv_bias", false);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer chatglm1(reader& in) {
  auto model = gpt_sizes(in, {"inner_hidden_size"});
  set_biases(model, true, true);
  return model;
}

inline transformer chatglm(reader& in) {
  if (in.states("inner_hidden_size")) return chatglm1(in);
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
  read_heads(in, model, 32);
  if (in.flag("qk_layernorm", false)) model.qk_norm = query_key_norm::whole;  // one a head, none shared
  model.qk_norm_bias = false;
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

inline transformer olmo3(reader& in) {
  auto model = olmo2(in);
  auto const window = in.size_or({"sliding_window"}, 4096);
  model.windowed = {.window = window, .layers = all_but_each(in, model.layers, 4)};
  return model;
}

inline transformer hf_olmo(reader& in) {
  transformer model{.layers = in.size({"n_layers"}),
                    .hidden = in.size({"d_model"}),
                    .heads = in.size({"n_heads"}),
                    .vocabulary = in.size({"embedding_size", "vocab_size"})};
  if (model.hidden % model.heads != 0) {
    in.fields().refuse("n_heads", "a divisor of d_model = " + std::to_string(model.hidden));
  }
  model.kv_heads = in.size_or({"n_kv_heads"}, in.flag("multi_query_attention", false) ? 1 : model.heads);
  model.head_size = model.hidden / model.heads;
  if (in.fields().optional_text("activation_type").value_or("swiglu") != "swiglu") {
    in.fields().refuse("activation_type", "\"swiglu\"");
  }
  auto const both = in.size_or({"mlp_hidden_size"}, in.size_or({"mlp_ratio"}, 4) * model.hidden);
  if (both % 2 != 0) {
    in.fields().refuse("mlp_hidden_size", "an even number, twice the width of the ffn", std::to_string(both));
  }
  model.ffn = both / 2;
  in.require_flag("include_bias", false, "as no published model of the family has biases");
  in.require_flag("attention_layer_norm", false, "as no published model of the family has norms on its heads");
  model.norm = in.flag("layer_norm_with_affine", true) ? norm_kind::rms : norm_kind::none;  // without bias
  model.tied_embedding = in.flag("weight_tying", true);
  return model;
}

inline transformer smollm3(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 4);
  set_biases(model, in.flag("attention_bias", false), in.flag("mlp_bias", false));
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

inline transformer seed_oss(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 8, 128);
  set_biases(model, in.flag("attention_bias", true), in.flag("mlp_bias", false));
  model.output_bias = in.flag("attention_out_bias", false);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer ernie4_5(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 2, 128);
  bool const biases = in.flag("use_bias", false);
  set_biases(model, biases, biases);
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

// sliding_window_pattern is a number, or, as "LLLG", letters that say no more than its length.
inline transformer exaone4(reader& in) {
  auto model = common_sizes(in);
  read_heads(in, model, 32);
  model.qk_norm = query_key_norm::per_head;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  auto const window = in.states("sliding_window") ? in.optional_size({"sliding_window"})
                                                  : std::optional<std::int64_t>{4096};
  if (!window) return model;
  auto const pattern = in.fields().is_text("sliding_window_pattern")
                           ? static_cast<std::int64_t>(in.fields().text("sliding_window_pattern").size())
                           : in.size_or({"sliding_window_pattern"}, 4);
  if (pattern == 0) in.fields().refuse("sliding_window_pattern", "a number of layers, or as many letters");
  model.windowed = {.window = *window, .layers = all_but_each(in, model.layers, pattern)};
  return model;
}

inline transformer orion(reader& in) {
  auto model = llama(in);
  model.norm = norm_kind::layer;
  return model;
}

inline transformer nemotron(reader& in) {
  auto model = llama(in);
  model.norm = norm_kind::layer;
  model.gated_ffn = false;
  return model;
}

inline transformer cohere(reader& in) {
  auto model = llama(in);
  if (in.flag("use_qk_norm", false)) model.qk_norm = query_key_norm::whole;
  model.norms_per_layer = 1;
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

inline transformer cohere2(reader& in) {
  auto model = cohere(in);
  auto const window = in.size_or({"sliding_window"}, 4096);
  auto const pattern = in.size_or({"sliding_window_pattern"}, 4);
  model.windowed = {.window = window, .layers = all_but_each(in, model.layers, pattern)};
  return model;
}

}  // namespace kunmetrics::hf
