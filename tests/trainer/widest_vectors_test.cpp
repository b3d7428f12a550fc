// A loop gives the same bits at every width that this processor has.
#include "adamw.hpp"
#include "central_difference.hpp"
#include "operators/conversion.hpp"
#include "operators/cross_entropy.hpp"
#include "operators/rms_norm.hpp"
#include "operators/swiglu.hpp"
#include "operators/widest_vectors.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

std::vector<vector_width> widths() {
  std::vector<vector_width> all{vector_width::baseline};
  if (widest_vectors() >= vector_width::avx2) all.push_back(vector_width::avx2);
  if (widest_vectors() >= vector_width::avx512) all.push_back(vector_width::avx512);
  return all;
}

// 103 columns: vectors of every width have a rest.
constexpr std::int64_t rows = 7, columns = 103;

std::vector<float> values(std::uint64_t seed, std::int64_t count = rows * columns) { return as_floats(normal_values(count, seed)); }

// What loop(values) leaves there, at the baseline's width and at every other.
template <class Loop>
void check_widths(std::vector<float> const& before, Loop const& loop) {
  auto expected = before;
  loop(expected);
  for (auto const width : widths()) {
    auto found = before;
    with_vectors(width, [&] { loop(found); });
    CAPTURE(static_cast<int>(width));
    CHECK(found == expected);
  }
}

}  // namespace

TEST_CASE("how wide vectors are here") {
  MESSAGE("loops run for " << std::string{widest_vectors() == vector_width::avx512 ? "AVX-512"
                                          : widest_vectors() == vector_width::avx2 ? "AVX2"
                                                                                   : "any processor"});
}

TEST_CASE("norms, forward and backward") {
  auto const weights = values(2, columns), gradient = values(3);
  check_widths(values(1), [&](std::vector<float>& x) {
    auto const before = x;
    std::vector<float> r(rows);
    std::vector<double> dw(columns);
    rms_norm_forward<float>({before, rows, columns}, weights, 1e-5, {x, rows, columns}, r);
    rms_norm_backward<float>({before, rows, columns}, weights, r, {gradient, rows, columns}, {x, rows, columns}, dw);
    for (std::size_t i = 0; i < dw.size(); ++i) x[i] += static_cast<float>(dw[i]);
  });
}

TEST_CASE("SwiGLU, forward and backward") {
  check_widths(values(4, 2 * rows * columns), [](std::vector<float>& gate_up) {
    std::vector<float> y(gate_up.size() / 2);
    swiglu_forward<float>({gate_up, rows, 2 * columns}, {y, rows, columns});
    swiglu_backward<float>({y, rows, columns}, {gate_up, rows, 2 * columns});
  });
}

TEST_CASE("cross-entropy, its sum of exponentials included") {
  std::vector<std::int32_t> const targets{3, 1, 4, 1, 5, 9, 2};
  check_widths(values(5), [&](std::vector<float>& logits) {
    auto const loss = cross_entropy_forward_backward<float>({logits, rows, columns}, targets, 0.25);
    logits.push_back(static_cast<float>(loss));
  });
}

TEST_CASE("AdamW") {
  adamw_step<float> const step{{}, 1e-3, 0.5, 3};
  auto const gradient = values(6);
  check_widths(values(7), [&](std::vector<float>& p) {
    auto m = values(8), v = std::vector<float>(p.size(), 0.01F);
    for (int i = 0; i < 3; ++i) adamw_update<float>(step, p, gradient, m, v);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] += m[i] + v[i];
  });
}

TEST_CASE_TEMPLATE("conversions", Number, bfloat16, float16) {
  check_widths(values(9), [](std::vector<float>& x) {
    std::vector<Number> stored(x.size());
    narrow<Number>(x, stored);
    widen<Number>(stored, x);
  });
}
