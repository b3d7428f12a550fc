// The parameters of a training as Hugging Face's LlamaForCausalLM has them, and back.
//
//   embedding  model.embed_tokens.weight             head  model.norm.weight, lm_head.weight
//   layer l    model.layers.L. self_attn.{q,k,v,o}_proj.weight, mlp.{gate,up,down}_proj.weight,
//                              input_layernorm.weight, post_attention_layernorm.weight
//
// Matrices are [outputs, inputs] on both sides, and rotary pairs are half a head apart on both, so a tensor is copied
// as it is. Written is model.safetensors, of the fp32 masters, with a config.json; read is that, or the files that a
// model.safetensors.index.json names. Source: transformers, models/llama/modeling_llama.py.
#pragma once

#include "checkpoint.hpp"
#include "safetensors.hpp"
#include "unit.hpp"

#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/json_reader.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace trainer {

// The name of a unit's tensor in Hugging Face's model.
inline std::string hf_llama_name(std::size_t unit, std::string_view tensor) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> names{{
      {"embedding", "model.embed_tokens"}, {"norm", "model.norm"}, {"lm_head", "lm_head"},
      {"attention_norm", "input_layernorm"}, {"wq", "self_attn.q_proj"}, {"wk", "self_attn.k_proj"},
      {"wv", "self_attn.v_proj"}, {"wo", "self_attn.o_proj"}, {"ffn_norm", "post_attention_layernorm"},
      {"w_gate", "mlp.gate_proj"}, {"w_up", "mlp.up_proj"}, {"w_down", "mlp.down_proj"}}};
  auto const found = std::ranges::find(names, tensor, &std::pair<std::string_view, std::string_view>::first);
  auto const of_layer = found - names.begin() >= 3;
  std::string name = of_layer ? "model.layers." + std::to_string(unit - 1) + "." : std::string{};
  return name.append(found->second).append(".weight");
}

// [rows, columns], or [columns] for a norm.
inline std::vector<std::int64_t> hf_llama_shape(tensor_slot const& slot) {
  if (slot.rows == 1 && slot.initial_deviation == 0) return {slot.columns};
  return {slot.rows, slot.columns};
}

inline std::string hf_llama_config(llama_shape const& shape, std::int64_t sequence_length) {
  return kunmetrics::json_text({{"architectures", {"LlamaForCausalLM"}},
                                {"model_type", "llama"},
                                {"hidden_size", shape.hidden},
                                {"intermediate_size", shape.ffn},
                                {"num_hidden_layers", shape.layers},
                                {"num_attention_heads", shape.heads},
                                {"num_key_value_heads", shape.kv_heads},
                                {"head_dim", shape.head_size},
                                {"vocab_size", shape.vocabulary},
                                {"max_position_embeddings", sequence_length},
                                {"rms_norm_eps", shape.rms_epsilon},
                                {"rope_theta", shape.rope_theta},
                                {"hidden_act", "silu"},
                                {"attention_bias", false},
                                {"mlp_bias", false},
                                {"tie_word_embeddings", false},
                                {"torch_dtype", "float32"}});
}

// Writes model.safetensors and config.json of a checkpoint's parameters. Throws std::runtime_error.
inline void export_hf_llama(checkpoint const& from, std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw kunmetrics::input_error{kunmetrics::detail::needed_found(folder.string(), "a folder to write in", error.message())};
  auto const units = llama_units(from.meta().model);
  std::vector<safetensors_entry> tensors;
  std::vector<std::pair<std::size_t, std::size_t>> places;  // unit and slot of each tensor
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    for (std::size_t slot = 0; slot < units[unit].tensors.size(); ++slot) {
      auto const& tensor = units[unit].tensors[slot];
      tensors.push_back({.name = hf_llama_name(unit, tensor.name), .dtype = "F32", .shape = hf_llama_shape(tensor)});
      places.emplace_back(unit, slot);
    }
  }
  std::vector<float> values;  // of the unit that is being written
  write_safetensors(folder / "model.safetensors", std::move(tensors), [&](std::size_t i, auto&& append) {
    auto const [unit, slot] = places[i];
    if (slot == 0) {
      values.resize(static_cast<std::size_t>(units[unit].numel));
      from.load(unit, state_part::parameters, 0, values);
    }
    auto const& tensor = units[unit].tensors[slot];
    append(std::span<float const>{values}.subspan(static_cast<std::size_t>(tensor.offset), static_cast<std::size_t>(tensor.numel())));
  });
  kunmetrics::write_whole(folder / "config.json", hf_llama_config(from.meta().model, from.meta().sequence_length));
}

