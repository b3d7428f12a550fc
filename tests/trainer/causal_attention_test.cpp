#include "attention_team.hpp"
#include "central_difference.hpp"
#include "operators/causal_attention.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

// One block with 5 rows, a block and 3 rows with grouped keys, and two whole blocks.
std::vector<attention_shape> const shapes{
    {2, 5, 3, 3, 4}, {2, 67, 4, 2, 6}, {1, 128, 2, 1, 2}};

std::int64_t qkv_columns(attention_shape const& s) {
  return (s.heads + 2 * s.kv_heads) * s.head_size;
}

template <class Real>
struct attended {
  std::vector<Real> o, lse;
};

template <class Real>
attended<Real> attention(attention_shape const& s, std::vector<Real> const& qkv, int threads = 1) {
  auto const rows = s.samples * s.positions, width = s.heads * s.head_size;
  auto const garbage = std::numeric_limits<Real>::quiet_NaN();
  attended<Real> result{std::vector<Real>(static_cast<std::size_t>(rows * width), garbage),
                        std::vector<Real>(static_cast<std::size_t>(rows * s.heads), garbage)};
  attention_team<Real> const scratch(s, threads);
  for (auto const& one : scratch.members()) std::ranges::fill(one.scores, garbage);
  causal_attention_forward<Real>(s, {qkv, rows, qkv_columns(s)}, {result.o, rows, width},
                                 result.lse, scratch.members());
  return result;
}

/// Output element by the formula, one query row at a time.
double attention_element(attention_shape const& s, std::vector<double> const& qkv,
                         std::int64_t sample, std::int64_t head, std::int64_t i, std::int64_t c) {
  auto const at = [&](std::int64_t position, std::int64_t column_head, std::int64_t column) {
    return qkv[static_cast<std::size_t>((sample * s.positions + position) * qkv_columns(s) +
                                        column_head * s.head_size + column)];
  };
  auto const kv = head * s.kv_heads / s.heads;
  double sum = 0.0, weighted = 0.0;
  for (std::int64_t j = 0; j <= i; ++j) {
    double score = 0.0;
    for (std::int64_t d = 0; d < s.head_size; ++d)
      score += at(i, head, d) * at(j, s.heads + kv, d);
    double const weight = std::exp(score / std::sqrt(static_cast<double>(s.head_size)));
    sum += weight;
    weighted += weight * at(j, s.heads + s.kv_heads + kv, c);
  }
  return weighted / sum;
}

}  // namespace

TEST_CASE("attention agrees with the formula row by row") {
  for (auto const& s : shapes) {
    auto const qkv = normal_values(s.samples * s.positions * qkv_columns(s), 1);
    auto const o = attention(s, qkv).o;
    for (auto const at : spread_indices(o.size(), 200)) {
      auto const index = static_cast<std::int64_t>(at);
      auto const row = index / (s.heads * s.head_size), column = index % (s.heads * s.head_size);
      double const exact =
          attention_element(s, qkv, row / s.positions, column / s.head_size, row % s.positions,
                            column % s.head_size);
      CHECK(o[at] == doctest::Approx(exact).epsilon(1e-12));
    }
  }
}

TEST_CASE("gradients of queries, keys and values agree with central differences") {
  for (auto const& s : shapes) {
    auto const rows = s.samples * s.positions, width = s.heads * s.head_size;
    auto qkv = normal_values(rows * qkv_columns(s), 1);
    auto const d_o = normal_values(rows * width, 2);
    auto const saved = attention(s, qkv);
    std::vector<double> d_qkv(qkv.size(), std::numeric_limits<double>::quiet_NaN());
    attention_team<double> const scratch(s, 2);
    causal_attention_backward<double>(s, {qkv, rows, qkv_columns(s)}, {saved.o, rows, width},
                                      saved.lse, {d_o, rows, width},
                                      {d_qkv, rows, qkv_columns(s)}, scratch.members());
    auto const value = [&] { return weighted_sum(attention(s, qkv).o, d_o); };
    CHECK(gradient_error(qkv, d_qkv, value, 300) < 1e-6);
  }
}

TEST_CASE("any number of threads gives the same bits") {
  for (auto const& s : shapes) {
    auto const qkv = as_floats(normal_values(s.samples * s.positions * qkv_columns(s), 5));
    auto const alone = attention(s, qkv);
    for (int threads : {2, 3, 5}) {
      auto const shared = attention(s, qkv, threads);
      CHECK(shared.o == alone.o);
      CHECK(shared.lse == alone.lse);
    }
  }
}

TEST_CASE("a later token changes no earlier output") {
  auto const& s = shapes[1];
  auto qkv = normal_values(s.samples * s.positions * qkv_columns(s), 3);
  auto const before = attention(s, qkv).o;
  std::int64_t const changed = 40;
  for (std::int64_t c = 0; c < qkv_columns(s); ++c)
    qkv[static_cast<std::size_t>(changed * qkv_columns(s) + c)] += 1.0;
  auto const after = attention(s, qkv).o;
  auto const width = static_cast<std::size_t>(s.heads * s.head_size);
  for (std::size_t i = 0; i < before.size(); ++i) {
    auto const row = static_cast<std::int64_t>(i / width);
    bool const sees_it = row >= changed && row < s.positions;
    CHECK((before[i] != after[i]) == sees_it);
  }
}

TEST_CASE("float attention is within 2e-6 of double") {
  for (auto const& s : shapes) {
    auto const qkv = normal_values(s.samples * s.positions * qkv_columns(s), 4);
    auto const exact = attention(s, qkv);
    auto const single = attention(s, as_floats(qkv));
    CHECK(largest_difference(single.o, exact.o) < 2e-6);
    CHECK(largest_difference(single.lse, exact.lse) < 2e-6);
  }
}
