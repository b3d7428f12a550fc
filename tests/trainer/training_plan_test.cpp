// What the command line and the machine make of a case, and what of it is refused.
#include "training_plan.hpp"

#include "scratch_folder.hpp"

#include <doctest/doctest.h>

#include <string>

#ifndef TRAINER_CASES_DIR
#error "TRAINER_CASES_DIR must name examples/llama2_zero3/cases"
#endif

using trainer::options;
using trainer::planned;
using trainer::recompute;
using trainer_test::message_of;
using trainer_test::scratch_folder;
namespace km = kunmetrics;
using namespace km::units;

namespace {
std::string const cases = TRAINER_CASES_DIR;
constexpr std::int64_t gibibyte = std::int64_t{1} << 30;

km::case_file r300() { return km::read_case(cases + "/r300_1x8.json"); }

// A small case whose text may be changed before it is read.
km::case_file small(std::string const& key = "", std::string const& value = "") {
  std::string text = R"({"name": "small", "model": {"model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 64}, "processor": "cpu", "nodes": 1,
    "processors_per_node": 4, "precision": "fp32", "sequence_length": 8, "micro_batch_size": 2,
    "gradient_accumulation_steps": 1, "recompute": "layers", "attention": "flash"})";
  if (!key.empty()) {
    auto const at = text.find("\"" + key + "\": ");
    if (at == std::string::npos) {
      text.insert(1, "\"" + key + "\": " + value + ", ");
    } else {
      auto const from = at + key.size() + 4;
      text.replace(from, text.find_first_of(",}", from) - from, value);
    }
  }
  scratch_folder const folder;
  return km::read_case(folder.file("small.json", text));
}

std::string refusal(std::string const& key, std::string const& value) {
  auto const message = message_of([&] { planned(small(key, value), {}, std::nullopt, 2); });
  auto const at = message.find("small.json");
  return at == std::string::npos ? message : message.substr(at);
}
}  // namespace

TEST_CASE("the R300 case as this machine runs it, each difference noted") {
  auto const plan = planned(r300(), {}, std::nullopt, 2);
  CHECK(plan.ranks == 8);
  CHECK(plan.threads == 1);
  CHECK(plan.what.precision == km::fp16);
  CHECK_FALSE(plan.what.environment.accelerator);  // this machine is not the case's
  REQUIRE(plan.notes.size() == 3);
  CHECK(plan.notes[0].en ==
        "fp16 is what is stored and sent, sums are fp32; this CPU does not multiply fp16, so products run in fp32 on "
        "converted copies");
  CHECK(plan.notes[1].en ==
        "the case's processor is Kunlunxin R300; this run is on this machine's CPU, its peak measured");
  CHECK(plan.notes[2].en ==
        "the case says eager attention; the cpu backend goes block by block and keeps no whole scores");
  CHECK(plan.settings.samples == 12);
  CHECK(plan.settings.clip == 1.0);
  CHECK(plan.settings.prefetch);
  CHECK(plan.settings.stage == 3);
  CHECK(plan.settings.loss_scale == trainer::loss_scale_settings{});  // fp16.enabled alone: DeepSpeed's defaults
  CHECK(plan.settings.adamw.beta2 == 0.95);
  CHECK(plan.settings.adamw.epsilon == 1e-5);
  CHECK(plan.learning_rate(0) == 1e-5);
  CHECK(plan.learning_rate(2000) == 1e-5);
}

TEST_CASE("a case that does not fit is refused with the bytes of a rank by part, and a slice that fits") {
  auto const plan = planned(r300(), {}, 22 * gibibyte, 2);
  auto const message = message_of([&] { require_memory(plan, 22 * gibibyte); });
  CAPTURE(message);
  CHECK(message.starts_with(cases + "/r300_1x8.json: needed "));
  CHECK(message.find(" for 8 ranks of ") != std::string::npos);
  for (auto const part : trainer::memory_part_names) CHECK(message.find(std::string{part} + " ") != std::string::npos);
  CHECK(message.find(", found 22.00 GiB available; --layers 1 trains a slice at full width, on 2 of 8 ranks") !=
        std::string::npos);
  CHECK(message.find('\n') == std::string::npos);
  CHECK(message_of([&] { require_memory(plan, gibibyte); }).ends_with("; not even --layers 1 on one rank fits"));
  CHECK_NOTHROW(require_memory(plan, plan.rank_bytes.total() * 8 + trainer::process_bytes));
  CHECK_THROWS(require_memory(plan, plan.rank_bytes.total() * 8 + trainer::process_bytes - 1));
  CHECK_NOTHROW(require_memory(plan, std::nullopt));  // where the kernel does not say, the allocator will
}

