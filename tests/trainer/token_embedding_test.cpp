#include "central_difference.hpp"
#include "operators/token_embedding.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr std::int64_t vocabulary = 5, hidden = 7;
std::vector<std::int32_t> const tokens{3, 0, 3, 4, 3, 1};

std::vector<double> embedded(std::vector<double> const& table) {
  auto const rows = static_cast<std::int64_t>(tokens.size());
  std::vector<double> y(tokens.size() * static_cast<std::size_t>(hidden));
  token_embedding_forward<double>({table, vocabulary, hidden}, tokens, {y, rows, hidden});
  return y;
}

}  // namespace

TEST_CASE("the table's gradient agrees with central differences, tokens repeated or absent") {
  auto table = normal_values(vocabulary * hidden, 1);
  auto const rows = static_cast<std::int64_t>(tokens.size());
  auto const dy = normal_values(rows * hidden, 2);
  std::vector<double> d_table(table.size(), std::numeric_limits<double>::quiet_NaN());
  std::vector<std::uint64_t> order(tokens.size());
  std::vector<double> sums(static_cast<std::size_t>(2 * hidden));
  token_embedding_backward<double>(tokens, {dy, rows, hidden}, {d_table, vocabulary, hidden}, {order, sums});
  CHECK(gradient_error(table, d_table, [&] { return weighted_sum(embedded(table), dy); }) < 1e-6);
  for (std::size_t i = 0; i < static_cast<std::size_t>(hidden); ++i)
    CHECK(d_table[2 * static_cast<std::size_t>(hidden) + i] == 0.0);
}

TEST_CASE("a token outside the vocabulary is named with its position") {
  CHECK_THROWS_WITH_AS(require_tokens(tokens, 4),
                       "tokens: an id in [0, 4) was needed, received 4 at position 3",
                       std::invalid_argument);
  std::vector<std::int32_t> const negative{0, -1};
  CHECK_THROWS_AS(require_tokens(negative, 4), std::invalid_argument);
  CHECK_NOTHROW(require_tokens(tokens, 5));
}
