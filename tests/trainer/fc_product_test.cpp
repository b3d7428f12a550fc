// Every kernel, in either pass, on blocks of every height and on several threads, against the triple loop.
#include "central_difference.hpp"
#include "operators/fc_product.hpp"
#include "operators/row_blocks.hpp"

#include <doctest/doctest.h>

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
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
std::vector<arithmetic<Number>> multiplied(fc_pass pass, fc_choice how, std::int64_t height, int threads,
                                           std::vector<Number> const& a, std::vector<Number> const& weights) {
  auto const [k, n] = pass == fc_pass::forward ? std::pair{in, out} : std::pair{out, in};
  fc_product<Number> product({rows, height, out, in}, pass, how, threads);
  CHECK(product.columns() == n);
  CHECK(product.depth() == k);
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
    for (fc_choice const how : {fc_choice{fc_kernel::gemm}, {fc_kernel::gemm, 64}, {fc_kernel::packed}, {fc_kernel::openblas},
                                {fc_kernel::openblas, 50}, {fc_kernel::openblas, 1000}, {fc_kernel::panels}, {fc_kernel::panels, 50},
                                {fc_kernel::packed_panels}, {fc_kernel::packed_pairs}}) {
      if (!has_kernel<Number>(how.kernel)) continue;
      CAPTURE(fc_kernel_names[static_cast<std::size_t>(how.kernel)]);
      auto const alone = multiplied<Number>(pass, how, 128, 1, a, weights);
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
      for (int const threads : {2, 3}) CHECK(multiplied<Number>(pass, how, 128, threads, a, weights) == alone);
    }
  }
}

TEST_CASE_TEMPLATE("columns from any first one on", Number, float, double, bfloat16) {
  auto const weights = numbers<Number>(out * in, 1), a = numbers<Number>(rows * in, 2);
  for (auto const kernel : {fc_kernel::gemm, fc_kernel::openblas, fc_kernel::panels}) {
    fc_product<Number> product({rows, rows, out, in}, fc_pass::forward, {kernel}, 1);
    product.prepare({weights, out, in}, {});
    std::vector<arithmetic<Number>> whole(rows * out), some(rows * 30);
    product.multiply({a, rows, in}, {whole, rows, out}, 0);
    product.multiply_columns({a, rows, in}, 77, {some, rows, 30});
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < 30; ++j) {
        CHECK_UNARY(static_cast<double>(some[static_cast<std::size_t>(i * 30 + j)]) ==
                    doctest::Approx(static_cast<double>(whole[static_cast<std::size_t>(i * out + 77 + j)])).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("OpenBLAS is used where it is, unless threads must not call it at once") {
  char const* const said = std::getenv("KUNMETRICS_HAS_OPENBLAS");
  std::string const present = said != nullptr ? said : "";
  if (!present.empty()) REQUIRE(dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL) != nullptr);
  if (present == "pthread") REQUIRE(has_kernel<float>(fc_kernel::openblas));
  if (present == "serial") REQUIRE_FALSE(has_kernel<float>(fc_kernel::openblas));
  CHECK_FALSE(has_kernel<bfloat16>(fc_kernel::openblas));
  CHECK(has_kernel<float>(fc_kernel::openblas) == (openblas::library() != nullptr));
  if (openblas::library() != nullptr) CHECK(openblas::library()->description().starts_with("OpenBLAS"));
}

TEST_CASE("a kernel that a format has not becomes gemm") {
  CHECK(fc_product<double>({rows, 64, out, in}, fc_pass::forward, {fc_kernel::packed}, 1).kernel() == fc_kernel::gemm);
  CHECK(fc_product<double>({rows, 64, out, in}, fc_pass::forward, {fc_kernel::openblas}, 1).kernel() == fc_kernel::gemm);
  CHECK(fc_product<float>({rows, 64, out, in}, fc_pass::forward, {fc_kernel::packed}, 1).kernel() == fc_kernel::packed);
  CHECK(fc_product<float16>({rows, 64, out, in}, fc_pass::forward, {fc_kernel::packed}, 1).kernel() == fc_kernel::gemm);
  CHECK(fc_product<double>({rows, 64, out, in}, fc_pass::forward, {fc_kernel::packed_panels}, 1).kernel() == fc_kernel::gemm);
}

TEST_CASE_TEMPLATE("panels have the same bits whatever block, width, packing or number of threads", Number, float, bfloat16, float16) {
  if (!has_kernel<Number>(fc_kernel::panels)) return;
  for (auto const pass : {fc_pass::forward, fc_pass::input_gradient}) {
    auto const a = numbers<Number>(rows * (pass == fc_pass::forward ? in : out), 2), weights = numbers<Number>(out * in, 1);
    auto const whole = multiplied<Number>(pass, {fc_kernel::panels}, rows, 1, a, weights);
    for (auto const kernel : {fc_kernel::panels, fc_kernel::packed_panels}) {
      for (std::int64_t const height : {1, 7, 64, 299}) CHECK(multiplied<Number>(pass, {kernel}, height, 2, a, weights) == whole);
    }
    for (std::int64_t const width : {1, 16, 33}) CHECK(multiplied<Number>(pass, {fc_kernel::panels, width}, 128, 1, a, weights) == whole);
  }
}
