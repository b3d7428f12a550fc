// AdamW with decoupled weight decay, on a shard, in one pass that also scales the gradient.
//
//   g = gradient_scale * gradient                  gradient_scale holds 1/(N GAS) and the clipping
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
//   p = (1 - lr decay) p - lr / (1 - beta1^t) * m / (sqrt(v / (1 - beta2^t)) + epsilon)
//
// t counts applied steps, from 1. Loshchilov and Hutter, "Decoupled weight decay regularization",
// arXiv 1711.05101, algorithm 2, with torch's decay of lr * weight_decay. All parameters decay,
// norm weights too, as torch does with model.parameters().
// Leaves out: amsgrad, and number formats below fp32.
#pragma once

#include "operators/widest_vectors.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace trainer {

struct adamw_settings {  // the defaults are those of the R300 case
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-5;
  double weight_decay = 0.1;
};

// What a step's update needs, folded in double once a step and rounded once.
template <class Real>
struct adamw_step {
  Real gradient_scale, keep, step_size, beta1, one_minus_beta1, beta2, one_minus_beta2;
  Real root_scale;  // 1 / sqrt(1 - beta2^t)
  Real epsilon;

  // `applied` is t >= 1; throws std::invalid_argument.
  adamw_step(adamw_settings const& settings, double learning_rate, double scale,
             std::int64_t applied)
      : gradient_scale(static_cast<Real>(scale)),
        keep(static_cast<Real>(1 - learning_rate * settings.weight_decay)),
        step_size(static_cast<Real>(learning_rate / correction(settings.beta1, applied))),
        beta1(static_cast<Real>(settings.beta1)),
        one_minus_beta1(static_cast<Real>(1 - settings.beta1)),
        beta2(static_cast<Real>(settings.beta2)),
        one_minus_beta2(static_cast<Real>(1 - settings.beta2)),
        root_scale(static_cast<Real>(1 / std::sqrt(correction(settings.beta2, applied)))),
        epsilon(static_cast<Real>(settings.epsilon)) {}

 private:
  static double correction(double beta, std::int64_t applied) {
    if (applied >= 1 && beta >= 0 && beta < 1) {
      return 1 - std::pow(beta, static_cast<double>(applied));
    }
    throw std::invalid_argument(
        "adamw_step: a step from 1 and beta in [0, 1) needed, received step " +
        std::to_string(applied) + " and beta " + std::to_string(beta));
  }
};

// Updates parameters, m and v in place; four spans of one size, else std::invalid_argument.
// Elements do not see each other, so any cut at multiples of 64 elements gives the same bits.
template <class Real>
void adamw_update(adamw_step<Real> const& step, std::span<Real> parameters,
            std::span<Real const> gradients, std::span<Real> m, std::span<Real> v) {
  auto const size = parameters.size();
  if (gradients.size() != size || m.size() != size || v.size() != size) {
    throw std::invalid_argument(
        "adamw_update: one size for parameters, gradients, m and v needed, received " +
        std::to_string(size) + ", " + std::to_string(gradients.size()) + ", " +
        std::to_string(m.size()) + ", " + std::to_string(v.size()));
  }
  auto const s = step;  // a copy, which the stores below cannot alias
  with_widest_vectors([&] {
    Real* __restrict const p = parameters.data();
    Real* __restrict const first = m.data();
    Real* __restrict const second = v.data();
    Real const* __restrict const gradient = gradients.data();
    for (std::size_t i = 0; i < size; ++i) {
      auto const g = s.gradient_scale * gradient[i];
      first[i] = s.beta1 * first[i] + s.one_minus_beta1 * g;
      second[i] = s.beta2 * second[i] + s.one_minus_beta2 * g * g;
      auto const root = s.root_scale * std::sqrt(second[i]);
      p[i] = s.keep * p[i] - s.step_size * first[i] / (root + s.epsilon);
    }
  });
}

}  // namespace trainer
