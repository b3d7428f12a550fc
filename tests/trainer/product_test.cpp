#include "central_difference.hpp"
#include "operators/product.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

/// Element (i, j) of a factor, in double.
template <class Real>
double element(factor<Real> const& f, std::int64_t i, std::int64_t j) {
  return static_cast<double>(f.is_transposed ? f.data[j * f.stride + i] : f.data[i * f.stride + j]);
}

/// Largest error of product against the triple loop, relative to |a| |b| in the sense of Higham 3.5.
template <class Real>
double product_error(factor<Real> const& a, factor<Real> const& b, accumulate onto, Real alpha) {
  auto const before = onto == accumulate::yes ? Real{3} : std::numeric_limits<Real>::quiet_NaN();
  std::int64_t const stride = b.columns + 5;
  std::vector<Real> memory(static_cast<std::size_t>(a.rows * stride), before);
  matrix_view<Real> const c(memory.data(), a.rows, b.columns, stride);
  product(a, b, c, onto, alpha);
  double error = 0.0;
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j) {
      double exact = onto == accumulate::yes ? 3.0 : 0.0, size = 1.0;
      for (std::int64_t k = 0; k < a.columns; ++k) {
        double const term = static_cast<double>(alpha) * element(a, i, k) * element(b, k, j);
        exact += term;
        size += std::abs(term);
      }
      double const received = static_cast<double>(c.row(i)[static_cast<std::size_t>(j)]);
      error = std::isfinite(received) ? std::max(error, std::abs(received - exact) / size) : 1e300;
    }
  return error;
}

template <class Real>
std::vector<Real> values(std::int64_t count, std::uint64_t seed) {
  auto const normal = normal_values(count, seed);
  return {normal.begin(), normal.end()};
}

template <class Real>
double worst_error(std::array<std::int64_t, 3> const& size) {
  auto const [m, n, k] = size;
  auto const a_memory = values<Real>((m + 3) * (k + 3), 1);
  auto const b_memory = values<Real>((n + 3) * (k + 3), 2);
  matrix_view<Real const> const a(a_memory.data(), m, k, k + 2), b(b_memory.data(), k, n, n + 2);
  matrix_view<Real const> const a_flipped(a_memory.data(), k, m, m + 2);
  matrix_view<Real const> const b_flipped(b_memory.data(), n, k, k + 2);
  double worst = 0.0;
  for (auto const onto : {accumulate::no, accumulate::yes})
    for (Real const alpha : {Real{1}, Real{-0.25}}) {
      worst = std::max(worst, product_error<Real>(a, b, onto, alpha));
      worst = std::max(worst, product_error<Real>(a, transposed(b_flipped), onto, alpha));
      worst = std::max(worst, product_error<Real>(transposed(a_flipped), b, onto, alpha));
    }
  return worst;
}

}  // namespace

TEST_CASE("the three forms of a product agree with the triple loop") {
  using size = std::array<std::int64_t, 3>;
  for (auto const& mnk : {size{1, 1, 1}, size{1, 7, 5}, size{33, 1, 3}, size{64, 65, 31},
                          size{37, 100, 67}, size{3, 5, 200}}) {
    CHECK(worst_error<double>(mnk) < 1e-14);
    CHECK(worst_error<float>(mnk) < 1e-6);
  }
}

TEST_CASE("gradients of y = x W^T are dy W and dy^T x") {
  std::int64_t const rows = 5, in = 7, out = 3;
  auto x = normal_values(rows * in, 1), w = normal_values(out * in, 2);
  auto const dy = normal_values(rows * out, 3);
  std::vector<double> y(dy.size()), dx(x.size()), dw(w.size());
  using view = matrix_view<double>;
  using const_view = matrix_view<double const>;
  product<double>(const_view(dy, rows, out), const_view(w, out, in), view(dx, rows, in));
  product<double>(transposed(const_view(dy, rows, out)), const_view(x, rows, in),
                  view(dw, out, in));
  auto const value = [&] {
    product<double>(const_view(x, rows, in), transposed(const_view(w, out, in)),
                    view(y, rows, out));
    return weighted_sum(y, dy);
  };
  CHECK(gradient_error(x, dx, value) < 1e-6);
  CHECK(gradient_error(w, dw, value) < 1e-6);
}

TEST_CASE("a product of sizes that do not agree is refused with the sizes") {
  std::vector<float> memory(24);
  matrix_view<float> const a(memory, 2, 3), c(memory, 2, 4);
  CHECK_THROWS_WITH_AS(
      product(a, a, c),
      "product: [M, K] [K, N] into [M, N] was needed, received [2, 3] [2, 3] into [2, 4]",
      std::invalid_argument);
}
