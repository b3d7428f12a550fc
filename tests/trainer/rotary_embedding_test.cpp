#include "central_difference.hpp"
#include "operators/rotary_embedding.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr std::int64_t positions = 5, samples = 2, heads = 3, head_size = 6, width = 22;
constexpr std::int64_t rows = samples * positions;
constexpr double theta = 100.0;

/// Rows [10, 22] with their first 3 heads of 6 rotated; 4 columns are left over.
template <class Real>
std::vector<Real> rotated(std::vector<Real> x, rotation direction) {
  std::vector<Real> cosines(positions * head_size / 2), sines(positions * head_size / 2);
  rotary_angles<Real> const angles{cosines, sines, head_size / 2};
  fill_rotary_angles(angles, positions, theta);
  rotary_embedding<Real>({x, rows, width}, heads, positions, angles, direction);
  return x;
}

}  // namespace

TEST_CASE("element i turns with element i + d/2 by position theta^(-2 i / d)") {
  auto const x = normal_values(rows * width, 1);
  auto const y = rotated(x, rotation::forward);
  std::size_t const t = 8, p = 3, head = 2, i = 1;  // row 8 is position 3 of the second sample
  double const angle = static_cast<double>(p) * std::pow(theta, -2.0 / 6.0);
  auto const low = t * width + head * head_size + i, high = low + head_size / 2;
  CHECK(y[low] == doctest::Approx(x[low] * std::cos(angle) - x[high] * std::sin(angle)));
  CHECK(y[high] == doctest::Approx(x[high] * std::cos(angle) + x[low] * std::sin(angle)));
  for (std::size_t column = heads * head_size; column < width; ++column)
    CHECK(y[t * width + column] == x[t * width + column]);
}

TEST_CASE("the gradient of a rotation agrees with central differences") {
  auto x = normal_values(rows * width, 1);
  auto const dy = normal_values(rows * width, 2);
  auto const dx = rotated(dy, rotation::backward);
  auto const value = [&] { return weighted_sum(rotated(x, rotation::forward), dy); };
  CHECK(gradient_error(x, dx, value) < 1e-6);
}

TEST_CASE("float rotation is within 5e-7 of double") {
  auto const x = normal_values(rows * width, 3);
  CHECK(largest_difference(rotated(as_floats(x), rotation::forward),
                           rotated(x, rotation::forward)) < 5e-7);
}
