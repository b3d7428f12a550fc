// Parameters of published configurations: exact integers. `parameters_active` is all that one token
// meets, embeddings included: the total less the experts that are not chosen.
#include "exceptions.hpp"

#include <kunmetrics/io/hf_config.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;

namespace {
bool agrees(std::string const& published, std::int64_t count) {
  return published.empty() || published == std::to_string(count);
}
}  // namespace

TEST_CASE("every row of parameters.csv") {
  truth::exceptions known{"parameters.csv"};
  for (auto const& row : truth::read_csv("parameters.csv")) {
    auto const model = hf_config(truth::folder() / row.at("config"));
    auto const counts = parameters(model.sizes);
    auto const without_look_ups = counts.total - counts.positions - (model.sizes.tied_embedding ? 0 : counts.embedding);
    CAPTURE(counts.total);
    CAPTURE(counts.active);
    known.expect(row.at("name"), agrees(row.at("parameters_total"), counts.total) &&
                                     agrees(row.at("parameters_without_input_embedding"), without_look_ups) &&
                                     agrees(row.at("parameters_active"), counts.active));
  }
  CHECK(known.reproduced() == 26);
}
