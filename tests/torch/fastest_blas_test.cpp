// The choice of a library for a step's products: by their times, weighted by how often a step runs them.
#include "gpu/fastest_blas.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <string_view>

using namespace trainer;

namespace {
constexpr llama_shape shape{.layers = 3, .hidden = 24, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 40, .vocabulary = 61};
constexpr micro_batch batch{2, 9};

std::string_view in_use;
std::vector<blas_library> const two{{"first", [] { in_use = "first"; }}, {"second", [] { in_use = "second"; }}};

// `often` is the faster under "first", the other under "second".
blas_tuning tuned(std::int64_t times) {
  return fastest_blas(two, {{"often", 2, 2, 2, times}, {"once", 2, 2, 2, 1}}, [](step_product const& product) {
    return (product.name == "often") == (in_use == "first") ? 1.0 : 2.0;
  });
}
}  // namespace

TEST_CASE("the library that is fastest over a whole step stays in use") {
  auto const first = tuned(5);
  CHECK(in_use == "first");
  CHECK(first.chosen == 0);
  CHECK(first.gain() == 1.0);
  auto const second = fastest_blas(two, first.products, [](step_product const&) { return in_use == "second" ? 0.5 : 1.0; });
  CHECK(in_use == "second");
  CHECK(second.chosen == 1);
  CHECK(second.gain() == 2.0);
  CHECK(blas_table(second).find("second is used, 2.000 times as fast as first") != std::string::npos);
  CHECK_THROWS_WITH(fastest_blas({}, first.products, [](step_product const&) { return 1.0; }), doctest::Contains("received none"));
}

TEST_CASE("the products of a step have its FLOP") {
  auto const flop = [](bool recompute) {
    auto const all = step_products(shape, batch, recompute);
    return std::accumulate(all.begin(), all.end(), std::int64_t{0}, [](auto sum, auto const& each) { return sum + each.flop(); });
  };
  std::int64_t weights = 0;
  for (auto const& slot : layer_unit(shape, "layer").tensors) weights += slot.rows > 1 ? slot.numel() : 0;
  auto const layers = 2 * batch.rows() * shape.layers * weights, head = 2 * batch.predictions() * shape.vocabulary * shape.hidden;
  CHECK(flop(false) == 3 * (layers + head));
  CHECK(flop(true) == 4 * layers + 3 * head);
}

TEST_CASE("a product is timed; a CPU has nothing to choose from") {
  auto const small = seconds_of_product({"small", 8, 8, 8, 1}, at::kCPU, at::kFloat);
  auto const large = seconds_of_product({"large", 256, 256, 256, 1}, at::kCPU, at::kFloat);
  CHECK(small > 0);
  CHECK(large > small);
  CHECK(blas_libraries(at::kCPU).empty());
}
