#include "central_difference.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace trainer_test;

TEST_CASE("central differences see a wrong gradient and pass a right one") {
  auto x = normal_values(5, 1);
  auto const value = [&] {
    double sum = 0.0;
    for (double const e : x) sum += std::sin(e) * e;
    return sum;
  };
  std::vector<double> gradient;
  for (double const e : x) gradient.push_back(std::sin(e) + e * std::cos(e));
  CHECK(gradient_error(x, gradient, value) < 1e-10);
  gradient[3] *= 1.0 + 1e-4;
  CHECK(gradient_error(x, gradient, value) > 1e-6);
  gradient[3] = std::nan("");
  CHECK(std::isinf(gradient_error(x, gradient, value)));
}

TEST_CASE("spread indices contain both ends and no more than asked") {
  CHECK(spread_indices(10, 4) == std::vector<std::size_t>{0, 3, 6, 9});
  CHECK(spread_indices(3, 7) == std::vector<std::size_t>{0, 1, 2});
  CHECK(spread_indices(1, 7) == std::vector<std::size_t>{0});
}
