// Families of GPT's form: layer norms, a plain FFN four times as wide, most with biases.
//
// The FFN's width is 4h where its key is absent or null. Sizes by any of n_embd, hidden_size, n_embed,
// d_model; n_layer(s), num_layers, num_hidden_layers; n_head(s), num_heads, num_attention_heads.
// Source: configuration and modelling code of each family in Hugging Face transformers; of mpt in
// llm-foundry, which has learned positions and biases besides.
#pragma once

#include <kunmetrics/io/hf/reader.hpp>

namespace kunmetrics::hf {

// What each family has, and the keys that say so:
//
//   gpt2 gpt_bigcode   learned positions, tied, all biases; one key and value head in the latter
//   gpt_neo            as gpt2, no biases on q, k, v; attention_types: every other layer windowed
//   gpt_neox           rotary, all biases, not tied (pythia)
//   gptj codegen       one norm a layer, biases on the FFN and the vocabulary product
//   falcon             one key and value head, or num_kv_heads (n_head_kv) of them; tied; also RefinedWeb,
//                      RefinedWebModel, where n_head_kv means the new architecture
//   mpt                no biases unless no_bias is false, ALiBi or learned positions, tied
//   opt                positions moved by two rows, tied; word_embed_proj_dim, do_layer_norm_before
//   bloom              ALiBi, a norm on the embedding, tied
//   phi phi-msft       one norm a layer, all biases, qk_layernorm
//   starcoder2         rotary, all biases, two key and value heads, tied

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
  if (auto const each = in.fields().optional_texts("attention_layers")) {
    require_one_each(in, "attention_layers", "num_layers", layers);
    return std::ranges::count(*each, std::string{"local"});
  }
  auto const* const types = in.fields().optional_array("attention_types");
  if (types == nullptr) return layers / 2;
  std::int64_t local = 0, all = 0;
  for (json_value const& group : *types) {
    bool const well_formed = group.is_array() && group.size() == 2 && group[0].is_array() &&
                             group[1].is_number_unsigned() &&
                             group[1].get<std::uint64_t>() <= static_cast<std::uint64_t>(layers);
    if (!well_formed) in.fields().refuse("attention_types", "pairs of kinds and a number of times");
    auto const times = group[1].get<std::int64_t>();
    local += std::ranges::count(group[0], json_value("local")) * times;
    all += static_cast<std::int64_t>(group[0].size()) * times;
  }
  if (all != layers) {
    in.fields().refuse("attention_types", "kinds of num_layers = " + std::to_string(layers) + " layers");
  }
  return local;
}

inline transformer gpt_neo(reader& in) {
  auto model = gpt_sizes(in, {"intermediate_size"});
  model.output_bias = model.ffn_bias = true;
  model.learned_positions = in.size_or({"max_position_embeddings"}, 2048);
  auto const window = in.size_or({"window_size"}, 256);
  if (auto const local = local_layers(in, model.layers); local > 0) {
    model.windowed = {.window = window, .layers = local};
  }
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
  bool const grouped = in.flag("new_decoder_architecture", in.states("n_head_kv"));
  bool const one_head = in.flag("multi_query", true);
  auto const stated = in.optional_size({"num_kv_heads", "n_head_kv"});
  model.kv_heads = grouped ? stated.value_or(model.heads) : one_head ? 1 : model.heads;
  bool const parallel = in.flag("parallel_attn", true);
  auto const parallel_norms = in.size_or({"num_ln_in_parallel_attn"}, grouped ? 2 : 1);
  model.norms_per_layer = !parallel || parallel_norms == 2 ? 2 : 1;
  bool const biases = in.flag("bias", false);
  set_biases(model, biases, biases);
  return model;
}

inline transformer mpt(reader& in) {
  auto model = gpt_sizes(in, {});
  model.ffn = in.size_or({"expansion_ratio"}, 4) * model.hidden;
  bool const biases = !in.flag("no_bias", true);
  set_biases(model, biases, biases);
  model.norm = biases ? norm_kind::layer : norm_kind::rms;  // a layer norm without its bias: as many numbers
  bool alibi = true;
  if (auto attention = in.fields().optional_object("attn_config")) {
    bool const one_head = attention->optional_text("attn_type").value_or("") == "multiquery_attention";
    model.kv_heads = attention->optional_integer("kv_n_heads", 1).value_or(one_head ? 1 : model.heads);
    alibi = attention->optional_boolean("alibi").value_or(true);
    if (attention->optional_boolean("qk_ln").value_or(false)) model.qk_norm = query_key_norm::whole;
  }
  if (!alibi && in.flag("learned_pos_emb", true)) model.learned_positions = in.size_or({"max_seq_len"}, 2048);
  return model;
}

inline transformer opt(reader& in) {
  auto model = gpt_sizes(in, {"ffn_dim"});
  if (auto const width = in.optional_size({"word_embed_proj_dim"}); width && *width != model.hidden) {
    model.embedding_width = *width;
  }
  model.final_norm = in.flag("do_layer_norm_before", true) && !in.flag("_remove_final_layer_norm", false);
  if (!in.flag("layer_norm_elementwise_affine", true)) model.norm = norm_kind::none;
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
  if (in.flag("qk_layernorm", false)) model.qk_norm = query_key_norm::per_head;
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
  if (auto const window = in.optional_size({"sliding_window"})) {
    model.windowed = {.window = *window, .layers = model.layers};
  }
  return model;
}

}  // namespace kunmetrics::hf
