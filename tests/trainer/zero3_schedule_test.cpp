// The engine with a toy backend: which collectives happen when, what the arithmetic is by hand, and
// what a fault on one rank does to the others.
#include "training_run.hpp"

#include "toy_backend.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainer;
using toy = toy_backend<float>;

namespace {

// The collectives of rank 0: g for an all_gather, x for an all_to_all.
std::string collectives(run_plan plan) {
  std::string seen;
  plan.observe = [&](int rank, std::string_view operation, std::size_t) {
    if (rank == 0) seen += operation == "all_gather" ? 'g' : 'x';
  };
  trained<toy>(plan);
  return seen;
}

// The largest change of a parameter between two runs.
double farthest(training<float> const& a, training<float> const& b) {
  double most = 0;
  for (std::size_t unit = 0; unit < a.parameters.size(); ++unit) {
    for (std::size_t i = 0; i < a.parameters[unit].size(); ++i) {
      most = std::max<double>(most, std::abs(a.parameters[unit][i] - b.parameters[unit][i]));
    }
  }
  return most;
}

// Fails, or returns numbers that are not, in the backward of a chosen layer call of a chosen rank.
struct faulty_backend : toy {
  using toy::toy;
  inline static thread_local int calls_before_fault = -1;
  inline static thread_local bool throws = false;

  void layer_backward(std::span<float const> parameters, std::span<float const> x,
                      layer_activations& saved, std::span<float> dy_to_dx,
                      std::span<float> d_parameters) {
    toy::layer_backward(parameters, x, saved, dy_to_dx, d_parameters);
    if (calls_before_fault-- != 0) return;
    if (throws) throw std::domain_error("no such kernel");
    d_parameters[d_parameters.size() / 7] = std::numeric_limits<float>::quiet_NaN();
  }
};

// Runs three steps on four ranks with a fault on rank 2; returns what each rank threw.
std::vector<std::string> messages_with_fault(int calls_before_fault, bool throws) {
  std::vector<std::string> messages(4);
  auto const body = [&](thread_communicator& ranks) {
    faulty_backend::calls_before_fault = ranks.rank() == 2 ? calls_before_fault : -1;
    faulty_backend::throws = throws;
    zero3<faulty_backend, thread_communicator> engine{tiny_llama, tiny_settings, ranks};
    try {
      for (int step = 0; step < 3; ++step) {
        engine.step(tokens_of_rank(step, ranks.rank(), 4, tiny_settings, 53), 1e-3, false);
      }
    } catch (std::exception const& error) {
      messages[static_cast<std::size_t>(ranks.rank())] = error.what();
      throw;
    }
  };
  CHECK_THROWS_AS(run_ranks(4, body), rank_failure);
  return messages;
}

}  // namespace

TEST_CASE("prefetch gathers the next unit before the present one computes, and nothing twice") {
  run_plan plan{.world = 2, .steps = 1};
  // forward: embedding, layers 1 to 4, head; backward: head, 4, then (2) 3, (1) 2, 1, embedding;
  // the summary of the step; after it the evaluation: forward, and the losses
  CHECK(collectives(plan) == "gggggg" "x" "x" "gx" "gx" "x" "x" "g" "gggggg" "g");
  plan.settings.prefetch = false;
  CHECK(collectives(plan) == "gggggg" "x" "x" "x" "gx" "gx" "x" "g" "gggggg" "g");
}

TEST_CASE("layers left over from one micro-step serve the next, but not the next step") {
  run_plan plan{.world = 2, .steps = 2};
  plan.settings.gradient_accumulation_steps = 2;
  std::string const first = "gggggg" "xxgxgxxx";
  std::string const again = "gggg" "xxgxgxxx";  // layers 1 and 2 are there
  auto const step = first + again + "g";
  auto const evaluation = "gggggg" "gggggg" "g";
  CHECK(collectives(plan) == step + step + evaluation);
}

TEST_CASE("one or two layers never leave their buffers within a step") {
  run_plan plan{.world = 2, .steps = 1};
  plan.settings.gradient_accumulation_steps = 2;
  plan.shape.layers = 1;
  CHECK(collectives(plan) == "ggg" "xxx" "gg" "xxx" "g" "ggg" "gg" "g");
  plan.shape.layers = 2;
  CHECK(collectives(plan) == "gggg" "xxxx" "gg" "xxxx" "g" "gggg" "gg" "g");
}

TEST_CASE("a step moves the bytes of ZeRO-3") {
  std::int64_t gathered = 0;
  std::int64_t reduced = 0;
  run_plan plan{.world = 4, .steps = 1};
  plan.observe = [&](int rank, std::string_view operation, std::size_t bytes) {
    if (rank == 0) (operation == "all_gather" ? gathered : reduced) += static_cast<int>(bytes);
  };
  trained<toy>(plan);
  auto const units = cuts(tiny_llama, 4);
  std::int64_t whole = 0;
  std::int64_t message = 8 * (5 + 1);
  for (auto const& unit : units) {
    whole += 4 * unit.padded();
    message += 8 * unit.blocks_per_shard();
  }
  auto const layer = 4 * units[1].padded();
  auto const evaluation = whole + 4 * 8;
  CHECK(reduced == whole);
  CHECK(gathered == whole + 2 * layer + 4 * message + evaluation);
}

