// FC blocking tuned for a run: the plan of products that is fastest here, found by measuring.
//
// Every product is measured in the ways that fc_measurement.hpp names. A height of blocks is one for all products
// of a layer, so the sum over them decides; at that height each takes its fastest way. The budget is shared out
// evenly over the products that are left, and what then is left of it over those that it cut short. What has not been
// measured stays as it is.
// A tuned plan may change the last bits of a run; all ranks of a run must be given the same.
#pragma once

#include "fc_measurement.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace trainer {

/// How often a micro-batch has a product of this matrix.
constexpr double occurrences(fc_matrix matrix, std::int64_t layers) noexcept {
  return matrix == fc_matrix::lm_head ? 1.0 : static_cast<double>(layers);
}

/// A product of the model, how it was computed before and how it is now.
struct fc_tuned {
  fc_matrix matrix;
  fc_use use;
  std::int64_t m, n, k;
  fc_candidate before, now;

  double flop() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
};

struct fc_tuning {
  fc_plan plan{};
  std::vector<fc_tuned> products{};  // in the order of matrices, forward first
  double seconds = 0;                // that measuring took; 0 for a plan that was not measured now
  bool complete = true;              // whether the budget allowed for all candidates

  /// Seconds of all products of a step's micro-batch before, over those now; layers count as often as there are.
  double gain(std::int64_t layers) const {
    double before = 0, now = 0;
    for (auto const& one : products) {
      before += occurrences(one.matrix, layers) * one.before.seconds;
      now += occurrences(one.matrix, layers) * one.now.seconds;
    }
    return now > 0 ? before / now : 1.0;
  }
};

namespace detail {
/// Whether a way to compute a product stands with blocks of this height in a layer.
inline bool stands_at(std::int64_t height, fc_measured const& product, fc_candidate const& way) {
  bool const by_height = product.use == fc_use::input_gradient || (product.use == fc_use::forward && product.matrix != fc_matrix::lm_head);
  return !by_height || way.rows == height_of(product.matrix, height);
}

/// The fastest way at a height, if one was measured.
inline std::optional<fc_candidate> fastest_at(std::int64_t height, fc_measured const& product) {
  std::optional<fc_candidate> best;
  for (auto const& way : product.candidates) {
    if (stands_at(height, product, way) && (!best || way.seconds < best->seconds)) best = way;
  }
  return best;
}

/// The height of least seconds over all products, of those at which every product was measured, if there is one.
inline std::optional<std::int64_t> fastest_height(std::span<fc_measured const> products, std::int64_t layers) {
  if (products.empty()) return std::nullopt;
  std::optional<std::pair<double, std::int64_t>> least;
  for (auto const height : fc_heights) {
    double sum = 0;
    bool const all = std::ranges::all_of(products, [&](fc_measured const& product) {
      auto const best = fastest_at(height, product);
      if (best) sum += occurrences(product.matrix, layers) * best->seconds;
      return best.has_value();
    });
    if (all && (!least || sum < least->first)) least.emplace(sum, height);
  }
  if (!least) return std::nullopt;
  return least->second;
}

/// M, N and K of a product whose T rows are `rows`.
inline fc_tuned sized(fc_measured const& product, llama_shape const& shape, std::int64_t rows) {
  auto const [out, in] = size_of(product.matrix, shape);
  switch (product.use) {
    case fc_use::forward: return {product.matrix, product.use, rows, out, in, {}, {}};
    case fc_use::input_gradient: return {product.matrix, product.use, rows, in, out, {}, {}};
    case fc_use::weight_gradient: break;
  }
  return {product.matrix, product.use, out, in, rows, {}, {}};
}
}  // namespace detail

/// Multiplies as a tuned product says from now on.
constexpr void adopt(fc_plan& plan, fc_tuned const& product) {
  if (product.use == fc_use::weight_gradient) {
    plan.gradients[static_cast<std::size_t>(product.matrix)] = {product.now.how.kernel, product.now.rows};
  } else {
    plan(product.matrix, product.use == fc_use::forward ? fc_pass::forward : fc_pass::input_gradient) = product.now.how;
  }
}

/// The fastest plan for `rows` rows a micro-batch on `threads` threads, found within about `budget`.
template <class Number>
fc_tuning tuned_fc(llama_shape const& shape, std::int64_t rows, int threads,
                   std::chrono::milliseconds budget = std::chrono::seconds{15}) {
  auto const start = std::chrono::steady_clock::now();
  auto const left = [&] { return std::max(start + budget - std::chrono::steady_clock::now(), std::chrono::nanoseconds{0}); };
  fc_measurement<Number> measure(shape, rows, threads);
  std::vector<fc_measured> measured;
  int to_come = static_cast<int>(fc_matrix_names.size() * fc_use_names.size());
  for (auto const matrix : {fc_matrix::qkv, fc_matrix::wo, fc_matrix::gate_up, fc_matrix::down, fc_matrix::lm_head}) {
    for (auto const use : {fc_use::forward, fc_use::input_gradient, fc_use::weight_gradient}) {
      measured.push_back(measure(matrix, use, left() / to_come--));
    }
  }
  // what a moment of other work has cut short is measured again, in the time that others did not take
  for (auto& product : measured) {
    if (product.complete) continue;
    auto again = measure(product.matrix, product.use, left());
    if (again.candidates.size() > product.candidates.size()) product = std::move(again);
  }
  fc_tuning tuning{.plan = untuned_fc_plan<Number>(rows)};
  tuning.complete = std::ranges::all_of(measured, &fc_measured::complete);
  std::erase_if(measured, [](fc_measured const& product) { return product.candidates.empty(); });
  tuning.plan.height = detail::fastest_height(measured, shape.layers).value_or(tuning.plan.height);
  for (auto const& product : measured) {
    auto tuned = detail::sized(product, shape, rows);
    tuned.before = product.candidates.front();
    tuned.now = *detail::fastest_at(tuning.plan.height, product);
    adopt(tuning.plan, tuned);
    tuning.products.push_back(tuned);
  }
  tuning.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return tuning;
}

}  // namespace trainer
