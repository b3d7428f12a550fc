// The rows of attention's score matrices: softmax, its gradient, and the blocks that they come in.
#pragma once

#include "operators/attention_shape.hpp"
#include "operators/exponential.hpp"
#include "operators/matrix_view.hpp"
#include "operators/row_reduction.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace trainer::detail {

// Rows are computed with in whole vectors, so that no row has a tail: a score that is not seen is made -inf, whose
// exponential adds nothing. A matrix of scores has rows of whole_panels(keys) numbers for that.

/// Makes `row` of `seen` scores, and what follows up to a whole vector, one of -inf there. Returns its length.
template <class Real>
std::int64_t hide_unseen(Real* row, std::int64_t seen) noexcept {
  auto const whole = whole_panels(seen);
  std::fill(row + seen, row + whole, -std::numeric_limits<Real>::infinity());
  return whole;
}

/// p [rows, keys] = exp(s - largest) of scores, of which row i sees first + i + 1 keys, 0 beyond; notes the
/// log-sum-exp and the inverse sum of each row. The scores are spent; p may be they.
template <class Number>
void exponentiate_scores(matrix_view<arithmetic<Number>> scores, std::int64_t first, matrix_view<Number> p,
                         std::span<arithmetic<Number>> lse, std::span<arithmetic<Number>> inverse) noexcept {
  using Real = arithmetic<Number>;
  for (std::int64_t i = 0; i < scores.rows; ++i) {
    Real* const s = scores.row(i).data();
    Number* const to = p.row(i).data();
    auto const whole = hide_unseen(s, first + i + 1);
    Real const largest = row_maximum(std::span<Real const>(s, static_cast<std::size_t>(whole)));
    std::span<Real> const row(s, static_cast<std::size_t>(whole));
    vector_exp(std::span<Real const>(row), largest, row);
    double const sum = row_sum(std::span<Real const>(row));
    narrow<Number>(row, {to, row.size()});
    std::fill(to + whole, to + p.columns, Number{});
    lse[static_cast<std::size_t>(i)] = static_cast<Real>(static_cast<double>(largest) + std::log(sum));
    inverse[static_cast<std::size_t>(i)] = static_cast<Real>(1.0 / sum);
  }
}

/// Turns scores [rows, keys] into probabilities by their lse [rows], row i seeing first + i + 1 keys, and dp into ds
/// in place, for the inner products `mean` [rows] of d_o and o; 0 beyond what is seen.
template <class Real>
void score_gradient(matrix_view<Real> p, matrix_view<Real> dp, std::span<Real const> lse, std::int64_t first,
                    std::span<Real const> mean, Real scale) noexcept {
  for (std::int64_t i = 0; i < p.rows; ++i) {
    auto const row = static_cast<std::size_t>(i);
    Real* const probability = p.row(i).data();
    Real* const gradient = dp.row(i).data();
    auto const seen = first + i + 1, whole = hide_unseen(probability, seen);
    std::fill(gradient + seen, gradient + p.columns, Real{0});
    Real const shift = lse[row], subtracted = mean[row];
    for (std::int64_t j = 0; j < whole; ++j) {
      probability[j] = softmax_exponential(probability[j] - shift);
      gradient[j] = scale * (probability[j] * (gradient[j] - subtracted));
    }
    std::fill(probability + whole, probability + p.columns, Real{0});
  }
}

/// Inner products of the rows of a and b.
template <class Number>
void row_products(matrix_view<Number const> a, matrix_view<Number const> b, std::span<arithmetic<Number>> products) noexcept {
  for (std::int64_t i = 0; i < a.rows; ++i) {
    Number const* const x = a.row(i).data();
    Number const* const y = b.row(i).data();
    products[static_cast<std::size_t>(i)] = static_cast<arithmetic<Number>>(reduction(
        a.row(i).size(), 0.0,
        [x, y](std::size_t j) { return static_cast<double>(widened(x[j])) * static_cast<double>(widened(y[j])); },
        [](double p, double q) { return p + q; }));
  }
}

/// Calls body(first row, rows) for every block of rows.
template <class Body>
void for_each_block_of_rows(attention_shape const& shape, Body const& body) {
  for (std::int64_t first = 0; first < shape.positions; first += attention_block_rows)
    body(first, std::min(attention_block_rows, shape.positions - first));
}

template <class Real>
using block_values = std::array<Real, static_cast<std::size_t>(attention_block_rows)>;

}  // namespace trainer::detail
