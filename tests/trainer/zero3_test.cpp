// The engine with the real backend: training has the same bits for every number of ranks, equals a
// plain loop without any engine, and learns.
#include "training_run.hpp"

#include "cpu_backend.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using namespace trainer;

namespace {

run_plan plan_for(int world, int micro_batches) {
  run_plan plan{.world = world};
  plan.settings.gradient_accumulation_steps = micro_batches / world;
  return plan;
}

// Whole vectors, one process, one loop over micro-batches: what ZeRO-3 must not differ from.
struct plain_trainer {
  using numbers = std::vector<std::vector<float>>;

  llama_shape shape = tiny_llama;
  zero3_settings settings = tiny_settings;
  std::vector<unit_layout> units = llama_units(shape);
  cpu_backend<float> backend{shape, settings.samples, settings.sequence_length};
  numbers parameters, gradients, m, v;
  std::vector<double> losses, norms;

  plain_trainer() {
    for (std::size_t u = 0; u < units.size(); ++u) {
      for (auto* of : {&parameters, &gradients, &m, &v}) {
        of->emplace_back(static_cast<std::size_t>(units[u].numel));
      }
      initialise<float>(units[u], settings.seed, u, 0, parameters[u]);
    }
  }

  void add(std::size_t unit, std::vector<float> const& more) {
    for (std::size_t i = 0; i < gradients[unit].size(); ++i) gradients[unit][i] += more[i];
  }

  double forward_backward(std::vector<std::int32_t> const& tokens) {
    auto const layers = units.size() - 2;
    auto const width = static_cast<std::size_t>(backend.hidden_elements());
    numbers x(layers + 1, std::vector<float>(width));
    std::vector<cpu_backend<float>::layer_activations> saved;
    backend.embedding_forward(parameters[0], tokens, x[0]);
    for (std::size_t l = 0; l < layers; ++l) {
      saved.push_back(backend.make_activations());
      backend.layer_forward(parameters[l + 1], x[l], x[l + 1], saved[l]);
    }
    std::vector<float> dx(width);
    std::vector<float> d_unit(parameters[layers + 1].size());
    auto const loss = backend.head_forward_backward(parameters[layers + 1], x[layers], tokens, dx,
                                                    d_unit);
    add(layers + 1, d_unit);
    for (auto l = layers; l-- > 0;) {
      d_unit.resize(parameters[l + 1].size());
      backend.layer_backward(parameters[l + 1], x[l], saved[l], dx, d_unit);
      add(l + 1, d_unit);
    }
    d_unit.resize(parameters[0].size());
    backend.embedding_backward(tokens, dx, d_unit);
    add(0, d_unit);
    return loss;
  }

  void step(int step, int micro_batches, double learning_rate) {
    for (auto& unit : gradients) std::ranges::fill(unit, 0.0F);
    double loss = 0;
    for (int j = 0; j < micro_batches; ++j) {
      loss += forward_backward(
          tokens_of(step, j, settings.micro_batch_tokens(), shape.vocabulary));
    }
    double squares = 0;
    for (auto const& unit : gradients) {
      auto const block = static_cast<std::size_t>(
          block_elements(static_cast<std::int64_t>(unit.size())));
      for (std::size_t at = 0; at < unit.size(); at += block) {
        squares += sum_of_squares(std::span{unit}.subspan(at, std::min(block, unit.size() - at)));
      }
    }
    auto const mean = 1.0 / micro_batches;
    losses.push_back(loss / micro_batches);
    norms.push_back(std::sqrt(squares) * mean);
    auto const clip = std::min(1.0, settings.clip / (norms.back() + 1e-6));
    for (std::size_t u = 0; u < units.size(); ++u) {
      adamw_update<float>({settings.adamw, learning_rate, mean * clip, step + 1}, parameters[u],
                          gradients[u], m[u], v[u]);
    }
  }
};

}  // namespace

TEST_CASE("no unit of the tiny llama divides evenly between ranks") {
  for (auto const& unit : llama_units(tiny_llama)) {
    for (std::int64_t world : {2, 3, 4, 6, 8}) {
      CAPTURE(unit.name);
      CAPTURE(world);
      CHECK(cut(unit.numel, world).padded() > unit.numel);
      CHECK(unit.numel % (64 * world) != 0);
    }
  }
}

TEST_CASE("20 steps leave the same bits behind for 1, 2, 4 and 8 ranks") {
  auto const alone = trained<cpu_backend<float>>(plan_for(1, 8));
  CHECK(alone.losses.size() == 20);
  CHECK(std::isfinite(alone.losses.back()));
  CHECK(alone.norms.front() > 0);
  for (int world : {2, 4, 8}) {
    CAPTURE(world);
    auto const together = trained<cpu_backend<float>>(plan_for(world, 8));
    CHECK(same_bits(alone.losses, together.losses));
    CHECK(same_bits(alone.norms, together.norms));
    CHECK(same_bits(alone.parameters, together.parameters));
    CHECK(same_bits(alone.m, together.m));
    CHECK(same_bits(alone.v, together.v));
    CHECK(same_bits(alone, together));
  }
}

