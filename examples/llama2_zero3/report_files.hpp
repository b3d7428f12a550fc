// What a run leaves behind: report.md (Chinese), report.en.md, report.json and report.html, each whole or
// not at all.
//
// All of them say what was run, after the changes in the plan's notes, and stand on the same summary.
#pragma once

#include "fc_cache.hpp"
#include "training.hpp"
#include "training_plan.hpp"

#include <kunmetrics/io/flagperf.hpp>
#include <kunmetrics/io/html.hpp>
#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/linux_environment.hpp>
#include <kunmetrics/io/whole_file.hpp>

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>

namespace trainer {

namespace detail {
inline std::string library_versions() {
  auto const* const dnn = dnnl_version();
  return "oneDNN " + std::to_string(dnn->major) + "." + std::to_string(dnn->minor) + "." + std::to_string(dnn->patch) +
#if defined(__clang__)
         ", clang " + __clang_version__;
#else
         ", g++ " + __VERSION__;
#endif
}

inline kunmetrics::environment environment_of(training_plan const& plan) {
  auto found = kunmetrics::linux_environment();
  found.framework = std::string{"kunmetrics " KUNMETRICS_VERSION ", llama2_zero3 ("} +
                    plan.engine + ", " + plan.backend + (plan.card ? " on " + described(plan.device) : std::string{}) + ")";
  found.dependencies = library_versions();
  return completed(plan.what.environment, found);
}

// Of cards as their monitor says, else as the allocator says: --monitor machine sees all ranks of the process at once.
inline kunmetrics::processor_memory memory_of(kunmetrics::device const& processor, training_outcome const& outcome,
                                              std::optional<kunmetrics::device_summary> const& cards, bool on_card) {
  using namespace kunmetrics::units;
  kunmetrics::processor_memory memory;
  if (cards && cards->memory_peak) {
    memory.used = cards->memory_peak->coherent() * byte / kunmetrics::units::processor;
    if (cards->memory_total) memory.total = cards->memory_total->coherent() * byte / kunmetrics::units::processor;
    memory.measured_by = {"由监控读取，来源：" + cards->source + "，用得最多的卡的最高读数",
                          "read by the monitor, " + cards->source + ": the highest reading of the card that used most"};
    return memory;
  }
  if (on_card && !outcome.libtorch_bytes.empty()) {
    memory.used = std::ranges::max(outcome.libtorch_bytes, {}, &backend_allocations::bytes::peak).peak * byte / kunmetrics::units::processor;
    if (processor.memory.coherent() > 0) memory.total = processor.memory;
    memory.measured_by = {"由libtorch的显存分配器记录，一张卡的峰值", "counted by libtorch's allocator of the card, its peak; the most of any rank's"};
    return memory;
  }
  memory.used = *std::ranges::max_element(outcome.peak_bytes) * byte / kunmetrics::units::processor;
  if (processor.memory.coherent() > 0) memory.total = processor.memory;
  memory.measured_by = {"由训练器的内存账本记录，一个rank所持缓冲区的峰值；总量为开始时可用内存按rank均分",
                        "from the trainer's ledger, the peak of the buffers that one rank holds; what is available is "
                        "the memory free at the start, shared evenly"};
  return memory;
}

// Of the rank whose libtorch held most.
inline kunmetrics::json libtorch_json(training_outcome const& outcome) {
  using namespace kunmetrics::units;
  using size = kunmetrics::maybe<kunmetrics::processor_memory::size>;
  size live = kunmetrics::absent{"libtorch did not compute"}, peak = live, reserved = live;
  if (!outcome.libtorch_bytes.empty()) {
    auto const most = *std::ranges::max_element(outcome.libtorch_bytes, {}, &backend_allocations::bytes::peak);
    live = most.live * byte / processor;
    peak = most.peak * byte / processor;
    reserved = kunmetrics::absent{"a CPU's allocator keeps nothing in reserve"};
    if (most.reserved) reserved = *most.reserved * byte / processor;
  }
  return {{"allocated", kunmetrics::json_of(live)}, {"peak", kunmetrics::json_of(peak)}, {"reserved", kunmetrics::json_of(reserved)}};
}

// Ranks side by side, and the one that the others wait for.
inline kunmetrics::json ranks_json(training_outcome const& outcome) {
  if (outcome.by_rank.empty()) {
    return {{"straggler", nullptr}, {"reason", "one rank has no other to be compared with"}, {"times", nullptr}};
  }
  return {{"straggler", json_of(kunmetrics::straggler_of(outcome.by_rank))}, {"times", json_of(outcome.by_rank)}};
}

// Machines by ranks of each; one machine where they are not alike.
inline std::string grid(training_plan const& plan) {
  auto const here = plan.processes && plan.ranks % plan.processes->here == 0 ? plan.processes->here : plan.ranks;
  return std::to_string(plan.ranks / here) + "x" + std::to_string(here);
}
}  // namespace detail

// The parts of FlagPerf's document that are not numbers of the summary.
inline kunmetrics::flagperf_document document_of(training_plan const& plan, dataset const& tokens,
                                                 kunmetrics::device const& processor, std::int64_t steps_planned,
                                                 training_outcome const& outcome,
                                                 std::optional<kunmetrics::device_summary> const& cards = {}) {
  auto const ranks = std::to_string(plan.ranks);
  std::string const hardware{plan.card ? plan.card->name : "CPU"};
  auto const& what = plan.what;
  kunmetrics::flagperf_document document{
      .title = {hardware + " ", plan.card ? hardware : "a CPU machine"},
      .configuration = {hardware + "单机" + ranks + "个rank（" + detail::grid(plan) + "）",
                        hardware + ", one machine of " + ranks + " ranks (" + detail::grid(plan) + ")"},
      .hardware = plan.card ? hardware : "cpu",
      .case_file = what.path.filename().string(),
      .optimizer_file = what.deepspeed ? std::filesystem::path{what.deepspeed->where}.filename().string()
                                       : what.path.filename().string(),
      .environment = detail::environment_of(plan),
      .parallel = {.technique = "sharded data parallel",
                   .implementer = "kunmetrics llama2_zero3 ZeRO-DP",
                   .details = "ZeRO-DP O" + std::to_string(plan.settings.stage) + ", DP_SIZE=" + ranks},
      .dataset = tokens.name(),
      .dataset_note = tokens.note(),
      .memory = detail::memory_of(processor, outcome, cards, plan.card.has_value()),
      .reference_rows = {kunmetrics::kunlunxin_r300_row()},
      .notes = plan.notes};
  if (outcome.steps < steps_planned) {
    auto const of = std::to_string(outcome.steps) + "/" + std::to_string(steps_planned);
    document.notes.push_back({"运行被信号终止，完成" + of + "步", "a signal ended the run after " + of + " steps"});
  }
  if (!outcome.by_rank.empty()) document.notes.push_back(described(outcome.by_rank));
  if (what.recompute == recompute::layers) document.optimisations.push_back("gradient_checkpointing");
  return document;
}

// The summary as one flat object, and beside it where and on what it was measured.
template <class Summary>
kunmetrics::json report_json(training_plan const& plan, dataset const& tokens, kunmetrics::flagperf_document const& document,
                             Summary const& run, std::int64_t steps_planned, training_outcome const& outcome) {
  using kunmetrics::json_of;
  using namespace kunmetrics::units;
  auto report = kunmetrics::json{{"name", plan.what.name}};
  report.update(json_of(run));
  report["recompute"] = name_of(plan.what.recompute);
  report["attention"] = name_of(plan.what.attention);
  report["seed"] = plan.settings.seed;
  report["steps_planned"] = json_of(steps_planned * step);
  report["steps_trained"] = json_of(outcome.steps * step);
  report["dataset"] = {{"name", tokens.name()}, {"synthetic", tokens.synthetic()}, {"tokens", json_of(tokens.size() * token)}};
  report["dataset"]["unigram_entropy"] =
      tokens.entropy() ? kunmetrics::json{{"value", *tokens.entropy()}, {"unit", "nat/token"}} : kunmetrics::json(nullptr);
  report["memory"] = json_of(document.memory);
  for (std::size_t i = 0; i < memory_part_names.size(); ++i) {
    report["memory"]["by_part"][std::string{memory_part_names[i]}] = json_of(plan.rank_bytes.bytes[i] * byte / processor);
  }
  report["memory"]["libtorch"] = detail::libtorch_json(outcome);
  report["ranks"] = detail::ranks_json(outcome);
  report["parallel"] = json_of(document.parallel);
  report["environment"] = json_of(document.environment);
  report["notes"] = json_of(document.notes);
  report["fc_tuning"] = plan.tuning ? trainer::json_of(*plan.tuning) : kunmetrics::json(nullptr);
  if (plan.tuning) report["fc_tuning"]["gain"] = {{"value", plan.tuning->gain(plan.shape.layers)}, {"unit", "1"}};
  report["deepspeed_config"] = kunmetrics::json::array();
  if (plan.what.deepspeed) {
    for (auto const& field : plan.what.deepspeed->effects) {
      report["deepspeed_config"].push_back({{"key", field.key}, {"effect", name_of(field.what)}, {"note", field.note}});
    }
  }
  return report;
}

}  // namespace trainer
