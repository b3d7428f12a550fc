// FlagPerf's published rows by its own formula: tokens/p/s * factor * advertised size / theoryflops.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
// Empty where a row publishes no rate, no peak or no MFU.
std::optional<bool> reproduced(truth::csv_row const& row) {
  auto const rate = truth::number(row.at("tokens_per_proc_per_s"));
  auto const peak = truth::number(row.at("theoryflops"));
  if (!rate || !peak || !truth::number(row.at("mfu_pct"))) return std::nullopt;
  transformer const named{.name = "row",
                          .nominal_parameters = static_cast<std::int64_t>(*truth::number(row.at("nominal_params")))};
  auto const use = mfu<flops::flagperf_nominal>(named, 1 * token / sample, *rate * token / (processor * second),
                                                {.rate = *peak * flop / (processor * second), .source = "row"});
  auto const passes = *truth::number(row.at("factor")) / 6;  // 2: the forward pass alone
  return truth::within_rounding(use.ratio.in(percent) * passes, row.at("mfu_pct"), row.at("tokens_per_proc_per_s"));
}
}  // namespace

TEST_CASE("every row of flagperf.csv") {
  truth::exceptions known{"flagperf.csv"};
  std::size_t rows = 0;
  for (auto const& row : truth::read_csv("flagperf.csv")) {
    CAPTURE(row.at("note"));
    auto const holds = reproduced(row);
    known.expect(row.at("line"), holds.value_or(false));
    if (holds) ++rows;
  }
  CHECK(rows == 50);
}
