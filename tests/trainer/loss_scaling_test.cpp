// The loss scale in the engine: unscaled by the scale that backward used, skipped steps without a trace,
// and faults that stop every rank at one step with unit and rank.
#include "training_run.hpp"

#include "cpu_backend.hpp"
#include "toy_backend.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainer;

namespace {

constexpr int world = 4;

// Spoils one number of a chosen call of a rank: the gradients of the head, or the output of a layer.
struct spoilt_backend : toy_backend<float> {
  using toy = toy_backend<float>;
  using toy::toy;
  inline static thread_local int heads = 0, layers = 0;                    // calls so far
  inline static thread_local int spoilt_head = -1, spoilt_layer = -1;      // calls to spoil
  inline static thread_local bool every_later_head = false;
  static void expect(int head, int layer, bool later = false) {
    heads = layers = 0;
    spoilt_head = head, spoilt_layer = layer, every_later_head = later;
  }

  void layer_forward(std::span<float const> parameters, std::span<float const> x, std::span<float> y,
                     layer_activations& saved) {
    toy::layer_forward(parameters, x, y, saved);
    if (layers++ == spoilt_layer) y[3] = std::numeric_limits<float>::quiet_NaN();
  }
  double head_forward_backward(std::span<float const> parameters, std::span<float const> x,
                               std::span<std::int32_t const> tokens, std::span<float> dx, std::span<float> d_parameters,
                               double loss_scale) {
    auto const loss = toy::head_forward_backward(parameters, x, tokens, dx, d_parameters, loss_scale);
    bool const spoil = heads == spoilt_head || (every_later_head && heads > spoilt_head);
    if (spoil) d_parameters.back() = std::numeric_limits<float>::infinity();
    ++heads;
    return loss;
  }
};

struct outcome {
  std::vector<step_result> steps;
  std::vector<std::vector<float>> parameters;  // by unit, this rank's
  std::string error;
};

// What each rank saw of `count` steps; `prepare` is called on its thread before.
std::vector<outcome> spoilt_training(int count, zero3_settings const& settings,
                                     std::function<void(int)> const& prepare) {
  std::vector<outcome> outcomes(world);
  run_ranks(world, [&](thread_communicator& ranks) {
    prepare(ranks.rank());
    auto& mine = outcomes[static_cast<std::size_t>(ranks.rank())];
    zero3<spoilt_backend, thread_communicator> engine{tiny_llama, settings, ranks};
    try {
      for (int step = 0; step < count; ++step) {
        mine.steps.push_back(engine.step(tokens_of_rank(0, ranks.rank(), world, settings, 53), 1e-2, false));
      }
    } catch (std::runtime_error const& error) {
      mine.error = error.what();
    }
    for (std::size_t unit = 0; unit < engine.units().size(); ++unit) {
      auto const values = engine.shard(unit).parameters;
      mine.parameters.emplace_back(values.begin(), values.end());
    }
  });
  return outcomes;
}

zero3_settings scaled(loss_scale_settings const& scale) {
  auto settings = tiny_settings;
  settings.loss_scale = scale;
  return settings;
}

}  // namespace

TEST_CASE("a scale that doubles at every step leaves the bits of an unscaled training: it is undone by itself") {
  for (double const clip : {0.0, 1e-3, 1.0}) {
    CAPTURE(clip);
    run_plan plan{.world = 2, .steps = 12};
    plan.settings.clip = clip;
    auto const unscaled = trained<cpu_backend<float>>(plan);
    plan.settings.loss_scale = loss_scale_settings{.initial = 16, .window = 1};
    auto const moving = trained<cpu_backend<float>>(plan);
    CHECK(moving.scales[3] == 8 * moving.scales[0]);
    CHECK(same_bits(unscaled.parameters, moving.parameters));
    CHECK(same_bits(unscaled.m, moving.m));
    CHECK(same_bits(unscaled.v, moving.v));
    CHECK(same_bits(unscaled.norms, moving.norms));
  }
}

TEST_CASE("one rank's overflow is skipped by all, and leaves no trace but in the scale") {
  auto const settings = scaled({.initial = 1024, .window = 100, .hysteresis = 1});
  auto const undisturbed = spoilt_training(4, settings, [](int) { spoilt_backend::expect(-1, -1); });
  auto const disturbed = spoilt_training(5, settings, [](int rank) { spoilt_backend::expect(rank == 2 ? 1 : -1, -1); });
  for (std::size_t rank = 0; rank < world; ++rank) {
    auto const& steps = disturbed[rank].steps;
    REQUIRE(steps.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(steps[i].skipped == (i == 1));
      CHECK(steps[i].step == static_cast<std::int64_t>(i) + 1);
      CHECK(steps[i].applied == static_cast<std::int64_t>(i) + (i < 1 ? 1 : 0));
      CHECK(*steps[i].loss_scale == (i <= 1 ? 1024 : 512));
      CHECK(std::isfinite(steps[i].loss));
    }
    CHECK(same_bits(disturbed[rank].parameters, undisturbed[rank].parameters));
    CHECK(steps[4].grad_norm == undisturbed[rank].steps[3].grad_norm);
  }
}

