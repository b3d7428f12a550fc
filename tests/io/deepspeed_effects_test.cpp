#include <kunmetrics/io/deepspeed_effects.hpp>

#include "deepspeed_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

namespace {
using namespace kunmetrics;
using namespace deepspeed_test;

static_assert(name_of(effect::honoured) == "honoured");
static_assert(name_of(effect::mapped) == "mapped");
static_assert(name_of(effect::without_effect) == "without effect");

// A table with one key twice would hide the second rule.
template <std::size_t N>
constexpr bool keys_differ(std::array<detail::effect_rule, N> const& rules) {
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (rules[i].key == rules[j].key) return false;
    }
  }
  return true;
}
static_assert(keys_differ(detail::general_effects) && keys_differ(detail::optimizer_effects));
static_assert(keys_differ(detail::schedule_effects) && keys_differ(detail::fp16_effects));
static_assert(keys_differ(detail::bf16_effects) && keys_differ(detail::zero_effects));
static_assert(!keys_differ(std::array{detail::effect_rule{"lr"}, detail::effect_rule{"lr"}}));

static_assert(detail::general_effects.size() == 31 && detail::optimizer_effects.size() == 11);
static_assert(detail::fp16_effects.size() == 8 && detail::bf16_effects.size() == 3 && detail::zero_effects.size() == 33);

// The keys of a table with this effect, each followed by a space.
template <std::size_t N>
std::string keys_of(std::array<detail::effect_rule, N> const& rules, effect what) {
  std::string keys;
  for (auto const& rule : rules) {
    if (rule.what == what) keys.append(rule.key).append(" ");
  }
  return keys;
}

// `key: effect` for each, in their order.
std::string effects_of(std::string_view text) {
  std::string listed;
  for (auto const& each : config_of(text).effects) listed += each.key + ": " + std::string{name_of(each.what)} + "\n";
  return listed;
}

// A value that the reader accepts for a key, so that every key of the tables can stand in one file.
std::string value_for(std::string_view key) {
  if (key == "type" || key == "betas") return key == "type" ? "\"AdamW\"" : "[0.9, 0.95]";
  for (std::string_view const flag : {"wall_clock_breakdown", "adam_w_mode", "bias_correction", "torch_adam", "enabled",
                                      "consecutive_hysteresis", "overlap_comm"}) {
    if (key == flag) return "true";
  }
  return key == "amsgrad" ? "false" : key == "eps" ? "1e-8" : "1";
}

template <std::size_t N>
std::string object_with_all(std::array<detail::effect_rule, N> const& rules) {
  std::string text = "{";
  for (auto const& rule : rules) {
    text.append(text.size() > 1 ? "," : "").append("\"").append(rule.key).append("\":").append(value_for(rule.key));
  }
  return text + "}";
}

template <std::size_t N>
void check_all(std::string_view text, std::string const& prefix, std::array<detail::effect_rule, N> const& rules) {
  auto const effects = config_of(text).effects;
  for (auto const& rule : rules) {
    CAPTURE(rule.key);
    auto const found = std::ranges::find(effects, prefix + std::string{rule.key}, &field_effect::key);
    REQUIRE(found != effects.end());
    CHECK(found->what == rule.what);
    CHECK(found->note == rule.note);
  }
}

// Gives each key of a table, one at a time, a value of no type that any key has; `required` are the
// keys without which the object is refused anyway.
template <std::size_t N>
void check_read(std::string const& before, std::string const& after, std::string const& prefix,
                std::array<detail::effect_rule, N> const& rules, std::map<std::string, std::string> const& required = {}) {
  for (auto const& rule : rules) {
    std::string text = before + "{\"" + std::string{rule.key} + "\": [[]]";
    for (auto const& [key, value] : required) {
      if (key != rule.key) text.append(",\"").append(key).append("\":").append(value);
    }
    auto const said = refusal(text + "}" + after);
    CAPTURE(said);
    auto const where = "ds_config.json: " + prefix + std::string{rule.key} + ": needed ";
    CHECK((rule.what == effect::without_effect ? said == "accepted" : said.starts_with(where)));
  }
}
}  // namespace

TEST_CASE("a key cannot leave its table or change sides unnoticed") {
  CHECK(keys_of(detail::general_effects, effect::honoured) ==
        "train_batch_size train_micro_batch_size_per_gpu gradient_accumulation_steps gradient_clipping steps_per_print "
        "wall_clock_breakdown ");
  CHECK(keys_of(detail::optimizer_effects, effect::honoured) ==
        "lr betas eps weight_decay adam_w_mode bias_correction amsgrad ");
  CHECK(keys_of(detail::optimizer_effects, effect::mapped) == "torch_adam ");
  CHECK(keys_of(detail::schedule_effects, effect::honoured) ==
        "warmup_min_lr warmup_max_lr warmup_num_steps total_num_steps warmup_type ");
  CHECK(keys_of(detail::fp16_effects, effect::honoured) ==
        "enabled loss_scale initial_scale_power loss_scale_window hysteresis consecutive_hysteresis min_loss_scale ");
  CHECK(keys_of(detail::bf16_effects, effect::honoured) == "enabled ");
  CHECK(keys_of(detail::zero_effects, effect::honoured) == "stage ");
  CHECK(keys_of(detail::zero_effects, effect::mapped) ==
        "stage3_prefetch_bucket_size stage3_max_live_parameters overlap_comm reduce_bucket_size sub_group_size ");
}