TEST_CASE("6 micro-batches, whose mean is not exact, leave the same bits for 1, 2, 3 and 6 ranks") {
  auto const alone = trained<cpu_backend<float>>(plan_for(1, 6));
  for (int world : {2, 3, 6}) {
    CAPTURE(world);
    CHECK(same_bits(alone, trained<cpu_backend<float>>(plan_for(world, 6))));
  }
}

TEST_CASE("training in double has the same bits for 1 and 8 ranks too") {
  auto const alone = trained<cpu_backend<double>>(plan_for(1, 8));
  CHECK(same_bits(alone, trained<cpu_backend<double>>(plan_for(8, 8))));
}

TEST_CASE("the engine leaves the bits of a plain loop without shards, gathers or recomputation") {
  plain_trainer plain;
  for (int step = 0; step < 20; ++step) plain.step(step, 8, run_plan{}.learning_rate);
  auto const sharded = trained<cpu_backend<float>>(plan_for(2, 8));
  CHECK(same_bits(plain.losses, sharded.losses));
  CHECK(same_bits(plain.norms, sharded.norms));
  CHECK(same_bits(plain.parameters, sharded.parameters));
  CHECK(same_bits(plain.m, sharded.m));
  CHECK(same_bits(plain.v, sharded.v));
}

TEST_CASE("recomputation and prefetch change no bit") {
  auto const reference = trained<cpu_backend<float>>(plan_for(4, 8));
  for (auto const policy : {recompute::none, recompute::layers}) {
    for (bool const prefetch : {false, true}) {
      auto plan = plan_for(4, 8);
      plan.settings.recompute = policy;
      plan.settings.prefetch = prefetch;
      CAPTURE(prefetch);
      CHECK(same_bits(reference, trained<cpu_backend<float>>(plan)));
    }
  }
}

TEST_CASE("random delays before every collective change no bit") {
  auto delayed = plan_for(4, 8);
  delayed.steps = 5;
  auto const reference = trained<cpu_backend<float>>(delayed);
  for (unsigned seed : {1U, 100U}) {
    delayed.observe = random_delays(seed);
    CHECK(same_bits(reference, trained<cpu_backend<float>>(delayed)));
  }
}

TEST_CASE("another seed, rate or number of micro-batches does change the bits") {
  auto plan = plan_for(2, 4);
  plan.steps = 2;
  auto const reference = trained<cpu_backend<float>>(plan);
  auto other_seed = plan;
  other_seed.settings.seed = 6;
  auto other_rate = plan;
  other_rate.learning_rate = 1.1e-2;
  auto more = plan;
  more.settings.gradient_accumulation_steps = 3;
  for (auto const& other : {other_seed, other_rate, more}) {
    CHECK_FALSE(same_bits(reference.parameters, trained<cpu_backend<float>>(other).parameters));
  }
}

TEST_CASE("clipping bounds the step: a clipped gradient acts as its direction alone") {
  auto plan = plan_for(2, 4);
  plan.steps = 1;
  plan.settings.adamw.epsilon = 1;  // so that the size of the gradient shows in the step
  auto const free = [&](double clip) {
    plan.settings.clip = clip;
    return trained<cpu_backend<float>>(plan);
  };
  auto const norm = free(0).norms[0];
  CHECK(same_bits(free(0).parameters, free(norm * 2).parameters));
  CHECK(same_bits(std::vector{norm}, free(norm / 4).norms));  // the norm told is the unclipped one
  auto const whole = free(0).m[1];
  auto const quarter = free(norm / 4).m[1];
  for (std::size_t i = 0; i < whole.size(); i += 97) {
    CHECK(quarter[i] == doctest::Approx(whole[i] / 4).epsilon(1e-4));
  }
}

TEST_CASE("the loss falls on a batch that can be learnt by heart") {
  auto plan = plan_for(2, 2);
  plan.steps = 60;
  plan.same_tokens = true;
  auto const learnt = trained<cpu_backend<float>>(plan);
  CHECK(learnt.losses.front() == doctest::Approx(std::log(53.0)).epsilon(0.05));
  CHECK(learnt.losses.back() < 0.5 * learnt.losses.front());
}

TEST_CASE("parameters, gradients and optimizer state of a rank fall as 1/N") {
  auto const units = llama_units(tiny_llama);
  for (int world : {1, 2, 4, 8}) {
    CAPTURE(world);
    auto plan = plan_for(world, 8);
    plan.steps = 1;
    auto const run = trained<cpu_backend<float>>(plan);
    double share = 0;
    double padding = 0;  // at most a block of every unit
    for (auto const& unit : units) {
      share += 4.0 * static_cast<double>(unit.numel) / world;
      padding += 4.0 * static_cast<double>(block_elements(unit.numel));
    }
    for (auto const& live : run.live) {
      auto const parameters = static_cast<double>(live[memory_part::parameters]);
      CHECK(parameters >= share);
      CHECK(parameters < share + padding);
      CHECK(live[memory_part::gradients] == live[memory_part::parameters]);
      CHECK(live[memory_part::optimizer_state] == 2 * live[memory_part::parameters]);
    }
  }
}
