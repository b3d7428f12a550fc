// An operator on 16-bit rows is the fp32 operator on the same values, rounded once: to the bit.
#include "attention_team.hpp"
#include "central_difference.hpp"
#include "operators/causal_attention.hpp"
#include "operators/row_operators.hpp"
#include "operators/token_embedding.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr std::int64_t rows = 5, width = 24;

template <class Number>
std::vector<Number> rounded(std::vector<float> const& values) {
  std::vector<Number> numbers(values.size());
  narrow<Number>(values, numbers);
  return numbers;
}
template <class Number>
std::vector<float> exact(std::vector<Number> const& numbers) {
  std::vector<float> values(numbers.size());
  widen<Number>(numbers, values);
  return values;
}
template <class Number>
std::vector<Number> normal(std::int64_t count, std::uint64_t seed) {
  return rounded<Number>(as_floats(normal_values(count, seed)));
}

/// Numbers are what was expected, rounded; but for a last bit here and there, as a copy's rows lie closer
/// together and oneDNN may then take another kernel. Where probabilities are rounded to bfloat16 before they
/// are multiplied, each term is within 2^-8 of itself, and so is the root mean square of many.
template <class Number>
void check_close(std::vector<Number> const& numbers, std::vector<float> const& expected) {
  int differ = 0;
  double error = 0, size = 0;
  auto const expected_numbers = rounded<Number>(expected);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    differ += numbers[i] != expected_numbers[i];
    auto const exactly = static_cast<double>(expected[i]);
    error += std::pow(static_cast<double>(widened(numbers[i])) - exactly, 2);
    size += exactly * exactly;
  }
  if (std::is_same_v<Number, bfloat16> && has_native_bfloat16_product()) {
    CHECK(std::sqrt(error / size) < 0x1p-8);
  } else {
    CHECK(differ * 100 < static_cast<int>(numbers.size()));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("norms", Number, bfloat16, float16) {
  auto const x = normal<Number>(rows * width, 1), w = normal<Number>(width, 2), dx = normal<Number>(rows * width, 3);
  auto const dy = as_floats(normal_values(rows * width, 4));
  row_operators<Number> const run({.widest = width, .tile = 0});
  std::vector<Number> y(x.size());
  std::vector<float> r(rows);
  run.norm_forward({x, rows, width}, {w, 1, width}, 1e-5, {y, rows, width}, r);
  auto const wide = exact(x), weights = exact(w);
  std::vector<float> expected(x.size()), expected_r(rows);
  rms_norm_forward<float>({wide, rows, width}, weights, 1e-5, {expected, rows, width}, expected_r);
  CHECK(y == rounded<Number>(expected));
  CHECK(r == expected_r);

  auto gradient = dx;
  std::vector<double> dw(width), expected_dw(width);
  run.norm_backward({x, rows, width}, {w, 1, width}, r, {dy, rows, width}, {gradient, rows, width}, dw);
  auto expected_dx = exact(dx);
  rms_norm_backward<float>({wide, rows, width}, weights, expected_r, {dy, rows, width}, {expected_dx, rows, width},
                           expected_dw);
  CHECK(gradient == rounded<Number>(expected_dx));
  CHECK(dw == expected_dw);
}

TEST_CASE_TEMPLATE("rotations, each row by its own position, and no head beyond those named", Number, bfloat16,
                   float16) {
  std::int64_t const positions = 2, heads = 2, pairs = 3;
  std::vector<float> cosines(6), sines(6);
  rotary_angles<float> const angles{cosines, sines, pairs};
  fill_rotary_angles(angles, positions, 100.0);
  auto const x = normal<Number>(4 * width, 1);
  auto y = x;
  row_operators<Number> const run({.widest = width, .tile = 0});
  run.rotate({y, 4, width}, 0, heads, positions, angles, rotation::forward);
  auto expected = exact(x);
  rotary_embedding<float>({expected, 4, width}, heads, positions, angles, rotation::forward);
  CHECK(y == rounded<Number>(expected));
  for (std::size_t i = 12; i < 24; ++i) CHECK(y[i] == x[i]);
}

TEST_CASE_TEMPLATE("SwiGLU", Number, bfloat16, float16) {
  auto const gate_up = normal<Number>(rows * width, 1);
  auto const dy = as_floats(normal_values(rows * width / 2, 2));
  row_operators<Number> const run({.widest = width, .tile = 0});
  std::vector<Number> y(dy.size());
  run.activate({gate_up, rows, width}, {y, rows, width / 2});
  auto wide = exact(gate_up);
  std::vector<float> expected(dy.size());
  swiglu_forward<float>({wide, rows, width}, {expected, rows, width / 2});
  CHECK(y == rounded<Number>(expected));
  auto gradient = gate_up;
  run.activation_backward({dy, rows, width / 2}, {gradient, rows, width});
  swiglu_backward<float>({dy, rows, width / 2}, {wide, rows, width});
  CHECK(gradient == rounded<Number>(wide));
}

TEST_CASE_TEMPLATE("attention with grouped keys, the sums over query heads included", Number, bfloat16, float16) {
  attention_shape const s{2, 67, 4, 2, 6};
  auto const all = s.samples * s.positions, wide = (s.heads + 2 * s.kv_heads) * s.head_size,
             out = s.heads * s.head_size;
  auto const qkv = normal<Number>(all * wide, 1), d_o = normal<Number>(all * out, 2);
  attention_team<Number> const scratch(s);
  attention_team<float> const exact_scratch(s);
  std::vector<Number> o(static_cast<std::size_t>(all * out)), d_qkv(qkv.size());
  std::vector<float> lse(static_cast<std::size_t>(all * s.heads)), expected_lse(lse.size());
  causal_attention_forward<Number>(s, {qkv, all, wide}, {o, all, out}, lse, scratch.members());
  auto const exact_qkv = exact(qkv);
  std::vector<float> expected(o.size());
  causal_attention_forward<float>(s, {exact_qkv, all, wide}, {expected, all, out}, expected_lse, exact_scratch.members());
  check_close(o, expected);

  causal_attention_backward<Number>(s, {qkv, all, wide}, {o, all, out}, lse, {d_o, all, out}, {d_qkv, all, wide},
                                    scratch.members());
  auto const exact_o = exact(o), exact_d_o = exact(d_o);
  std::vector<float> expected_d(qkv.size());
  causal_attention_backward<float>(s, {exact_qkv, all, wide}, {exact_o, all, out}, lse, {exact_d_o, all, out},
                                   {expected_d, all, wide}, exact_scratch.members());
  check_close(d_qkv, expected_d);
}

TEST_CASE_TEMPLATE("a row of the embedding's gradient is summed in fp32, however often its token comes", Number,
                   bfloat16, float16) {
  std::vector<std::int32_t> const tokens{1, 0, 1, 1};
  std::vector<Number> const dy = rounded<Number>(
      {2048.0F, 1.0F, 0.5F, 0.5F});  // 2048 + 0.5 is no value of either format
  std::vector<Number> table(3, narrowed<Number>(7.0F));
  std::vector<std::uint64_t> order(4);
  std::vector<float> sums(2);
  token_embedding_backward<Number>(tokens, {dy, 4, 1}, {table, 3, 1}, {order, sums});
  CHECK(table == rounded<Number>({1.0F, 2049.0F, 0.0F}));
}

TEST_CASE("fp32 matrices are passed on, and take no memory but for products") {
  CHECK(row_operators<float>::bytes({.widest = 1000, .tile = 0}) == 0);
  CHECK(row_operators<float>({.widest = 1000, .tile = 16}).allocated_bytes() == 64);
  CHECK(row_operators<float16>({.widest = 1000, .tile = 16}).allocated_bytes() == 64 + 3 * 4032);
}
