#include <kunmetrics/batch_means.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>

using namespace kunmetrics;

namespace {
// Step times 1 + 0.1 x of steps that have 1000 tokens each: x follows x' = φ x + √(1 - φ²) z.
class simulated_run {
 public:
  simulated_run(std::uint64_t seed, double correlation) : random_{seed}, correlation_{correlation}, x_{normal_(random_)} {}

  double next_time() {
    x_ = correlation_ * x_ + std::sqrt(1 - correlation_ * correlation_) * normal_(random_);
    return 1 + 0.1 * x_;
  }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double correlation_;
  double x_;
};

// How many of 2000 runs have the true rate of 1000 token/s in their 95 % interval.
double coverage(int steps, double correlation, std::uint64_t seed) {
  constexpr int runs = 2000;
  int covered = 0;
  for (int i = 0; i < runs; ++i) {
    simulated_run run{seed + static_cast<std::uint64_t>(i), correlation};
    batch_means means;
    for (int k = 0; k < steps; ++k) means.add(1000, run.next_time());
    auto const interval = means.interval();
    REQUIRE(interval);
    covered += std::abs(interval->ratio - 1000) <= interval->half_width ? 1 : 0;
  }
  return covered / static_cast<double>(runs);
}
}  // namespace

TEST_CASE("the 95 % interval covers the true rate in 93 to 97 % of 2000 runs") {
  for (int const steps : {150, 200, 500, 1000, 3333}) {
    for (double const correlation : {0.0, 0.7}) {
      CAPTURE(steps);
      CAPTURE(correlation);
      auto const share = coverage(steps, correlation, 20240601);
      MESSAGE("steps " << steps << ", AR(1) " << correlation << ": " << share);
      CHECK(share >= 0.93);
      CHECK(share <= 0.97);
    }
  }
}

TEST_CASE("steps taken one by one as if independent would not cover: the batches do something") {
  int covered = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    simulated_run run{i, 0.7};
    double sum = 0, squares = 0;
    for (int k = 0; k < 500; ++k) {
      double const time = run.next_time();
      sum += time;
      squares += time * time;
    }
    double const mean = sum / 500;
    double const error = std::sqrt((squares / 500 - mean * mean) / 499);
    covered += std::abs(mean - 1) <= 1.965 * error ? 1 : 0;
  }
  CHECK(covered < 1500);
}

TEST_CASE("a ratio of sums, exact however the batches fall") {
  batch_means means;
  double tokens = 0, time = 0;
  for (int i = 1; i <= 1000; ++i) {
    means.add(i % 7 * 100, 0.5 + i % 5);
    tokens += i % 7 * 100;
    time += 0.5 + i % 5;
  }
  CHECK(means.ratio() == doctest::Approx(tokens / time).epsilon(1e-14));
  CHECK(means.batch_size() == 32);
  CHECK(means.batches() == 1000 / 32);
}

TEST_CASE("a batch size that changes widens the interval only by what the rate does") {
  batch_means constant_rate;
  for (int i = 0; i < 400; ++i) constant_rate.add(i < 200 ? 1000 : 2000, i < 200 ? 1 : 2);
  REQUIRE(constant_rate.interval());
  CHECK(constant_rate.interval()->ratio == 1000);
  CHECK(constant_rate.interval()->half_width == doctest::Approx(0).epsilon(1e-9));
}

TEST_CASE("too few batches are said, not guessed from") {
  batch_means means;
  for (int i = 0; i < 7; ++i) means.add(1000, 1);
  CHECK(means.interval().reason() == "fewer than 8 batches of steps have been measured");
  means.add(1000, 1);
  CHECK(means.interval());
  batch_means timeless;
  for (int i = 0; i < 8; ++i) timeless.add(1000, 0);
  CHECK(timeless.interval().reason() == "the measured steps took no time");
}

TEST_CASE("a higher level is a wider interval") {
  simulated_run run{7, 0.7};
  batch_means means;
  for (int i = 0; i < 300; ++i) means.add(1000, run.next_time());
  CHECK(means.interval(0.99)->half_width > means.interval(0.95)->half_width);
  CHECK(means.interval(0.95)->half_width > means.interval(0.68)->half_width);
}
