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

  struct hana_accessors_impl {
    static constexpr auto apply() { return fields<field<"zh", &bilingual::zh>, field<"en", &bilingual::en>>(); }
  };
};

// Memory of the processor with the highest peak, and what it has.
struct processor_memory {
  using size = count_of<units::byte / units::processor>;

  maybe<size> used = absent{"the memory in use was not measured"};
  maybe<size> total = absent{"the memory of the processor is not known"};
  bilingual measured_by;

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = processor_memory;
      return fields<field<"used", &self::used>, field<"total", &self::total>,
                    field<"measured_by", &self::measured_by>>();
    }
  };
};

struct parallel_strategy {
  std::string technique;    // "sharded data parallel"
  std::string implementer;  // "deepspeed ZeRO-DP"
  std::string details;      // "ZeRO-DP O3, DP_SIZE=8"

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = parallel_strategy;
      return fields<field<"technique", &self::technique>, field<"implementer", &self::implementer>,
                    field<"details", &self::details>>();
    }
  };
};

// A row published elsewhere, cell by cell as it stands there: a blank cell stays blank.
struct reference_row {
  bilingual configuration;
  std::string fix_hp, tokens_per_processor_second, loss, memory, mfu;
  bilingual source;

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = reference_row;
      return fields<field<"configuration", &self::configuration>, field<"fix_hp", &self::fix_hp>,
                    field<"tokens_per_processor_second", &self::tokens_per_processor_second>,
                    field<"loss", &self::loss>, field<"memory", &self::memory>, field<"mfu", &self::mfu>,
                    field<"source", &self::source>>();
    }
  };
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

  struct hana_accessors_impl {
    static constexpr auto apply() {
      using self = flagperf_document;
      return fields<field<"title", &self::title>, field<"configuration", &self::configuration>,
                    field<"hardware", &self::hardware>, field<"case_file", &self::case_file>,
                    field<"optimizer_file", &self::optimizer_file>, field<"environment", &self::environment>,
                    field<"parallel", &self::parallel>, field<"optimisations", &self::optimisations>,
                    field<"tuned_fc_blocking", &self::tuned_fc_blocking>, field<"dataset", &self::dataset>,
                    field<"dataset_note", &self::dataset_note>, field<"further_fix_hp", &self::further_fix_hp>,
                    field<"memory", &self::memory>, field<"reference_rows", &self::reference_rows>,
                    field<"notes", &self::notes>>();
    }
  };
};

}  // namespace kunmetrics
