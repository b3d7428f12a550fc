// Reading sizes out of a config.json: keys with their other names, and what absence means.
//
// A reader remembers the sizes that it read: where their product is beyond all counting, they are to blame.
// A key set to null counts as absent for a size, as it does to transformers; `states` tells a null
// from a key that is not there, where the family's default for the two differs.
#pragma once

#include <kunmetrics/io/json_reader.hpp>
#include <kunmetrics/parameters.hpp>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics::hf {

// A family's own sizes in transformers, for configurations that may leave them out; 0: they must be there.
struct class_sizes {
  std::int64_t layers = 0, hidden = 0, heads = 0, ffn = 0, vocabulary = 0;
};

struct read_size {
  std::string_view key;
  std::int64_t value;
};

class reader {
 public:
  using names = std::initializer_list<std::string_view>;

  explicit reader(json_object& fields, class_sizes absent = {}) : fields_{fields}, absent_{absent} {}

  json_object& fields() { return fields_; }
  class_sizes const& absent() const { return absent_; }
  std::vector<read_size> const& sizes() const { return sizes_; }

  // The first name that is there; throws input_error naming the first when none is and `absent` is 0.
  std::int64_t size(names keys, std::int64_t absent = 0) {
    if (auto const value = first(keys, 1)) return *value;
    return absent > 0 ? absent : fields_.integer(*keys.begin(), 1, most);
  }
  std::int64_t size_or(names keys, std::int64_t absent) { return first(keys, 1).value_or(absent); }
  std::optional<std::int64_t> optional_size(names keys) { return first(keys, 1); }
  // A count that may be 0: dense layers, shared experts.
  std::int64_t count_or(names keys, std::int64_t absent) { return first(keys, 0).value_or(absent); }
  bool flag(std::string_view key, bool absent) { return fields_.optional_boolean(key).value_or(absent); }

  // Whether the file has the key at all, null or not.
  bool states(std::string_view key) const { return fields_.states(key); }

  // Throws input_error unless the key is absent or says `needed`.
  void require_flag(std::string_view key, bool needed, std::string_view why) {
    if (flag(key, needed) != needed) {
      fields_.refuse(key, std::string{needed ? "true" : "false"} + ", " + std::string{why});
    }
  }

 private:
  static constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();

  std::optional<std::int64_t> first(names keys, std::int64_t least) {
    for (std::string_view key : keys) {
      if (auto const value = fields_.optional_integer(key, least, most)) {
        sizes_.push_back({key, *value});
        return value;
      }
    }
    return std::nullopt;
  }

  json_object& fields_;
  class_sizes absent_;
  std::vector<read_size> sizes_;
};

// Key and value heads, and the size of a head. The defaults, 0 for as many as query heads and for hidden
// / heads, stand for keys that are not there; null means those of 0 in every family.
inline void read_heads(reader& in, transformer& model, std::int64_t absent_kv = 0, std::int64_t absent_head_size = 0) {
  if (in.states("num_key_value_heads")) absent_kv = 0;
  if (in.states("head_dim")) absent_head_size = 0;
  model.kv_heads = in.size_or({"num_key_value_heads"}, absent_kv == 0 ? model.heads : absent_kv);
  if (model.heads % model.kv_heads != 0) {
    in.fields().refuse("num_key_value_heads", "a divisor of num_attention_heads = " + std::to_string(model.heads),
                       std::to_string(model.kv_heads));
  }
  auto const stated = in.optional_size({"head_dim"});
  if (!stated && absent_head_size == 0 && model.hidden % model.heads != 0) {
    in.fields().refuse("num_attention_heads", "a divisor of hidden_size = " + std::to_string(model.hidden));
  }
  model.head_size = stated.value_or(absent_head_size == 0 ? model.hidden / model.heads : absent_head_size);
}

// The sizes that the llama family and most others name alike.
inline transformer common_sizes(reader& in) {
  auto const& absent = in.absent();
  return {.layers = in.size({"num_hidden_layers", "num_layers", "n_layer"}, absent.layers),
          .hidden = in.size({"hidden_size", "n_embd"}, absent.hidden),
          .heads = in.size({"num_attention_heads", "n_head"}, absent.heads),
          .ffn = in.size({"intermediate_size"}, absent.ffn),
          .vocabulary = in.size({"vocab_size"}, absent.vocabulary)};
}

// Those that GPT-2 and its kin name otherwise; `inner` are the keys of the FFN's width, 4h when absent.
inline transformer gpt_sizes(reader& in, reader::names inner) {
  transformer model{.layers = in.size({"n_layer", "num_hidden_layers", "num_layers", "n_layers"}),
                    .hidden = in.size({"n_embd", "hidden_size", "n_embed", "d_model"}),
                    .heads = in.size({"n_head", "num_attention_heads", "num_heads", "n_heads"}),
                    .vocabulary = in.size({"vocab_size"}),
                    .gated_ffn = false};
  model.ffn = in.size_or(inner, 4 * model.hidden);
  if (model.hidden % model.heads != 0) {
    in.fields().refuse("n_head", "a divisor of the hidden size = " + std::to_string(model.hidden),
                       std::to_string(model.heads));
  }
  model.kv_heads = model.heads;
  model.head_size = model.hidden / model.heads;
  model.norm = norm_kind::layer;
  model.tied_embedding = in.flag("tie_word_embeddings", true);
  return model;
}

inline void set_biases(transformer& model, bool attention, bool ffn) {
  model.qkv_bias = model.output_bias = attention;
  model.ffn_bias = ffn;
}

// Windowed layers as "layer_types" tells them; empty when the key is not there.
inline std::optional<std::int64_t> windowed_layer_types(reader& in) {
  auto const types = in.fields().optional_texts("layer_types");
  if (!types) return std::nullopt;
  for (std::string const& type : *types) {
    if (type != "full_attention" && type != "sliding_attention") {
      in.fields().refuse("layer_types", "\"full_attention\" or \"sliding_attention\" a layer", detail::shown(type));
    }
  }
  return std::ranges::count(*types, std::string{"sliding_attention"});
}

// A list that says something of each layer says it of all of them, as transformers requires of layer_types
// whatever the family makes of it. Throws input_error.
inline void require_one_each(reader& in, std::string_view key, std::string_view layers_key, std::int64_t layers) {
  auto const each = in.fields().optional_texts(key);
  if (!each || static_cast<std::int64_t>(each->size()) == layers) return;
  in.fields().refuse(key,
                     "an array of " + std::string{layers_key} + " = " + std::to_string(layers) + " kinds of layers",
                     "one of " + std::to_string(each->size()));
}

// Windowed layers where all but each `every`-th are.
inline std::int64_t all_but_each(reader& in, std::int64_t layers, std::int64_t every) {
  return windowed_layer_types(in).value_or(layers - layers / every);
}

}  // namespace kunmetrics::hf
