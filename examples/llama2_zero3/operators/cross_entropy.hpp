// Cross-entropy of next-token predictions over a chunk of rows of logits, and its gradient.
//
//   loss[t] = ln sum_v exp(l[t,v]) - l[t, target[t]]  (nat),   dl[t,v] = scale (softmax(l[t,:])[v] - [v = target[t]])
// logits are [R, V], targets [R]. The gradient takes the place of the logits, so a chunk is the only
// memory of that width. Exponentials are in Real, their sum and the loss in double.
#pragma once

#include "operators/exponential.hpp"
#include "operators/matrix_view.hpp"
#include "operators/row_reduction.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trainer {

/// Loss of one row of V logits for `target` in [0, V), in nat; the row becomes exp(l - max), and
/// `sum` the sum of that.
template <class Real>
double exponentiated_loss(std::span<Real> logits, std::int32_t target, double& sum) noexcept {
  auto const at = static_cast<std::size_t>(target);
  Real const largest = row_maximum(std::span<Real const>(logits));
  auto const chosen = static_cast<double>(logits[at]) - static_cast<double>(largest);
  vector_exp(std::span<Real const>(logits), largest, logits);
  sum = row_sum(std::span<Real const>(logits));
  return std::log(sum) - chosen;
}

/// Sum of the losses of logits [R, V] for targets [R] in [0, V), in nat; the logits are consumed.
template <class Real>
double cross_entropy_forward(matrix_view<Real> logits,
                             std::span<std::int32_t const> targets) noexcept {
  double loss = 0.0, sum = 0.0;
  for (std::int64_t t = 0; t < logits.rows; ++t)
    loss += exponentiated_loss(logits.row(t), targets[static_cast<std::size_t>(t)], sum);
  return loss;
}

/// The same sum; the logits become the gradient of `scale` times it.
template <class Real>
double cross_entropy_forward_backward(matrix_view<Real> logits,
                                      std::span<std::int32_t const> targets, double scale) noexcept {
  double loss = 0.0, sum = 0.0;
  for (std::int64_t t = 0; t < logits.rows; ++t) {
    auto const row = logits.row(t);
    auto const target = targets[static_cast<std::size_t>(t)];
    loss += exponentiated_loss(row, target, sum);
    auto const factor_of_row = static_cast<Real>(scale / sum);
    Real* const gradient = row.data();
    for (std::int64_t v = 0; v < logits.columns; ++v) gradient[v] *= factor_of_row;
    gradient[target] -= static_cast<Real>(scale);
  }
  return loss;
}

}  // namespace trainer
