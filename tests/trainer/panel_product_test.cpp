// Our own kernel at the sizes where panels, depths and packed parts end, for factors as they lie and transposed,
// against the triple loop; and against what it must not read or write.
#include "central_difference.hpp"
#include "operators/panel_product.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

/// A matrix [rows, columns] in rows that are `gap` longer, with NaN in the gaps; stored as it is or transposed.
template <class Number>
struct stored {
  std::int64_t rows, columns;
  bool is_transposed;
  std::int64_t stride;
  std::vector<Number> elements;

  stored(std::int64_t height, std::int64_t width, bool flipped, std::uint64_t seed, std::int64_t gap = 3)
      : rows(height),
        columns(width),
        is_transposed(flipped),
        stride((flipped ? height : width) + gap),
        elements(static_cast<std::size_t>((flipped ? width : height) * stride), narrowed<Number>(std::numeric_limits<float>::quiet_NaN())) {
    auto const values = normal_values(rows * columns, seed);
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) at(i, j) = narrowed<Number>(static_cast<float>(values[static_cast<std::size_t>(i * columns + j)]));
    }
  }

  Number& at(std::int64_t i, std::int64_t j) { return elements[static_cast<std::size_t>(is_transposed ? j * stride + i : i * stride + j)]; }
  // the last row ends with its numbers: what lies behind it is not the factor's
  factor<Number> view() {
    elements.resize(static_cast<std::size_t>(((is_transposed ? columns : rows) - 1) * stride + (is_transposed ? rows : columns)));
    elements.shrink_to_fit();
    return {elements.data(), rows, columns, stride, is_transposed};
  }
};

struct size {
  std::int64_t m, n, k;
};

template <class Number>
void check_product(size const& of, bool a_flipped, bool b_flipped) {
  CAPTURE(of.m);
  CAPTURE(of.n);
  CAPTURE(of.k);
  CAPTURE(a_flipped);
  CAPTURE(b_flipped);
  stored<Number> a(of.m, of.k, a_flipped, 1), b(of.k, of.n, b_flipped, 2);
  auto const left = a.view(), right = b.view();
  auto const stride = of.n + 5;
  std::vector<float> c(static_cast<std::size_t>(of.m * stride), 7.0F);
  matrix_view<float> const result(c.data(), of.m, of.n, stride);
  panel_product<Number>(left, right, result);
  auto const once = c;
  panel_product<Number>(left, right, result, accumulate::yes);
  for (std::int64_t i = 0; i < of.m; ++i) {
    for (std::int64_t j = 0; j < stride; ++j) {
      auto const at = static_cast<std::size_t>(i * stride + j);
      if (j >= of.n) {
        CHECK_UNARY(c[at] == 7.0F);
        continue;
      }
      double exact = 0, absolute = 0;
      for (std::int64_t x = 0; x < of.k; ++x) {
        auto const term = static_cast<double>(widened(a.at(i, x))) * static_cast<double>(widened(b.at(x, j)));
        exact += term;
        absolute += std::abs(term);
      }
      auto const bound = 0x1p-24 * static_cast<double>(of.k + 2) * absolute;
      CHECK_UNARY(std::abs(static_cast<double>(once[at]) - exact) <= bound);
      CHECK_UNARY(std::abs(static_cast<double>(c[at]) - 2 * exact) <= 3 * bound);
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("a product at every edge of panels and parts", Number, float, bfloat16, float16) {
  if (!has_panel_kernel()) return;
  for (size const of : {size{1, 1, 1}, {6, 16, 8}, {7, 17, 9}, {5, 15, 7}, {12, 8, 256}, {11, 33, 257}, {145, 31, 40}, {144, 1024, 5}, {3, 1041, 6}, {64, 64, 511}}) {
    for (bool const a_flipped : {false, true}) {
      for (bool const b_flipped : {false, true}) check_product<Number>(of, a_flipped, b_flipped);
    }
  }
}

TEST_CASE("infinities and NaN stay in their row and column") {
  if (!has_panel_kernel()) return;
  constexpr std::int64_t m = 9, n = 20, k = 12;
  std::vector<float> a(m * k, 1.0F), b(k * n, 1.0F), c(m * n);
  a[0] = std::numeric_limits<float>::infinity();
  b[19] = std::numeric_limits<float>::quiet_NaN();
  panel_product<float>(matrix_view<float const>{a, m, k}, matrix_view<float const>{b, k, n}, matrix_view<float>{c, m, n});
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      auto const element = c[static_cast<std::size_t>(i * n + j)];
      if (j == 19) CHECK(std::isnan(element));
      else CHECK(element == (i == 0 ? std::numeric_limits<float>::infinity() : 12.0F));
    }
  }
}

TEST_CASE("weights packed in parts are those packed at once") {
  if (!has_panel_kernel()) return;
  constexpr std::int64_t n = 70, k = 300;
  stored<float> b(k, n, true, 3);
  auto const weights = b.view();
  std::vector<float> whole(static_cast<std::size_t>(packed_panel_elements(k, n)) + 16), parts(whole);
  auto const aligned = [](std::vector<float>& of) { return of.data() + (64 - reinterpret_cast<std::uintptr_t>(of.data()) % 64) % 64 / 4; };
  pack_panels(weights, 0, n, aligned(whole));
  for (std::int64_t first = 0; first < n; first += 32) pack_panels(weights, first, std::min<std::int64_t>(32, n - first), aligned(parts));
  CHECK(std::equal(aligned(whole), aligned(whole) + packed_panel_elements(k, n), aligned(parts)));
}

TEST_CASE("the wide kernel has the bits of the narrow one, onto and over what is there") {
  if (!has_wide_panel_kernel()) return;
  constexpr std::int64_t k = 37, rows = 4 * panel_rows, stride = panel_columns + 5;
  auto const numbers = normal_values((rows + panel_columns) * k + 16, 3);
  std::vector<float> panels(numbers.begin(), numbers.end());
  auto* const right = panels.data() + (16 - reinterpret_cast<std::uintptr_t>(panels.data()) / sizeof(float) % 16) % 16;
  auto const* const left = right + panel_columns * k;
  for (auto const onto : {accumulate::no, accumulate::yes}) {
    std::vector<float> narrow(rows * stride, 0.5F), wide(rows * stride, 0.5F);
    trainer::detail::multiply_four_panels(left, right, k, wide.data(), stride, onto);
    for (std::int64_t i = 0; i < rows; i += panel_rows) {
      trainer::detail::multiply_panel(left + i * k, right, k, narrow.data() + i * stride, stride, onto);
    }
    CHECK(std::equal(wide.begin(), wide.end(), narrow.begin(), [](float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }));
    CHECK(wide[panel_columns] == 0.5F);  // between rows nothing is written
    CHECK(wide[0] != 0.5F);
  }
}
