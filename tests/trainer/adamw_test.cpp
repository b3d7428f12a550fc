// AdamW by hand, against a plain reference, and cut into pieces.
#include "adamw.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <stdexcept>
#include <vector>

using trainer::adamw_settings;
using trainer::adamw_step;
using trainer::adamw_update;

namespace {

template <class Real>
struct state {
  std::vector<Real> parameters, gradients, m, v;

  explicit state(std::size_t size) : m(size), v(size) {
    std::mt19937 random(11);
    std::normal_distribution<double> normal;
    for (std::size_t i = 0; i < size; ++i) {
      parameters.push_back(static_cast<Real>(normal(random)));
      auto const magnitude = std::pow(10.0, static_cast<double>(i % 7) - 5);
      gradients.push_back(static_cast<Real>(magnitude * normal(random)));
    }
  }

  void update(adamw_step<Real> const& step, std::size_t first, std::size_t size) {
    adamw_update<Real>(step, std::span{parameters}.subspan(first, size),
                       std::span{gradients}.subspan(first, size),
                       std::span{m}.subspan(first, size), std::span{v}.subspan(first, size));
  }
};

// One parameter's path, written as the algorithm is printed: scale, decay, moments, corrections.
double plain_adamw(double parameter, double gradient, double scale, double rate, int steps,
                   adamw_settings const& with) {
  double m = 0;
  double v = 0;
  double beta1_power = 1;
  double beta2_power = 1;
  for (int t = 1; t <= steps; ++t) {
    double const g = gradient * scale;
    beta1_power *= with.beta1;
    beta2_power *= with.beta2;
    parameter -= rate * with.weight_decay * parameter;
    m += (1 - with.beta1) * (g - m);
    v += (1 - with.beta2) * (g * g - v);
    double const m_corrected = m / (1 - beta1_power);
    double const v_corrected = v / (1 - beta2_power);
    parameter -= rate * m_corrected / (std::sqrt(v_corrected) + with.epsilon);
  }
  return parameter;
}

template <class Real>
bool same_bits(std::vector<Real> const& a, std::vector<Real> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}

}  // namespace

TEST_CASE("two steps of a constant gradient, computed by hand") {
  // Corrected moments of a constant gradient g = 2 * 0.25 are g and g^2 at every step, so a step is
  // p = 0.99 p - 0.1 * 0.5 / (0.5 + 0.5): 1 -> 0.94 -> 0.8806.
  adamw_settings const settings{.beta1 = 0.9, .beta2 = 0.99, .epsilon = 0.5, .weight_decay = 0.1};
  std::vector<double> p{1};
  std::vector<double> const g{2};
  std::vector<double> m{0};
  std::vector<double> v{0};
  adamw_update<double>({settings, 0.1, 0.25, 1}, p, g, m, v);
  CHECK(p[0] == doctest::Approx(0.94).epsilon(1e-14));
  CHECK(m[0] == doctest::Approx(0.05).epsilon(1e-14));
  CHECK(v[0] == doctest::Approx(0.0025).epsilon(1e-14));
  adamw_update<double>({settings, 0.1, 0.25, 2}, p, g, m, v);
  CHECK(p[0] == doctest::Approx(0.8806).epsilon(1e-14));
  CHECK(m[0] == doctest::Approx(0.095).epsilon(1e-14));
  CHECK(v[0] == doctest::Approx(0.004975).epsilon(1e-14));
}

TEST_CASE_TEMPLATE("ten steps agree with the plain algorithm", Real, float, double) {
  adamw_settings const settings;
  state<Real> trained(701);
  auto const start = trained.parameters;
  for (int t = 1; t <= 10; ++t) trained.update({settings, 3e-2, 0.125, t}, 0, 701);
  double worst = 0;
  for (std::size_t i = 0; i < 701; ++i) {
    auto const expected = plain_adamw(start[i], trained.gradients[i], 0.125, 3e-2, 10, settings);
    worst = std::max(worst, std::abs(trained.parameters[i] - expected));
  }
  CHECK(worst < (sizeof(Real) == 4 ? 2e-6 : 1e-14));
  CHECK(std::abs(trained.parameters[0] - start[0]) > 1e-3);  // it has moved
}

TEST_CASE_TEMPLATE("a cut at any multiple of 64 gives the same bits", Real, float, double) {
  constexpr std::size_t size = 64 * 9 + 37;
  for (std::size_t const piece : {64U, 128U, 192U, 320U, 576U}) {
    CAPTURE(piece);
    state<Real> whole(size);
    state<Real> cut(size);
    for (int t = 1; t <= 3; ++t) {
      adamw_step<Real> const step{{}, 1e-3, 1.0 / 3, t};
      whole.update(step, 0, size);
      for (std::size_t at = 0; at < size; at += piece) {
        cut.update(step, at, std::min(piece, size - at));
      }
    }
    CHECK(same_bits(whole.parameters, cut.parameters));
    CHECK(same_bits(whole.m, cut.m));
    CHECK(same_bits(whole.v, cut.v));
  }
}

TEST_CASE("zero everywhere stays zero, so padding would too") {
  std::vector<float> p(64), m(64), v(64);
  std::vector<float> const g(64);
  adamw_update<float>({{}, 1e-3, 1, 1}, p, g, m, v);
  CHECK(same_bits(p, g));
  CHECK(same_bits(m, g));
  CHECK(same_bits(v, g));
}

TEST_CASE("step 0, a beta of 1 and unequal sizes are refused") {
  CHECK_THROWS_AS((adamw_step<float>{{}, 1e-3, 1, 0}), std::invalid_argument);
  CHECK_THROWS_AS((adamw_step<float>{{.beta2 = 1}, 1e-3, 1, 1}), std::invalid_argument);
  std::vector<float> p(4), m(4), v(3);
  std::vector<float> const g(4);
  CHECK_THROWS_AS(adamw_update<float>({{}, 1e-3, 1, 1}, p, g, m, v), std::invalid_argument);
}
