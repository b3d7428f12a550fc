// kunmetrics report STEPS.jsonl --format F: the report of a run from the log of its steps.
//
// The log says what each step took; what was run only a case can say. Without one the formats that are
// about processors or a model are refused, and the others leave those numbers out with the reason.
#pragma once

#include "command.hpp"
#include "mfu_command.hpp"

#include <kunmetrics/io/case_file.hpp>
#include <kunmetrics/io/chrome_trace.hpp>
#include <kunmetrics/io/csv.hpp>
#include <kunmetrics/io/device_charts.hpp>
#include <kunmetrics/io/flagperf.hpp>
#include <kunmetrics/io/html.hpp>
#include <kunmetrics/io/layer_slice.hpp>
#include <kunmetrics/io/prometheus_text.hpp>
#include <kunmetrics/io/step_log.hpp>
#include <kunmetrics/io/whole_file.hpp>
#include <kunmetrics/replay.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tool {

// What the steps say of themselves.
struct steps_alone {
  km::count_of<km::units::step> warm_up_steps;
  km::count_of<km::units::step> steps;
  km::count_of<km::units::token> tokens;
  km::quantity_of<km::units::second> time;
  km::maybe<km::throughput_t> tokens_per_second = km::absent{"no step has been measured after warm-up"};
  km::maybe<km::token_rate_t> tokens_per_processor_second = km::absent{
      "the steps do not say how many processors made them: give --case"};
  km::maybe<double> loss = km::absent{"no step reported a finite loss"};
  km::maybe<km::step_time_percentiles> step_time = km::absent{"no step has been measured after warm-up"};

  using hana_accessors_impl = km::fields<
      km::field<"warm_up_steps", &steps_alone::warm_up_steps>, km::field<"steps", &steps_alone::steps>,
      km::field<"tokens", &steps_alone::tokens>, km::field<"time", &steps_alone::time>,
      km::field<"tokens_per_second", &steps_alone::tokens_per_second>,
      km::field<"tokens_per_processor_second", &steps_alone::tokens_per_processor_second>,
      km::field<"loss", &steps_alone::loss>, km::field<"step_time", &steps_alone::step_time>>;
};

}  // namespace tool

template <>
inline constexpr std::array<std::string_view, 4> kunmetrics::prometheus_counters<tool::steps_alone>{
    "warm_up_steps", "steps", "tokens", "time"};

namespace tool {

struct report_command {
  std::string steps;
  std::string format = "markdown";
  std::string case_path;
  std::string out;
  std::optional<std::int64_t> processors, layers;
  stated_peak peak;

