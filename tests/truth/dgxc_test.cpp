// NVIDIA's DGX Cloud tables: tokens/s of the job, a model and a peak lead to the published MFU.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <doctest/doctest.h>

using namespace kunmetrics;

namespace {
// FLOP of a sequence by the row's convention; empty without a shape or a convention.
std::optional<double> sequence_work(truth::csv_row const& row, double length) {
  auto const found = truth::shapes().find(row.at("model_shape"));
  if (found == truth::shapes().end()) return std::nullopt;
  auto const work = truth::flop_per_token(row.at("best_convention"), found->second, static_cast<std::int64_t>(length));
  return work ? std::optional{*work * length} : std::nullopt;
}

// The tables compute with the constant that they print, of two or three digits: ours must round to it.
bool reproduced(truth::csv_row const& row) {
  auto const rate = truth::number(row.at("tokens_per_s"));
  auto const gpus = truth::number(row.at("gpus"));
  auto peak = truth::number(row.at("peak_flops_published"));
  auto const length = truth::number(row.at("seq_len"));
  if (!rate || !gpus || !peak || !length || !truth::number(row.at("mfu_pct"))) return false;
  if (row.at("verdict").starts_with("within_rounding_at_989.5T")) peak = 989.5e12;  // what the tables used where they say 989
  auto const computed = sequence_work(row, *length);
  auto const printed = truth::number(row.at("published_model_flops_per_seq"));
  if (!computed && !printed) return false;
  if (computed && printed && std::abs(*computed - *printed) > truth::half_unit(row.at("published_model_flops_per_seq"))) return false;
  auto const work = printed.value_or(computed.value_or(0)) / *length;
  return truth::within_rounding(*rate / *gpus * work / *peak * 100, row.at("mfu_pct"), row.at("tokens_per_s"));
}
}  // namespace

TEST_CASE("every row of dgxc.csv") {
  truth::exceptions known{"dgxc.csv"};
  for (auto const& row : truth::read_csv("dgxc.csv")) {
    CAPTURE(row.at("title"));
    known.expect(row.at("line"), reproduced(row));
  }
}
