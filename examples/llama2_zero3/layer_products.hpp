// The FC products of one layer with its weights: four matrices in the two passes that read them.
#pragma once

#include "compute_settings.hpp"
#include "operators/fc_product.hpp"
#include "shape.hpp"
#include "untuned_fc_plan.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace trainer {

/// Rows [out] and columns [in] of a layer's matrix, or of the head's, as it is stored.
inline std::array<std::int64_t, 2> size_of(fc_matrix matrix, llama_shape const& shape) {
  switch (matrix) {
    case fc_matrix::qkv: return {qkv_width(shape), shape.hidden};
    case fc_matrix::wo: return {shape.hidden, attention_width(shape)};
    case fc_matrix::gate_up: return {2 * shape.ffn, shape.hidden};
    case fc_matrix::down: return {shape.hidden, shape.ffn};
    case fc_matrix::lm_head: break;
  }
  return {shape.vocabulary, shape.hidden};
}

/// The sizes of a matrix's products with `rows` rows.
inline fc_sizes sizes_of(fc_matrix matrix, llama_shape const& shape, std::int64_t rows, std::int64_t height) {
  auto const [out, in] = size_of(matrix, shape);
  return {rows, height, out, in};
}

template <class Number>
class layer_products {
 public:
  static constexpr std::array matrices{fc_matrix::qkv, fc_matrix::wo, fc_matrix::gate_up, fc_matrix::down};

  layer_products(llama_shape const& shape, std::int64_t rows, compute_settings const& compute) {
    auto const plan = resolved<Number>(compute.fc, rows);
    for (auto const pass : {fc_pass::forward, fc_pass::input_gradient}) {
      for (auto const matrix : matrices) {
        products_.emplace_back(sizes_of(matrix, shape, rows, plan.height), pass, plan(matrix, pass), compute.threads);
      }
    }
  }

  /// Bytes of room for the packed weights of either pass.
  std::int64_t room_bytes() const { return std::max(room_bytes(fc_pass::forward), room_bytes(fc_pass::input_gradient)); }

  /// The weights [out, in] of the pass that begins, in the order of `matrices`; `room` is used until the next.
  void prepare(fc_pass pass, std::array<matrix_view<Number const>, 4> const& weights, std::span<std::byte> room) {
    std::size_t used = 0;
    for (auto const matrix : matrices) {
      auto& product = (*this)(matrix, pass);
      auto const bytes = static_cast<std::size_t>(product.room_bytes());
      product.prepare(weights[static_cast<std::size_t>(matrix)], room.subspan(used, bytes));
      used += bytes;
    }
  }

  fc_product<Number>& operator()(fc_matrix matrix, fc_pass pass) {
    return products_[static_cast<std::size_t>(pass) * matrices.size() + static_cast<std::size_t>(matrix)];
  }

 private:
  std::int64_t room_bytes(fc_pass pass) const {
    auto const of_pass = std::span{products_}.subspan(static_cast<std::size_t>(pass) * matrices.size(), matrices.size());
    return std::accumulate(of_pass.begin(), of_pass.end(), std::int64_t{0},
                           [](std::int64_t bytes, auto const& product) { return bytes + product.room_bytes(); });
  }

  std::vector<fc_product<Number>> products_;
};

}  // namespace trainer
