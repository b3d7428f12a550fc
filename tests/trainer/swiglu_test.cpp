#include "central_difference.hpp"
#include "operators/swiglu.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr std::int64_t rows = 3, width = 21;

template <class Real>
std::vector<Real> activated(std::vector<Real> const& gate_up) {
  std::vector<Real> y(gate_up.size() / 2);
  swiglu_forward<Real>({gate_up, rows, 2 * width}, {y, rows, width});
  return y;
}

}  // namespace

TEST_CASE("swiglu multiplies up by gate times its sigmoid") {
  auto const gate_up = normal_values(rows * 2 * width, 1, 2.0);
  auto const y = activated(gate_up);
  std::size_t const row = 2, i = 20;
  double const z = gate_up[row * 2 * width + i], u = gate_up[row * 2 * width + width + i];
  CHECK(y[row * width + i] == doctest::Approx(z / (1.0 + std::exp(-z)) * u).epsilon(1e-14));
}

TEST_CASE("swiglu stays finite where the exponential overflows") {
  std::vector<float> gate_up(static_cast<std::size_t>(rows * 2 * width), 1.0F);
  gate_up[0] = -200.0F;
  gate_up[1] = 200.0F;
  auto const y = activated(gate_up);
  CHECK(y[0] == 0.0F);
  CHECK(y[1] == 200.0F);
  std::vector<float> const dy(y.size(), 1.0F);
  swiglu_backward<float>({dy, rows, width}, {gate_up, rows, 2 * width});
  CHECK(gate_up[0] == 0.0F);
  CHECK(gate_up[1] == 1.0F);
}

TEST_CASE("gradients of swiglu agree with central differences") {
  auto gate_up = normal_values(rows * 2 * width, 2, 2.0);
  auto const dy = normal_values(rows * width, 3);
  auto gradient = gate_up;
  swiglu_backward<double>({dy, rows, width}, {gradient, rows, 2 * width});
  CHECK(gradient_error(gate_up, gradient, [&] { return weighted_sum(activated(gate_up), dy); }) <
        1e-6);
}

TEST_CASE("float swiglu is within 1e-6 of double") {
  auto const gate_up = normal_values(rows * 2 * width, 4, 3.0);
  CHECK(largest_difference(activated(as_floats(gate_up)), activated(gate_up)) < 1e-6);
}
