#include <kunmetrics/memory.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto gib_each = GiB / processor;
constexpr bool near(double value, double published, double half) {
  return value - published <= half && published - value <= half;
}
constexpr std::int64_t n = 6'738'415'616;  // llama2-7b
static_assert(parameters(models::llama2_7b).total == n);

// 16 B/param / 8 = 12.551 GiB, 18 B/param / 8 = 14.120 GiB.
static_assert(near(model_state_memory(n, mixed_precision_adam, zero_stage::parameters, 8 * replica).in(gib_each),
                   12.551, 0.0005));
static_assert(near(model_state_memory(n, fp32_gradient_adam, zero_stage::parameters, 8 * replica).in(gib_each), 14.120,
                   0.0005));
constexpr double state(zero_stage stage) {
  return model_state_memory(8, mixed_precision_adam, stage, 4 * replica).in(byte / processor);
}
static_assert(state(zero_stage::none) == 8 * 16);
static_assert(state(zero_stage::optimizer) == 8 * 4 + 8 * 12 / 4);
static_assert(state(zero_stage::gradients) == 8 * 2 + 8 * 14 / 4);
static_assert(state(zero_stage::parameters) == 8 * 16 / 4);
static_assert(model_state_memory(8, mixed_precision_adam, zero_stage::parameters, 1 * replica).in(byte / processor) ==
              8 * 16);

// A layer of s b h = 1024 numbers at a s / h = 4: 34 + 20, and what the paper's table 2 makes of it at t = 2.
constexpr transformer gpt{.layers = 1,
                          .hidden = 32,
                          .heads = 4,
                          .kv_heads = 4,
                          .head_size = 8,
                          .ffn = 128,
                          .vocabulary = 8,
                          .gated_ffn = false};
constexpr double activations(layer_parallelism const& parallel, recompute recomputed) {
  return activation_memory(gpt, 32 * token / sample, 1 * sample / (replica * micro_step), parallel, recomputed)
             .in(byte / processor) /
         1024;
}
static_assert(output_memory(gpt, 32 * token / sample, 2 * sample / (replica * micro_step)).coherent() ==
              4.0 * 32 * 2 * static_cast<double>(gpt.hidden + gpt.vocabulary));
static_assert(output_memory(gpt, 32 * token / sample, 2 * sample / (replica * micro_step), 2).coherent() ==
              2.0 * 32 * 2 * static_cast<double>(gpt.hidden + gpt.vocabulary));
static_assert(activations({}, recompute::none) == 34 + 20);
static_assert(activations({.tensor = 2}, recompute::none) == 10 + 12 + 10);
static_assert(activations({.tensor = 2, .sequence = true}, recompute::none) == 17 + 10);
static_assert(activations({.tensor = 2}, recompute::selective) == 10 + 12);
static_assert(activations({.tensor = 2, .sequence = true}, recompute::selective) == 17);
static_assert(activations({.tensor = 2, .sequence = true}, recompute::layers) == 2);
static_assert(activations({.pipeline = 4}, recompute::layers) == 2,
              "the first of four stages keeps four micro-batches of a quarter");
static_assert(activations({.pipeline = 4, .interleaved = 3}, recompute::layers) == 2 * (1 + 3.0 / 12));

// DeepSpeed's own table: 2851e6 parameters, 32e6 in the largest layer, one node of eight.
constexpr deepspeed_estimate::setup t5_3b{
    .parameters = 2'851'000'000, .largest_layer = 32'000'000, .per_node = 8 * processor / node};
using deepspeed_estimate::offload;
static_assert(near(deepspeed_estimate::zero3(t5_3b, offload::none).in(gib_each), 6.09, 0.005));
static_assert(near(deepspeed_estimate::zero3(t5_3b, offload::optimizer_and_parameters).in(gib_each), 0.12, 0.005));
static_assert(near(deepspeed_estimate::zero3_cpu(t5_3b, offload::none, true).in(GiB / node), 1.43, 0.005));
static_assert(near(deepspeed_estimate::zero3_cpu(t5_3b, offload::none, false).in(GiB / node), 127.45, 0.005));
static_assert(near(deepspeed_estimate::zero3_cpu(t5_3b, offload::optimizer_and_parameters, false).in(GiB / node),
                   127.45, 0.005));
static_assert(near(deepspeed_estimate::zero2_cpu(t5_3b, offload::none).in(GiB / node), 127.45, 0.005));

// llama2-7b over eight: 15.686 GB by ZeRO-3's estimate, the embedding the largest layer.
constexpr deepspeed_estimate::setup llama{
    .parameters = n, .largest_layer = 131'072'000, .per_node = 8 * processor / node};
static_assert(near(deepspeed_estimate::zero3(llama, offload::none).in(GB / processor), 15.686, 0.0005));
}  // namespace

TEST_CASE("memory of nothing, of no rank, of a rank that is none") {
  CHECK_THROWS_WITH_AS(model_state_memory(0, {}, zero_stage::none, 1 * replica),
                       "model_state_memory: needed at least 1 parameter, received 0", precondition_error);
  CHECK_THROWS_WITH_AS(model_state_memory(1, {}, zero_stage::none, 0 * replica),
                       "model_state_memory: needed a positive number of replica, received 0", precondition_error);
  CHECK_THROWS_WITH_AS(model_state_memory(1, {.weight = -2}, zero_stage::none, 1 * replica),
                       "model_state_memory: needed at least 0 bytes a parameter, received -2", precondition_error);
  CHECK_THROWS_WITH_AS(activations({.tensor = 0}, recompute::none),
                       "layer_parallelism: needed at least 1 rank, received 0", precondition_error);
  CHECK_THROWS_WITH_AS(deepspeed_estimate::zero2({.per_node = 8 * processor / node}, offload::none),
                       "deepspeed_estimate: needed at least 1 parameter, received 0", precondition_error);
  CHECK_THROWS_AS(deepspeed_estimate::zero3_cpu({.parameters = 1}, offload::none, true), precondition_error);
}
