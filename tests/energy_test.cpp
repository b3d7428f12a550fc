#include <kunmetrics/energy.hpp>

#include <doctest/doctest.h>

#include <cmath>

using namespace kunmetrics;
using namespace kunmetrics::units;
using namespace std::chrono_literals;

namespace {
constexpr training_case run{.model = models::llama2_7b, .cluster = {.per_node = 8 * processor / node}};
constexpr interval two_steps{.tokens = 1000 * token, .time = 2.0 * second, .steps = 2 * step,
                             .energy = 500.0 * joule, .steps_with_energy = 2 * step};
static_assert(energy_per_token(run, two_steps)->in(joule / token) == 0.5);
static_assert(calculator<energy_per_token_calculator>);
}  // namespace

TEST_CASE("energy of some steps only is no energy of the run") {
  auto some = two_steps;
  some.steps_with_energy = 1 * step;
  CHECK(energy_per_token(run, some).reason() == "no power source gave the energy of every step");
  CHECK(energy_per_token(run, {}).reason() == "no step has been measured after warm-up");
  auto skipped = two_steps;
  skipped.tokens = 0 * token;
  CHECK(energy_per_token(run, skipped).reason() == "the measured steps trained no token");
}

TEST_CASE("power is integrated by trapezoids between takings") {
  sampled_energy energy;
  sampled_energy::clock::time_point const start{};
  CHECK(!energy.taken());
  energy.sample(100.0 * watt, start);
  CHECK(!energy.taken());
  energy.sample(300.0 * watt, start + 2s);
  CHECK(energy.taken()->in(joule) == 400.0);
  CHECK(!energy.taken());  // nothing is known since
  energy.sample(100.0 * watt, start + 3s);
  energy.sample(100.0 * watt, start + 4s);
  CHECK(energy.taken()->in(joule) == 300.0);
}

TEST_CASE("samples that cannot be are left out") {
  sampled_energy energy;
  sampled_energy::clock::time_point const start{1h};
  energy.sample(100.0 * watt, start);
  energy.sample(std::nan("") * watt, start + 1s);
  energy.sample(-5.0 * watt, start + 1s);
  energy.sample(1e9 * watt, start - 1s);
  CHECK(!energy.taken());
  energy.sample(100.0 * watt, start + 2s);
  CHECK(energy.taken()->in(joule) == 200.0);
}
