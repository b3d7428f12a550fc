// A backend so plain that its gradients can be read off, for tests of the engine alone.
//
//   embedding  y = rows of the table           layer  y = x (1 + w)          n = numel of the unit,
//   head       loss = mean over i of (x_i w_{i mod n} - 1)^2 / 2             w_i means w_{i mod n}
//
// Backward of a layer needs the parameters, the input, and what forward saved, so a stale one of
// them shows in the numbers. Elements of a unit beyond samples * S * hidden get no gradient.
#pragma once

#include "compute_settings.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trainer {

template <class Real>
class toy_backend {
 public:
  using real = Real;
  struct layer_activations {
    std::vector<Real> factors;  // 1 + w of every element
  };

  toy_backend(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length, compute_settings const& = {})
      : hidden_(static_cast<std::size_t>(shape.hidden)),
        rows_(static_cast<std::size_t>(samples * sequence_length)),
        layer_(static_cast<std::size_t>(llama_units(shape)[1].numel)),
        head_(static_cast<std::size_t>(llama_units(shape).back().numel)) {}

  std::int64_t hidden_elements() const { return static_cast<std::int64_t>(rows_ * hidden_); }
  layer_activations make_activations() const { return {std::vector<Real>(rows_ * hidden_)}; }

  static std::int64_t activation_bytes(llama_shape const& shape, std::int64_t samples,
                                       std::int64_t sequence_length) {
    return samples * sequence_length * shape.hidden * static_cast<std::int64_t>(sizeof(Real));
  }
  static std::int64_t scratch_bytes(llama_shape const&, std::int64_t, std::int64_t, compute_settings const& = {}) { return 0; }

  void embedding_forward(std::span<Real const> parameters, std::span<std::int32_t const> tokens,
                         std::span<Real> y) {
    for (std::size_t row = 0; row < rows_; ++row) {
      auto const from = static_cast<std::size_t>(tokens[row]) * hidden_;
      std::ranges::copy(parameters.subspan(from, hidden_), y.subspan(row * hidden_).begin());
    }
  }

  void embedding_backward(std::span<std::int32_t const> tokens, std::span<Real const> dy,
                          std::span<Real> d_parameters) {
    std::ranges::fill(d_parameters, Real{0});
    for (std::size_t i = 0; i < dy.size(); ++i) {
      d_parameters[static_cast<std::size_t>(tokens[i / hidden_]) * hidden_ + i % hidden_] += dy[i];
    }
  }

  void layer_forward(std::span<Real const> parameters, std::span<Real const> x, std::span<Real> y,
                     layer_activations& saved) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      saved.factors[i] = 1 + parameters[i % layer_];
      y[i] = x[i] * saved.factors[i];
    }
  }

  void layer_backward(std::span<Real const> parameters, std::span<Real const> x,
                      layer_activations& saved, std::span<Real> dy_to_dx,
                      std::span<Real> d_parameters) {
    std::ranges::fill(d_parameters, Real{0});
    for (std::size_t i = 0; i < x.size(); ++i) {
      d_parameters[i % layer_] += dy_to_dx[i] * x[i];
      dy_to_dx[i] *= (saved.factors[i] + 1 + parameters[i % layer_]) / 2;
    }
  }

  double head_forward_backward(std::span<Real const> parameters, std::span<Real const> x,
                               std::span<std::int32_t const> tokens, std::span<Real> dx,
                               std::span<Real> d_parameters, double loss_scale = 1) {
    auto const mean = static_cast<Real>(loss_scale) / static_cast<Real>(x.size());
    std::ranges::fill(d_parameters, Real{0});
    for (std::size_t i = 0; i < x.size(); ++i) {
      auto const error = (x[i] * parameters[i % head_] - 1) * mean;
      dx[i] = error * parameters[i % head_];
      d_parameters[i % head_] += error * x[i];
    }
    return head_forward(parameters, x, tokens);
  }

  double head_forward(std::span<Real const> parameters, std::span<Real const> x,
                      std::span<std::int32_t const>) {
    double loss = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      auto const error = static_cast<double>(x[i] * parameters[i % head_] - 1);
      loss += error * error / 2;
    }
    return loss / static_cast<double>(x.size());
  }

 private:
  std::size_t hidden_, rows_, layer_, head_;
};

}  // namespace trainer
