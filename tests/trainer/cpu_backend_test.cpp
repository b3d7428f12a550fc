#include "central_difference.hpp"
#include "cpu_backend.hpp"
#include "tiny_model.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

constexpr llama_shape grouped{2, 14, 4, 2, 6, 22, 19};  // 4 * 6 != 14: no size may stand for another
constexpr llama_shape full_heads{2, 12, 3, 3, 4, 20, 17};

/// Largest gradient error over all tensors of all units, central differences on 12 elements each.
double worst_gradient_error(tiny_model<double>& model) {
  model.perturb(5, 0.3);
  model.loss_and_gradients();
  double worst = 0.0;
  for (std::size_t u = 0; u < model.units.size(); ++u)
    for (auto const& tensor : model.units[u].tensors) {
      auto const offset = static_cast<std::size_t>(tensor.offset);
      auto const numel = static_cast<std::size_t>(tensor.numel());
      auto const error = gradient_error(std::span(model.parameters[u]).subspan(offset, numel),
                                        std::span<double const>(model.gradients[u])
                                            .subspan(offset, numel),
                                        [&] { return model.loss(); }, 12);
      INFO(model.units[u].name << ": " << std::string(tensor.name) << ": " << error);
      CHECK(error < 1e-6);
      worst = std::max(worst, error);
    }
  return worst;
}

/// Relative distance |a - b| / |b| of a tensor's 16-bit gradient of `scale` times the loss from the exact one.
template <class Number>
double relative_distance(std::span<Number const> a, std::span<double const> b, double scale) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    auto const d = static_cast<double>(widened(a[i])) / scale - b[i];
    difference += d * d;
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

template <class Real>
bool same_bits(std::vector<Real> const& a, std::vector<Real> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Real)) == 0;
}

}  // namespace

TEST_CASE("all gradients of a two-layer model with grouped keys agree with central differences") {
  tiny_model<double> model(grouped, 3, 9);
  CHECK(worst_gradient_error(model) < 1e-6);
}

TEST_CASE("all gradients of a two-layer model with full heads agree with central differences") {
  tiny_model<double> model(full_heads, 1, 67);
  CHECK(worst_gradient_error(model) < 1e-6);
}

TEST_CASE("the loss at initialisation is near ln V, and float is within 1e-6 of double") {
  llama_shape const shape{2, 64, 4, 4, 16, 96, 301};
  tiny_model<float> single(shape, 2, 33);
  tiny_model<double> exact(shape, 2, 33);
  CHECK(exact.loss() == doctest::Approx(std::log(301.0)).epsilon(0.01));
  CHECK(single.loss() == doctest::Approx(exact.loss()).epsilon(1e-6));
}

TEST_CASE("float gradients are within 2e-5 of double for every tensor") {
  tiny_model<float> single(grouped, 2, 70);
  tiny_model<double> exact(grouped, 2, 70);
  exact.perturb(5, 0.3);
  for (std::size_t u = 0; u < exact.units.size(); ++u)
    single.parameters[u] = as_floats(exact.parameters[u]);
  single.loss_and_gradients();
  exact.loss_and_gradients();
  for (std::size_t u = 0; u < exact.units.size(); ++u)
    for (auto const& tensor : exact.units[u].tensors) {
      auto const offset = static_cast<std::size_t>(tensor.offset);
      auto const numel = static_cast<std::size_t>(tensor.numel());
      CHECK(largest_difference(std::span<float const>(single.gradients[u]).subspan(offset, numel),
                               std::span<double const>(exact.gradients[u])
                                   .subspan(offset, numel)) < 2e-5);
    }
}

// Each of the ~20 roundings on the way from the loss to a gradient is a relative error of at most half a
// spacing, mostly independent of the others: 2^-9 for bfloat16, 2^-12 on average for fp16.
TEST_CASE_TEMPLATE("16-bit gradients are as near to the exact ones as their roundings allow", Number, bfloat16,
                   float16) {
  double const rounding = std::is_same_v<Number, bfloat16> ? 0x1p-9 : 0x1p-12;
  tiny_model<Number> stored(grouped, 2, 70);
  tiny_model<double> exact(grouped, 2, 70);
  stored.perturb(5, 0.3);
  for (std::size_t u = 0; u < exact.units.size(); ++u) {
    for (std::size_t i = 0; i < exact.parameters[u].size(); ++i)
      exact.parameters[u][i] = widened(stored.parameters[u][i]);
  }
  double const scale = 1024;
  auto const loss = stored.loss_and_gradients(scale);
  CHECK(loss == doctest::Approx(exact.loss_and_gradients()).epsilon(4 * rounding));
  for (std::size_t u = 0; u < exact.units.size(); ++u) {
    auto const distance = relative_distance<Number>(std::span<Number const>(stored.gradients[u]), exact.gradients[u],
                                                    scale);
    INFO(exact.units[u].name << ": " << distance / rounding);
    CHECK(distance < 20 * rounding);
    CHECK(distance > rounding / 20);  // the format is really that of the storage
  }
}

