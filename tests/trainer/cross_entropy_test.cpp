#include "central_difference.hpp"
#include "operators/cross_entropy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr std::int64_t rows = 4, vocabulary = 37;
std::vector<std::int32_t> const targets{0, 36, 17, 17};

template <class Real>
double loss_of(std::vector<Real> logits) {
  return cross_entropy_forward<Real>({logits, rows, vocabulary}, targets);
}

}  // namespace

TEST_CASE("equal logits lose ln V each") {
  std::vector<double> const equal(static_cast<std::size_t>(rows * vocabulary), 2.5);
  CHECK(loss_of(equal) == doctest::Approx(4.0 * std::log(37.0)).epsilon(1e-14));
}

TEST_CASE("large logits neither overflow nor lose the answer") {
  std::vector<float> logits(static_cast<std::size_t>(rows * vocabulary), -1e4F);
  logits[0] = 1e4F;
  CHECK(loss_of(logits) == doctest::Approx(3.0 * std::log(37.0)).epsilon(1e-6));
}

TEST_CASE("the gradient of scale times the loss agrees with central differences") {
  auto logits = normal_values(rows * vocabulary, 1, 2.0);
  auto gradient = logits;
  double const scale = 0.125;
  double const loss =
      cross_entropy_forward_backward<double>({gradient, rows, vocabulary}, targets, scale);
  CHECK(loss == loss_of(logits));
  CHECK(gradient_error(logits, gradient, [&] { return scale * loss_of(logits); }) < 1e-6);
}

TEST_CASE("float loss is within 5e-7 of double") {
  auto const logits = normal_values(rows * vocabulary, 2, 3.0);
  CHECK(loss_of(as_floats(logits)) == doctest::Approx(loss_of(logits)).epsilon(5e-7));
}
