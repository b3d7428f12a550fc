// The flat layout that ZeRO-3 shards, and the values training starts from.
//
// A unit is the embedding, one layer, or the final norm with the output product. Its tensors lie one
// after the other without padding, so that an offset does not depend on the number of ranks; wq, wk,
// wv and w_gate, w_up are neighbours, so that each group is one matrix product.
// Initial values are a pure function of (seed, unit index, offset): matrices normal(0, 0.02), those
// that write to the residual stream (wo, w_down) normal(0, 0.02 / sqrt(2 layers)), norms 1.
// Source of the scaling: Radford et al., Language Models are Unsupervised Multitask Learners, 2.3.
#pragma once

#include "mixed_bits.hpp"
#include "operators/matrix_view.hpp"
#include "shape.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace trainer {

enum class unit_kind { embedding, layer, head };

/// One row-major [rows, columns] tensor; offset counts elements from the start of its unit.
struct tensor_slot {
  std::string_view name;
  std::int64_t offset, rows, columns;
  double initial_deviation;  // of the normal distribution it starts from; 0: all elements start at 1

  constexpr std::int64_t numel() const noexcept { return rows * columns; }
};

/// The tensors of one unit in the order of their offsets, numel elements in all.
struct unit_layout {
  std::string name;
  unit_kind kind;
  std::int64_t numel;
  std::vector<tensor_slot> tensors;

  /// The tensor of that name; throws std::invalid_argument if the unit has none.
  tensor_slot const& slot(std::string_view tensor) const {
    auto const found = std::ranges::find(tensors, tensor, &tensor_slot::name);
    if (found == tensors.end())
      throw std::invalid_argument("unit_layout: a tensor of " + name + " was needed, received " +
                                  std::string(tensor));
    return *found;
  }
};

/// A unit whose tensors are laid end to end, offsets filled in.
inline unit_layout laid_out(std::string name, unit_kind kind, std::vector<tensor_slot> tensors) {
  std::int64_t numel = 0;
  for (auto& tensor : tensors) {
    tensor.offset = numel;
    numel += tensor.numel();
  }
  return {std::move(name), kind, numel, std::move(tensors)};
}

inline constexpr double matrix_deviation = 0.02;

/// Layout of the token embedding: [vocabulary, hidden].
inline unit_layout embedding_unit(llama_shape const& shape) {
  return laid_out("embedding", unit_kind::embedding,
                  {{"embedding", 0, shape.vocabulary, shape.hidden, matrix_deviation}});
}

/// Layout of one decoder layer; every layer has the same.
inline unit_layout layer_unit(llama_shape const& shape, std::string name) {
  auto const [h, f] = std::pair{shape.hidden, shape.ffn};
  auto const q = attention_width(shape);
  auto const kv = shape.kv_heads * shape.head_size;
  auto const weight = matrix_deviation;
  auto const residual = weight / std::sqrt(2.0 * static_cast<double>(shape.layers));
  return laid_out(std::move(name), unit_kind::layer,
                  {{"attention_norm", 0, 1, h, 0.0},
                   {"wq", 0, q, h, weight},
                   {"wk", 0, kv, h, weight},
                   {"wv", 0, kv, h, weight},
                   {"wo", 0, h, q, residual},
                   {"ffn_norm", 0, 1, h, 0.0},
                   {"w_gate", 0, f, h, weight},
                   {"w_up", 0, f, h, weight},
                   {"w_down", 0, h, f, residual}});
}

/// Layout of the final norm and the output product: [1, hidden], [vocabulary, hidden].
inline unit_layout head_unit(llama_shape const& shape) {
  return laid_out("head", unit_kind::head,
                  {{"norm", 0, 1, shape.hidden, 0.0},
                   {"lm_head", 0, shape.vocabulary, shape.hidden, matrix_deviation}});
}

/// All units in the order of the forward pass: embedding, layers 0 to L-1, head.
/// Throws std::invalid_argument for a shape that valid_shape refuses.
inline std::vector<unit_layout> llama_units(llama_shape const& shape) {
  valid_shape(shape);
  std::vector<unit_layout> units{embedding_unit(shape)};
  for (std::int64_t layer = 0; layer < shape.layers; ++layer)
    units.push_back(layer_unit(shape, "layer" + std::to_string(layer)));
  units.push_back(head_unit(shape));
  return units;
}

/// The tensor `name` of a unit whose elements start at elements[0].
template <class Real>
matrix_view<Real> tensor_view(std::span<Real> elements, unit_layout const& unit,
                              std::string_view name) {
  auto const& slot = unit.slot(name);
  return {elements.data() + slot.offset, slot.rows, slot.columns, slot.columns};
}

/// Two independent standard normal numbers (Box-Muller), a pure function of (key, counter).
inline std::pair<double, double> normal_pair(std::uint64_t key, std::uint64_t counter) noexcept {
  auto const unit_interval = [](std::uint64_t bits) {
    return static_cast<double>(bits >> 11U) * 0x1p-53;  // in [0, 1)
  };
  auto const first = mixed_bits(key ^ mixed_bits(2 * counter));
  auto const second = mixed_bits(key ^ mixed_bits(2 * counter + 1));
  double const radius = std::sqrt(-2.0 * std::log(1.0 - unit_interval(first)));
  double const angle = 2.0 * std::numbers::pi * unit_interval(second);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Initial values of elements [first, first + out.size()) of a unit; elements at or beyond numel,
/// which are padding, are 0. The values do not depend on how a unit is cut into such ranges.
/// Throws std::invalid_argument if first is negative.
template <class Real>
void initialise(unit_layout const& unit, std::uint64_t seed, std::size_t unit_index,
                std::int64_t first, std::span<Real> out) {
  if (first < 0)
    throw std::invalid_argument("initialise: first must be at least 0, received " +
                                std::to_string(first));
  auto const key = mixed_bits(mixed_bits(seed) + static_cast<std::uint64_t>(unit_index));
  auto const last = first + static_cast<std::int64_t>(out.size());
  std::ranges::fill(out, Real{0});
  for (auto const& tensor : unit.tensors) {
    auto const begin = std::max(first, tensor.offset);
    auto const end = std::min(last, tensor.offset + tensor.numel());
    if (tensor.initial_deviation == 0.0) {
      for (auto i = begin; i < end; ++i) out[static_cast<std::size_t>(i - first)] = Real{1};
      continue;
    }
    for (auto pair = begin / 2; 2 * pair < end; ++pair) {
      auto const [even, odd] = normal_pair(key, static_cast<std::uint64_t>(pair));
      auto const put = [&](std::int64_t i, double normal) {
        if (i >= begin && i < end)
          out[static_cast<std::size_t>(i - first)] =
              static_cast<Real>(tensor.initial_deviation * normal);
      };
      put(2 * pair, even);
      put(2 * pair + 1, odd);
    }
  }
}

}  // namespace trainer
