#include "central_difference.hpp"
#include "operators/rms_norm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr double epsilon = 1e-2;  // large, so that a gradient that ignores it is wrong

template <class Real>
std::vector<Real> normed(std::vector<Real> const& x, std::vector<Real> const& w, std::int64_t rows) {
  auto const h = static_cast<std::int64_t>(w.size());
  std::vector<Real> y(x.size()), inverse(static_cast<std::size_t>(rows));
  rms_norm_forward<Real>({x, rows, h}, w, epsilon, {y, rows, h}, inverse);
  return y;
}

}  // namespace

TEST_CASE("a normalised row has the mean square the formula says") {
  std::vector<double> const x{3.0, 4.0}, w{1.0, 2.0};
  auto const y = normed(x, w, 1);
  double const r = 1.0 / std::sqrt(12.5 + epsilon);
  CHECK(y[0] == doctest::Approx(3.0 * r).epsilon(1e-14));
  CHECK(y[1] == doctest::Approx(8.0 * r).epsilon(1e-14));
}

TEST_CASE("gradients of the norm agree with central differences and are added to") {
  std::int64_t const rows = 5, h = 19;
  auto x = normal_values(rows * h, 1, 0.7), w = normal_values(h, 2);
  auto const dy = normal_values(rows * h, 3);
  std::vector<double> y(x.size()), inverse(static_cast<std::size_t>(rows));
  rms_norm_forward<double>({x, rows, h}, w, epsilon, {y, rows, h}, inverse);
  std::vector<double> dx(x.size(), 0.25), dw(w.size(), 0.5);
  rms_norm_backward<double>({x, rows, h}, w, inverse, {dy, rows, h}, {dx, rows, h}, dw);
  for (auto& e : dx) e -= 0.25;
  for (auto& e : dw) e -= 0.5;
  auto const value = [&] { return weighted_sum(normed(x, w, rows), dy); };
  CHECK(gradient_error(x, dx, value) < 1e-6);
  CHECK(gradient_error(w, dw, value) < 1e-6);
}

TEST_CASE("float norm is within 5e-7 of double") {
  std::int64_t const rows = 4, h = 1023;
  auto const x = normal_values(rows * h, 4, 3.0), w = normal_values(h, 5);
  CHECK(largest_difference(normed(as_floats(x), as_floats(w), rows), normed(x, w, rows)) < 5e-7);
}
