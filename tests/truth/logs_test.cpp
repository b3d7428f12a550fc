// Excerpts of real training logs: the program is recognised, no log marked consistent is called wrong,
// and the reason is named of those marked wrong whose stated facts suffice.
#include "shapes.hpp"

#include <kunmetrics/io/audit_log.hpp>
#include <kunmetrics/io/json_document.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using namespace kunmetrics;

namespace {
// What index.json calls a program, and this library.
std::string canonical(std::string const& name) {
  static std::map<std::string, std::string> const same{
      {"llm-foundry / composer", "composer"},        {"DeepSpeed (DALLE-pytorch)", "DeepSpeed"},
      {"Hugging Face Trainer (DeepSpeed)", "Hugging Face Trainer"},
      {"llm.c (llm-kittens fork)", "llm.c"},          {"Megatron-LM (fork)", "Megatron-LM"},
      {"MindSpeed-LLM", "MindSpeed"},                 {"Megatron-LM (AMD Primus)", "Primus"},
      {"Megatron-LM (progress.txt)", "Megatron-LM"}};
  auto const found = same.find(name);
  return found == same.end() ? name : found->second;
}

// Excerpts whose lines do not tell the fork from Megatron-LM itself.
std::map<std::string, std::string> const indistinguishable{
    {"flagscale_openseek_first_iteration.log", "no line of the excerpt names FlagScale"},
    {"megatron_tr1_13b_spike.log", "iterations as Megatron-LM prints them, no line of DeepSpeed's"}};

// Excerpts of which the index quotes a step that is not the last.
std::map<std::string, std::string> const quoted_of_another_step{
    {"nanotron_pr23_tiny.log", "the first of three, 45 ms; the others take 41 and 39 ms"},
    {"torchtitan_pr2475_moe_debug.log", "the fifth of six; the log says no times, its last rate is the sixth's"}};

// Logs marked wrong whose stated facts can't show it, and what of the claim in question can't be checked: DALLE's
// batch is stated nowhere, and of Qwen3-VL's vision tower, whose FLOP are left out, neither text nor image size is.
std::map<std::string, unchecked_claim> const insufficient{
    {"deepspeed_dalle299_ga_twice.log", {"samples/s", {"global batch size", "step time"}}},
    {"torchtitan_qwen3vl_vision_omitted.log", {"FLOP/s", {"model", "sequence length"}}}};

json_value const& index() {
  static json_document const document{truth::folder() / "logs" / "index.json"};
  return document.tree();
}

std::optional<std::int64_t> count(json_value const& entry, char const* key) {
  return entry[key].is_number_integer() ? std::optional{entry[key].get<std::int64_t>()} : std::nullopt;
}

// Models that the index describes, as far as this library can describe them.
std::optional<transformer> model_of(std::string const& name) {
  auto const llama = [](std::int64_t layers, std::int64_t hidden, std::int64_t heads, std::int64_t kv, std::int64_t ffn,
                        std::int64_t vocabulary) {
    return transformer{.layers = layers,
                       .hidden = hidden,
                       .heads = heads,
                       .kv_heads = kv,
                       .head_size = hidden / heads,
                       .ffn = ffn,
                       .vocabulary = vocabulary};
  };
  auto const gpt = [&](std::int64_t layers, std::int64_t hidden, std::int64_t vocabulary) {
    auto model = llama(layers, hidden, hidden / 128, hidden / 128, 4 * hidden, vocabulary);
    model.gated_ffn = false;
    return model;
  };
  if (name == "llama2-7b") return models::llama2_7b;
  if (name == "llama3 8B" || name == "llama3_8b") return llama(32, 4096, 32, 8, 14336, 128256);
  if (name == "llama3.1-70b") return llama(80, 8192, 64, 8, 28672, 128256);
  if (name.starts_with("GPT-2 124M") || name == "d12 124M") {
    return hf_config(truth::folder() / "configs" / "gpt2.json").sizes;
  }
  if (name.starts_with("LLAMA2-7B (mlp 3.5")) return llama(32, 4096, 32, 8, 14336, 32000);
  if (name.starts_with("InternLM2-7B")) return llama(32, 4096, 32, 32, 10923, 103168);
  if (name.starts_with("7B (32 layers")) return llama(32, 4096, 32, 32, 10923, 103168);
  if (name.starts_with("BLOOM 176B")) return gpt(70, 14336, 250880);
  if (name.starts_with("200B (80 layers")) return gpt(80, 14400, 250880);
  if (name.starts_with("Mixtral 8x7B")) return hf_config(truth::folder() / "configs" / "mixtral-8x7b.json").sizes;
  if (name.starts_with("InternLM MoE")) {
    auto model = llama(32, 4096, 32, 32, 5461, 103168);
    model.moe = {.experts = 4, .active = 2, .expert_ffn = 5461, .layers = 32};
    return model;
  }
  return std::nullopt;
}

audit_facts known_facts(json_value const& entry) {
  audit_facts known{.sequence_length = count(entry, "sequence_length"),
                    .global_batch_size = count(entry, "global_batch_size"),
                    .micro_batch_size = count(entry, "micro_batch_size"),
                    .gradient_accumulation_steps = count(entry, "gradient_accumulation_steps"),
                    .processors = count(entry, "processors")};
  if (entry["model"].is_string()) known.model = model_of(entry["model"].get<std::string>());
  if (entry["device"].is_string()) {
    auto const device = device_named(entry["device"].get<std::string>());
    if (auto const limit = device ? peak(*device, bf16) : maybe<peak_rate>{absent{"unknown"}}) {
      known.peak = limit->rate.coherent();
    }
  }
  return known;
}

audit_result audited(json_value const& entry) {
  auto known = known_facts(entry);
  if (entry["file"] == "megatron_deepspeed_tr11_prequel_200b_old_formula.log") {
    known.processors = 160;  // of its last line
  }
  return audit(read_training_log(truth::folder() / "logs" / entry["file"].get<std::string>()), known);
}
}  // namespace