  void add_to(CLI::App& app) {
    app.add_option("STEPS", steps, "the log of steps, JSON lines as the trainer writes them")->required();
    app.add_option("--format", format, "flagperf: its case document in Chinese; markdown: the same in English")
        ->check(CLI::IsMember({"flagperf", "markdown", "json", "csv", "html", "prometheus", "trace"}))
        ->capture_default_str();
    app.add_option("--case", case_path, "the case that was run: model, cluster and batch sizes");
    app.add_option("--processors", processors, "of the whole job, on one node, in place of the case's")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20U));
    app.add_option("--layers", layers, "so many layers of the case's model were trained, at its full width")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 20U));
    app.add_option("--out", out, "a file to write in place of standard output, whole or not at all");
    peak.add_to(app);
  }

  void run(bool as_json) const {
    auto const log = km::read_step_log(steps);
    auto const form = as_json ? "json" : format;
    if (log.cut) std::cerr << "note: " << steps << ": its last line has no end and is left out\n";
    if (case_path.empty()) {
      if (layers) {
        throw km::input_error{km::detail::needed_found("--layers", "--case, whose model has them", "none")};
      }
      alone(log.records, form);
    } else {
      of_case(log.records, form);
    }
  }

 private:
  using notes_type = std::vector<km::bilingual>;

  // A record has the time of the pauses before it, not what they were for.
  static std::optional<km::bilingual> note_of_pauses(std::span<km::step_record const> records) {
    km::quantity_of<km::units::second> paused;
    for (auto const& record : records) paused += record.paused;
    if (!(paused.coherent() > 0)) return std::nullopt;
    auto const time = km::formatted(paused.coherent(), 1);
    return km::bilingual{"步间停顿共" + time + " s，逐步记录不写明用途：goodput全部计入paused，不分检查点与评测",
                         "pauses between steps, " + time + " s in all: the log of steps does not say what for, so " +
                             "goodput has all of it as paused and none as checkpoint or evaluation"};
  }

  void write(std::string_view text) const {
    if (out.empty()) {
      std::cout << text;
    } else {
      km::write_whole(out, text);
    }
  }

  // The formats that need nothing but the records.
  bool written_from_records(std::span<km::step_record const> records, std::string_view form) const {
    if (form == "csv") {
      write(km::csv_of(records));
    } else if (form == "trace" && out.empty()) {
      km::write_chrome_trace(records, {.process = steps}, [](std::string_view piece) { std::cout << piece; });
    } else if (form == "trace") {
      write(km::chrome_trace(records, {.process = steps}));
    } else {
      return false;
    }
    return true;
  }

  void alone(std::span<km::step_record const> records, std::string_view form) const {
    using namespace km::units;
    if (written_from_records(records, form)) return;
    if (form != "json" && form != "prometheus") {
      throw km::input_error{km::detail::needed_found(
          "--case", "the case for --format " + std::string{form} + ": model, cluster and batch sizes", "none")};
    }
    km::training_case const nobody{.cluster = {.per_node = 1 * processor / node},
                                   .micro_batch_size = 1 * sample / (replica * micro_step),
                                   .sequence_length = 1 * token / sample};
    auto const sums = km::summary_of_records(nobody, records);
    steps_alone said{.warm_up_steps = sums.warm_up_steps,
                     .steps = sums.steps,
                     .tokens = sums.tokens,
                     .time = sums.time,
                     .loss = sums.loss,
                     .step_time = sums.step_time};
    if (said.time.coherent() > 0) said.tokens_per_second = km::throughput(said.tokens, said.time);
    write(form == "json" ? km::json_text(km::json_of(said)) : km::prometheus_text(said));
  }

  km::device device_of_case(km::case_file const& what) const {
    if (!peak.given()) return what.processor.value_or(km::device{.name = "cpu", .is = "a rank's share of the machine"});
    auto const limit = peak.rate();
    auto known = what.processor.value_or(
        km::device{.name = peak.device.empty() ? "cpu" : device_of("--device", peak.device).name});
    known.peaks = {};
    if (limit) known.peaks[0] = km::peak_rate{what.precision, limit->rate, limit->source};
    return known;
  }

  void of_case(std::span<km::step_record const> records, std::string_view form) const {
    using namespace km::units;
    if (written_from_records(records, form)) return;
    auto what = km::read_case(case_path);
    notes_type notes{{"根据" + steps + "（逐步记录）写成", "written from the log of steps " + steps}};
    if (layers) {
      if (auto const slice = km::keep_layers(what.model, *layers)) notes.push_back(*slice);
    }
    if (auto const unknown = note_of_pauses(records)) notes.push_back(*unknown);
    if (processors) {
      what.cluster.nodes = 1 * node;
      what.cluster.per_node = *processors * processor / node;
    }
    auto const recomputed = what.recompute;
    if (recomputed == km::recompute::none) return of_run<km::recompute::none>(what, records, form, notes);
    if (recomputed == km::recompute::selective) return of_run<km::recompute::selective>(what, records, form, notes);
    if (recomputed == km::recompute::layers) return of_run<km::recompute::layers>(what, records, form, notes);
    of_run<km::recompute::all>(what, records, form, notes);
  }

  template <km::recompute Recompute>
  void of_run(km::case_file const& what, std::span<km::step_record const> records, std::string_view form,
              notes_type const& notes) const {
    auto const on = device_of_case(what);
    auto const run = km::summary_of_records(what.run(on), records, km::tokens_per_processor_second,
                                            km::mfu<km::flops::palm>, km::mfu<km::flops::causal>,
                                            km::mfu<km::flops::flagperf_nominal>, km::hfu<km::flops::palm, Recompute>);
    if (form == "prometheus") return write(km::prometheus_text(run));
    if (form == "json") {
      auto object = km::json_of(run);
      object["notes"] = km::json_of(notes);
      return write(km::json_text(object));
    }
    auto const devices = km::read_step_log<km::device_step>(steps).records;
    auto document = document_of(what, on);
    document.notes = notes;
    add_memory(document.memory, devices);
    if (form == "html") return write(km::html_report(what.name, document, run, records, km::device_charts(devices)));
    write(km::flagperf_report(document, run, form == "flagperf" ? km::language::zh : km::language::en));
  }

  // Of the card that used most, where a monitor's readings stand beside the steps.
  static void add_memory(km::processor_memory& memory, std::span<km::device_step const> devices) {
    std::optional<km::count_of<km::units::byte>> used;
    for (auto const& each : devices) {
      if (!each.device) continue;
      km::detail::keep_larger(used, each.device->memory_used);
      km::detail::keep_larger(used, each.device->memory_peak);
    }
    if (!used) return;
    memory.used = used->coherent() * km::units::byte / km::units::processor;
    memory.measured_by = {"由监控读取，逐步记录中的最高读数", "read by a monitor: the highest reading in the log of steps"};
  }

  // What the case says of the run; the rest of FlagPerf's document is not known from a log of steps.
  km::flagperf_document document_of(km::case_file const& what, km::device const& on) const {
    auto const grid = std::to_string(what.cluster.nodes.coherent()) + "x" +
                      std::to_string(what.cluster.per_node.coherent());
    auto const name = std::string{on.name};
    return {.title = {name, name},
            .configuration = {name + "（" + grid + "）", name + " (" + grid + ")"},
            .hardware = name,
            .case_file = what.path.filename().string(),
            .optimizer_file = what.deepspeed ? std::filesystem::path{what.deepspeed->where}.filename().string()
                                             : what.path.filename().string(),
            .environment = what.environment,
            .dataset = what.tokens ? what.tokens->filename().string() : "",
            .memory = {.used = km::absent{"the log of steps does not say it"},
                       .total = on.memory.coherent() > 0 ? km::maybe<km::processor_memory::size>{on.memory}
                                                         : km::absent{"the memory of the processor is not known"}}};
  }
};

}  // namespace tool