TEST_CASE("a slice keeps the width, loses the advertised size, and takes the ranks that fit") {
  auto const plan = planned(r300(), {.layers = 1, .precision = km::fp32}, 15 * gibibyte, 2);
  CHECK(plan.shape.layers == 1);
  CHECK(plan.shape.hidden == 4096);
  CHECK(plan.shape.ffn == 11008);
  CHECK(plan.ranks == 1);
  CHECK(plan.threads == 2);
  CHECK(plan.what.model.name == "llama2-7b, 1 layer");
  CHECK(plan.what.model.sizes.nominal_parameters == 0);
  CHECK_NOTHROW(require_memory(plan, 15 * gibibyte));
  CHECK(plan.notes[1].en == "1/32 layers of the model, at its full width");
  CHECK(plan.notes.back().en == "1/8 ranks of the case, and a global batch smaller by as much");
  CHECK(planned(r300(), {.layers = 1, .precision = km::fp32}, 1000 * gibibyte, 2).ranks ==
        2);                                                                   // no more than there are cores
  CHECK(planned(r300(), {.ranks = 3, .layers = 1}, gibibyte, 2).ranks == 3);  // what is said is not changed
  CHECK(message_of([&] { planned(r300(), {.layers = 33}, std::nullopt, 2); }) ==
        "--layers: needed at most the model's 32, found 33");
}

TEST_CASE("the precision is the case's or the command line's, and memory follows it and the stage") {
  auto const bytes = [](km::case_file what, options const& o = {}) {
    return planned(std::move(what), o, std::nullopt, 2).rank_bytes;
  };
  auto const fp32 = bytes(r300(), {.precision = km::fp32}), fp16 = bytes(r300()),
             bf16 = bytes(r300(), {.precision = km::bf16});
  using enum trainer::memory_part;
  for (std::size_t i = 0; i < trainer::memory_part_names.size(); ++i) {
    auto const part = static_cast<trainer::memory_part>(i);
    if (part != scratch) CHECK(fp16[part] == bf16[part]);  // which may pack one format and not the other
  }
  for (auto const half : {gathered_units, unit_gradients, saved_inputs}) CHECK(2 * fp16[half] == fp32[half]);
  for (auto const same : {parameters, gradients, optimizer_state}) CHECK(fp16[same] == fp32[same]);
  auto const plan = planned(r300(), {.precision = km::fp32}, std::nullopt, 2);
  CHECK(plan.notes[0].en == "the case says fp16; this run is fp32, as the command line says");
  CHECK_FALSE(plan.settings.loss_scale);
  auto const enabled = std::ranges::find(plan.what.deepspeed->effects, "fp16.enabled", &km::field_effect::key);
  REQUIRE(enabled != plan.what.deepspeed->effects.end());
  CHECK((enabled->what == km::effect::without_effect && enabled->note == "this run is fp32"));
  CHECK_FALSE(planned(r300(), {.precision = km::bf16}, std::nullopt, 2).settings.loss_scale);
  auto what = r300();
  std::int64_t least = 0;
  for (int stage : {3, 2, 1, 0}) {
    what.deepspeed->zero.stage = stage;
    CHECK(planned(what, {}, std::nullopt, 2).settings.stage == stage);
    CHECK(bytes(what).total() > least);
    least = bytes(what).total();
  }
}

TEST_CASE("the loss scale is that of ds_config.json's fp16") {
  auto const with = [](std::string const& fp16) {
    auto const text =
        R"({"train_micro_batch_size_per_gpu": 2, "zero_optimization": {"stage": 3}, "fp16": {"enabled": true)" + fp16 +
        "}}";
    auto what = small();
    what.precision = km::fp16;
    scratch_folder const folder;
    what.deepspeed = km::deepspeed_configuration(folder.file("ds.json", text));
    return *planned(what, {}, std::nullopt, 2).settings.loss_scale;
  };
  CHECK(with("") == trainer::loss_scale_settings{});
  CHECK(with(R"(, "loss_scale": 128)") == trainer::loss_scale_settings{.dynamic = false, .initial = 128});
  CHECK(with(R"(, "initial_scale_power": 10, "loss_scale_window": 7, "hysteresis": 3, "consecutive_hysteresis": true,
                "min_loss_scale": 0.5)") ==
        trainer::loss_scale_settings{
            .initial = 1024, .window = 7, .hysteresis = 3, .consecutive_hysteresis = true, .minimum = 0.5});
  auto without = small();
  without.precision = km::fp16;
  CHECK(planned(without, {}, std::nullopt, 2).settings.loss_scale == trainer::loss_scale_settings{});
}

