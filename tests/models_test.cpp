#include <kunmetrics/models.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;

// Published totals of the Hugging Face checkpoints; N_mat as shared by the conventions.
static_assert(parameters(models::llama2_7b).total == 6'738'415'616);
static_assert(parameters(models::llama2_7b).matmul == 6'607'077'376);
static_assert(parameters(models::llama2_13b).total == 13'015'864'320);
static_assert(parameters(models::llama2_70b).total == 68'976'648'192);
static_assert(model_named("llama2-70b")->kv_heads == 8);
static_assert(!model_named("llama2"), "no name is guessed");
static_assert(!model_named(""));
}  // namespace

TEST_CASE("every named model is valid and found under its name") {
  for (transformer const& model : models::all) {
    CAPTURE(model.name);
    CHECK(model_named(model.name)->layers == model.layers);
    // The advertised size is within 8 % of the count.
    double const ratio = static_cast<double>(parameters(model).total) / static_cast<double>(model.nominal_parameters);
    CHECK(ratio > 0.92);
    CHECK(ratio < 1.08);
  }
}