TEST_CASE("at the smallest scale all ranks stop at one step, with unit and rank") {
  auto const settings = scaled({.initial = 4, .window = 100, .hysteresis = 1, .minimum = 1});
  auto const stopped = spoilt_training(9, settings,
                                       [](int rank) { spoilt_backend::expect(rank == 3 ? 1 : -1, -1, rank == 3); });
  for (auto const& rank : stopped) {
    CHECK(rank.steps.size() == 3);  // one applied; 4 and 2 tried in vain, and 1 is the last
    CHECK(
        rank.error ==
        "zero3: finite gradients needed, received others at step 4 in unit 5 (head) from rank 3, at the smallest loss "
        "scale of 1");
  }
}

TEST_CASE("a NaN of forward stops all ranks, with the unit whose output it was first in") {
  // rank 1 runs eight layer forwards a step, four of them recomputed: call 10 is layer 2, unit 3, of step 2
  auto const prepare = [](int rank) { spoilt_backend::expect(-1, rank == 1 ? 10 : -1); };
  auto const message = "zero3: finite activations needed, received others at step 2 in unit 3 (layer2) from rank 1";
  for (auto const& settings : {tiny_settings, scaled({.dynamic = false, .initial = 8})}) {
    for (auto const& rank : spoilt_training(3, settings, prepare)) {
      CHECK(rank.steps.size() == 1);
      CHECK(rank.error == message);
    }
  }
  // a dynamic scale tries smaller ones, as DeepSpeed does
  for (auto const& rank : spoilt_training(3, scaled({.initial = 8}), prepare)) {
    CHECK(rank.steps.size() == 3);
    CHECK(rank.steps[1].skipped);
  }
}

TEST_CASE("a static scale skips an overflow and stays") {
  auto const settings = scaled({.dynamic = false, .initial = 8});
  for (auto const& rank : spoilt_training(3, settings, [](int r) { spoilt_backend::expect(r == 0 ? 1 : -1, -1); })) {
    REQUIRE(rank.steps.size() == 3);
    CHECK((rank.steps[1].skipped && !rank.steps[2].skipped));
    CHECK(*rank.steps[2].loss_scale == 8);
  }
}

TEST_CASE_TEMPLATE("a training taken up from what its ranks kept goes on with the same bits", Number, float, float16) {
  for (int stage : {0, 1, 3}) {
    CAPTURE(stage);
    run_ranks(3, [&](thread_communicator& ranks) {
      auto settings = tiny_settings;
      settings.stage = stage;
      if (half_width<Number>)
        settings.loss_scale = loss_scale_settings{.initial = 0x1p20, .window = 3, .hysteresis = 2};
      using engine_type = zero3<cpu_backend<Number>, thread_communicator>;
      engine_type whole{tiny_llama, settings, ranks};
      settings.seed += 1;  // what is not restored would differ
      engine_type resumed{tiny_llama, settings, ranks};
      auto const step = [&](engine_type& engine, int i) {
        return engine.step(tokens_of_rank(i, ranks.rank(), 3, settings, 53), 1e-2, false);
      };
      step(resumed, 7);  // its gathered units are of its own parameters
      for (int i = 0; i < 9; ++i) step(whole, i);
      for (std::size_t unit = 0; unit < whole.units().size(); ++unit) {
        auto const from = whole.kept(unit), to = resumed.kept(unit);
        std::ranges::copy(from.parameters, to.parameters.begin());
        std::ranges::copy(from.m, to.m.begin());
        std::ranges::copy(from.v, to.v.begin());
      }
      resumed.resume(whole.progress());
      CHECK(resumed.progress() == whole.progress());
      for (int i = 9; i < 15; ++i) {
        auto const a = step(whole, i), b = step(resumed, i);
        CHECK(a.loss == b.loss);
        CHECK(a.loss_scale == b.loss_scale);
        CHECK((a.step == b.step && a.applied == b.applied && a.skipped == b.skipped));
      }
      for (std::size_t unit = 0; unit < whole.units().size(); ++unit) {
        auto const a = whole.shard(unit).parameters, b = resumed.shard(unit).parameters;
        CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
      }
    });
  }
}
