// The plan equals the ledger of an engine that has trained, part by part.
#include "memory_plan.hpp"

#include "cpu_backend.hpp"
#include "toy_backend.hpp"
#include "training_run.hpp"

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
                   cpu_backend<double>, toy_backend<float>) {
  for (int world : {1, 2, 4, 8}) {
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

TEST_CASE("llama2-7b on eight ranks: the bytes by hand") {
  llama_shape const llama2_7b{.layers = 32, .hidden = 4096, .heads = 32, .kv_heads = 32,
                              .head_size = 128, .ffn = 11008, .vocabulary = 32000};
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
  CHECK(plan[memory_part::exchange] == 4 * 8 * layer + 9 * 8 * (2 + 1 + 33 * 512 + 511));
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
