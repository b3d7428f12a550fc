// A run's report in the form of FlagPerf's case document, in Chinese or English.
//
// Environment, strategies, batch sizes, general metrics, and the performance table: this run's row
// first, reference rows below it. No number stands without its unit, and no MFU without convention
// and peak: those and all reasons for an absent value ("-") are notes at the end. Each MFU of
// the summary enters the row; an HFU is a note; results that have no column are left to JSON.
// Source: FlagPerf training/kunlunxin/llama2_7b-deepspeed, the Chinese document.
#pragma once

#include <kunmetrics/io/flagperf_phrases.hpp>
#include <kunmetrics/io/markdown.hpp>
#include <kunmetrics/io/text.hpp>
#include <kunmetrics/summary.hpp>

#include <utility>

namespace kunmetrics {

namespace detail {
// The texts and measured cells of one document while it is written.
struct flagperf_page {
  flagperf_document const& document;
  language in;
  flagperf_phrases const& words = phrases(in);
  footnotes notes{};
  std::string rate_cell{};
  std::string mfu_cell{};  // of every convention

  // "-" with a mark whose note says what is absent and why.
  std::string absent_cell(std::string_view what, std::string_view reason) {
    return "-" + notes.mark(filled(words.absent_note, {what, own_text_in(in, reason)}));
  }
  std::string stated(std::string_view text) {
    return text.empty() ? "-" + notes.mark(std::string{words.not_stated}) : one_line(own_text_in(in, text));
  }
};

inline std::string environment_section(flagperf_page& page) {
  auto const& words = page.words;
  auto const& found = page.document.environment;
  std::string text = "#### " + std::string{words.environment} + '\n';
  auto const heading = [&](std::string_view name) { text += "- ##### " + std::string{name} + '\n'; };
  auto const item = [&](std::string_view label, environment::text const& value) {
    text += "  - " + std::string{label} + page.stated(value.value_or("")) + '\n';
  };
  heading(words.hardware);
  item(words.machine_model, found.machine_model);
  item(words.accelerator, found.accelerator);
  item(words.cpu, found.cpu);
  if (found.memory) item(words.memory, found.memory);  // FlagPerf's own document has no such line
  item(words.network, found.network);
  text += '\n';
  heading(words.software);
  item(words.os, found.os);
  item(words.kernel, found.kernel);
  item(words.driver, found.driver);
  item(words.docker_image, found.docker_image);
  item(words.framework, found.framework);
  item(words.dependencies, found.dependencies);
  return text;
}

inline std::string strategy_section(flagperf_page& page) {
  auto const& words = page.words;
  auto const& parallel = page.document.parallel;
  std::string text = "- ##### " + std::string{words.parallel} + "\n\n";
  auto const item = [&](std::string_view label, std::string_view value) {
    text += "  - " + std::string{label} + page.stated(value) + '\n';
  };
  item(words.technique, parallel.technique);
  item(words.implementer, parallel.implementer);
  item(words.details, parallel.details);
  text += "\n- ##### " + std::string{words.optimisation} + "\n\n";
  for (auto const& optimisation : page.document.optimisations) item("", optimisation);
  if (page.document.tuned_fc_blocking) item("", words.tuned_fc_blocking);
  if (page.document.optimisations.empty() && !page.document.tuned_fc_blocking) item("", words.no_optimisation);
  return text;
}

inline std::string digits_of(auto const& count) { return std::to_string(count.coherent()); }

template <typename Summary>
std::string batch_section(flagperf_page& page, Summary const& run) {
  auto const& words = page.words;
  auto const case_file = page.stated(page.document.case_file);
  auto const optimizer_file = page.stated(page.document.optimizer_file);
  bool const data_parallel_alone = run.data_parallel_size.coherent() == run.processors.coherent();
  auto const split = filled(data_parallel_alone ? words.data_parallel_alone : words.model_parallel_too,
                            {digits_of(run.data_parallel_size), digits_of(run.processors)});
  auto const product =
      filled(words.gbs, {digits_of(run.micro_batch_size), digits_of(run.gradient_accumulation_steps),
                         digits_of(run.data_parallel_size), formatted(run.global_batch_size), formatted(run.tokens_per_step)});
  return "* " + std::string{words.batch_sizes} + "\n  1. " +
         filled(words.lbs, {case_file, formatted(run.micro_batch_size)}) + "\n  2. " +
         filled(words.mpe, {case_file, formatted(run.sequence_length)}) + "\n  3. " +
         filled(words.gas, {optimizer_file, formatted(run.gradient_accumulation_steps)}) + "\n  4. " +
         std::string{words.gbs_identity} + split + product + '\n';
}

template <typename Summary>
std::string general_section(flagperf_page& page, Summary const& run) {
  auto const& words = page.words;
  auto const& document = page.document;
  std::vector<table_row<3>> rows;
  auto const row = [&](std::string_view name, std::string_view value, std::string_view remark) {
    rows.push_back({std::string{name}, std::string{value}, std::string{remark}});
  };
  auto const below = [&](std::string_view symbol) { return std::string{symbol} + std::string{words.see_performance}; };
  auto const size = filled(words.dataset_size, {digits_of(run.tokens), digits_of(run.steps), digits_of(run.warm_up_steps)});
  auto const& note = document.dataset_note.in(page.in);
  row(words.general_head[0], words.general_head[1], words.general_head[2]);
  row(words.task[0], words.task[1], "");
  row(words.model[0], page.stated(run.model), "");
  row(words.dataset[0], page.stated(document.dataset), note.empty() ? size : note + std::string{words.pause} + size);
  row(words.precision[0], run.precision, "");
  row(words.fix_hp[0], below("fix_hp"), words.fix_hp[1]);
  row(words.device[0], page.stated(document.hardware), "");
  row(words.storage[0], below("mem"), words.storage[1]);
  row(words.throughput[0], below("token/p/s"), words.throughput[1]);
  row(words.loss[0], below("loss"), words.loss[1]);
  row(words.use[0], below("MFU"), words.use[1]);
  return "* " + std::string{words.general} + "\n\n" + markdown_table(rows);
}

// A result finds its column by its type; of any other type it has none.
template <typename Summary, typename Result>
void add_rate(flagperf_page&, Summary const&, std::string_view, Result const&) {}

template <typename Summary>
void add_rate(flagperf_page& page, Summary const& run, std::string_view name, maybe<token_rate_t> const& rate) {
  if (name != tokens_per_processor_second.name) return;
  if (!rate) {
    page.rate_cell = page.absent_cell("tokens/p/s", rate.reason());
    return;
  }
  auto note = filled(page.words.rate_note, {formatted(run.tokens), formatted(run.time, 3), formatted(run.processors),
                                            unit_text<token_rate_t>, digits_of(run.steps), digits_of(run.warm_up_steps)});
  if ((run.skipped_steps + run.untimed_steps + run.losses_not_finite).coherent() > 0) {
    note += filled(page.words.odd_steps,
                   {digits_of(run.skipped_steps), digits_of(run.untimed_steps), digits_of(run.losses_not_finite)});
  }
  page.rate_cell = significant(rate->coherent(), 5) + page.notes.mark(std::move(note));
}

template <typename Result>
void add_use(flagperf_page&, Result const&) {}

template <typename Work>
void add_use(flagperf_page& page, maybe<utilization<Work>> const& use) {
  auto const name = utilization_name<Work>();
  auto const note = use ? filled(page.words.use_note,
                                 {name, percentage(use->ratio), flop_text(static_cast<double>(use->flop_per_token.coherent()), 8) + "/token",
                                  formatted(use->peak), use->peak.source})
                        : filled(page.words.absent_note, {name, own_text_in(page.in, use.reason())});
  if (Work::name != std::string_view{"mfu"}) {
    page.notes.add(note);
    return;
  }
  if (!page.mfu_cell.empty()) page.mfu_cell += "; ";
  page.mfu_cell += (use ? percentage(use->ratio) : "-") + " (" + std::string{Work::convention::name} + ')' + page.notes.mark(note);
}

inline std::string memory_cell(flagperf_page& page) {
  auto const& memory = page.document.memory;
  auto const size = [&](maybe<processor_memory::size> const& bytes) {
    return bytes ? formatted(*bytes, units::GiB / units::processor, 2) : page.absent_cell("mem", bytes.reason());
  };
  auto const used = size(memory.used);
  auto const cell = used + '/' + size(memory.total);
  if (!memory.used) return cell;
  auto const& method = memory.measured_by.in(page.in);
  return cell + page.notes.mark(filled(page.words.memory_note, {method.empty() ? page.words.method_not_stated : method}));
}

template <typename Summary>
std::string fix_hp(flagperf_page const& page, Summary const& run) {
  auto text = "MPE=" + std::to_string(run.sequence_length.coherent()) +
              " LBS=" + std::to_string(run.micro_batch_size.coherent());
  auto const accumulated = run.gradient_accumulation_steps.coherent();
  if (accumulated != 1) text += " GAS=" + std::to_string(accumulated);
  if (!page.document.further_fix_hp.empty()) text += ' ' + page.document.further_fix_hp;
  return text;
}

// Cells are made from left to right, so that their notes are numbered as they are read.
template <typename Summary>
table_row<6> run_row(flagperf_page& page, Summary const& run) {
  auto const name = page.stated(page.document.configuration.in(page.in));
  for_each_result(run, [&](std::string_view key, auto const& result) { add_rate(page, run, key, result); });
  if (page.rate_cell.empty()) page.rate_cell = page.absent_cell("tokens/p/s", page.words.no_rate);
  auto const loss = run.loss ? formatted(*run.loss, 4) + page.notes.mark(std::string{page.words.loss_note})
                             : page.absent_cell("loss", run.loss.reason());
  auto const memory = memory_cell(page);
  for_each_result(run, [&](std::string_view, auto const& result) { add_use(page, result); });
  if (page.mfu_cell.empty()) page.mfu_cell = page.absent_cell("MFU", page.words.no_use);
  return {name, fix_hp(page, run), page.rate_cell, loss, memory, page.mfu_cell};
}

template <typename Summary>
std::string performance_section(flagperf_page& page, Summary const& run) {
  auto const& words = page.words;
  std::vector<table_row<6>> rows(1);
  std::ranges::copy(words.performance_head, rows[0].begin());
  rows.push_back(run_row(page, run));
  for (reference_row const& row : page.document.reference_rows) {
    auto const mark = page.notes.mark(filled(words.reference_note, {row.source.in(page.in)}));
    rows.push_back({row.configuration.in(page.in) + mark, row.fix_hp, row.tokens_per_processor_second, row.loss, row.memory, row.mfu});
  }
  for (bilingual const& note : page.document.notes) page.notes.add(note.in(page.in));
  return "* " + std::string{words.performance} + "\n\n" + markdown_table(rows) + "\n* " + std::string{words.notes} + "\n\n" +
         page.notes.list();
}
}  // namespace detail

// The whole document, as Markdown.
template <calculator... Calculators>
std::string flagperf_report(flagperf_document const& document, summary<Calculators...> const& run, language in) {
  detail::flagperf_page page{.document = document, .in = in};
  auto text = "### " + detail::filled(page.words.title, {document.title.in(in)}) + '\n';
  text += detail::environment_section(page) + '\n';
  text += detail::strategy_section(page) + '\n';
  text += "### " + std::string{page.words.run} + "\n\n";
  text += detail::batch_section(page, run) + '\n';
  text += detail::general_section(page, run) + '\n';
  return text + detail::performance_section(page, run);
}

}  // namespace kunmetrics
