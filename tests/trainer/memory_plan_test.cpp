// The plan equals the ledger of an engine that has trained, part by part.
#include "memory_plan.hpp"

#include "cpu_backend.hpp"
#include "toy_backend.hpp"
#include "training_run.hpp"

#include <kunmetrics/memory.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <stdexcept>

using namespace trainer;

namespace {

template <class Backend>
void check_plan(run_plan const& run) {
  auto const plan = memory_plan<Backend>(run.shape, run.settings, run.world);
  auto const result = trained<Backend>(run);
  for (auto const* held : {&result.live, &result.peak}) {
    for (auto const& rank : *held) {
      for (std::size_t part = 0; part < memory_part_names.size(); ++part) {
        CAPTURE(memory_part_names[part]);
        CHECK(plan.bytes[part] == rank.bytes[part]);
      }
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("the plan is what the ledger counts", Backend, cpu_backend<float>,
                   cpu_backend<double>, cpu_backend<bfloat16>, cpu_backend<float16>, toy_backend<float>) {
  for (int world : {1, 2, 3, 8}) {
    for (auto const policy : {recompute::none, recompute::layers}) {
      for (std::int64_t layers : {1, 2, 5}) {
        CAPTURE(world);
        CAPTURE(layers);
        run_plan run{.world = world, .steps = 1};
        run.shape.layers = layers;
        run.settings.recompute = policy;
        run.settings.gradient_accumulation_steps = 2;
        check_plan<Backend>(run);
      }
    }
  }
}

TEST_CASE_TEMPLATE("at every stage too", Backend, cpu_backend<float>, cpu_backend<float16>) {
  for (int world : {1, 3}) {
    for (int stage : {0, 1, 2, 3}) {
      CAPTURE(world);
      CAPTURE(stage);
      run_plan run{.world = world, .steps = 2};
      run.settings.stage = stage;
      check_plan<Backend>(run);
    }
  }
}

namespace {
constexpr llama_shape llama2_7b{.layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                                .head_size = 128, .ffn = 11008, .vocabulary = 32000};

// Bytes a rank keeps of the model's state, whatever unit is at work, for numbers stored as Number.
template <class Number>
double state_bytes_of(int stage, std::int64_t world) {
  zero3_settings const settings{.samples = 1, .sequence_length = 16, .stage = stage};
  auto const plan = memory_plan<cpu_backend<Number>>(llama2_7b, settings, world);
  auto bytes = plan[memory_part::parameters] + plan[memory_part::gradients] + plan[memory_part::optimizer_state];
  if (stage < 3) bytes += plan[memory_part::gathered_units];
  if (stage < 2) bytes += plan[memory_part::unit_gradients];
  return static_cast<double>(bytes);
}
}  // namespace

TEST_CASE_TEMPLATE("the stages keep what kunmetrics/memory.hpp says they do", Number, float, bfloat16, float16) {
  constexpr std::int64_t total = 6'738'415'616, stored = sizeof(Number);
  for (std::int64_t world : {1, 8, 64}) {
    for (int stage : {0, 1, 2, 3}) {
      auto const expected =
          model_state_memory(total, {.weight = stored, .gradient = stored, .optimizer = 12},
                             static_cast<kunmetrics::zero_stage>(stage), world * kunmetrics::units::replica);
      // beside that the fp32 sums' shard, without the 16-bit shards of gradients and parameters
      auto const more = 4 - (stage >= 2 ? stored : 0) - (stage >= 3 ? stored : 0);
      auto const bytes = static_cast<double>(expected.coherent()) +
                         static_cast<double>(more * total) / static_cast<double>(world);
      CAPTURE(stage);
      CAPTURE(world);
      CHECK(state_bytes_of<Number>(stage, world) == doctest::Approx(bytes).epsilon(0.01));  // padding
    }
  }
  CHECK(state_bytes_of<Number>(3, 8) == doctest::Approx(16.0 * total / 8).epsilon(0.002));  // 0.12 % of padding
}

TEST_CASE("llama2-7b on eight ranks: the bytes by hand") {
  zero3_settings const settings{.samples = 12, .sequence_length = 512};
  auto const plan = memory_plan<toy_backend<float>>(llama2_7b, settings, 8);
  // A layer: 4091 blocks of 49,472 elements, 512 of them a shard. Embedding: 4096 blocks of 32,000,
  // 512 a shard. Head, 4096 elements more: 4088 blocks of 32,064, 511 a shard, which is the larger.
  std::int64_t const layer = 512 * 49'472;
  std::int64_t const head = 511 * 32'064;
  std::int64_t const edges = 512 * 32'000 + head;
  CHECK(plan[memory_part::parameters] == 4 * (32 * layer + edges));
  CHECK(plan[memory_part::optimizer_state] == 8 * (32 * layer + edges));
  CHECK(plan[memory_part::gathered_units] == 4 * 8 * (2 * layer + head));
  CHECK(plan[memory_part::unit_gradients] == 4 * 8 * layer);
  CHECK(plan[memory_part::saved_inputs] == 4LL * 33 * 12 * 512 * 4096);
  CHECK(plan[memory_part::exchange] == 4 * 8 * layer + 9 * 8 * (5 + 1 + 33 * 512 + 511));
  CHECK(plan.total() > std::int64_t{13} << 30);
}

TEST_CASE("settings that cannot be used are refused by name") {
  auto const planned = [](zero3_settings const& settings) {
    return memory_plan<toy_backend<float>>(tiny_llama, settings, 2);
  };
  CHECK_THROWS_WITH_AS(planned({.samples = 0, .sequence_length = 4}),
                       "zero3_settings: samples of at least 1 needed, received 0",
                       std::invalid_argument);
  CHECK_THROWS_AS(planned({.samples = 1}), std::invalid_argument);
  CHECK_THROWS_AS(planned({.sequence_length = 4, .gradient_accumulation_steps = -1}),
                  std::invalid_argument);
  CHECK_THROWS_AS(planned({.sequence_length = 4, .clip = -1}), std::invalid_argument);
  CHECK_THROWS_WITH_AS(planned({.sequence_length = 4, .recompute = recompute::selective}),
                       "zero3_settings: recompute of none or layers needed, received selective",
                       std::invalid_argument);
}
