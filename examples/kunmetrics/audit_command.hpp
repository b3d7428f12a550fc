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
  std::optional<std::int64_t> processors, nodes, tensor_parallel, context_parallel;
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
    app.add_option("--context-parallel", context_parallel, "ranks that share a sequence")->check(count);
    peak.add_to(app);
  }

  void run(bool as_json) const {
    auto const read = km::read_training_log(log, hint());
    auto known = stated();
    std::optional<km::maybe<km::peak_rate>> limit;
    if (peak.given()) limit = peak.rate();
    if (limit && *limit) known.peak = (*limit)->rate.coherent();
    auto const facts = km::facts_of(read, known);
    auto const result = km::audit(facts);
    if (as_json) {
      print(json_of(read, result, limit));
    } else {
      std::cout << text_of(read, facts, result, limit);
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

  km::audit_facts stated() const {
    km::audit_facts facts{.sequence_length = sequence_length,
                          .global_batch_size = global_batch_size,
                          .micro_batch_size = micro_batch_size,
                          .gradient_accumulation_steps = gradient_accumulation_steps,
                          .processors = processors,
                          .nodes = nodes,
                          .tensor_parallel = tensor_parallel,
                          .context_parallel = context_parallel};
    if (!model.empty()) facts.model = model_of(model).sizes;
    return facts;
  }

  static km::json claimed(std::optional<km::running_statistic> const& statistic) {
    return statistic ? km::json(statistic->last) : km::json(nullptr);
  }

  static km::json json_of(km::training_log const& read, km::audit_result const& result,
                          std::optional<km::maybe<km::peak_rate>> const& limit) {
    auto const& rates = read.summary.tokens_per_second ? read.summary : read.claimed;
    km::json object{{"framework", read.framework.empty() ? km::json(nullptr) : km::json(read.framework)},
                    {"steps", read.steps}};
    object["tokens_per_processor_second"] =
        result.tokens_per_processor_second ? km::json(*result.tokens_per_processor_second) : km::json(nullptr);
    object["claimed"] = {{"tokens_per_second", claimed(rates.tokens_per_second)},
                         {"tokens_per_processor_second", claimed(read.claimed.tokens_per_processor_second)},
                         {"samples_per_second", claimed(rates.samples_per_second)},
                         {"flop_per_processor_second", claimed(read.claimed.flop_rate)},
                         {"mfu", claimed(read.claimed.mfu)}};
    object["restated"] = {{"mfu", km::json::object()}};
    for (auto const& [name, value] : result.mfu) object["restated"]["mfu"][name] = value;
    object["convention"] = result.convention.empty() ? km::json(nullptr) : km::json(result.convention);
    if (limit && *limit) {
      object["peak"] = {{"flop_per_second", flop_json((*limit)->rate.coherent())}, {"source", (*limit)->source}};
    }
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
    return object;
  }

  // What would have to be known for a verdict, or for more of one.
  static std::string missing(km::audit_facts const& facts) {
    std::string names;
    auto const need = [&](bool known, std::string_view name) {
      if (!known) names.append(names.empty() ? "" : ", ").append(name);
    };
    need(facts.model.has_value(), "--model");
    need(facts.sequence_length.has_value(), "--sequence-length");
    need(facts.global_batch_size.has_value() || facts.tokens_per_step.has_value(), "--global-batch-size");
    need(facts.processors.has_value(), "--processors");
    need(facts.peak.has_value(), "--device or --peak");
    return names;
  }

  static std::string text_of(km::training_log const& read, km::audit_facts const& facts, km::audit_result const& result,
                             std::optional<km::maybe<km::peak_rate>> const& limit) {
    std::string text = "verdict: " + std::string{name_of(result.verdict)} + '\n';
    for (auto const& finding : result.findings) {
      text += "  " + finding.trap + ", factor " + km::significant(finding.factor, 4) + ": " + finding.explanation +
              '\n';
    }
    text += "\nframework: " + (read.framework.empty() ? std::string{"not recognised"} : std::string{read.framework}) +
            ", " + std::to_string(read.steps) + " steps";
    if (read.restarts > 0) text += ", " + std::to_string(read.restarts) + " restarts";
    if (!result.convention.empty()) text += "; the claim follows " + result.convention;
    text += '\n';
    if (!result.checks.empty()) {
      std::vector<km::table_row<4>> rows{{"relation", "claimed / computed", "rounding", ""}};
      for (auto const& check : result.checks) {
        rows.push_back({check.relation, km::formatted(check.ratio, 4), km::formatted(check.tolerance, 4),
                        check.holds() ? "holds" : "does not hold"});
      }
      text += '\n' + km::markdown_table(rows);
    }
    if (!result.mfu.empty() && limit && *limit) {
      std::vector<km::table_row<2>> rows{{"convention", "MFU restated (%)"}};
      for (auto const& [name, value] : result.mfu) rows.push_back({name, km::formatted(value * 100, 2)});
      text += '\n' + km::markdown_table(rows) + "\nAt " + km::significant(*result.tokens_per_processor_second, 5) +
              " token/(processor s), of " + km::formatted(**limit) + ": " + std::string{(*limit)->source} + ".\n";
    }
    if (auto const names = missing(facts); !names.empty()) {
      text += "\nNeither the log nor the command line says: " + names + ".\n";
    }
    return text;
  }
};

}  // namespace tool
