// Families of GPT's form: layer norms, a plain FFN four times as wide, most with biases.
//
//   gpt2 gpt_bigcode   learned positions, tied, all biases; one key and value head in the latter
//   gpt_neo            as gpt2, no biases on q, k, v; every other layer windowed
//   gpt_neox           rotary, all biases, not tied (pythia)         gptj   one norm a layer, bias on the output
//   falcon             one key and value head, or as many as num_kv_heads; tied
//   mpt                norms without biases, tied                     opt    positions moved by two rows, tied
//   bloom              ALiBi, a norm on the embedding, tied           phi    one norm a layer, all biases
//   starcoder2         rotary, all biases, a window in all layers, tied
// Source: configuration and modelling code of each family in Hugging Face transformers.
#pragma once

#include <kunmetrics/io/hf/reader.hpp>

namespace kunmetrics::hf {

inline transformer gpt2(reader& in) {
  auto model = gpt_sizes(in, {"n_inner"});
  set_biases(model, true, true);
  model.learned_positions = in.size_or({"n_positions", "n_ctx"}, 1024);
  return model;
}

inline transformer gpt_bigcode(reader& in) {
  auto model = gpt2(in);
  if (in.flag("multi_query", true)) model.kv_heads = 1;
  return model;
}

// "attention_types": [[["global", "local"], 12]], or "attention_layers" spelled out; every other one else.
inline std::int64_t local_layers(reader& in, std::int64_t layers) {
  if (auto const each = in.fields().optional_texts("attention_layers")) return std::ranges::count(*each, std::string{"local"});
  return layers / 2;
}

inline transformer gpt_neo(reader& in) {
  auto model = gpt_sizes(in, {"intermediate_size"});
  model.output_bias = model.ffn_bias = true;
  model.learned_positions = in.size_or({"max_position_embeddings"}, 2048);
  auto const window = in.size_or({"window_size"}, 256);
  if (auto const local = local_layers(in, model.layers); local > 0) model.windowed = {.window = window, .layers = local};
  return model;
}

inline transformer gpt_neox(reader& in) {
  auto model = gpt_sizes(in, {"intermediate_size"});
  set_biases(model, in.flag("attention_bias", true), true);
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer gptj(reader& in) {
  auto model = gpt_sizes(in, {"n_inner"});
  model.ffn_bias = model.head_bias = true;
  model.norms_per_layer = 1;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer falcon(reader& in) {
  auto model = gpt_sizes(in, {"ffn_hidden_size"});
  bool const grouped = in.flag("new_decoder_architecture", false);
  bool const one_head = in.flag("multi_query", true);
  auto const stated = in.optional_size({"num_kv_heads", "n_head_kv"});
  model.kv_heads = grouped ? stated.value_or(model.heads) : one_head ? 1 : model.heads;
  bool const parallel = in.flag("parallel_attn", true);
  auto const parallel_norms = in.size_or({"num_ln_in_parallel_attn"}, grouped ? 2 : 1);
  model.norms_per_layer = grouped || parallel ? parallel_norms : 2;
  bool const biases = in.flag("bias", false);
  set_biases(model, biases, biases);
  return model;
}

inline transformer mpt(reader& in) {
  auto model = gpt_sizes(in, {});
  model.ffn = in.size_or({"expansion_ratio"}, 4) * model.hidden;
  bool const biases = !in.flag("no_bias", true);
  set_biases(model, biases, biases);
  model.norm = norm_kind::rms;  // a layer norm without its bias: as many numbers
  bool alibi = true;
  if (auto attention = in.fields().optional_object("attn_config")) {
    if (auto const kv_heads = attention->optional_integer("kv_n_heads", 1)) model.kv_heads = *kv_heads;
    alibi = attention->optional_boolean("alibi").value_or(false);
  }
  if (!alibi && in.flag("learned_pos_emb", true)) model.learned_positions = in.size_or({"max_seq_len"}, 2048);
  return model;
}

inline transformer opt(reader& in) {
  auto model = gpt_sizes(in, {"ffn_dim"});
  if (auto const width = in.optional_size({"word_embed_proj_dim"}); width && *width != model.hidden) {
    in.fields().refuse("word_embed_proj_dim", "hidden_size = " + std::to_string(model.hidden));
  }
  in.require_flag("do_layer_norm_before", true, "as the other order has no last norm");
  bool const biases = in.flag("enable_bias", true);
  set_biases(model, biases, biases);
  model.learned_positions = in.size_or({"max_position_embeddings"}, 2048) + 2;  // two rows stand before the first
  return model;
}

inline transformer bloom(reader& in) {
  auto model = gpt_sizes(in, {"n_inner"});
  set_biases(model, true, true);
  model.embedding_norm = true;
  return model;
}

inline transformer phi(reader& in) {
  auto model = gpt_sizes(in, {"intermediate_size", "n_inner"});
  model.kv_heads = in.size_or({"num_key_value_heads", "n_head_kv"}, model.heads);
  in.require_flag("qk_layernorm", false, "as norms of its heads are not described");
  set_biases(model, true, true);
  model.head_bias = true;
  model.norms_per_layer = 1;
  model.tied_embedding = in.flag("tie_word_embeddings", false);
  return model;
}

inline transformer starcoder2(reader& in) {
  auto model = gpt_sizes(in, {"intermediate_size"});
  model.kv_heads = in.size_or({"num_key_value_heads"}, 2);
  bool const biases = in.flag("use_bias", true);
  set_biases(model, biases, biases);
  if (auto const window = in.optional_size({"sliding_window"})) model.windowed = {.window = *window, .layers = model.layers};
  return model;
}

}  // namespace kunmetrics::hf
