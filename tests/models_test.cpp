#include <kunmetrics/models.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;

// Published totals of the Hugging Face checkpoints; N_mat as shared by the conventions.
static_assert(parameters(models::llama2_7b).total == 6'738'415'616);
static_assert(parameters(models::llama2_7b).matmul == 6'607'077'376);
static_assert(parameters(models::llama2_13b).total == 13'015'864'320);
static_assert(parameters(models::llama2_70b).total == 68'976'648'192);
static_assert(parameters(models::llama3_8b).total == 8'030'261'248);
static_assert(parameters(models::llama3_70b).total == 70'553'706'496);
static_assert(parameters(models::llama3_1_405b).total == 405'853'388'800);
static_assert(parameters(models::mistral_7b).total == 7'241'732'096);
static_assert(parameters(models::mixtral_8x7b).total == 46'702'792'704);
static_assert(parameters(models::mixtral_8x7b).active == 12'879'925'248);
static_assert(parameters(models::qwen2_7b).total == 7'615'616'512);
static_assert(parameters(models::gpt2).total == 124'439'808);
static_assert(model_named("llama2-70b")->kv_heads == 8);
static_assert(!model_named("llama2"), "no name is guessed");
static_assert(!model_named(""));
}  // namespace

TEST_CASE("every named model is valid and found under its name") {
  for (transformer const& model : models::all) {
    CAPTURE(model.name);
    CHECK(model_named(model.name)->layers == model.layers);
    if (model.nominal_parameters == 0) continue;
    // The advertised size is within 9 % of the count.
    double const ratio = static_cast<double>(parameters(model).total) / static_cast<double>(model.nominal_parameters);
    CHECK(ratio > 0.92);
    CHECK(ratio < 1.09);
  }
}
