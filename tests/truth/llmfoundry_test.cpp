// llm-foundry's tables: (6 N + 12 L d S) * tokens/s / gpus / peak, N with tied embedding and learned
// positions; HFU with everything computed again where checkpointing was on. Columns are truncated.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
transformer mpt(truth::csv_row const& row) {
  auto const size = [&](char const* key) { return static_cast<std::int64_t>(*truth::number(row.at(key))); };
  transformer model{.layers = size("n_layers"),
                    .hidden = size("d_model"),
                    .heads = size("n_heads"),
                    .kv_heads = size("n_heads"),
                    .head_size = size("d_model") / size("n_heads"),
                    .ffn = 4 * size("d_model"),
                    .vocabulary = size("vocab"),
                    .gated_ffn = false,
                    .tied_embedding = true};
  model.norm = norm_kind::layer;
  model.qkv_bias = model.output_bias = model.ffn_bias = true;
  model.learned_positions = size("seq_len");
  return model;
}

// Whether a number that was itself cut off, by at most a share, is printed without its fraction.
bool cut_off(double value, std::string const& printed, double share) {
  auto const whole = *truth::number(printed);
  return whole <= value * (1 + share) && value < whole + 1;
}
}  // namespace

TEST_CASE("every row of llmfoundry.csv") {
  truth::exceptions known{"llmfoundry.csv"};
  for (auto const& row : truth::read_csv("llmfoundry.csv")) {
    auto const model = mpt(row);
    auto const length = static_cast<std::int64_t>(*truth::number(row.at("seq_len"))) * token / sample;
    auto const rate = *truth::number(row.at("tokens_per_s")) / *truth::number(row.at("gpus")) * token /
                      (processor * second);
    peak_rate const peak{.rate = *truth::number(row.at("peak_flops")) * flop / (processor * second), .source = "row"};
    auto const model_use = mfu<flops::palm_n_total>(model, length, rate, peak).ratio.in(percent);
    bool const again = row.at("activation_checkpointing") == "True";
    auto const hardware_use =
        again ? hfu<flops::palm_n_total, recompute::all>(model, length, rate, peak).ratio.in(percent) : model_use;
    auto const share = 1 / *truth::number(row.at("tokens_per_s"));  // whole tokens, the rest cut off
    CAPTURE(model_use);
    CAPTURE(parameters(model).total);
    auto const samples = *truth::number(row.at("tokens_per_s")) / *truth::number(row.at("seq_len"));
    auto const tera = (rate * flops::palm_n_total::per_token(model, length)).in(teraflop / (processor * second));
    known.expect(row.at("line"), std::to_string(parameters(model).total) == row.at("num_params") &&
                                     cut_off(samples, row.at("samples_per_s_trunc"), share) &&
                                     cut_off(rate.coherent(), row.at("tokens_per_s_per_gpu_trunc"), share) &&
                                     (row.at("model_tflops_per_gpu_trunc").empty() ||
                                      cut_off(tera, row.at("model_tflops_per_gpu_trunc"), share)) &&
                                     truth::within_rounding(model_use, row.at("mfu_pct"), share) &&
                                     truth::within_rounding(hardware_use, row.at("hfu_pct"), share));
  }
}