TEST_CASE("sizes of DeepSpeed's buckets change nothing but whether the next unit is gathered ahead") {
  auto what = r300();
  auto const before = planned(what, {}, std::nullopt, 2);
  what.deepspeed->zero.reduce_bucket_size = 1;
  what.deepspeed->zero.sub_group_size = 3;
  what.deepspeed->zero.max_live_parameters = 5;
  what.deepspeed->zero.overlap_comm = false;
  auto const after = planned(what, {}, std::nullopt, 2);
  CHECK(after.rank_bytes == before.rank_bytes);
  CHECK((after.settings.prefetch && before.settings.prefetch && after.settings.stage == before.settings.stage));
  what.deepspeed->zero.prefetch_bucket_size = 0;
  CHECK_FALSE(planned(what, {}, std::nullopt, 2).settings.prefetch);
}

TEST_CASE("what the schedule of units cannot do is refused by its key") {
  CHECK(refusal("tensor_parallel", "2") == "small.json: tensor_parallel: needed 1: ZeRO-3 is data parallel, found 2");
  CHECK(refusal("pipeline_parallel", "4") ==
        "small.json: pipeline_parallel: needed 1: ZeRO-3 is data parallel, found 4");
  CHECK(refusal("nodes", "2") == "small.json: nodes: needed 1, as ranks are threads of one process, found 2");
  CHECK(refusal("recompute", "\"selective\"") == "small.json: recompute: needed none or layers, found selective");
  CHECK(refusal("deepspeed_config", R"({"train_micro_batch_size_per_gpu": 2, "zero_optimization": {"stage": 4}})") ==
        "small.json: deepspeed_config.zero_optimization.stage: needed an integer from 0 to 3, found 4");
  auto huge = small();
  huge.sequence_length = (std::int64_t{1} << 30) * token / sample;
  huge.micro_batch_size = (std::int64_t{1} << 30) * sample / (replica * micro_step);
  CHECK(message_of([&] { planned(huge, {}, std::nullopt, 2); }).ends_with("in 64 bits, found larger ones"));
}

TEST_CASE("a model that the units cannot compute is refused with what they lack") {
  auto const with = [](auto change) {
    auto what = small();
    change(what.model);
    auto const message = message_of([&] { planned(what, {}, std::nullopt, 2); });
    return message.substr(std::min(message.size(), message.find("found ")));
  };
  CHECK(with([](auto& m) { m.sizes.tied_embedding = true; }) == "found tie_word_embeddings true");
  CHECK(with([](auto& m) { m.scaled_rope = true; }) == "found scaled rotary positions");
  CHECK(with([](auto& m) { m.activation = "gelu"; }) == "found hidden_act gelu");
  CHECK(with([](auto& m) { m.sizes.qkv_bias = true; }) == "found biases");
  CHECK(with([](auto& m) { m.sizes.windowed = {.window = 4, .layers = 1}; }) == "found sliding windows");
  CHECK(with([](auto& m) { m.sizes.moe = {.experts = 2, .active = 1, .expert_ffn = 8, .layers = 3}; }) ==
        "found a mixture of experts");
  CHECK(with([](auto& m) { m.sizes_alone = true; }) == "found a name of the registry, which has its sizes alone");
  CHECK(with([](auto& m) { m.sizes.embedding_width = 4; }) == "found an embedding narrower than the layers");
  CHECK(with([](auto& m) { m.sizes.final_norm = false; }) ==
        "found other norms than two of root mean squares a layer and one at the end");
  CHECK(with([](auto& m) { m.sizes.norms_per_layer = 4; }) ==
        "found other norms than two of root mean squares a layer and one at the end");
  CHECK(with([](auto& m) { m.sizes.head_size = 7; }) == "found 7");
}

TEST_CASE("steps end with the schedule, else with one pass over the tokens") {
  auto const plan = planned(small(), {}, std::nullopt, 2);
  scratch_folder const folder;
  trainer::write_npy(folder / "t.npy", trainer::npy_type::u2, std::vector<std::int32_t>(1000));
  CHECK(default_steps(plan, {folder / "t.npy", 64, 0}) == 1000 / (4 * 2 * 8));
  CHECK(default_steps(plan, {std::nullopt, 64, 0}) == 100'000'000 / 64);
  trainer::write_npy(folder / "few.npy", trainer::npy_type::u2, std::vector<std::int32_t>(7));
  trainer::dataset const few{folder / "few.npy", 64, 0};
  CHECK(default_steps(plan, few) == 1);
  auto short_plan = plan;
  short_plan.what.tokens = "few.npy";
  CHECK(message_of([&] { require_sequence(short_plan, few); }) ==
        "few.npy: needed at least one sequence of 8 tokens, found 7 tokens");
  auto const scheduled = planned(km::read_case(cases + "/demo.json"), {}, std::nullopt, 2);
  CHECK(default_steps(scheduled, {std::nullopt, 64, 0}) == scheduled.what.deepspeed->schedule->total_steps);
  CHECK(scheduled.learning_rate(0) < scheduled.learning_rate(30));
}
