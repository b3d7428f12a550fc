#include <kunmetrics/transformer.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace {
using namespace kunmetrics;

constexpr transformer tiny{.name = "tiny", .layers = 2, .hidden = 8, .heads = 4, .kv_heads = 2, .head_size = 3, .ffn = 10, .vocabulary = 50};

// By hand: a layer has q 8*12 + k, v 2*8*6 + o 12*8 = 288 and gate, up, down 3*80 = 240.
static_assert(matmul_parameters_per_layer(tiny) == 288 + 240);
static_assert(parameters(tiny).matmul == 2 * 528 + 400);
static_assert(parameters(tiny).embedding == 400);
static_assert(parameters(tiny).total == 2 * 528 + 400 + 400 + (2 * 2 + 1) * 8);

constexpr transformer with_plain_ffn = [] {
  transformer model = tiny;
  model.gated_ffn = false;
  return model;
}();
static_assert(parameters(tiny).total - parameters(with_plain_ffn).total == 2 * 80);

constexpr transformer tied = [] {
  transformer model = tiny;
  model.tied_embedding = true;
  return model;
}();
static_assert(parameters(tied).total == parameters(tiny).total - 400, "a tied embedding is stored once");
static_assert(parameters(tied).matmul == parameters(tiny).matmul, "and multiplied all the same");
}  // namespace

TEST_CASE("a shape that cannot be is refused with its field and value") {
  transformer model = tiny;
  model.kv_heads = 3;
  CHECK_THROWS_WITH_AS(parameters(model), "transformer.kv_heads: needed a divisor of heads = 4, received 3", precondition_error);
  model = tiny;
  model.layers = 0;
  CHECK_THROWS_WITH_AS(parameters(model), "transformer.layers: needed a positive number, received 0", precondition_error);
  model = tiny;
  model.ffn = -1;
  CHECK_THROWS_WITH_AS(parameters(model), "transformer.ffn: needed a positive number, received -1", precondition_error);
  model = tiny;
  model.vocabulary = std::numeric_limits<std::int64_t>::max() / 2;
  CHECK_THROWS_AS(parameters(model), precondition_error);
}
