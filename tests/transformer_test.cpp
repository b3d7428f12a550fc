// A shape that cannot be is refused with its field and value.
#include <kunmetrics/transformer.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;

constexpr transformer tiny{
    .name = "tiny", .layers = 2, .hidden = 8, .heads = 4, .kv_heads = 2, .head_size = 3, .ffn = 10, .vocabulary = 50};
static_assert((require_valid(tiny), true));
static_assert(tiny.value_size() == 3);
static_assert(tiny.dense_layers() == 2);

template <typename Change>
void refused(Change change, char const* message) {
  transformer model = tiny;
  change(model);
  CHECK_THROWS_WITH_AS(require_valid(model), message, precondition_error);
}
}  // namespace

TEST_CASE("sizes out of range") {
  refused([](auto& m) { m.kv_heads = 3; }, "transformer.kv_heads: needed a divisor of heads = 4, received 3");
  refused([](auto& m) { m.layers = 0; }, "transformer.layers: needed a positive number, received 0");
  refused([](auto& m) { m.ffn = -1; }, "transformer.ffn: needed a positive number, received -1");
  refused([](auto& m) { m.learned_positions = -1; },
          "transformer.learned_positions: needed a number of at least 0, received -1");
  refused([](auto& m) { m.embedding_width = -1; },
          "transformer.embedding_width: needed a number of at least 0, received -1");
  refused([](auto& m) { m.norms_per_layer = -1; },
          "transformer.norms_per_layer: needed a number of at least 0, received -1");
}

TEST_CASE("parts larger than their whole") {
  refused([](auto& m) { m.windowed = {.window = 4, .layers = 3}; },
          "transformer.windowed.layers: needed at most layers = 2, received 3");
  refused([](auto& m) { m.windowed = {.layers = 1}; },
          "transformer.windowed.window: needed a positive number, received 0");
  refused([](auto& m) { m.moe = {.experts = 4, .active = 5, .expert_ffn = 6, .layers = 1}; },
          "transformer.moe.active: needed at most moe.experts = 4, received 5");
  refused([](auto& m) { m.moe = {.experts = 4, .active = 2, .layers = 1}; },
          "transformer.moe.expert_ffn: needed a positive number, received 0");
  refused([](auto& m) { m.moe = {.experts = 4, .active = 2, .expert_ffn = 6, .layers = 3}; },
          "transformer.moe.layers: needed at most layers = 2, received 3");
  refused([](auto& m) { m.latent = {.kv_rank = 4, .rope_head_size = 4}; },
          "transformer.latent.rope_head_size: needed at most head_size = 3, received 4");
}

TEST_CASE("a model of experts alone needs no plain FFN") {
  transformer model = tiny;
  model.ffn = 0;
  model.moe = {.experts = 4, .active = 2, .expert_ffn = 6, .layers = 2};
  CHECK_NOTHROW(require_valid(model));
}