// Hugging Face's parameters, opened to fill any range of any unit. Safe to share between threads.
class hf_llama_weights {
 public:
  // `path` is a folder or a .safetensors file. Throws kunmetrics::input_error or std::runtime_error unless every tensor
  // of the shape is there, with its size.
  hf_llama_weights(std::filesystem::path const& path, llama_shape const& shape) : units_{llama_units(shape)} {
    for (auto const& file : files_of(path)) files_.emplace_back(file);
    for (std::size_t unit = 0; unit < units_.size(); ++unit) {
      auto& of_unit = places_.emplace_back();
      for (auto const& slot : units_[unit].tensors) of_unit.push_back(found(path, hf_llama_name(unit, slot.name), slot));
    }
  }

  // Fills elements [first, first + out.size()) of a unit's flat vector.
  void load(std::size_t unit, std::int64_t first, std::span<float> out) const {
    auto const last = first + static_cast<std::int64_t>(out.size());
    for (std::size_t i = 0; i < units_[unit].tensors.size(); ++i) {
      auto const& slot = units_[unit].tensors[i];
      auto const begin = std::max(first, slot.offset), end = std::min(last, slot.offset + slot.numel());
      if (begin >= end) continue;
      auto const& [file, tensor] = places_[unit][i];
      files_[file].copy(files_[file].tensors()[tensor], static_cast<std::uint64_t>(begin - slot.offset),
                        out.subspan(static_cast<std::size_t>(begin - first), static_cast<std::size_t>(end - begin)));
    }
  }

 private:
  struct place {
    std::size_t file, tensor;
  };

  // Every file once, in the order of the index.
  static std::vector<std::filesystem::path> files_of(std::filesystem::path const& path) {
    std::error_code ignored;
    if (path.extension() == ".safetensors") return {path};
    if (std::filesystem::exists(path / "model.safetensors", ignored)) return {path / "model.safetensors"};
    auto const index = path / "model.safetensors.index.json";
    if (!std::filesystem::exists(index, ignored)) {
      throw kunmetrics::input_error{kunmetrics::detail::needed_found(path.string(), "model.safetensors or model.safetensors.index.json", "neither")};
    }
    kunmetrics::json_document const document{index};
    kunmetrics::json_object fields{document};
    auto map = fields.optional_object("weight_map");
    if (!map) fields.refuse("weight_map", "an object");
    std::vector<std::filesystem::path> files;
    for (auto const& tensor : map->keys()) {
      std::filesystem::path const name{map->text(tensor)};
      if (name.has_parent_path()) map->refuse(tensor, "the name of a file beside it");
      if (std::ranges::find(files, path / name) == files.end()) files.push_back(path / name);
    }
    return files;
  }

  place found(std::filesystem::path const& path, std::string const& name, tensor_slot const& slot) const {
    for (std::size_t file = 0; file < files_.size(); ++file) {
      auto const& tensors = files_[file].tensors();
      auto const tensor = std::ranges::find(tensors, name, &safetensors_entry::name);
      if (tensor == tensors.end()) continue;
      if (tensor->shape != hf_llama_shape(slot)) refuse(files_[file].path(), name + " of " + text(hf_llama_shape(slot)), text(tensor->shape));
      if (tensor->dtype != "F32" && tensor->dtype != "BF16" && tensor->dtype != "F16") {
        refuse(files_[file].path(), name + " in F32, BF16 or F16", tensor->dtype);
      }
      return {file, static_cast<std::size_t>(tensor - tensors.begin())};
    }
    refuse(path, "a tensor " + name, "none");
  }

  static std::string text(std::vector<std::int64_t> const& shape) {
    std::string sizes;
    for (auto const size : shape) sizes.append(sizes.empty() ? "[" : ", ").append(std::to_string(size));
    return sizes.empty() ? "[]" : sizes + "]";
  }

  [[noreturn]] static void refuse(std::filesystem::path const& path, std::string const& needed, std::string const& found) {
    throw kunmetrics::input_error{kunmetrics::detail::needed_found(path.string(), needed, found)};
  }

  std::vector<unit_layout> units_;
  std::vector<safetensors_file> files_;
  std::vector<std::vector<place>> places_;  // by unit and slot
};

}  // namespace trainer
