// The shape of a decoder-only transformer: every size that its parameters and FLOP depend on.
//
// A value of this type describes the llama family by its first members alone; those behind them
// describe what other families add: biases, learned positions, other norms, latent attention,
// sliding windows, mixtures of experts, layers that predict further tokens. Where layers differ,
// the shape says how many are of each kind: counts and FLOP are sums, the order does not matter.
// Left out: encoders, cross-attention, state-space and other recurrent layers, vision towers.
#pragma once

#include <kunmetrics/error.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace kunmetrics {

// Keys and values made from one compressed vector a token (DeepSeek's MLA). A head's query and key
// have head_size numbers, `rope_head_size` of them rotated, and those of the key shared by all heads.
struct latent_attention {
  std::int64_t kv_rank = 0;     // 0: attention is not latent
  std::int64_t query_rank = 0;  // 0: queries come straight from the hidden vector
  std::int64_t rope_head_size = 0;
};

// Layers whose FFN is a choice of experts. Each expert and the shared one have the FFN's form.
struct mixture_of_experts {
  std::int64_t experts = 0;     // 0: no mixture
  std::int64_t active = 0;      // chosen for a token
  std::int64_t expert_ffn = 0;  // width of one
  std::int64_t shared_ffn = 0;  // width of all shared experts together; 0: none
  bool shared_gate = false;     // the shared expert's output is weighted by a product of its own
  std::int64_t layers = 0;      // so many have experts, the others the plain FFN
  bool router_bias = false;
};

// Layers in which a token sees the last `window` tokens only.
struct sliding_window {
  std::int64_t window = 0;  // 0: no such layer
  std::int64_t layers = 0;
};

enum class norm_kind { rms, layer, none };  // a weight a number, a weight and a bias, or neither
enum class query_key_norm { none, per_head, whole };  // one norm for each head, shared, or one over all heads

struct transformer {
  std::string_view name{};
  std::int64_t layers{};
  std::int64_t hidden{};
  std::int64_t heads{};
  std::int64_t kv_heads{};
  std::int64_t head_size{};  // a number of its own: not always hidden / heads
  std::int64_t ffn{};
  std::int64_t vocabulary{};  // rows of the embedding, padding included
  bool gated_ffn = true;
  bool tied_embedding = false;
  std::int64_t nominal_parameters{};  // the advertised size ("7B"), 0 when there is none

  std::int64_t value_head_size = 0;  // 0: head_size
  latent_attention latent{};
  mixture_of_experts moe{};
  sliding_window windowed{};
  std::int64_t learned_positions = 0;  // rows of a table of positions
  norm_kind norm = norm_kind::rms;
  std::int64_t norms_per_layer = 2;
  query_key_norm qk_norm = query_key_norm::none;
  bool embedding_norm = false;
  bool qkv_bias = false;
  bool output_bias = false;  // of the attention's output product
  bool ffn_bias = false;     // of the plain FFN, and of each expert
  bool head_bias = false;    // of the vocabulary product
  bool attention_sinks = false;        // a number a head
  std::int64_t prediction_layers = 0;  // that predict further tokens (MTP); in no count but their own
  std::int64_t embedding_width = 0;    // 0: hidden; else a product on either side of the layers leads to it and back
  bool final_norm = true;
  bool qk_norm_bias = true;  // where norm is layer: the norms on queries and keys have a bias too

  constexpr std::int64_t value_size() const { return value_head_size == 0 ? head_size : value_head_size; }
  constexpr std::int64_t embedding_size() const { return embedding_width == 0 ? hidden : embedding_width; }
  constexpr std::int64_t dense_layers() const { return layers - moe.layers; }
};

namespace detail {
struct named_size {
  std::string_view field;
  std::int64_t value;
};

constexpr void require_at_least(std::int64_t least, std::initializer_list<named_size> sizes) {
  for (auto const& [field, value] : sizes) {
    if (value >= least) continue;
    broken_precondition("transformer." + std::string{field},
                        least == 1 ? "a positive number" : "a number of at least 0", std::to_string(value));
  }
}

constexpr void require_part(std::string_view field, std::int64_t part, std::string_view of, std::int64_t whole) {
  if (part <= whole) return;
  broken_precondition("transformer." + std::string{field}, "at most " + std::string{of} + " = " + std::to_string(whole),
                      std::to_string(part));
}
}  // namespace detail

// Throws precondition_error naming the field when a size is out of range, heads do not group, or a
// part is larger than its whole.
constexpr void require_valid(transformer const& model) {
  auto const& moe = model.moe;
  detail::require_at_least(1, {{"layers", model.layers}, {"hidden", model.hidden}, {"heads", model.heads},
                               {"kv_heads", model.kv_heads}, {"head_size", model.head_size},
                               {"vocabulary", model.vocabulary}});
  detail::require_at_least(0, {{"value_head_size", model.value_head_size},
                               {"latent.kv_rank", model.latent.kv_rank},
                               {"latent.query_rank", model.latent.query_rank},
                               {"latent.rope_head_size", model.latent.rope_head_size},
                               {"moe.experts", moe.experts},
                               {"moe.shared_ffn", moe.shared_ffn},
                               {"moe.layers", moe.layers},
                               {"windowed.window", model.windowed.window},
                               {"windowed.layers", model.windowed.layers},
                               {"learned_positions", model.learned_positions},
                               {"norms_per_layer", model.norms_per_layer},
                               {"prediction_layers", model.prediction_layers},
                               {"embedding_width", model.embedding_width}});
  detail::require_part("moe.layers", moe.layers, "layers", model.layers);
  if (model.dense_layers() > 0) detail::require_at_least(1, {{"ffn", model.ffn}});
  if (moe.layers > 0) {
    detail::require_at_least(
        1, {{"moe.experts", moe.experts}, {"moe.active", moe.active}, {"moe.expert_ffn", moe.expert_ffn}});
    detail::require_part("moe.active", moe.active, "moe.experts", moe.experts);
  }
  detail::require_part("windowed.layers", model.windowed.layers, "layers", model.layers);
  if (model.windowed.layers > 0) detail::require_at_least(1, {{"windowed.window", model.windowed.window}});
  detail::require_part("latent.rope_head_size", model.latent.rope_head_size, "head_size", model.head_size);
  if (model.heads % model.kv_heads != 0) {
    broken_precondition("transformer.kv_heads", "a divisor of heads = " + std::to_string(model.heads),
                        std::to_string(model.kv_heads));
  }
}

}  // namespace kunmetrics
