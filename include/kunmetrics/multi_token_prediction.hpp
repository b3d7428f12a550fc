// FLOP per token of layers that predict further tokens (MTP), on top of any layered convention.
//
//   a prediction layer   a layer like the model's last + 6·2·h·h, hidden vector and embedding joined,
//                        + 6·V·h, the output product again
// transformer.prediction_layers says how many; they are in no other count. The last layer has experts where
// any layer has, and a window where all have. Source: DeepSeek-V3 (2412.19437) section 2.2; Megatron-LM's
// num_floating_point_operations. Left out: the layer's three norms, a millionth of it. MaxText leaves the
// output product out.
#pragma once

#include <kunmetrics/flops.hpp>
#include <kunmetrics/suffixed_name.hpp>

namespace kunmetrics::flops {

namespace detail {
// The model cut to one layer like its last.
constexpr transformer last_layer(transformer model) {
  model.moe.layers = model.moe.layers > 0 ? 1 : 0;
  model.windowed.layers = model.windowed.layers == model.layers ? 1 : 0;
  model.layers = 1;
  return model;
}
}  // namespace detail

// Convention's own value for a model without prediction layers. What these add is trained, so weights that are not
// come outside: frozen<with_prediction_layers<Convention>>.
template <layered_convention Convention>
  requires(!convention_with_forward<Convention>)
struct with_prediction_layers {
  static constexpr std::string_view name = kunmetrics::detail::suffixed<Convention, "_mtp">::name;

  static constexpr flop_per_token_t attention_per_token(transformer const& model, sequence_length_t sequence_length) {
    return Convention::attention_per_token(model, sequence_length) +
           model.prediction_layers * Convention::attention_per_token(detail::last_layer(model), sequence_length);
  }
  static constexpr flop_per_token_t layers_per_token(transformer const& model, sequence_length_t sequence_length) {
    auto const joined = detail::six(checked{2} * model.hidden * model.hidden);
    return Convention::layers_per_token(model, sequence_length) +
           model.prediction_layers *
               (Convention::layers_per_token(detail::last_layer(model), sequence_length) + joined);
  }
  // Throws precondition_error on an invalid shape.
  static constexpr flop_per_token_t per_token(transformer const& model, sequence_length_t sequence_length) {
    require_valid(model);
    auto const layers = layers_per_token(model, sequence_length) - Convention::layers_per_token(model, sequence_length);
    return Convention::per_token(model, sequence_length) + layers +
           model.prediction_layers * detail::six(checked{model.vocabulary} * model.hidden);
  }
};

static_assert(layered_convention<with_prediction_layers<causal>>);

}  // namespace kunmetrics::flops
