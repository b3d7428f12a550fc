// kunmetrics memory --case FILE: what a processor holds of a case, by part, against what it has.
#pragma once

#include "planned_case.hpp"

#include <string>
#include <vector>

namespace tool {

// The parts of a processor's memory as an object of JSON.
inline km::json json_of(planned_memory const& memory) {
  km::json object{{"weights", km::json_of(memory.weights)},
                  {"gradients", km::json_of(memory.gradients)},
                  {"optimizer", km::json_of(memory.optimizer)},
                  {"activations", km::json_of(memory.activations)},
                  {"recomputed_layer", km::json_of(memory.recomputed_layer)},
                  {"output", km::json_of(memory.output)},
                  {"total", km::json_of(memory.total())},
                  {"capacity", km::json_of(memory.capacity)}};
  auto const fits = memory.fits();
  object["fits"] = fits ? km::json(*fits) : km::json(nullptr);
  object["left_out"] = memory_left_out;
  return object;
}

inline std::string gib_of_processor(km::maybe<memory_of_processor> const& size) {
  return size ? km::formatted(*size, km::units::GiB / km::units::processor, 2) : "- (" + std::string{size.reason()} + ")";
}

inline std::vector<km::table_row<2>> rows_of(planned_memory const& memory) {
  std::vector<km::table_row<2>> rows{{"memory, projected", "GiB a processor"}};
  rows.push_back({"weights", gib_of_processor(memory.weights)});
  rows.push_back({"gradients", gib_of_processor(memory.gradients)});
  rows.push_back({"optimizer", gib_of_processor(memory.optimizer)});
  rows.push_back({"activations", gib_of_processor(memory.activations)});
  rows.push_back({"a layer computed again", gib_of_processor(memory.recomputed_layer)});
  rows.push_back({"output and logits", gib_of_processor(memory.output)});
  rows.push_back({"total", gib_of_processor(memory.total())});
  rows.push_back({"capacity", gib_of_processor(memory.capacity)});
  auto const fits = memory.fits();
  rows.push_back({"fits", fits ? (*fits ? "these parts do" : "no") : "-"});
  return rows;
}

struct memory_command {
  case_options given;

  void add_to(CLI::App& app) { given.add_to(app); }

  void run(bool as_json) const {
    auto const of = given.read();
    auto const memory = of.memory();
    if (as_json) {
      km::json object{{"projection", true},
                      {"name", of.what().name},
                      {"zero_stage", static_cast<int>(of.stage())},
                      {"data_parallel_size", km::replicas(of.run().cluster).coherent()},
                      {"parameters_of_a_processor", of.parameters_of_processor()},
                      {"memory", json_of(memory)}};
      return print(object);
    }
    std::cout << km::markdown_table(rows_of(memory)) << "\nZeRO-" << static_cast<int>(of.stage()) << " over "
              << km::replicas(of.run().cluster).coherent() << " replicas of " << of.parameters_of_processor()
              << " parameters a processor, " << km::name_of(of.what().precision) << ", recompute "
              << km::name_of(of.what().recompute) << "; " << memory_left_out << ".\n";
  }
};

}  // namespace tool
