// Counts by hand, one part of a shape at a time.
#include <kunmetrics/parameters.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace {
using namespace kunmetrics;

constexpr transformer tiny{
    .name = "tiny", .layers = 2, .hidden = 8, .heads = 4, .kv_heads = 2, .head_size = 3, .ffn = 10, .vocabulary = 50};

template <typename Change>
constexpr parameter_counts with(Change change) {
  transformer model = tiny;
  change(model);
  return parameters(model);
}
template <typename Change>
constexpr std::int64_t more(Change change) {
  return with(change).total - parameters(tiny).total;
}

// A layer has q 8*12 + k, v 2*8*6 + o 12*8 = 288 and gate, up, down 3*80 = 240.
static_assert(layers_matmul_parameters(tiny) == 2 * (288 + 240));
static_assert(layers_active_parameters(tiny) == 2 * (288 + 240 + 2 * 8));
static_assert(parameters(tiny).matmul == 2 * 528 + 400);
static_assert(parameters(tiny).embedding == 400);
static_assert(parameters(tiny).total == 2 * 528 + 400 + 400 + (2 * 2 + 1) * 8);
static_assert(parameters(tiny).active == parameters(tiny).total);

static_assert(more([](auto& m) { m.gated_ffn = false; }) == -2 * 80);
static_assert(more([](auto& m) { m.tied_embedding = true; }) == -400, "a tied embedding is stored once");
static_assert(with([](auto& m) { m.tied_embedding = true; }).matmul == parameters(tiny).matmul,
              "and multiplied all the same");
static_assert(more([](auto& m) { m.norm = norm_kind::layer; }) == 5 * 8);
static_assert(more([](auto& m) { m.norms_per_layer = 4; }) == 2 * 2 * 8);
static_assert(more([](auto& m) { m.embedding_norm = true; }) == 8);
static_assert(more([](auto& m) { m.learned_positions = 7; }) == 56);
static_assert(more([](auto& m) { m.qkv_bias = true; }) == 2 * (12 + 6 + 6));
static_assert(more([](auto& m) { m.output_bias = true; }) == 2 * 8);
static_assert(more([](auto& m) { m.ffn_bias = true; }) == 2 * (10 + 10 + 8));
static_assert(more([](auto& m) { m.head_bias = true; }) == 50);
static_assert(more([](auto& m) { m.attention_sinks = true; }) == 2 * 4);
static_assert(more([](auto& m) { m.qk_norm = query_key_norm::per_head; }) == 2 * 2 * 3);
static_assert(more([](auto& m) { m.qk_norm = query_key_norm::whole; }) == 2 * (12 + 6));
static_assert(more([](auto& m) { m.final_norm = false; }) == -8);
static_assert(more([](auto& m) { m.embedding_width = 5; }) == 2 * (50 * 5 - 400) + 2 * 8 * 5);
static_assert(with([](auto& m) { m.embedding_width = 5; }).matmul == 2 * 528 + 50 * 5 + 2 * 8 * 5);
constexpr auto layer_norms = [](auto& m) { m.norm = norm_kind::layer; };
static_assert(with([](auto& m) { layer_norms(m), m.qk_norm = query_key_norm::per_head; }).total -
                  with(layer_norms).total ==
              2 * 2 * 6);
static_assert(with([](auto& m) {
                layer_norms(m), m.qk_norm = query_key_norm::per_head, m.qk_norm_bias = false;
              }).total -
                  with(layer_norms).total ==
              2 * 2 * 3);
static_assert(more([](auto& m) { m.value_head_size = 5; }) == 2 * (8 * 2 * 2 + 4 * 2 * 8));

// Latent: q 8*6 + 6*4*3, kv 8*(5 + 1) + 5*4*(3 - 1 + 2), o 4*2*8, norms 6 + 5.
constexpr auto latent = [](auto& m) {
  m.kv_heads = 4;
  m.value_head_size = 2;
  m.latent = {.kv_rank = 5, .query_rank = 6, .rope_head_size = 1};
};
static_assert(with(latent).matmul == 2 * (120 + 48 + 80 + 64 + 240) + 400);
static_assert(with(latent).total == with(latent).matmul + 400 + 40 + 2 * 11);
static_assert(with([](auto& m) { latent(m), m.qkv_bias = true; }).total - with(latent).total == 2 * (6 + 5 + 1));

// Experts of 3*8*6 = 144, three chosen of five; shared ones of 3*8*4 = 96 with a gate of 8; router 40.
constexpr auto experts = [](auto& m) {
  m.moe = {.experts = 5, .active = 3, .expert_ffn = 6, .shared_ffn = 4, .shared_gate = true, .layers = 1};
};
static_assert(with(experts).router == 40);
static_assert(with(experts).matmul == (288 + 240) + (288 + 3 * 144 + 96 + 8 + 40) + 400);
static_assert(with(experts).total == (288 + 240) + (288 + 5 * 144 + 96 + 8 + 40) + 400 + 400 + 40);
static_assert(with(experts).active == with(experts).total - 2 * 144);
constexpr auto biased_experts = [](auto& m) {
  experts(m);
  m.ffn_bias = true;
  m.moe.router_bias = true;
};
static_assert(with(biased_experts).total - with(experts).total == 28 + 5 * (6 + 6 + 8) + 5);
static_assert(with(biased_experts).active - with(experts).active == 28 + 3 * (6 + 6 + 8) + 5);
}  // namespace

TEST_CASE("a count beyond 64 bits is an error, not a wrap") {
  transformer model = tiny;
  model.vocabulary = std::numeric_limits<std::int64_t>::max() / 2;
  CHECK_THROWS_AS(static_cast<void>(parameters(model)), precondition_error);
  model = tiny;
  model.moe = {.experts = std::int64_t{1} << 40, .active = 1, .expert_ffn = std::int64_t{1} << 40, .layers = 1};
  CHECK_THROWS_AS(static_cast<void>(parameters(model)), precondition_error);
}
