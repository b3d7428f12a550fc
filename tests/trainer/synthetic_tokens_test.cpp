#include "synthetic_tokens.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

using trainer::synthetic_tokens;

namespace {
std::vector<std::int32_t> sequence(synthetic_tokens const& tokens, std::int64_t index, std::size_t length) {
  std::vector<std::int32_t> out(length);
  tokens.copy_sequence(index, out);
  return out;
}
}  // namespace

TEST_CASE("a token depends on the seed and its place in the stream alone") {
  synthetic_tokens const tokens{1000, 7};
  auto const whole = sequence(tokens, 0, 64);
  auto const third = sequence(tokens, 2, 16);
  CHECK(std::vector(whole.begin() + 32, whole.begin() + 48) == third);
  CHECK(sequence(synthetic_tokens{1000, 7}, 2, 16) == third);
  CHECK(sequence(synthetic_tokens{1000, 8}, 2, 16) != third);
}

TEST_CASE("ids follow their law, whose entropy is told") {
  constexpr std::int64_t vocabulary = 50;
  synthetic_tokens const tokens{vocabulary, 3};
  std::vector<double> share(vocabulary);
  constexpr std::size_t count = 1'000'000;
  for (auto const id : sequence(tokens, 0, count)) {
    REQUIRE(id >= 0);
    REQUIRE(id < vocabulary);
    share[static_cast<std::size_t>(id)] += 1.0 / count;
  }
  double entropy = 0;
  for (std::int64_t k = 0; k < vocabulary; ++k) {
    auto const expected = std::log((static_cast<double>(k) + 2) / (static_cast<double>(k) + 1)) / std::log(51.0);
    CHECK(share[static_cast<std::size_t>(k)] == doctest::Approx(expected).epsilon(0.03));
    entropy -= share[static_cast<std::size_t>(k)] * std::log(share[static_cast<std::size_t>(k)]);
  }
  CHECK(tokens.entropy() == doctest::Approx(entropy).epsilon(0.002));
}

TEST_CASE("one id has no entropy; a stream is cut into whole sequences") {
  CHECK(synthetic_tokens{1, 0}.entropy() == 0.0);
  CHECK(sequence(synthetic_tokens{1, 0}, 5, 3) == std::vector<std::int32_t>{0, 0, 0});
  CHECK(synthetic_tokens{9, 0}.sequences(512) == 195'312);
  CHECK_THROWS_WITH_AS(static_cast<void>(synthetic_tokens{9, 0}.sequences(0)),
                       "synthetic_tokens: needed a sequence length of 1 or more, received 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS((synthetic_tokens{0, 0}), "synthetic_tokens: needed a vocabulary of 1 or more, received 0",
                       std::invalid_argument);
}
