// Products of 16-bit factors against the triple loop in double on the same values.
#include "central_difference.hpp"
#include "operators/mixed_product.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

template <class Number>
std::vector<Number> numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<Number> rounded;
  for (double const x : normal_values(count, seed)) rounded.push_back(narrowed<Number>(static_cast<float>(x)));
  return rounded;
}

template <class Number>
double element(factor<Number> const& f, std::int64_t i, std::int64_t j) {
  return static_cast<double>(widened(f.is_transposed ? f.data[j * f.stride + i] : f.data[i * f.stride + j]));
}

/// Largest error over all elements in units of what `Result` can show: half a spacing of the result,
/// and of the fp32 sums 2^-24 of |a| |b| for every addition (Higham 3.5).
template <class Number, class Result>
double product_error(factor<Number> const& a, factor<Number> const& b, accumulate onto) {
  auto const stride = b.columns + 3;
  std::vector<Result> memory(static_cast<std::size_t>(a.rows * stride), narrowed<Result>(3.0F));
  matrix_view<Result> const c(memory.data(), a.rows, b.columns, stride);
  if constexpr (half_width<Result>) {
    std::vector<float> sums(static_cast<std::size_t>(a.rows * b.columns));
    matrix_view<float> const tile(sums, a.rows, b.columns);
    mixed_product<Number>(a, b, tile);
    round_into<Result>(tile, c, onto);
  } else {
    mixed_product<Number>(a, b, c, onto);
  }
  double const spacing = std::is_same_v<Result, bfloat16>  ? 0x1p-8
                         : std::is_same_v<Result, float16> ? 0x1p-11
                                                           : 0x1p-24;
  double worst = 0;
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (std::int64_t j = 0; j < c.columns; ++j) {
      double exact = onto == accumulate::yes ? 3.0 : 0.0, size = std::abs(exact);
      for (std::int64_t k = 0; k < a.columns; ++k) {
        double const term = element(a, i, k) * element(b, k, j);
        exact += term;
        size += std::abs(term);
      }
      double const bound = spacing * std::abs(exact) * 1.01 + 0x1p-24 * static_cast<double>(a.columns + 2) * size;
      worst = std::max(worst,
                       std::abs(static_cast<double>(widened(c.row(i)[static_cast<std::size_t>(j)])) - exact) / bound);
    }
  for (std::int64_t i = 0; i < c.rows; ++i)
    for (auto j = c.columns; j < stride; ++j) CHECK(widened(memory[static_cast<std::size_t>(i * stride + j)]) == 3.0F);
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("the three forms agree with the triple loop, within and across tiles", Number, bfloat16, float16) {
  using size = std::array<std::int64_t, 3>;
  for (auto const& [m, n, k] :
       {size{1, 1, 1}, size{3, 5, 200}, size{129, 65, 31}, size{37, 515, 1030}, size{128, 512, 512}}) {
    auto const a_memory = numbers<Number>((m + 3) * (k + 3), 1), b_memory = numbers<Number>((n + 3) * (k + 3), 2);
    matrix_view<Number const> const a(a_memory.data(), m, k, k + 2), b(b_memory.data(), k, n, n + 2);
    matrix_view<Number const> const a_flipped(a_memory.data(), k, m, m + 2), b_flipped(b_memory.data(), n, k, k + 2);
    for (auto const onto : {accumulate::no, accumulate::yes}) {
      CAPTURE(m);
      CHECK(product_error<Number, float>(a, b, onto) <= 1);
      CHECK(product_error<Number, float>(a, transposed(b_flipped), onto) <= 1);
      CHECK(product_error<Number, Number>(a, transposed(b_flipped), onto) <= 1);
      CHECK(product_error<Number, Number>(transposed(a_flipped), b, onto) <= 1);
      CHECK(product_error<Number, Number>(transposed(a_flipped), transposed(b_flipped), onto) <= 1);
    }
  }
}

TEST_CASE("which way bfloat16 goes here") {
  MESSAGE("bfloat16 products run on " << std::string{has_native_bfloat16_product() ? "the processor's own instructions"
                                                                                   : "fp32 tiles"});
}

TEST_CASE_TEMPLATE("converted tiles agree too where the processor multiplies by itself", Number, bfloat16, float16) {
  auto const a_memory = numbers<Number>(100 * 1030, 1), b_memory = numbers<Number>(200 * 1030, 2);
  factor<Number> const a(matrix_view<Number const>(a_memory.data(), 100, 1030, 1030));
  auto const b = transposed(matrix_view<Number const>(b_memory.data(), 200, 1030, 1030));
  std::vector<float> direct(100 * 200), tiled(100 * 200);
  mixed_product<Number>(a, b, matrix_view<float>(direct.data(), 100, 200, 200));
  trainer::detail::converted_product(a, b, matrix_view<float>(tiled.data(), 100, 200, 200), accumulate::no,
                            trainer::detail::product_tiles::of_this_thread());
  for (std::size_t i = 0; i < direct.size(); ++i) CHECK_UNARY(std::abs(direct[i] - tiled[i]) < 0x1p-24F * 1030 * 1030);
}

TEST_CASE_TEMPLATE("equal arguments give equal bits", Number, bfloat16, float16) {
  auto const a = numbers<Number>(300 * 700, 3);
  std::vector<float> first(300 * 300), again(300 * 300);
  for (auto* to : {&first, &again}) {
    mixed_product<Number>(matrix_view<Number const>(a.data(), 300, 700, 700),
                          transposed(matrix_view<Number const>(a.data(), 300, 700, 700)),
                          matrix_view<float>(to->data(), 300, 300, 300));
    std::ranges::fill(trainer::detail::product_tiles::of_this_thread().a, -7.0F);  // nothing is left over
  }
  CHECK(first == again);
}

TEST_CASE("infinities and NaN come through, so that an overflow is seen") {
  std::vector<float16> const big(64, narrowed<float16>(60000.0F));
  std::vector<float> sums(1);
  std::vector<float16> out(1);
  matrix_view<float> const sum(sums, 1, 1);
  mixed_product<float16>(matrix_view<float16 const>(big.data(), 1, 64, 64),
                         transposed(matrix_view<float16 const>(big.data(), 1, 64, 64)), sum);
  round_into<float16>(sum, {out, 1, 1}, accumulate::no);
  CHECK(out[0].bits == 0x7c00);
}

TEST_CASE("sizes that do not agree are refused") {
  std::vector<float16> memory(24);
  std::vector<float> sums(8);
  matrix_view<float16> const a(memory.data(), 2, 3, 3);
  matrix_view<float> const c(sums, 2, 4);
  CHECK_THROWS_WITH_AS(mixed_product<float16>(a, a, c),
                       "product: [M, K] [K, N] into [M, N] was needed, received [2, 3] [2, 3] into [2, 4]",
                       std::invalid_argument);
}
