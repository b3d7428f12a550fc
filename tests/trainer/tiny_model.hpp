// A whole llama held in plain vectors and run by the CPU backend alone, without an engine.
#pragma once

#include "central_difference.hpp"
#include "cpu_backend.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trainer_test {

template <class Number>
class tiny_model {
 public:
  using real = trainer::arithmetic<Number>;

  tiny_model(trainer::llama_shape const& shape, std::int64_t samples, std::int64_t positions)
      : units(trainer::llama_units(shape)), backend_(shape, samples, positions) {
    for (std::size_t u = 0; u < units.size(); ++u) {
      parameters.emplace_back(static_cast<std::size_t>(units[u].numel));
      gradients.emplace_back(static_cast<std::size_t>(units[u].numel));
      std::vector<real> exact(parameters.back().size());
      trainer::initialise<real>(units[u], 11, u, 0, exact);
      trainer::narrow<Number>(exact, parameters.back());
    }
    for (std::int64_t t = 0; t < samples * positions; ++t)
      tokens_.push_back(static_cast<std::int32_t>(
          trainer::mixed_bits(static_cast<std::uint64_t>(t)) %
          static_cast<std::uint64_t>(shape.vocabulary)));
    for (std::size_t u = 0; u + 1 < units.size(); ++u)
      inputs_.emplace_back(static_cast<std::size_t>(backend_.hidden_elements()));
    for (std::int64_t l = 0; l < shape.layers; ++l) saved_.push_back(backend_.make_activations());
  }

  /// Adds normal numbers to every parameter, so that no part of the model is nearly linear.
  void perturb(std::uint64_t seed, double deviation) {
    for (auto& unit : parameters) {
      auto const noise = normal_values(static_cast<std::int64_t>(unit.size()), ++seed, deviation);
      for (std::size_t i = 0; i < unit.size(); ++i) {
        unit[i] = trainer::narrowed<Number>(trainer::widened(unit[i]) + static_cast<real>(noise[i]));
      }
    }
  }

  /// Mean cross-entropy for the present parameters.
  double loss() {
    run_to_head();
    return backend_.head_forward(parameters.back(), inputs_.back(), tokens_);
  }

  /// The same, leaving the gradients of `loss_scale` times it, of all units, in `gradients`.
  double loss_and_gradients(double loss_scale = 1) {
    run_to_head();
    std::vector<Number> dx(inputs_.back().size());
    double const loss = backend_.head_forward_backward(parameters.back(), inputs_.back(), tokens_,
                                                       dx, gradients.back(), loss_scale);
    for (auto u = units.size() - 2; u > 0; --u)
      backend_.layer_backward(parameters[u], inputs_[u - 1], saved_[u - 1], dx, gradients[u]);
    backend_.embedding_backward(tokens_, dx, gradients[0]);
    return loss;
  }

  std::vector<trainer::unit_layout> units;
  std::vector<std::vector<Number>> parameters, gradients;

 private:
  void run_to_head() {
    backend_.embedding_forward(parameters[0], tokens_, inputs_[0]);
    for (std::size_t u = 1; u + 1 < units.size(); ++u)
      backend_.layer_forward(parameters[u], inputs_[u - 1], inputs_[u], saved_[u - 1]);
  }

  trainer::cpu_backend<Number> backend_;
  std::vector<std::int32_t> tokens_;
  std::vector<std::vector<Number>> inputs_;  // inputs_[u]: output of unit u, input of unit u + 1
  std::vector<trainer::layer_activations<Number>> saved_;
};

}  // namespace trainer_test
