// NVIDIA's DGX Cloud tables: tokens/s of the job, a model and a peak lead to the published MFU.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <doctest/doctest.h>

#include <string_view>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
bool is(truth::csv_row const& row, std::string_view title) { return row.at("title").starts_with(title); }
bool of_405b(truth::csv_row const& row) { return row.at("model_shape") == "llama3.1-405b"; }
bool of_proxy(truth::csv_row const& row) { return row.at("verdict").starts_with("proxy"); }

// Layers of a proxy of the 405B on fewer processors, where the row's verdict names them.
std::optional<std::int64_t> proxy_layers(truth::csv_row const& row) {
  constexpr std::string_view proxy = "proxy_";
  if (auto const layers = truth::number(row.at("verdict").substr(proxy.size()))) {
    return static_cast<std::int64_t>(*layers);
  }
  return std::nullopt;
}

// The row's model: DeepSeek's rows have their title alone. The tables' 405B has 16 key/value heads, as the
// checkpoint's configuration once had (litgpt's issue 1942) and every row of it fits; the tables do not say.
std::optional<transformer> model_of(truth::csv_row const& row) {
  if (is(row, "Deepseek V3")) return truth::shape_named("deepseek-v3");
  auto shape = truth::shape_named(row.at("model_shape"));
  if (shape && of_405b(row)) {
    shape->kv_heads = 16;
    if (of_proxy(row)) {
      auto const layers = proxy_layers(row);
      if (!layers) return std::nullopt;
      shape->layers = *layers;
    }
  }
  return shape;
}

// FLOP of a sequence by the row's convention, that of the other Llama rows for the 405B.
std::optional<double> sequence_work(truth::csv_row const& row, std::int64_t length) {
  auto const shape = model_of(row);
  if (!shape) return std::nullopt;
  auto const convention = is(row, "Deepseek V3") ? "matmul_causal_norouter+MTP"
                          : of_405b(row)         ? "palm_noemb"
                                                 : row.at("best_convention");
  auto const work = truth::flop_per_token(convention, *shape, length);
  return work ? std::optional{*work * static_cast<double>(length)} : std::nullopt;
}

// READMEs that computed with 989.5e12 where they say 989.
bool half_more(truth::csv_row const& row) { return row.at("verdict").starts_with("within_rounding_at_989.5T"); }

// By our work or by the constant that the table prints of it, to which ours must round; a proxy's row
// prints that of the whole model.
bool reproduced(truth::csv_row const& row) {
  auto const rate = truth::number(row.at("tokens_per_s"));
  auto const gpus = truth::number(row.at("gpus"));
  auto const peak = truth::number(row.at("peak_flops_published"));
  auto const length = truth::number(row.at("seq_len"));
  if (!rate || !gpus || !peak || !length || !truth::number(row.at("mfu_pct"))) return false;
  auto const ours = sequence_work(row, static_cast<std::int64_t>(*length));
  std::vector<double> works;
  if (ours) works.push_back(*ours);
  if (auto const& text = row.at("published_model_flops_per_seq"); !of_proxy(row) && truth::number(text)) {
    works.push_back(*truth::number(text));
    if (std::abs(works.front() - works.back()) > truth::half_unit(text)) return false;
  }
  return std::ranges::any_of(works, [&](double work) {
    auto const each = tokens_per_processor_second(*rate * token, 1.0 * second,
                                                  static_cast<std::int64_t>(*gpus) * processor);
    auto const use = each * (work / *length * flop / token) /
                     ((half_more(row) ? 989.5e12 : *peak) * flop / (processor * second));
    return truth::within_rounding(use.in(percent), row.at("mfu_pct"), row.at("tokens_per_s"));
  });
}
}  // namespace

TEST_CASE("every row of dgxc.csv") {
  truth::exceptions known{"dgxc.csv"};
  for (auto const& row : truth::read_csv("dgxc.csv")) {
    CAPTURE(row.at("title"));
    known.expect(row.at("line"), reproduced(row));
  }
}