TEST_CASE("a key that is not known is refused in every object") {
  std::string const said = ": needed a key known here, found an unknown one";
  CHECK(refusal(R"({"train_batchsize": 8})") == "ds_config.json: train_batchsize" + said);
  CHECK(refusal(R"({"elasticity": {}})") == "ds_config.json: elasticity" + said);
  CHECK(refusal(R"({"optimizer": {"type": "Adam", "parms": {}}})") == "ds_config.json: optimizer.parms" + said);
  CHECK(refusal(optimizer_text(R"({"learning_rate": 3e-4})")) == "ds_config.json: optimizer.params.learning_rate" + said);
  CHECK(refusal(R"({"scheduler": {"type": "WarmupLR", "params": {"warmup_max_lr": 1}, "x": 1}})") ==
        "ds_config.json: scheduler.x" + said);
  CHECK(refusal(schedule_text(R"({"warmup_max_lr": 1, "warmup_steps": 4})")) ==
        "ds_config.json: scheduler.params.warmup_steps" + said);
  CHECK(refusal(R"({"fp16": {"enable": true}})") == "ds_config.json: fp16.enable" + said);
  CHECK(refusal(R"({"bf16": {"loss_scale": 1}})") == "ds_config.json: bf16.loss_scale" + said);
  CHECK(refusal(R"({"bfloat16": {"x": 1}})") ==
        "ds_config.json: bfloat16.x" + said);
  CHECK(refusal(R"({"zero_optimization": {"zero_quantized_weights": true}})") ==
        "ds_config.json: zero_optimization.zero_quantized_weights" + said);
}

TEST_CASE("effects list the keys with their paths, object by object, in the file's order") {
  CHECK(effects_of(R"({"zero_optimization": {"stage": 3, "sub_group_size": 1e9, "offload_param": {"device": "cpu"}},
                      "wandb": {"enabled": true}, "train_batch_size": 96,
                      "optimizer": {"type": "AdamW", "params": {"lr": 1, "torch_adam": true, "fused": true}}})") ==
        "wandb: without effect\n"
        "train_batch_size: honoured\n"
        "optimizer.params.lr: honoured\n"
        "optimizer.params.torch_adam: mapped\n"
        "optimizer.params.fused: without effect\n"
        "optimizer.type: honoured\n"
        "zero_optimization.stage: honoured\n"
        "zero_optimization.sub_group_size: mapped\n"
        "zero_optimization.offload_param: without effect\n");
}

TEST_CASE("every key of the tables is accepted and ends up in effects, with its note") {
  check_all(object_with_all(detail::general_effects), "", detail::general_effects);
  check_all(optimizer_text(object_with_all(detail::optimizer_effects)), "optimizer.params.", detail::optimizer_effects);
  check_all("{\"optimizer\": " + object_with_all(detail::optimizer_type_effects) + "}", "optimizer.", detail::optimizer_type_effects);
  check_all(schedule_text(R"({"warmup_min_lr": 0, "warmup_max_lr": 1, "warmup_num_steps": 1, "total_num_steps": 2,
                             "warmup_type": "log"})", "WarmupDecayLR"),
            "scheduler.params.", detail::schedule_effects);
  check_all(schedule_text(R"({"warmup_max_lr": 1})"), "scheduler.", detail::schedule_type_effects);
  check_all("{\"fp16\": " + object_with_all(detail::fp16_effects) + "}", "fp16.", detail::fp16_effects);
  for (std::string const key : {"bf16", "bfloat16"}) {
    check_all("{\"" + key + "\": " + object_with_all(detail::bf16_effects) + "}", key + ".", detail::bf16_effects);
  }
  check_all("{\"zero_optimization\": " + object_with_all(detail::zero_effects) + "}", "zero_optimization.", detail::zero_effects);
}

TEST_CASE("a key is read unless it is said to be without effect: only then any value will do") {
  check_read("", "", "", detail::general_effects);
  check_read("{\"optimizer\": {\"type\": \"AdamW\", \"params\": ", "}}", "optimizer.params.", detail::optimizer_effects);
  check_read("{\"optimizer\": ", "}", "optimizer.", detail::optimizer_type_effects, {{"type", "\"AdamW\""}});
  check_read("{\"scheduler\": {\"type\": \"WarmupDecayLR\", \"params\": ", "}}", "scheduler.params.",
             detail::schedule_effects, {{"total_num_steps", "2000"}});
  check_read("{\"fp16\": ", "}", "fp16.", detail::fp16_effects);
  check_read("{\"zero_optimization\": ", "}", "zero_optimization.", detail::zero_effects);
  CHECK(refusal(R"({"bf16": {"enabled": [[]]}})") == "ds_config.json: bf16.enabled: needed true or false, found [[]]");
}
