// A tuning is found again for the situation it was measured in, and for no other; a damaged cache is empty.
#include "fc_cache.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace trainer;
using trainer_test::scratch_folder;

namespace {
constexpr llama_shape small{.layers = 2, .hidden = 64, .heads = 4, .kv_heads = 2, .head_size = 16, .ffn = 96, .vocabulary = 500};

fc_tuning measured() { return tuned_fc<float>(small, 300, 1); }
}  // namespace

TEST_CASE("what is tuned is a plan of all products, each no slower than at the same height before") {
  auto const tuning = measured();
  CHECK(tuning.complete);
  REQUIRE(tuning.products.size() == 15);
  for (auto const& one : tuning.products) {
    CHECK(one.before.seconds > 0);
    CHECK(one.now.seconds > 0);
    if (one.use == fc_use::weight_gradient) {
      auto const untuned = untuned_fc_plan<float>(300).gradients[static_cast<std::size_t>(one.matrix)];
      CHECK(fc_gradient{one.before.how.kernel, one.before.rows} == untuned);
      CHECK(one.now.seconds <= one.before.seconds);
      CHECK(tuning.plan.gradients[static_cast<std::size_t>(one.matrix)] == fc_gradient{one.now.how.kernel, one.now.rows});
    } else {
      auto const pass = one.use == fc_use::forward ? fc_pass::forward : fc_pass::input_gradient;
      CHECK(one.before.how.kernel == untuned_fc_plan<float>(300)(one.matrix, pass).kernel);
      CHECK(tuning.plan(one.matrix, pass) == one.now.how);
      if (one.matrix != fc_matrix::lm_head) CHECK(one.now.rows == tuning.plan.height);
    }
  }
  CHECK(tuning.gain(small.layers) > 0.5);
  auto const gate_up = tuning.products[6];
  CHECK(gate_up.matrix == fc_matrix::gate_up);
  CHECK(gate_up.n == 192);
  CHECK(gate_up.k == 64);
}

TEST_CASE("without time nothing is tuned, and the plan is the one that is not") {
  auto const tuning = tuned_fc<float>(small, 300, 1, std::chrono::milliseconds{0});
  CHECK_FALSE(tuning.complete);
  CHECK(tuning.products.empty());
  CHECK(tuning.plan == untuned_fc_plan<float>(300));
  CHECK(tuning.gain(2) == 1);
}

TEST_CASE("a tuning comes back from its JSON") {
  auto const tuning = measured();
  auto const again = fc_tuning_of(json_of(tuning));
  CHECK(again.plan == tuning.plan);
  CHECK(again.gain(2) == doctest::Approx(tuning.gain(2)));
  CHECK(json_of(again) == json_of(tuning));
  for (auto const* broken : {"{}", R"({"block_rows": 0, "complete": true, "products": []})",
                             R"({"block_rows": 64, "complete": true, "products": [{"matrix": "q"}]})",
                             R"({"block_rows": 64, "complete": true, "products": [{"matrix": "wo", "pass": "forward", "m": 1, "n": 1, "k": 1,
                                 "before": {"kernel": "gemm", "block_rows": 64, "block_columns": 0, "seconds": 1},
                                 "now": {"kernel": "gemm", "block_rows": 64, "block_columns": -1, "seconds": 1}}]})"}) {
    CHECK_THROWS(fc_tuning_of(kunmetrics::json::parse(broken)));
  }
}

TEST_CASE("the cache knows the situation") {
  scratch_folder const folder;
  auto const path = folder / "cache/fc_tuning.json";
  fc_situation const where{small, 300, 2, kunmetrics::bf16};
  auto const tuning = measured();
  CHECK_FALSE(fc_cache{path}.find(fc_key(where)));
  fc_cache{path}.keep(fc_key(where), tuning);
  auto const found = fc_cache{path}.find(fc_key(where));
  REQUIRE(found);
  CHECK(found->plan == tuning.plan);
  auto other = where;
  other.threads = 1;
  CHECK_FALSE(fc_cache{path}.find(fc_key(other)));
  other = where;
  other.precision = kunmetrics::fp32;
  CHECK_FALSE(fc_cache{path}.find(fc_key(other)));
  other = where;
  other.shape.ffn = 97;
  CHECK_FALSE(fc_cache{path}.find(fc_key(other)));
  fc_cache{path}.keep("another", tuning);
  CHECK(fc_cache{path}.find(fc_key(where)));  // beside it
}

TEST_CASE("a cache that is damaged is an empty one, and is mended by the next that is kept") {
  scratch_folder const folder;
  auto const path = folder / "fc_tuning.json";
  for (auto const* text : {"", "[1, 2]", "{\"a\": ", "{\"another\": {\"block_rows\": \"x\"}}"}) {
    folder.file("fc_tuning.json", text);
    CHECK_FALSE(fc_cache{path}.find("another"));
    fc_cache{path}.keep("another", measured());
    CHECK(fc_cache{path}.find("another"));
  }
}

TEST_CASE("the table names every product, with its rate against the ceiling") {
  auto tuning = measured();
  tuning.products.resize(1);
  tuning.products[0].now.seconds = tuning.products[0].flop() / 5e9;
  tuning.products[0].before.seconds = tuning.products[0].flop() / 4e9;
  auto const table = fc_table(tuning, 10e9);
  CHECK(table.find("qkv      forward") != std::string::npos);
  CHECK(table.find("5.000    1.25      50.0 %") != std::string::npos);
}

TEST_CASE("few rows are cut into lower blocks, so that there are four for threads to share") {
  static_assert(untuned_height(4096, 512) == 512);
  static_assert(untuned_height(2048, 512) == 512);
  static_assert(untuned_height(2047, 512) == 256);
  static_assert(untuned_height(512, 512) == 128);
  static_assert(untuned_height(512, 128) == 128);
  static_assert(untuned_height(100, 512) == 64);
  for (std::int64_t const rows : {100, 512, 2048}) {
    auto const plan = untuned_fc_plan<float>(rows);
    CHECK((plan.height == 64 || 4 * plan.height <= rows));
    CHECK(resolved<float>({}, rows) == plan);
    CHECK(resolved<float>({.height = 32}, rows).height == 32);  // what was asked for stays
  }
}
