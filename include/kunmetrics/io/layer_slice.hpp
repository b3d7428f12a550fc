// A model cut to fewer layers at its full width: what trains where the whole does not fit.
//
//   if (auto const note = keep_layers(what.model, 2)) notes.push_back(*note);
// Parameters, FLOP and memory are then those of the slice, and its name says so: "llama2-7b, 2 layers".
#pragma once

#include <kunmetrics/io/flagperf_document.hpp>
#include <kunmetrics/io/hf_config.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace kunmetrics {

// Keeps `layers` of the model's, and gives the note that a report owes its reader; empty where all are kept. Throws
// input_error naming --layers when the model has not so many, or when its layers are not alike, so that which are
// kept would matter; precondition_error for less than one.
inline std::optional<bilingual> keep_layers(hf_model& model, std::int64_t layers) {
  auto& sizes = model.sizes;
  auto const all = sizes.layers;
  if (layers < 1) broken_precondition("keep_layers", "at least 1 layer", std::to_string(layers));
  if (layers > all) {
    throw input_error{
        detail::needed_found("--layers", "at most the model's " + std::to_string(all), std::to_string(layers))};
  }
  if (layers == all) return std::nullopt;
  for (auto* const part : {&sizes.moe.layers, &sizes.windowed.layers}) {
    if (*part != 0 && *part != all) {
      throw input_error{detail::needed_found("--layers", "a model whose layers are all alike",
                                             model.name + ", " + std::to_string(*part) + " of whose " +
                                                 std::to_string(all) + " differ")};
    }
    if (*part == all) *part = layers;
  }
  sizes.layers = layers;
  sizes.nominal_parameters = 0;  // a slice has no advertised size
  model.name += ", " + std::to_string(layers) + (layers == 1 ? " layer" : " layers");
  auto const of = std::to_string(layers) + "/" + std::to_string(all);
  return bilingual{"模型只取" + of + "层，宽度不变", of + " layers of the model, at its full width"};
}

}  // namespace kunmetrics
