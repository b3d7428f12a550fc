// kunmetrics audit LOG: what a training log claims, held against its own facts and restated.
#pragma once

#include "command.hpp"
#include "mfu_command.hpp"

#include <kunmetrics/io/audit_log.hpp>

#include <optional>
#include <vector>

namespace tool {

struct audit_command {
  std::string log;
  std::string framework;
  std::string model;
  std::optional<std::int64_t> sequence_length, global_batch_size, micro_batch_size, gradient_accumulation_steps;
  std::optional<std::int64_t> processors, nodes, tensor_parallel, pipeline_parallel, context_parallel;
  stated_peak peak;

  void add_to(CLI::App& app) {
    auto const count = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40U);
    app.add_option("LOG", log, "the log of a training run")->required();
    app.add_option("--framework", framework, "the program, where its lines are those of another too");
    app.add_option("--model", model, "a name of the registry, or the path of a Hugging Face config.json");
    app.add_option("--sequence-length", sequence_length, "tokens of a sample")->check(count);
    app.add_option("--global-batch-size", global_batch_size, "samples of a step")->check(count);
    app.add_option("--micro-batch-size", micro_batch_size, "samples of a micro-step of one replica")->check(count);
    app.add_option("--gradient-accumulation-steps", gradient_accumulation_steps, "micro-steps of a step")->check(count);
    app.add_option("--processors", processors, "of the whole job")->check(count);
    app.add_option("--nodes", nodes, "of the whole job")->check(count);
    app.add_option("--tensor-parallel", tensor_parallel, "ranks that share a layer's products")->check(count);
    app.add_option("--pipeline-parallel", pipeline_parallel, "stages that a batch passes through")->check(count);
    app.add_option("--context-parallel", context_parallel, "ranks that share a sequence")->check(count);
    peak.add_to(app);
  }

  void run(bool as_json) const {
    auto const read = km::read_training_log(log, hint());
    auto const result = km::audit(read, stated());
    if (as_json) {
      print(json_of(read, result));
    } else {
      std::cout << text_of(read, result);
    }
  }

 private:
  std::optional<km::log_framework> hint() const {
    if (framework.empty()) return std::nullopt;
    for (std::size_t i = 0; i < km::log_framework_names.size(); ++i) {
      if (km::detail::same_device_name(km::log_framework_names[i], framework)) return static_cast<km::log_framework>(i);
    }
    std::string names;
    for (auto const name : km::log_framework_names) names.append(names.empty() ? "" : ", ").append(name);
    throw km::input_error{km::detail::needed_found("--framework", "one of " + names, framework)};
  }

  // Throws input_error for a model, device or precision that is not known.
  km::audit_facts stated() const {
    km::audit_facts facts{.sequence_length = sequence_length,
                          .global_batch_size = global_batch_size,
                          .micro_batch_size = micro_batch_size,
                          .gradient_accumulation_steps = gradient_accumulation_steps,
                          .processors = processors,
                          .nodes = nodes,
                          .tensor_parallel = tensor_parallel,
                          .pipeline_parallel = pipeline_parallel,
                          .context_parallel = context_parallel};
    if (!model.empty()) facts.model = model_of(model).sizes;
    auto const at = km::precision_named(peak.precision);
    if (!at) throw km::input_error{km::detail::needed_found("--precision", "a precision", peak.precision)};
    facts.precision = *at;
    if (nodes && processors && *processors % *nodes != 0) {
      throw km::input_error{km::detail::needed_found("--processors", "a multiple of the " + std::to_string(*nodes) + " nodes",
                                                     std::to_string(*processors))};
    }
    if (!peak.given()) return facts;
    if (!peak.device.empty()) facts.processor = device_of("--device", peak.device);
    auto const limit = peak.rate();
    facts.confidential_peak = !limit;
    if (limit) {
      facts.peak = limit->rate.coherent();
      facts.peak_source = km::formatted(*limit) + ": " + std::string{limit->source};
    }
    return facts;
  }

  template <typename T>
  static km::json or_null(std::optional<T> const& value) {
    return value ? km::json(*value) : km::json(nullptr);
  }
  // Step by step where it is said so, else at the end.
  static km::json claimed(km::log_claims const& rates, km::log_claims const& otherwise,
                          std::optional<km::running_statistic> km::log_claims::*kind) {
    auto const& statistic = rates.*kind ? rates.*kind : otherwise.*kind;
    return statistic ? km::json(statistic->last) : km::json(nullptr);
  }

