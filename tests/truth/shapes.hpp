// shapes.json and what a conventions' name in the collected rows means to the library.
#pragma once

#include "csv.hpp"
#include "named_conventions.hpp"
#include "published_shapes.hpp"

#include <kunmetrics/io/hf_config.hpp>
#include <kunmetrics/models.hpp>
#include <kunmetrics/utilization.hpp>

#include <map>
#include <optional>
#include <string>

namespace truth {

namespace km = kunmetrics;

// Every shape by name: the published configuration where there is one, or the registry's, which knows what
// shapes.json does not state; else the collected sizes, with a gated FFN where it is not 4h wide.
inline std::map<std::string, km::transformer> const& shapes() {
  static auto const all = [] {
    km::json_document const document{folder() / "shapes.json"};
    std::map<std::string, km::transformer> read{published_shapes()};
    for (auto const& [name, value] : document.tree().items()) {
      auto const config = folder() / "configs" / (name + ".json");
      if (std::filesystem::exists(config)) {
        read.insert_or_assign(name, km::hf_config(config).sizes);
      } else if (auto const known = km::model_named(name)) {
        read.insert_or_assign(name, *known);
      } else if (value.at("E").template get<std::int64_t>() == 0) {  // how wide an expert is would not be known
        auto const size = [&](char const* key) { return value.at(key).template get<std::int64_t>(); };
        read.insert_or_assign(name, km::transformer{.layers = size("L"), .hidden = size("d"), .heads = size("H"), .kv_heads = size("KV"),
                                                    .head_size = size("hd"), .ffn = size("ff"), .vocabulary = size("V"),
                                                    .gated_ffn = size("ff") != 4 * size("d"), .tied_embedding = value.at("tied").template get<bool>()});
      }
    }
    return read;
  }();
  return all;
}

inline std::optional<km::transformer> shape_named(std::string const& name) {
  auto const found = shapes().find(name);
  return found == shapes().end() ? std::nullopt : std::optional{found->second};
}

// FLOP per token of a row's convention, empty for one that the library has not.
inline std::optional<double> flop_per_token(std::string const& convention, km::transformer const& shape, std::int64_t sequence_length) {
  auto const found = named_conventions().find(convention);
  if (found == named_conventions().end()) return std::nullopt;
  return found->second.per_token(as_counted(convention, shape), sequence_length * km::units::token / km::units::sample).coherent();
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
