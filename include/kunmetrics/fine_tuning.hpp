// FLOP per token where weights are frozen, and of LoRA's adapters.
//
//   frozen       4·N + attention     no gradient of a weight, but of its input: a third of 6·N left out
//   low_rank     4·N + 6·A + attention                 A parameters of the adapters, all of them trained
//   scaled_low_rank     F·(2 + A/N) / 3                NeMo Automodel (its PR 786): attention cut too
//   A            r·(inputs + outputs) of each chosen matrix, in every layer
// Attention itself has no weights: its backward pass is whole. Source: LoRA (2106.09685). Left out: that
// nothing is propagated below the first adapter, the product with alpha/r, dropout.
#pragma once

#include <kunmetrics/flops.hpp>
#include <kunmetrics/suffixed_name.hpp>

namespace kunmetrics {

// Adapters of one rank on the chosen matrices of all layers. `fused`: query, key and value are one
// matrix and share an adapter's input side, and so are the FFN's gate and up.
struct low_rank_adapters {
  std::int64_t rank = 0;
  bool query = true, key = true, value = true, output = true;
  bool gate = true, up = true, down = true;
  bool fused = false;
};

namespace detail {
constexpr void require_adaptable(transformer const& model, low_rank_adapters const& adapters) {
  require_valid(model);
  if (adapters.rank < 1) {
    broken_precondition("low_rank_adapters.rank", "a positive number", std::to_string(adapters.rank));
  }
  if (model.latent.kv_rank > 0) {
    broken_precondition("low_rank_adapters", "attention that is not latent",
                        "a kv_rank of " + std::to_string(model.latent.kv_rank));
  }
  if (model.moe.layers > 0 && (adapters.gate || adapters.up || adapters.down)) {
    broken_precondition("low_rank_adapters", "an FFN without experts",
                        std::to_string(model.moe.layers) + " layers of them");
  }
}

// Inputs and outputs of the matrices that are chosen; `shared` inputs are counted once.
constexpr checked adapter_sides(checked inputs, std::initializer_list<std::int64_t> outputs, bool shared) {
  checked sum, chosen;
  for (std::int64_t const size : outputs) {
    sum = sum + size;
    if (size > 0) chosen = chosen + 1;
  }
  return chosen.value() == 0 ? checked{0} : sum + inputs * (shared ? checked{1} : chosen);
}
}  // namespace detail

// Throws precondition_error without a rank, for latent attention, and for adapters on an FFN of experts.
constexpr std::int64_t trained_parameters(transformer const& model, low_rank_adapters const& adapters) {
  detail::require_adaptable(model, adapters);
  auto const if_chosen = [](bool chosen, checked size) { return chosen ? size.value() : 0; };
  checked const h = model.hidden, q = checked{model.heads} * model.head_size,
                v = checked{model.heads} * model.value_size();
  auto const qkv = detail::adapter_sides(
      h,
      {if_chosen(adapters.query, q), if_chosen(adapters.key, checked{model.kv_heads} * model.head_size),
       if_chosen(adapters.value, checked{model.kv_heads} * model.value_size())},
      adapters.fused);
  auto const widened = detail::adapter_sides(h, {if_chosen(adapters.gate && model.gated_ffn, model.ffn),
                                                 if_chosen(adapters.up, model.ffn)}, adapters.fused);
  auto const back = checked{if_chosen(adapters.output, v + h)} + if_chosen(adapters.down, h + model.ffn);
  return (checked{model.layers} * adapters.rank * (qkv + widened + back)).value();
}

namespace flops {

// Of a frozen weight: forward, and backward the gradient of its input alone.
inline constexpr std::int64_t frozen_over_forward = training_over_forward - 1;

// All weights of the model frozen. `forward` is what recomputation runs again: more than a third of this.
template <layered_convention Convention>
struct frozen {
  static constexpr std::string_view name = kunmetrics::detail::suffixed<Convention, "_frozen">::name;

  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    return Convention::attention_per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return without_weight_gradients(Convention::layers_per_token(model, sequence_length),
                                    attention_per_token(model, sequence_length));
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return without_weight_gradients(Convention::per_token(model, sequence_length),
                                    attention_per_token(model, sequence_length));
  }
  static constexpr flop_per_token_t forward_layers_per_token(transformer const& model,
                                                             sequence_length_t sequence_length) {
    return detail::flop(Convention::layers_per_token(model, sequence_length).coherent() / training_over_forward);
  }
  static constexpr flop_per_token_t forward_per_token(transformer const& model, sequence_length_t sequence_length) {
    return detail::flop(Convention::per_token(model, sequence_length).coherent() / training_over_forward);
  }

 private:
  static constexpr flop_per_token_t without_weight_gradients(flop_per_token_t whole, flop_per_token_t attention) {
    return detail::flop((whole - attention).coherent() / training_over_forward * frozen_over_forward) + attention;
  }
};

template <layered_convention Convention, low_rank_adapters Adapters>
struct low_rank {
  static constexpr std::string_view name = kunmetrics::detail::suffixed<Convention, "_lora">::name;

  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    return Convention::attention_per_token(model, sequence_length);
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    return frozen<Convention>::layers_per_token(model, sequence_length) +
           detail::six(trained_parameters(model, Adapters));
  }
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    return frozen<Convention>::per_token(model, sequence_length) + detail::six(trained_parameters(model, Adapters));
  }
  static constexpr flop_per_token_t forward_layers_per_token(transformer const& model,
                                                             sequence_length_t sequence_length) {
    return frozen<Convention>::forward_layers_per_token(model, sequence_length) + forward_of_adapters(model);
  }
  static constexpr flop_per_token_t forward_per_token(transformer const& model, sequence_length_t sequence_length) {
    return frozen<Convention>::forward_per_token(model, sequence_length) + forward_of_adapters(model);
  }

 private:
  static constexpr flop_per_token_t forward_of_adapters(transformer const& model) {
    return detail::flop(static_cast<double>((checked{trained_parameters(model, Adapters)} * flop_per_weight).value()));
  }
};

// N here is every parameter of the model, as Automodel counts them.
template <convention Convention, low_rank_adapters Adapters>
struct scaled_low_rank {
  static constexpr std::string_view name = kunmetrics::detail::suffixed<Convention, "_lora_scaled">::name;

  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    auto const share = static_cast<double>(trained_parameters(model, Adapters)) /
                       static_cast<double>(parameters(model).total);
    return detail::flop(Convention::per_token(model, sequence_length).coherent() *
                        (static_cast<double>(frozen_over_forward) + share) / training_over_forward);
  }
  static constexpr flop_per_token_t forward_per_token(transformer const& model, sequence_length_t sequence_length) {
    return detail::flop(Convention::per_token(model, sequence_length).coherent() / training_over_forward);
  }
};

static_assert(layered_convention<frozen<causal>> && layered_convention<low_rank<causal, low_rank_adapters{.rank = 8}>>);
static_assert(convention<scaled_low_rank<causal, low_rank_adapters{.rank = 8}>>);

}  // namespace flops
}  // namespace kunmetrics
