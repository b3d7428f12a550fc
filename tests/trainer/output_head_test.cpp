#include "central_difference.hpp"
#include "output_head.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

using namespace trainer;
using namespace trainer_test;

namespace {

// 4 * 159 predictions at 17 kB of float logits each: a chunk of 512, which crosses from one sample into
// the next, and one of 124.
constexpr llama_shape shape{1, 6, 1, 1, 2, 2, 4297};
constexpr micro_batch batch{4, 160};

struct head_case {
  unit_layout unit = head_unit(shape);
  std::vector<double> parameters = normal_values(unit.numel, 1);
  std::vector<double> x = normal_values(batch.rows() * shape.hidden, 2);
  std::vector<std::int32_t> tokens;

  head_case() {
    for (std::int64_t t = 0; t < batch.rows(); ++t)
      tokens.push_back(static_cast<std::int32_t>((t * 1237 + 5) % shape.vocabulary));
  }
};

/// The mean loss by the formula, one prediction at a time.
double mean_loss(head_case const& c) {
  auto const h = static_cast<std::size_t>(shape.hidden);
  auto const positions = static_cast<std::size_t>(batch.positions);
  double total = 0.0;
  for (std::size_t row = 0; row < c.tokens.size(); ++row) {
    if (row % positions == positions - 1) continue;
    double const* const x = c.x.data() + row * h;
    double square = 0.0, sum = 0.0, chosen = 0.0;
    for (std::size_t i = 0; i < h; ++i) square += x[i] * x[i];
    double const inverse = 1.0 / std::sqrt(square / static_cast<double>(h) + shape.rms_epsilon);
    for (std::size_t v = 0; v < static_cast<std::size_t>(shape.vocabulary); ++v) {
      double logit = 0.0;
      for (std::size_t i = 0; i < h; ++i)
        logit += x[i] * inverse * c.parameters[i] * c.parameters[h + v * h + i];
      sum += std::exp(logit);
      if (v == static_cast<std::size_t>(c.tokens[row + 1])) chosen = logit;
    }
    total += std::log(sum) - chosen;
  }
  return total / static_cast<double>(batch.predictions());
}

}  // namespace

TEST_CASE("the head's loss over several chunks is the mean over all predictions") {
  REQUIRE(output_head<double>::chunk_rows(shape, batch) == 512);
  head_case c;
  output_head<double> head(shape, batch);
  head_tensors<double const> const w(std::span<double const>(c.parameters), c.unit);
  double const loss = head.forward(w, {c.x, batch.rows(), shape.hidden}, c.tokens);
  CHECK(loss == doctest::Approx(mean_loss(c)).epsilon(1e-12));
}

TEST_CASE("the head's gradients over several chunks agree with central differences") {
  head_case c;
  output_head<double> head(shape, batch);
  auto const garbage = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> dx(c.x.size(), garbage), gradient(c.parameters.size(), garbage);
  head_tensors<double const> const w(std::span<double const>(c.parameters), c.unit);
  matrix_view<double const> const x(c.x, batch.rows(), shape.hidden);
  double const loss = head.forward_backward(w, x, c.tokens, {dx, batch.rows(), shape.hidden},
                                            {std::span(gradient), c.unit}, 1.0);
  auto const value = [&] { return head.forward(w, x, c.tokens); };
  CHECK(loss == value());
  CHECK(gradient_error(c.x, dx, value, 15) < 1e-6);
  auto const h = static_cast<std::size_t>(shape.hidden);
  std::span<double> const p(c.parameters);
  std::span<double const> const g(gradient);
  CHECK(gradient_error(p.first(h), g.first(h), value) < 1e-6);
  CHECK(gradient_error(p.subspan(h), g.subspan(h), value, 15) < 1e-6);
  for (std::int64_t sample = 0; sample < batch.samples; ++sample)
    for (double const e : matrix_view<double const>(dx, batch.rows(), shape.hidden)
                              .row((sample + 1) * batch.positions - 1))
      CHECK(e == 0.0);
}

TEST_CASE("a chunk is 4 MiB of logits, 512 predictions, or all there are") {
  llama_shape wide = shape;
  wide.vocabulary = 1024;
  CHECK(output_head<float>::chunk_rows(wide, {64, 512}) == 1024);
  CHECK(output_head<double>::chunk_rows(wide, {64, 512}) == 512);
  wide.vocabulary = 32000;
  CHECK(output_head<float>::chunk_rows(wide, {12, 512}) == 512);
  CHECK(output_head<float>::chunk_rows(wide, {1, 33}) == 32);
}
