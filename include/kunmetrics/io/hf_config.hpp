// The config.json of a Hugging Face model of the llama family, as a transformer's shape.
//
// Read: model_type (llama), hidden_size, intermediate_size, num_hidden_layers,
// num_attention_heads, num_key_value_heads (the heads), head_dim (hidden_size / heads, which must
// divide), vocab_size, tie_word_embeddings (false), rms_norm_eps (1e-6), rope_theta (10000),
// hidden_act (silu), rope_scaling and rope_parameters, _name_or_path; in parentheses what absence
// or null means to transformers. attention_bias and mlp_bias must not be true. These files carry
// many other keys, which say nothing about the shape: they are passed over.
#pragma once

#include <kunmetrics/io/json_reader.hpp>
#include <kunmetrics/transformer.hpp>

namespace kunmetrics {

// Owns the name that its shape refers to.
struct hf_model {
  std::string name;
  transformer sizes;  // without the name
  double rms_epsilon = 1e-6;
  double rope_theta = 10000;
  bool scaled_rope = false;  // positions are stretched: the same sizes, another computation
  std::string activation = "silu";

  transformer shape() const& {
    auto named = sizes;
    named.name = name;
    return named;
  }
  transformer shape() && = delete;  // would outlive its name
};

namespace detail {
inline void require_llama(json_object& fields) {
  if (auto const type = fields.text("model_type"); type != "llama") {
    fields.refuse("model_type", "\"llama\", the only family described here");
  }
  for (std::string_view const bias : {"attention_bias", "mlp_bias"}) {
    if (fields.optional_boolean(bias).value_or(false)) fields.refuse(bias, "false, as the shape has no biases");
  }
}

inline transformer hf_sizes(json_object& fields) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  auto const size = [&](std::string_view key) { return fields.integer(key, 1, most); };
  transformer model{.layers = size("num_hidden_layers"),
                    .hidden = size("hidden_size"),
                    .heads = size("num_attention_heads"),
                    .ffn = size("intermediate_size"),
                    .vocabulary = size("vocab_size")};
  model.kv_heads = fields.optional_integer("num_key_value_heads", 1, most).value_or(model.heads);
  if (model.heads % model.kv_heads != 0) {
    fields.refuse("num_key_value_heads", "a divisor of num_attention_heads = " + std::to_string(model.heads));
  }
  auto const head_size = fields.optional_integer("head_dim", 1, most);
  if (!head_size && model.hidden % model.heads != 0) {
    fields.refuse("num_attention_heads", "a divisor of hidden_size = " + std::to_string(model.hidden));
  }
  model.head_size = head_size.value_or(model.hidden / model.heads);
  model.tied_embedding = fields.optional_boolean("tie_word_embeddings").value_or(false);
  return model;
}

// rope_theta stands at the top, or, since transformers 5, in rope_parameters.
inline void read_rope(json_object& fields, hf_model& model) {
  if (auto const theta = fields.optional_number("rope_theta", positive_number)) model.rope_theta = *theta;
  for (std::string_view const key : {"rope_scaling", "rope_parameters"}) {
    auto rope = fields.optional_object(key);
    if (!rope) continue;
    if (auto const theta = rope->optional_number("rope_theta", positive_number)) model.rope_theta = *theta;
    auto const type = rope->optional_text(rope->has("rope_type") ? "rope_type" : "type");
    if (type.value_or("default") != "default") model.scaled_rope = true;
  }
}
}  // namespace detail

// `name` is used when the configuration does not name itself. Throws input_error.
inline hf_model hf_config(json_object const& object, std::string_view name) {
  auto fields = object.with(null_is::absent);
  detail::require_llama(fields);
  hf_model model;
  model.sizes = detail::hf_sizes(fields);
  if (auto const epsilon = fields.optional_number("rms_norm_eps", positive_number)) model.rms_epsilon = *epsilon;
  if (auto activation = fields.optional_text("hidden_act")) model.activation = *std::move(activation);
  detail::read_rope(fields, model);
  model.name = fields.optional_text("_name_or_path").value_or("");
  if (model.name.empty()) model.name = name;
  try {
    parameters(model.sizes);
  } catch (precondition_error const& error) {
    throw input_error{detail::needed_found(fields.where(), "a model whose parameters can be counted", error.what())};
  }
  return model;
}

// Of a file: `config.json` is named after its folder, any other after itself. Throws input_error.
inline hf_model hf_config(std::filesystem::path const& file) {
  json_document const document{file};
  auto const folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  auto const stem = file.stem() == "config" ? folder.filename() : file.stem();
  return hf_config(json_object{document}, stem.string());
}

}  // namespace kunmetrics
