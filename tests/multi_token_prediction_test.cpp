#include <kunmetrics/fine_tuning.hpp>
#include <kunmetrics/models.hpp>
#include <kunmetrics/multi_token_prediction.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

template <typename Work>
constexpr double of(std::int64_t sequence_length, transformer const& model) {
  return Work::per_token(model, sequence_length * token / sample).in(flop / token);
}
template <typename Convention>
using mtp = flops::with_prediction_layers<Convention>;

static_assert(mtp<flops::causal>::name == "causal_mtp");
static_assert(of<mtp<flops::causal>>(4096, models::llama2_7b) == of<flops::causal>(4096, models::llama2_7b),
              "no such layer");

// A dense model: one layer more, the joining product, the output product again.
constexpr transformer dense = [] { auto m = models::llama2_7b; m.prediction_layers = 2; return m; }();
constexpr double layer = 6.0 * (4 * 4096 * 4096 + 3 * 4096 * 11008) + 6.0 * 4096 * 4096;
static_assert(of<mtp<flops::causal>>(4096, dense) - of<flops::causal>(4096, dense) ==
              2 * (layer + 6.0 * 2 * 4096 * 4096 + 6.0 * 32000 * 4096));

// Frozen, a prediction layer is as any other, and can't be put on top of what is frozen already.
static_assert(of<flops::frozen<mtp<flops::six_n_matmul>>>(1, dense) * 3 == of<mtp<flops::six_n_matmul>>(1, dense) * 2);
template <typename Convention>
concept takes_prediction_layers = requires { typename mtp<Convention>; };
static_assert(takes_prediction_layers<flops::causal> && !takes_prediction_layers<flops::frozen<flops::causal>>);

// The prediction layer of a mixture has experts, whatever the first layers are.
constexpr transformer mixed = [] {
  auto m = models::mixtral_8x7b;
  m.ffn = 1;
  m.moe.layers = 3;
  m.prediction_layers = 1;
  return m;
}();
static_assert(of<mtp<flops::six_n_matmul>>(1, mixed) - of<flops::six_n_matmul>(1, mixed) ==
              6.0 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 2 * 3 * 4096 * 14336 + 8 * 4096 + 2 * 4096 * 4096 +
                     32000 * 4096));

// Recomputation runs the prediction layer again, its output product not.
static_assert(of<hardware_work<mtp<flops::causal>, recompute::layers>>(4096, dense) -
                  of<mtp<flops::causal>>(4096, dense) ==
              (34 * layer + 2 * 6.0 * 2 * 4096 * 4096) / 3);
}  // namespace

TEST_CASE("DeepSeek-V3 with its prediction layer, at 4096 tokens: 260.0 GFLOP per token by Megatron's count") {
  transformer const model{.layers = 61,
                          .hidden = 7168,
                          .heads = 128,
                          .kv_heads = 128,
                          .head_size = 192,
                          .ffn = 18432,
                          .vocabulary = 129280,
                          .value_head_size = 128,
                          .latent = {.kv_rank = 512, .query_rank = 1536, .rope_head_size = 64},
                          .moe = {.experts = 256, .active = 8, .expert_ffn = 2048, .shared_ffn = 2048, .layers = 58},
                          .prediction_layers = 1};
  CHECK(of<mtp<flops::causal_no_router>>(4096, model) == doctest::Approx(260.0e9).epsilon(2e-4));
  CHECK(of<flops::causal_no_router>(4096, model) == doctest::Approx(249.8e9).epsilon(2e-4));
}

TEST_CASE("a negative number of prediction layers") {
  auto model = models::llama2_7b;
  model.prediction_layers = -1;
  CHECK_THROWS_WITH_AS(mtp<flops::causal>::per_token(model, 1 * token / sample),
                       "transformer.prediction_layers: needed a number of at least 0, received -1", precondition_error);
}
