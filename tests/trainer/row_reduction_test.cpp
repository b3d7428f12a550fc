#include "central_difference.hpp"
#include "operators/row_reduction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace trainer_test;

TEST_CASE("row sums, products and maxima agree with one element after the other") {
  for (std::int64_t const size : {1, 15, 16, 17, 1000}) {
    auto const a = as_floats(normal_values(size, 1));
    auto const b = as_floats(normal_values(size, 2));
    double sum = 0.0, product = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += static_cast<double>(a[i]);
      product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    }
    CHECK(trainer::row_sum<float>(a) == doctest::Approx(sum).epsilon(1e-12));
    CHECK(trainer::row_product<float>(a, b) == doctest::Approx(product).epsilon(1e-12));
    CHECK(trainer::row_maximum<float>(a) == std::ranges::max(a));
  }
  CHECK(trainer::row_sum(std::span<double const>{}) == 0.0);
}

TEST_CASE("a long float row is summed to double precision") {
  std::vector<float> const tenths(320000, 0.1F);
  CHECK(trainer::row_sum<float>(tenths) ==
        doctest::Approx(320000.0 * static_cast<double>(0.1F)).epsilon(1e-14));
}

TEST_CASE("the maximum is found in every lane and in the rest") {
  for (std::size_t at = 0; at < 35; ++at) {
    std::vector<double> row(35, -2.0);
    row[at] = -1.0;
    CHECK(trainer::row_maximum<double>(row) == -1.0);
  }
}
