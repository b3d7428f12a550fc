#include <kunmetrics/conventions.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

template <typename Work>
constexpr double of(std::int64_t sequence_length, transformer const& model) {
  return Work::per_token(model, sequence_length * token / sample).in(flop / token);
}

// Without a window half of the square is half of it; with one, MaxText's W/2 is less than what the mask leaves.
static_assert(of<flops::causal_half_window>(4096, models::llama2_7b) == of<flops::causal>(4096, models::llama2_7b));
constexpr transformer windowed{.layers = 2,
                               .hidden = 8,
                               .heads = 2,
                               .kv_heads = 2,
                               .head_size = 4,
                               .ffn = 16,
                               .vocabulary = 10,
                               .windowed = {.window = 16, .layers = 1}};
static_assert(of<flops::causal>(64, windowed) - of<flops::six_n_matmul>(64, windowed) == 6 * 2 * 8 * (32 + 16 - 2));
static_assert(of<flops::causal_half_window>(64, windowed) - of<flops::six_n_matmul>(64, windowed) ==
              6 * 2 * 8 * (32 + 8));
static_assert(of<flops::causal_half_window>(512, models::mixtral_8x7b) -
                  of<flops::causal_half_window_no_router>(512, models::mixtral_8x7b) == 6.0 * 32 * 4096 * 8);

// GPT-3 175B, V = 51200, S = 2048: 96 * 12288^2 is what a layer's row of the formulas stands on.
constexpr transformer gpt3{.layers = 96, .hidden = 12288, .heads = 96, .kv_heads = 96, .head_size = 128, .ffn = 49152,
                           .vocabulary = 51200, .gated_ffn = false};
constexpr double square = 96.0 * 12288 * 12288;
static_assert(of<flops::megatron_layers>(2048, gpt3) == 72 * square);
static_assert(of<hardware_work<flops::megatron_layers, recompute::layers>>(2048, gpt3) == 96 * square, "8 * 12 L h^2");
static_assert(of<flops::megatron_selective>(2048, gpt3) ==
              72 * square + 24.0 * 96 * 12288 * 2048 + 6.0 * 51200 * 12288, "72 L h^2 (1 + S/3h + V/12Lh)");
static_assert(of<flops::megatron_selective>(2048, gpt3) >
              of<hardware_work<flops::megatron_model, recompute::selective>>(2048, gpt3));
}  // namespace

TEST_CASE("a shape that is none has no work") {
  CHECK_THROWS_AS(flops::megatron_layers::per_token(transformer{}, 1 * token / sample), precondition_error);
  CHECK_THROWS_AS(flops::causal_half_window::per_token(transformer{}, 1 * token / sample), precondition_error);
}
