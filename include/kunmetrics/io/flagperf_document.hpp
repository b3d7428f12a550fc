// What FlagPerf's case document says beside the numbers that a summary holds.
//
// The document exists in Chinese and English; text that differs between them is `bilingual`. Names
// of files, techniques and versions are the same in both. All of it is a Hana Struct, so report.json
// can carry any part.
#pragma once

#include <kunmetrics/environment.hpp>
#include <kunmetrics/quantity.hpp>

#include <string>
#include <vector>

namespace kunmetrics {

enum class language { zh, en };

struct bilingual {
  std::string zh;
  std::string en;

  std::string const& in(language l) const { return l == language::zh ? zh : en; }

  using hana_accessors_impl = fields<field<"zh", &bilingual::zh>, field<"en", &bilingual::en>>;
};

// Memory of the processor with the highest peak, and what it has.
struct processor_memory {
  using size = count_of<units::byte / units::processor>;

  maybe<size> used = absent{"the memory in use was not measured"};
  maybe<size> total = absent{"the memory of the processor is not known"};
  bilingual measured_by;

  using hana_accessors_impl = fields<
      field<"used", &processor_memory::used>, field<"total", &processor_memory::total>,
      field<"measured_by", &processor_memory::measured_by>>;
};

struct parallel_strategy {
  std::string technique;    // "sharded data parallel"
  std::string implementer;  // "deepspeed ZeRO-DP"
  std::string details;      // "ZeRO-DP O3, DP_SIZE=8"

  using hana_accessors_impl = fields<
      field<"technique", &parallel_strategy::technique>, field<"implementer", &parallel_strategy::implementer>,
      field<"details", &parallel_strategy::details>>;
};

// A row published elsewhere, cell by cell as it stands there: a blank cell stays blank.
struct reference_row {
  bilingual configuration;
  std::string fix_hp, tokens_per_processor_second, loss, memory, mfu;
  bilingual source;

  using hana_accessors_impl = fields<
      field<"configuration", &reference_row::configuration>, field<"fix_hp", &reference_row::fix_hp>,
      field<"tokens_per_processor_second", &reference_row::tokens_per_processor_second>,
      field<"loss", &reference_row::loss>, field<"memory", &reference_row::memory>, field<"mfu", &reference_row::mfu>,
      field<"source", &reference_row::source>>;
};

// FlagPerf's row for llama2-7b, ZeRO-3, on eight Kunlunxin R300.
inline reference_row kunlunxin_r300_row() {
  return {.configuration = {"R300单机8卡（1x8）", "R300, one node of 8 cards (1x8)"},
          .fix_hp = "MPE=512 LBS=12",
          .tokens_per_processor_second = "",
          .loss = "5.27",
          .memory = "29/32",
          .mfu = "",
          .source = {"FlagPerf的昆仑芯llama2-7b案例原文；原文空白处保持空白",
                     "FlagPerf's Kunlunxin case of llama2-7b, word for word; what is blank there is blank here"}};
}

struct flagperf_document {
  bilingual title;           // what the document is about: "昆仑芯XPU"
  bilingual configuration;   // first cell of this run's row: "R300单机8卡（1x8）"
  std::string hardware;      // the short name: "R300"
  std::string case_file;     // where LBS and MPE are written
  std::string optimizer_file;  // where GAS is written
  kunmetrics::environment environment;
  parallel_strategy parallel;
  std::vector<std::string> optimisations;  // "gradient_checkpointing"
  bool tuned_fc_blocking = false;          // the blocking of FC operators was really tuned in this run
  std::string dataset;
  bilingual dataset_note;      // provenance, or that the tokens are synthetic
  std::string further_fix_hp;  // beside MPE, LBS and GAS: "layers=1"
  processor_memory memory;
  std::vector<reference_row> reference_rows;
  std::vector<bilingual> notes;  // what else a reader must know: where the run differs from its case

  using hana_accessors_impl = fields<
      field<"title", &flagperf_document::title>, field<"configuration", &flagperf_document::configuration>,
      field<"hardware", &flagperf_document::hardware>, field<"case_file", &flagperf_document::case_file>,
      field<"optimizer_file", &flagperf_document::optimizer_file>,
      field<"environment", &flagperf_document::environment>, field<"parallel", &flagperf_document::parallel>,
      field<"optimisations", &flagperf_document::optimisations>,
      field<"tuned_fc_blocking", &flagperf_document::tuned_fc_blocking>, field<"dataset", &flagperf_document::dataset>,
      field<"dataset_note", &flagperf_document::dataset_note>,
      field<"further_fix_hp", &flagperf_document::further_fix_hp>, field<"memory", &flagperf_document::memory>,
      field<"reference_rows", &flagperf_document::reference_rows>, field<"notes", &flagperf_document::notes>>;
};

}  // namespace kunmetrics
