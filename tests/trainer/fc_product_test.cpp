// Every kernel, in either pass, on blocks of every height and on several threads, against the triple loop.
#include "central_difference.hpp"
#include "operators/fc_product.hpp"
#include "operators/row_blocks.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr std::int64_t rows = 300, out = 213, in = 190;

template <class Number>
std::vector<Number> numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<Number> rounded;
  for (double const x : normal_values(count, seed)) rounded.push_back(narrowed<Number>(static_cast<arithmetic<Number>>(x)));
  return rounded;
}

/// A product of all rows by blocks, on `threads` threads, twice: the second time in another room.
template <class Number>
std::vector<arithmetic<Number>> multiplied(fc_pass pass, fc_kernel kernel, std::int64_t height, int threads,
                                           std::vector<Number> const& a, std::vector<Number> const& weights) {
  auto const [k, n] = pass == fc_pass::forward ? std::pair{in, out} : std::pair{out, in};
  fc_product<Number> product({rows, height, out, in}, pass, kernel, threads);
  CHECK(product.columns() == n);
  std::vector<arithmetic<Number>> c(static_cast<std::size_t>(rows * n));
  for (int turn = 0; turn < 2; ++turn) {
    std::ranges::fill(c, arithmetic<Number>(-7));
    std::vector<std::byte> memory(static_cast<std::size_t>(product.room_bytes()) + 64, std::byte{0xff});
    void* first = memory.data();
    auto space = memory.size();
    std::align(64, static_cast<std::size_t>(product.room_bytes()), first, space);
    product.prepare({weights, out, in}, {static_cast<std::byte*>(first), static_cast<std::size_t>(product.room_bytes())});
    for_each_row_block(rows, height, threads, [&](row_block const& b) {
      product.multiply({a.data() + b.first * k, b.rows, k, k}, {c.data() + b.first * n, b.rows, n, n}, b.thread);
    });
  }
  return c;
}

}  // namespace

TEST_CASE_TEMPLATE("products of both passes", Number, float, double, bfloat16, float16) {
  auto const weights = numbers<Number>(out * in, 1);
  for (auto const pass : {fc_pass::forward, fc_pass::input_gradient}) {
    bool const forward = pass == fc_pass::forward;
    auto const [k, n] = forward ? std::pair{in, out} : std::pair{out, in};
    auto const a = numbers<Number>(rows * k, 2);
    for (auto const kernel : {fc_kernel::gemm, fc_kernel::packed}) {
      if (!has_kernel<Number>(kernel)) continue;
      auto const alone = multiplied<Number>(pass, kernel, 128, 1, a, weights);
      for (std::int64_t i = 0; i < rows; i += 13) {
        for (std::int64_t j = 0; j < n; ++j) {
          double exact = 0, size = 0;
          for (std::int64_t x = 0; x < k; ++x) {
            auto const w = weights[static_cast<std::size_t>(forward ? j * in + x : x * in + j)];
            auto const term = static_cast<double>(widened(a[static_cast<std::size_t>(i * k + x)])) * static_cast<double>(widened(w));
            exact += term;
            size += std::abs(term);
          }
          CHECK_UNARY(std::abs(static_cast<double>(alone[static_cast<std::size_t>(i * n + j)]) - exact) <=
                      0x1p-24 * static_cast<double>(k + 2) * size);
        }
      }
      for (int const threads : {2, 3}) CHECK(multiplied<Number>(pass, kernel, 128, threads, a, weights) == alone);
    }
  }
}

TEST_CASE("a kernel that a format has not becomes gemm") {
  CHECK(fc_product<double>({rows, 64, out, in}, fc_pass::forward, fc_kernel::packed, 1).kernel() == fc_kernel::gemm);
  CHECK(fc_product<float>({rows, 64, out, in}, fc_pass::forward, fc_kernel::packed, 1).kernel() == fc_kernel::packed);
  CHECK(fc_product<float16>({rows, 64, out, in}, fc_pass::forward, fc_kernel::packed, 1).room_bytes() == 0);
}
