#include <kunmetrics/io/layer_slice.hpp>

#include <kunmetrics/models.hpp>
#include <kunmetrics/parameters.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using trainer_test::message_of;

hf_model named(std::string const& name) { return {.name = name, .sizes = *model_named(name)}; }
}  // namespace

TEST_CASE("a slice has the parameters of its layers, no advertised size, and says what it is") {
  auto model = named("llama2-7b");
  auto const whole = parameters(model.shape()).total;
  auto const note = keep_layers(model, 2);
  REQUIRE(note.has_value());
  CHECK(note->en == "2/32 layers of the model, at its full width");
  CHECK(note->zh.find("2/32") != std::string::npos);
  CHECK(model.name == "llama2-7b, 2 layers");
  CHECK(model.sizes.nominal_parameters == 0);
  // q, k, v, o of 4096², the three of the FFN, two norms
  CHECK(whole - parameters(model.shape()).total == std::int64_t{30} * (4 * 4096 * 4096 + 3 * 4096 * 11008 + 2 * 4096));
}

TEST_CASE("all layers are no slice; the name of one is in the singular") {
  auto model = named("llama2-7b");
  CHECK(!keep_layers(model, 32));
  CHECK(model.name == "llama2-7b");
  CHECK(keep_layers(model, 1));
  CHECK(model.name == "llama2-7b, 1 layer");
}

TEST_CASE("experts or windows in every layer are in every layer of the slice; in some, no slice is the model's") {
  hf_model model{.name = "m", .sizes = models::llama2_7b};
  model.sizes.moe = {.experts = 8, .active = 2, .expert_ffn = 128, .layers = 32};
  REQUIRE(keep_layers(model, 4));
  CHECK(model.sizes.moe.layers == 4);
  model.sizes.windowed = {.window = 512, .layers = 2};
  CHECK(message_of([&] { keep_layers(model, 3); }) ==
        "--layers: needed a model whose layers are all alike, found m, 4 layers, 2 of whose 4 differ");
  CHECK(model.sizes.layers == 4);
}

TEST_CASE("more layers than there are, or none, are refused") {
  auto model = named("llama2-7b");
  CHECK(message_of([&] { keep_layers(model, 33); }) == "--layers: needed at most the model's 32, found 33");
  CHECK_THROWS_AS(keep_layers(model, 0), precondition_error);
}