// Chunks of 512 and 124 predictions, and gradients of some 1e-7 by the output product.
constexpr llama_shape wide{1, 6, 1, 1, 2, 2, 4297};

/// Relative distance of the head's gradients from the exact ones, with a loss scaled by `scale`.
template <class Number>
double head_distance(double scale) {
  tiny_model<Number> stored(wide, 4, 160);
  tiny_model<double> exact(wide, 4, 160);
  for (std::size_t u = 0; u < exact.units.size(); ++u)
    for (std::size_t i = 0; i < exact.parameters[u].size(); ++i)
      exact.parameters[u][i] = widened(stored.parameters[u][i]);
  stored.loss_and_gradients(scale);
  exact.loss_and_gradients();
  return relative_distance<Number>(std::span<Number const>(stored.gradients[2]),
                                   std::span<double const>(exact.gradients[2]), scale);
}

TEST_CASE("the sum over several chunks of predictions is rounded once") {
  REQUIRE(output_head<bfloat16>::chunk_rows(wide, {4, 160}) == 512);
  CHECK(head_distance<bfloat16>(4096) < 4 * 0x1p-9);
  CHECK(head_distance<float16>(4096) < 4 * 0x1p-12);
}

TEST_CASE("fp16 loses small gradients, and the loss scale brings them back; too large a scale overflows") {
  CHECK(head_distance<float16>(0x1p-8) > 20 * head_distance<float16>(4096));  // as 256 times the predictions would
  CHECK_FALSE(std::isfinite(head_distance<float16>(0x1p32)));
}

TEST_CASE("a layer computed again, in other memory too, gives the same bits") {
  llama_shape const shape{1, 64, 4, 2, 16, 96, 50};
  cpu_backend<float> backend(shape, 2, 70);
  auto const unit = layer_unit(shape, "layer0");
  std::vector<float> parameters(static_cast<std::size_t>(unit.numel));
  initialise<float>(unit, 3, 1, 0, parameters);
  auto const x = as_floats(normal_values(backend.hidden_elements(), 1));
  auto const dy = as_floats(normal_values(backend.hidden_elements(), 2));
  struct outcome {
    std::vector<float> y, dx, gradient;
  };
  auto const once = [&](layer_activations<float>& saved) {
    outcome o{std::vector<float>(x.size()), dy, std::vector<float>(parameters.size())};
    backend.layer_forward(parameters, x, o.y, saved);
    backend.layer_backward(parameters, x, saved, o.dx, o.gradient);
    return o;
  };
  auto first = backend.make_activations(), second = backend.make_activations();
  auto const a = once(first);
  for (auto* const saved : {&first, &second}) {
    auto const b = once(*saved);
    CHECK(same_bits(a.y, b.y));
    CHECK(same_bits(a.dx, b.dx));
    CHECK(same_bits(a.gradient, b.gradient));
  }
}

TEST_CASE("padding of parameters and gradients is left alone, stale gradients are overwritten") {
  tiny_model<double> model(grouped, 2, 9);
  model.loss_and_gradients();
  auto const expected = model.gradients;
  for (std::size_t u = 0; u < model.units.size(); ++u) {
    model.parameters[u].resize(model.parameters[u].size() + 5, std::nan(""));
    std::ranges::fill(model.gradients[u], std::nan(""));
    model.gradients[u].resize(model.gradients[u].size() + 5, 42.0);
  }
  model.loss_and_gradients();
  for (std::size_t u = 0; u < model.units.size(); ++u) {
    auto const numel = static_cast<std::ptrdiff_t>(model.units[u].numel);
    CHECK(std::equal(expected[u].begin(), expected[u].end(), model.gradients[u].begin()));
    CHECK(std::count(model.gradients[u].begin() + numel, model.gradients[u].end(), 42.0) == 5);
  }
}

TEST_CASE("spans that are too short and sizes that cannot be are refused") {
  cpu_backend<double> backend(grouped, 1, 3);
  std::vector<double> few(7), x(static_cast<std::size_t>(backend.hidden_elements()));
  auto saved = backend.make_activations();
  CHECK_THROWS_WITH_AS(backend.layer_forward(few, x, x, saved),
                       "layer_forward: parameters needs 1960 elements, received 7",
                       std::invalid_argument);
  std::vector<double> table(19 * 14);
  std::vector<std::int32_t> const tokens{1, 19, 2};
  CHECK_THROWS_WITH_AS(backend.embedding_forward(table, tokens, x),
                       "tokens: an id in [0, 19) was needed, received 19 at position 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(cpu_backend<double>(grouped, 1, 1), std::invalid_argument);
  CHECK_THROWS_AS(cpu_backend<double>(grouped, 0, 8), std::invalid_argument);
}