TEST_CASE("units of more than 4096 blocks of 64 leave the same bits for every number of ranks") {
  run_plan plan{.steps = 3};
  plan.shape.vocabulary = 20'011;  // an embedding of 300,165 numbers: blocks of 128
  CHECK(block_elements(llama_units(plan.shape)[0].numel) == 128);
  plan.settings.gradient_accumulation_steps = 6;
  auto const alone = trained<toy>(plan);
  for (int world : {2, 3, 6}) {
    CAPTURE(world);
    plan.world = world;
    plan.settings.gradient_accumulation_steps = 6 / world;
    CHECK(same_bits(alone, trained<toy>(plan)));
  }
}

TEST_CASE("the first step of AdamW moves by the learning rate, whatever the number of ranks") {
  // With m = v = 0 before, corrected m / sqrt(corrected v) is the sign of the gradient.
  run_plan plan{.world = 3, .steps = 1, .learning_rate = 1e-3};
  plan.settings.adamw = {.epsilon = 1e-12, .weight_decay = 0};
  plan.settings.clip = 0;
  auto unmoved = plan;
  unmoved.learning_rate = 0;
  CHECK(farthest(trained<toy>(plan), trained<toy>(unmoved)) == doctest::Approx(1e-3).epsilon(1e-3));
}

TEST_CASE("what a step reports") {
  run_ranks(3, [](thread_communicator& ranks) {
    auto settings = tiny_settings;
    settings.gradient_accumulation_steps = 2;
    zero3<toy, thread_communicator> engine{tiny_llama, settings, ranks};
    auto const tokens = tokens_of_rank(0, ranks.rank(), 3, settings, 53);
    auto const before = engine.loss(tokens);
    auto const first = engine.step(tokens, 1e-3, false);
    CHECK(first.step == 1);
    CHECK(first.applied == 1);
    CHECK_FALSE(first.skipped);
    CHECK_FALSE(first.loss_scale);
    CHECK(first.loss == before);  // the loss of a step is that of the parameters it began with
    CHECK(first.tokens == 3 * 2 * 2 * 7);
    CHECK(first.learning_rate == 1e-3);
    CHECK_FALSE(first.stop);
    auto const second = engine.step(tokens, 2e-3, ranks.rank() == 1);
    CHECK(second.step == 2);
    CHECK(second.loss < first.loss);
    CHECK(second.stop);  // on every rank, though one alone wants it
    CHECK(engine.applied_steps() == 2);
  });
}

TEST_CASE("the phase hook hears every change of phase") {
  std::vector<phase> heard;
  run_ranks(1, [&](thread_communicator& ranks) {
    auto shape = tiny_llama;
    shape.layers = 1;
    auto const hear = [&](phase entered) { heard.push_back(entered); };
    zero3<toy, thread_communicator, decltype(hear)> engine{shape, tiny_settings, ranks, hear};
    engine.step(tokens_of_rank(0, 0, 1, tiny_settings, 53), 1e-3, false);
  });
  using enum phase;
  CHECK(heard == std::vector{forward, communication, forward, communication, forward, communication,
                             forward, backward, communication, backward, communication, backward,
                             communication, backward, optimizer, communication, optimizer});
}

TEST_CASE("a gradient that is not finite stops all ranks with step and unit") {
  // Rank 2 runs four layer backwards a step, from the top: call 5 is layer 2, unit 3, of step 2.
  for (auto const& message : messages_with_fault(5, false)) {
    CHECK(message ==
          "zero3: finite gradients needed, received others at step 2 in unit 3 (layer2) from rank 2");
  }
}

TEST_CASE("a rank that throws in mid-step stops all ranks") {
  auto const messages = messages_with_fault(6, true);
  CHECK(messages[2] == "no such kernel");
  for (std::size_t other : {0U, 1U, 3U}) {
    CHECK(messages[other] == "aborted: rank 2: no such kernel");
  }
}

TEST_CASE("a rank that fails at any collective of a step stops all ranks") {
  run_plan plan{.world = 3, .steps = 2};
  int const collectives_of_two_steps = 2 * (6 + 8 + 1);
  for (int at = 0; at < collectives_of_two_steps; ++at) {
    CAPTURE(at);
    std::vector<int> seen(3);
    plan.observe = [&](int rank, std::string_view, std::size_t) {
      if (seen[static_cast<std::size_t>(rank)]++ == at && rank == at % 3) {
        throw std::runtime_error("link lost");
      }
    };
    std::string message;
    try {
      trained<toy>(plan);
    } catch (rank_failure const& failure) {
      message = failure.what();
    }
    CHECK(message == "rank " + std::to_string(at % 3) + " of 3: link lost");
  }
}

TEST_CASE("tokens that are no whole micro-batches, or not the step's, are refused") {
  run_ranks(1, [](thread_communicator& ranks) {
    zero3<toy, thread_communicator> engine{tiny_llama, tiny_settings, ranks};
    std::vector<std::int32_t> const tokens(28);
    CHECK_THROWS_WITH_AS(engine.step(tokens, 1e-3, false),
                         "zero3: tokens of 1 micro-batches needed, received 2",
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(engine.step(std::span{tokens}.first(13), 1e-3, false),
                         "zero3: whole micro-batches of 14 tokens needed, received 13 tokens",
                         std::invalid_argument);
    CHECK_THROWS_AS(engine.loss({}), std::invalid_argument);
  });
}
