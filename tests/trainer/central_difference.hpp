// Derivatives by central differences, to hold hand-written gradients against.
//
//   f'(x) = (8 (f(x + h) - f(x - h)) - (f(x + 2h) - f(x - 2h))) / (12 h) + O(h^4)
// With h = 1e-3 and values of order 1 both truncation and rounding stay near 1e-12, far below the
// 1e-6 the tests ask for. Source: Abramowitz and Stegun, 25.3.21.
#pragma once

#include "unit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace trainer_test {

/// `count` normal numbers of that standard deviation, a pure function of the seed.
inline std::vector<double> normal_values(std::int64_t count, std::uint64_t seed,
                                         double deviation = 1.0) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(deviation *
                     trainer::normal_pair(seed, static_cast<std::uint64_t>(i)).first);
  return values;
}

/// The same numbers as floats.
inline std::vector<float> as_floats(std::vector<double> const& values) {
  std::vector<float> floats;
  for (double const value : values) floats.push_back(static_cast<float>(value));
  return floats;
}

/// sum_i a[i] b[i]: makes one number of an operator's output, with b as the output's gradient.
inline double weighted_sum(std::span<double const> a, std::span<double const> b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// At most `most` indices below `size`, evenly spread, the first and the last among them.
inline std::vector<std::size_t> spread_indices(std::size_t size, std::size_t most) {
  std::vector<std::size_t> indices;
  auto const count = std::min(size, most);
  for (std::size_t i = 0; i < count; ++i)
    indices.push_back(count == 1 ? 0 : i * (size - 1) / (count - 1));
  return indices;
}

/// |analytic - numeric| / |numeric| over the chosen entries of `variable`, where `value()` computes
/// the function from the present contents of `variable`, and `analytic` is its claimed gradient.
/// Infinite if the numeric gradient vanishes or the claimed one is not finite.
template <class Value>
double gradient_error(std::span<double> variable, std::span<double const> analytic, Value&& value,
                      std::size_t most_entries = std::numeric_limits<std::size_t>::max()) {
  constexpr double step = 1e-3;
  double difference = 0.0, size = 0.0;
  for (auto const i : spread_indices(variable.size(), most_entries)) {
    double const at = variable[i];
    auto const moved = [&](double steps) {
      variable[i] = at + steps * step;
      return value();
    };
    double const near = moved(1) - moved(-1);
    double const far = moved(2) - moved(-2);
    variable[i] = at;
    double const numeric = (8.0 * near - far) / (12.0 * step);
    difference += (analytic[i] - numeric) * (analytic[i] - numeric);
    size += numeric * numeric;
  }
  bool const usable = size > 0.0 && std::isfinite(difference);
  return usable ? std::sqrt(difference / size) : std::numeric_limits<double>::infinity();
}

/// Largest |a[i] - b[i]| relative to the largest |b[i]|.
inline double largest_difference(std::span<float const> a, std::span<double const> b) {
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return difference / size;
}

}  // namespace trainer_test
