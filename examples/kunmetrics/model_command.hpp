// kunmetrics model MODEL --sequence-length S: parameters, and FLOP per token under every convention.
#pragma once

#include "command.hpp"

namespace tool {

struct model_command {
  std::string model;
  std::int64_t sequence_length = 0;

  void add_to(CLI::App& app) {
    app.add_option("MODEL", model, "a name of the registry, or the path of a Hugging Face config.json")->required();
    add_sequence_length(app, sequence_length)->required();
  }

  void run(bool as_json) const {
    auto const read = model_of(model);
    auto const shape = read.shape();
    auto const counts = km::parameters(shape);
    auto const length = sequence_length * km::units::token / km::units::sample;
    require_countable(model, shape, length);
    if (as_json) {
      print(json_of(shape, counts, length));
    } else {
      std::cout << table_of(shape, counts, length);
    }
  }

 private:
  static km::json json_of(km::transformer const& shape, km::parameter_counts const& counts,
                          km::sequence_length_t length) {
    km::json object{{"name", shape.name},
                    {"sequence_length", length.coherent()},
                    {"parameters",
                     {{"total", counts.total},
                      {"matmul", counts.matmul},
                      {"embedding", counts.embedding},
                      {"active", counts.active}}}};
    auto& flop = object["flop_per_token"] = km::json::object();
    km::flops::for_each_flop_per_token(shape, length, [&](std::string_view name, km::flop_per_token_t work) {
      flop[std::string{name}] = flop_json(work.coherent());
    });
    return object;
  }

  static std::string table_of(km::transformer const& shape, km::parameter_counts const& counts,
                              km::sequence_length_t length) {
    std::vector<km::table_row<2>> parameters{{"parameters", std::string{shape.name}}};
    parameters.push_back({"total", std::to_string(counts.total)});
    parameters.push_back({"active: met by one token", std::to_string(counts.active)});
    parameters.push_back({"matmul: met in a product", std::to_string(counts.matmul)});
    parameters.push_back({"embedding: input look-up", std::to_string(counts.embedding)});
    std::vector<km::table_row<2>> flop{{"convention", "FLOP/token (GFLOP), S = " + std::to_string(length.coherent())}};
    km::flops::for_each_flop_per_token(shape, length, [&](std::string_view name, km::flop_per_token_t work) {
      flop.push_back({std::string{name}, km::formatted(work, km::units::gigaflop / km::units::token, 6)});
    });
    return km::markdown_table(parameters) + '\n' + km::markdown_table(flop) +
           "\nForward and backward, recomputation not included. Formulas: kunmetrics/flops.hpp.\n";
  }
};

}  // namespace tool
