// shapes.json and what a conventions' name in the collected rows means to the library.
#pragma once

#include "csv.hpp"

#include <kunmetrics/io/hf_config.hpp>
#include <kunmetrics/utilization.hpp>

#include <map>
#include <optional>
#include <string>

namespace truth {

namespace km = kunmetrics;

// Widths of experts that shapes.json does not state: intermediate_size or moe_intermediate_size of the
// published configurations.
inline std::map<std::string, std::int64_t> const& expert_widths() {
  static std::map<std::string, std::int64_t> const widths{
      {"mixtral-8x22b", 16384}, {"mixtral-8x22b-v0.1-v32000", 16384}, {"qwen3-235b-a22b", 1536},
      {"gpt-oss-120b", 2880},   {"gpt-oss-20b", 2880},                {"olmoe-1b-7b", 1024}};
  return widths;
}

// Every shape by name; the FFN is gated where a shape of its kind is: by the parameters that it leads to
// this does not matter to conventions of GPT's closed form.
inline std::map<std::string, km::transformer> const& shapes() {
  static km::json_document const document{folder() / "shapes.json"};
  static auto const all = [] {
    std::map<std::string, km::transformer> read;
    for (auto const& [name, value] : document.tree().items()) {
      auto const number = [&](char const* key) { return value.contains(key) && value[key].is_number() ? value[key].template get<std::int64_t>() : 0; };
      km::transformer shape{.layers = number("L"), .hidden = number("d"), .heads = number("H"), .kv_heads = number("KV"),
                            .head_size = number("hd"), .ffn = number("ff"), .vocabulary = number("V")};
      shape.tied_embedding = value.value("tied", false);
      shape.gated_ffn = shape.ffn != 4 * shape.hidden;
      auto const config = folder() / "configs" / (name + ".json");
      if (std::filesystem::exists(config)) {
        shape = km::hf_config(config).sizes;
      } else if (auto const width = expert_widths().find(name); width != expert_widths().end()) {
        shape.gated_ffn = true;
        shape.moe = {.experts = number("E"), .active = number("k"), .expert_ffn = width->second, .layers = shape.layers};
      } else if (number("E") > 0) {
        continue;  // neither the collected shapes nor a configuration say how wide an expert is
      }
      read.emplace(name, shape);
    }
    return read;
  }();
  return all;
}

// FLOP per token of a row's convention, empty for one that the library has not.
inline std::optional<double> flop_per_token(std::string const& convention, km::transformer const& shape, std::int64_t sequence_length) {
  using namespace km::flops;
  auto const length = sequence_length * km::units::token / km::units::sample;
  if (convention == "palm") return palm_n_total::per_token(shape, length).coherent();
  if (convention == "palm_noemb") return palm_no_embedding::per_token(shape, length).coherent();
  if (convention == "matmul_causal") return causal::per_token(shape, length).coherent();
  if (convention == "matmul_causal_norouter") return causal_no_router::per_token(shape, length).coherent();
  if (convention == "megatron_model_72") return megatron_model::per_token(shape, length).coherent();
  if (convention == "megatron_hw_96") return km::hardware_work<megatron_model, km::recompute::layers>::per_token(shape, length).coherent();
  if (convention == "6N_nominal") return flagperf_nominal::per_token(shape, length).coherent();
  return std::nullopt;
}

// Whether a computed value is the published one within rounding: half of its last digit, and the share
// by which the printed throughput that it was computed from is itself uncertain.
inline bool within_rounding(double computed, std::string const& published, double share) {
  auto const value = *number(published);
  return std::abs(computed - value) <= half_unit(published) + share * computed + 1e-9 * computed;
}
inline bool within_rounding(double computed, std::string const& published, std::string const& throughput) {
  auto const rate = number(throughput);
  return within_rounding(computed, published, rate && *rate > 0 ? half_unit(throughput) / *rate : 0);
}

}  // namespace truth
