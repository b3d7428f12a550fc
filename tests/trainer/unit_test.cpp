#include "unit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

using namespace trainer;

namespace {

constexpr llama_shape llama2_7b{32, 4096, 32, 32, 128, 11008, 32000};
constexpr llama_shape small{3, 10, 4, 2, 6, 14, 33};

template <class Real>
std::vector<Real> initial_values(unit_layout const& unit, std::uint64_t seed, std::size_t index,
                                 std::int64_t first, std::int64_t count) {
  std::vector<Real> values(static_cast<std::size_t>(count));
  initialise<Real>(unit, seed, index, first, values);
  return values;
}

/// Root mean square of one tensor's elements.
double deviation(std::vector<double> const& values, tensor_slot const& slot) {
  double sum = 0.0;
  for (auto i = slot.offset; i < slot.offset + slot.numel(); ++i)
    sum += values[static_cast<std::size_t>(i)] * values[static_cast<std::size_t>(i)];
  return std::sqrt(sum / static_cast<double>(slot.numel()));
}

}  // namespace

TEST_CASE("llama2-7b has the published parameter counts") {
  auto const units = llama_units(llama2_7b);
  REQUIRE(units.size() == 34);
  CHECK(units.front().numel == 131072000);
  CHECK(units[1].numel == 202383360);
  CHECK(units.back().numel == 131076096);
  std::int64_t total = 0;
  for (auto const& unit : units) total += unit.numel;
  CHECK(total == 6738415616);
}

TEST_CASE("tensors lie end to end, and the fused ones are neighbours") {
  for (auto const& unit : llama_units(small)) {
    std::int64_t offset = 0;
    for (auto const& tensor : unit.tensors) {
      CHECK(tensor.offset == offset);
      offset += tensor.numel();
    }
    CHECK(unit.numel == offset);
  }
  auto const layer = layer_unit(small, "layer0");
  CHECK(layer.slot("wk").offset == layer.slot("wq").offset + 24 * 10);
  CHECK(layer.slot("wv").offset == layer.slot("wk").offset + 12 * 10);
  CHECK(layer.slot("w_up").offset == layer.slot("w_gate").offset + 14 * 10);
  CHECK(layer.slot("wo").rows == 10);
  CHECK(layer.slot("wo").columns == 24);
  CHECK_THROWS_AS(layer.slot("lm_head"), std::invalid_argument);
}

TEST_CASE("initial values do not depend on how the range is cut") {
  auto const units = llama_units(small);
  for (std::size_t u : {std::size_t{0}, std::size_t{2}, units.size() - 1}) {
    auto const whole = initial_values<float>(units[u], 7, u, 0, units[u].numel);
    for (std::int64_t const part : {1, 3, 64, 257}) {
      std::vector<float> joined;
      for (std::int64_t first = 0; first < units[u].numel; first += part) {
        auto const count = std::min(part, units[u].numel - first);
        auto const piece = initial_values<float>(units[u], 7, u, first, count);
        joined.insert(joined.end(), piece.begin(), piece.end());
      }
      CHECK(joined == whole);
    }
  }
}

TEST_CASE("initial values have the stated deviations, norms are one, padding is zero") {
  llama_shape const shape{8, 96, 4, 4, 24, 128, 500};
  auto const layer = layer_unit(shape, "layer0");
  auto const values = initial_values<double>(layer, 1, 1, 0, layer.numel + 5);
  for (auto const name : {"wq", "wk", "wv", "w_gate", "w_up"})
    CHECK(deviation(values, layer.slot(name)) == doctest::Approx(0.02).epsilon(0.03));
  for (auto const name : {"wo", "w_down"})
    CHECK(deviation(values, layer.slot(name)) == doctest::Approx(0.005).epsilon(0.03));
  for (auto const name : {"attention_norm", "ffn_norm"}) {
    auto const& slot = layer.slot(name);
    CHECK(std::count(values.begin() + slot.offset, values.begin() + slot.offset + 96, 1.0) == 96);
  }
  CHECK(std::count(values.end() - 5, values.end(), 0.0) == 5);
  double mean = 0.0;
  for (auto i = layer.slot("w_gate").offset; i < layer.numel; ++i)
    mean += values[static_cast<std::size_t>(i)] / static_cast<double>(3 * 96 * 128);
  CHECK(std::abs(mean) < 4 * 0.02 / std::sqrt(3.0 * 96 * 128));
}

TEST_CASE("seed and unit both change the initial values, precision does not") {
  auto const layer = layer_unit(small, "layer0");
  auto const values = initial_values<double>(layer, 1, 1, 10, 50);
  CHECK(initial_values<double>(layer, 2, 1, 10, 50) != values);
  CHECK(initial_values<double>(layer, 1, 2, 10, 50) != values);
  auto const single = initial_values<float>(layer, 1, 1, 10, 50);
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(single[i] == static_cast<float>(values[i]));
  CHECK_THROWS_AS(initial_values<float>(layer, 1, 1, -1, 2), std::invalid_argument);
}

TEST_CASE("a shape that cannot be run is refused by field") {
  auto shape = small;
  shape.kv_heads = 3;
  CHECK_THROWS_WITH_AS(llama_units(shape),
                       "llama_shape: heads must be a multiple of kv_heads, received 4",
                       std::invalid_argument);
  shape = small;
  shape.head_size = 5;
  CHECK_THROWS_AS(llama_units(shape), std::invalid_argument);
  shape = small;
  shape.layers = 0;
  CHECK_THROWS_AS(llama_units(shape), std::invalid_argument);
}
