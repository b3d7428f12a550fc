// kunmetrics plan --case FILE: what a step of a case is: batch, work, memory, traffic, and the least time it can take.
#pragma once

#include "memory_command.hpp"

#include <string>
#include <vector>

namespace tool {

struct plan_command {
  case_options given;

  void add_to(CLI::App& app) { given.add_to(app); }

  void run(bool as_json) const {
    auto const of = given.read();
    if (as_json) return print(json_of(of));
    std::cout << km::markdown_table(rows_of_step(of)) << '\n' << km::markdown_table(rows_of(of.memory())) << "\n"
              << "Projected, not measured: communication is taken for hidden behind computation, memory traffic for free; "
              << memory_left_out << ".\n";
  }

 private:
  static km::maybe<km::quantity_of<km::units::one>> ceiling(planned_case const& of) {
    auto const bound = of.bound();
    if (!bound) return km::absent{bound.reason()};
    return km::mfu_at<km::flops::palm>(of.run(), *of.peak(), bound->value.whole()).value;
  }

  static km::json json_of(planned_case const& of) {
    auto const& run = of.run();
    auto const tokens = km::tokens_per_step(run);
    auto const traffic = of.traffic();
    km::json object{{"projection", true},
                    {"name", of.what().name},
                    {"model", run.model.name},
                    {"processor", run.processor.name},
                    {"precision", km::name_of(run.precision)},
                    {"processors", km::json_of(km::processors(run.cluster))},
                    {"data_parallel_size", km::json_of(km::replicas(run.cluster))},
                    {"global_batch_size", km::json_of(km::global_batch_size(run))},
                    {"tokens_per_step", km::json_of(tokens)},
                    {"flop_per_step",
                     {{"model", km::json_of(1.0 * tokens * km::flops::palm::per_token(run.model, run.sequence_length))},
                      {"executed", km::json_of(1.0 * tokens * of.executed())},
                      {"convention", km::flops::palm::name},
                      {"recompute", km::name_of(of.what().recompute)}}},
                    {"zero_stage", static_cast<int>(of.stage())},
                    {"memory", tool::json_of(of.memory())}};
    object["communication"] = {{"gathered", km::json_of(traffic.gathered)}, {"reduced", km::json_of(traffic.reduced)},
                               {"total", km::json_of(traffic.total())}};
    auto const bound = of.bound();
    if (bound) {
      object["step_bound"] = {{"computation", km::json_of(bound->value.computation)},
                              {"communication", km::json_of(bound->value.communication)},
                              {"whole", km::json_of(bound->value.whole())},
                              {"set_by", bound->value.is_of_communication() ? "communication" : "computation"},
                              {"peak", km::json_of(*of.peak())}};
    } else {
      object["step_bound"] = {{"value", nullptr}, {"reason", bound.reason()}};
    }
    object["mfu_ceiling"] = {{km::flops::palm::name, km::json_of(ceiling(of))}};
    return object;
  }

  static std::vector<km::table_row<2>> rows_of_step(planned_case const& of) {
    using namespace km::units;
    auto const& run = of.run();
    auto const tokens = km::tokens_per_step(run);
    auto const per_step = byte / (processor * step);
    std::vector<km::table_row<2>> rows{{"a step, projected", of.what().name}};
    rows.push_back({"processors", std::to_string(km::processors(run.cluster).coherent()) + " " + std::string{run.processor.name} + ", " +
                                      std::to_string(km::replicas(run.cluster).coherent()) + " replicas, ZeRO-" +
                                      std::to_string(static_cast<int>(of.stage()))});
    rows.push_back({"global batch", km::formatted(km::global_batch_size(run)) + ", " + km::formatted(tokens)});
    rows.push_back({"FLOP, palm", km::flop_text((1.0 * tokens * km::flops::palm::per_token(run.model, run.sequence_length)).coherent(), 5) +
                                      "; executed, recompute " + std::string{km::name_of(of.what().recompute)} + ": " +
                                      km::flop_text((1.0 * tokens * of.executed()).coherent(), 5)});
    rows.push_back({"sent by a processor", km::formatted(of.traffic().total().in(per_step) / 1e9, 3) + " GB"});
    auto const bound = of.bound();
    if (!bound) {
      rows.push_back({"least time", "- (" + std::string{bound.reason()} + ")"});
    } else {
      auto const& times = bound->value;
      rows.push_back({"least time of computation", km::formatted(times.computation, second / step, 4) + " s at " + km::formatted(*of.peak())});
      rows.push_back({"least time of communication", times.communication ? km::formatted(*times.communication, second / step, 4) + " s"
                                                                         : "- (" + std::string{times.communication.reason()} + ")"});
      rows.push_back({"ceiling of MFU(palm)", km::formatted(100 * ceiling(of)->coherent(), 2) + " %"});
    }
    return rows;
  }
};

}  // namespace tool