  static km::json json_of(km::training_log const& read, km::audit_result const& result) {
    // a pair of rates of one kind: at the end of the run where it is said there
    auto const& rates = read.summary.tokens_per_second ? read.summary : read.claimed;
    using claims = km::log_claims;
    km::json object{{"framework", read.framework.empty() ? km::json(nullptr) : km::json(read.framework)},
                    {"steps", read.steps}};
    object["tokens_per_processor_second"] = or_null(result.tokens_per_processor_second);
    object["claimed"] = {
        {"tokens_per_second", claimed(rates, read.claimed, &claims::tokens_per_second)},
        {"tokens_per_processor_second", claimed(read.claimed, read.summary, &claims::tokens_per_processor_second)},
        {"samples_per_second", claimed(rates, rates, &claims::samples_per_second)},
        {"flop_per_processor_second", claimed(read.claimed, read.summary, &claims::flop_rate)},
        {"mfu", claimed(read.claimed, read.summary, &claims::mfu)}};
    object["restated"] = {{"mfu", km::json::object()}};
    for (auto const& [name, value] : result.mfu) object["restated"]["mfu"][name] = value;
    object["convention"] = result.conventions.empty() ? km::json(nullptr) : km::json(result.convention());
    object["conventions"] = result.conventions;
    if (result.peak) object["peak"] = {{"flop_per_second", flop_json(*result.peak)}, {"source", result.peak_source}};
    object["verdict"] = name_of(result.verdict);
    object["findings"] = km::json::array();
    for (auto const& finding : result.findings) {
      object["findings"].push_back(
          {{"trap", finding.trap}, {"factor", finding.factor}, {"explanation", finding.explanation}});
    }
    object["checks"] = km::json::array();
    for (auto const& check : result.checks) {
      object["checks"].push_back({{"relation", check.relation},
                                  {"ratio", check.ratio},
                                  {"tolerance", check.tolerance},
                                  {"holds", check.holds()}});
    }
    object["unchecked"] = km::json::array();
    for (auto const& left : result.unchecked) {
      object["unchecked"].push_back({{"claim", left.claim}, {"missing", left.missing}});
    }
    object["missing"] = result.missing;
    object["notes"] = result.notes;
    return object;
  }

  static std::string joined(std::vector<std::string> const& words) {
    std::string text;
    for (auto const& word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
  }

  static std::string checks_of(km::audit_result const& result) {
    if (result.checks.empty()) return {};
    std::vector<km::table_row<4>> rows{{"relation", "claimed / computed", "rounding", ""}};
    for (auto const& check : result.checks) {
      rows.push_back({check.relation, km::formatted(check.ratio, 4), km::formatted(check.tolerance, 4),
                      check.holds() ? "holds" : "does not hold"});
    }
    return '\n' + km::markdown_table(rows);
  }

  static std::string restated(km::audit_result const& result) {
    if (result.mfu.empty()) return {};
    std::vector<km::table_row<2>> rows{{"convention", "MFU restated (%)"}};
    for (auto const& [name, value] : result.mfu) rows.push_back({name, km::formatted(value * 100, 2)});
    return '\n' + km::markdown_table(rows) + "\nAt " + km::significant(*result.tokens_per_processor_second, 5) +
           " token/(processor s), of " + km::significant(*result.peak / 1e12, 5) + " TFLOP/s: " + result.peak_source +
           ".\n";
  }

  static std::string text_of(km::training_log const& read, km::audit_result const& result) {
    std::string text = "verdict: " + std::string{name_of(result.verdict)};
    text += '\n';
    for (auto const& finding : result.findings) {
      text += "  " + finding.trap + ", factor " + km::significant(finding.factor, 4) + ": " + finding.explanation +
              '\n';
    }
    text += "\nframework: " + (read.framework.empty() ? std::string{"not recognised"} : std::string{read.framework}) +
            ", " + std::to_string(read.steps) + " steps";
    if (read.restarts > 0) text += ", " + std::to_string(read.restarts) + " restarts";
    if (!result.conventions.empty()) text += "; the claim follows " + joined(result.conventions);
    text += '\n' + checks_of(result) + restated(result);
    if (!result.unchecked.empty()) text += "\nNot checked, as neither the log nor the command line says:\n";
    for (auto const& left : result.unchecked) text += "  " + left.claim + ": " + joined(left.missing) + '\n';
    if (result.checks.empty() && result.unchecked.empty()) text += "\nNo claim of a speed was found in it.\n";
    if (!result.missing.empty()) {
      text += "\nTo restate it under every convention: " + joined(result.missing) + ".\n";
    }
    for (auto const& note : result.notes) text += "\nNote: " + note + ".\n";
    return text;
  }
};

}  // namespace tool
