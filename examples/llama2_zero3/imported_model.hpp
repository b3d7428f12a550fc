// Whether weights of Hugging Face's form are of the model that is trained. How many heads share a matrix, how positions
// are rotated and what a norm adds shows in no tensor's size, nor do biases that nothing reads: the config.json beside
// the weights says it, where there is one.
#pragma once

#include "training_plan.hpp"

#include <kunmetrics/io/hf_config.hpp>
#include <kunmetrics/io/json.hpp>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace trainer {

// `path` is a folder or a .safetensors file. Throws kunmetrics::input_error naming the file, its key, the case's value
// and the file's. A slice may take the first layers of more.
inline void require_imported_model(std::filesystem::path const& path, llama_shape const& trained) {
  using detail::input_error, detail::needed_found;
  auto const config = (path.extension() == ".safetensors" ? path.parent_path() : path) / "config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(config, ignored)) return;
  auto const imported = detail::shape_of(kunmetrics::hf_config(config), config.string());
  auto const require = [&](bool holds, std::string_view key, auto const& ours, auto const& found) {
    if (holds) return;
    throw input_error{needed_found(config.string() + ": " + std::string{key}, "the case's " + kunmetrics::json(ours).dump(),
                                   kunmetrics::json(found).dump())};
  };
  auto const same = [&](std::string_view key, auto llama_shape::*size) {
    require(imported.*size == trained.*size, key, trained.*size, imported.*size);
  };
  require(imported.layers >= trained.layers, "num_hidden_layers", trained.layers, imported.layers);
  same("hidden_size", &llama_shape::hidden);
  same("intermediate_size", &llama_shape::ffn);
  same("vocab_size", &llama_shape::vocabulary);
  same("num_attention_heads", &llama_shape::heads);
  same("num_key_value_heads", &llama_shape::kv_heads);
  same("head_dim", &llama_shape::head_size);
  same("rms_norm_eps", &llama_shape::rms_epsilon);
  same("rope_theta", &llama_shape::rope_theta);
}

}  // namespace trainer