TEST_CASE("the program is recognised") {
  for (auto const& entry : index()) {
    auto const file = entry["file"].get<std::string>();
    auto const log = read_training_log(truth::folder() / "logs" / file);
    CAPTURE(file);
    auto const right = log.framework == canonical(entry["framework"].get<std::string>());
    CHECK(right != indistinguishable.contains(file));
  }
}

TEST_CASE("no false alarm on a log marked consistent or unknown") {
  for (auto const& entry : index()) {
    if (entry["verdict"].get<std::string>().starts_with("wrong")) continue;
    CAPTURE(entry["file"].get<std::string>());
    auto const result = audited(entry);
    for (auto const& finding : result.findings) MESSAGE(finding.trap, " ", finding.factor, " ", finding.explanation);
    for (auto const& check : result.checks) {
      CAPTURE(check.relation);
      CAPTURE(check.ratio);
      if (result.verdict == audit_verdict::wrong) CHECK(check.holds());
    }
    CHECK(result.verdict != audit_verdict::wrong);
  }
}

// The rate of a log is Σ tokens / Σ time without the warm-up; what it claims is of its last step.
TEST_CASE("the restated rate of a log marked consistent is the one that it claims") {
  std::size_t compared = 0;
  for (auto const& entry : index()) {
    auto const& claimed = entry["claimed"]["tokens_per_processor_second"];
    if (entry["verdict"] != "consistent" || !claimed.is_number()) continue;
    CAPTURE(entry["file"].get<std::string>());
    auto const result = audited(entry);
    REQUIRE(result.tokens_per_processor_second);
    auto const off = std::abs(*result.tokens_per_processor_second / claimed.get<double>() - 1);
    CAPTURE(off);
    CHECK((off > 0.02) == quoted_of_another_step.contains(entry["file"].get<std::string>()));
    ++compared;
  }
  CHECK(compared >= 12);
}

TEST_CASE("the reason is named of logs marked wrong") {
  std::map<std::string, std::string> const reasons{
      {"hf_trainer_ezpz_aurora_24.log", "one rank's rate"},
      {"hf_trainer_ezpz_llama32_1b.log", "one rank's rate"},
      {"internevo_llama2_gqa_ignored.log", "grouped-query attention ignored"},
      {"internevo_moe_topk_omitted.log", "chosen experts left out"},
      {"llmc_5090_sparse_peak.log", "sparse peak"},
      {"llmc_issue796_unknown_device.log", "unknown device"},
      {"maxtext_maxtest_async_dispatch.log", "time without synchronisation"},
      {"megatron_deepspeed_tr11_prequel_200b_old_formula.log", "recomputation folded in"},
      {"nanogpt_pr225_a6000_master.log", "peak of another device"},
      {"nanogpt_pr225_a6000_pr.log", "peak of another device"},
      {"torchtitan_pr2990_cp2_ntokens_before.log", "tokens of shared ranks"}};
  std::size_t wrong = 0;
  for (auto const& entry : index()) {
    if (!entry["verdict"].get<std::string>().starts_with("wrong")) continue;
    ++wrong;
    auto const expected = reasons.find(entry["file"].get<std::string>());
    if (expected == reasons.end()) continue;
    CAPTURE(expected->first);
    auto const result = audited(entry);
    for (auto const& check : result.checks) {
      CAPTURE(check.relation);
      CAPTURE(check.ratio);
      INFO("check");
    }
    CHECK(result.verdict == audit_verdict::wrong);
    CHECK(std::ranges::any_of(result.findings, [&](auto const& finding) { return finding.trap == expected->second; }));
  }
  CHECK(wrong == reasons.size() + insufficient.size());
}

TEST_CASE("of a log marked wrong whose facts do not suffice the audit says what is missing") {
  for (auto const& [file, missing] : insufficient) {
    CAPTURE(file);
    auto const entry = std::find_if(index().begin(), index().end(), [&](auto const& each) { return each["file"] == file; });
    REQUIRE(entry != index().end());
    auto const result = audited(*entry);
    CHECK(result.verdict == audit_verdict::unknown);
    auto const unchecked = std::ranges::find(result.unchecked, missing.claim, &unchecked_claim::claim);
    REQUIRE(unchecked != result.unchecked.end());
    CHECK(unchecked->missing == missing.missing);
  }
}
