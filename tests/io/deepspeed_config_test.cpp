#include <kunmetrics/io/deepspeed_config.hpp>

#include "../trainer/scratch_folder.hpp"
#include "deepspeed_text.hpp"

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace deepspeed_test;
using trainer_test::message_of;
using trainer_test::scratch_folder;

// DeepSpeed 0.10.1's defaults.
static_assert(deepspeed_optimizer{}.learning_rate == 1e-3 && deepspeed_optimizer{}.beta1 == 0.9);
static_assert(deepspeed_optimizer{}.beta2 == 0.999 && deepspeed_optimizer{}.epsilon == 1e-8);
static_assert(deepspeed_optimizer{}.weight_decay == 0 && deepspeed_optimizer{}.decoupled);
static_assert(!deepspeed_fp16{}.enabled && deepspeed_fp16{}.loss_scale == 0 && deepspeed_fp16{}.initial_scale_power == 16);
static_assert(deepspeed_fp16{}.loss_scale_window == 1000 && deepspeed_fp16{}.hysteresis == 2);
static_assert(!deepspeed_fp16{}.consecutive_hysteresis && deepspeed_fp16{}.min_loss_scale == 1);
static_assert(deepspeed_zero{}.stage == 0 && deepspeed_zero{}.prefetch_bucket_size == 50'000'000);
static_assert(deepspeed_zero{}.reduce_bucket_size == 500'000'000);
static_assert(deepspeed_zero{}.max_live_parameters == 1'000'000'000 && deepspeed_zero{}.sub_group_size == 1'000'000'000);
static_assert(!deepspeed_zero{}.overlaps_communication());
static_assert(deepspeed_zero{.stage = 3}.overlaps_communication());
static_assert(!deepspeed_zero{.stage = 3, .overlap_comm = false}.overlaps_communication());
static_assert(deepspeed_zero{.stage = 1, .overlap_comm = true}.overlaps_communication());

// 2^62 fits in 64 bits with a sign, 2^63 does not, whichever product reaches it.
static_assert(detail::positive_product(1LL << 31, 1LL << 31, 1) == 1LL << 62);
static_assert(!detail::positive_product(1LL << 31, 1LL << 32, 1));
static_assert(!detail::positive_product(1LL << 31, 1LL << 31, 2));

std::string batch_of(std::string_view text, std::int64_t replicas) {
  auto const batch = config_of(text).resolved_batch(replicas);
  return std::to_string(batch.train_batch_size) + " = " + std::to_string(batch.micro_batch_size) + " * " +
         std::to_string(batch.gradient_accumulation_steps) + " * " + std::to_string(replicas);
}

std::string batch_refusal(std::string_view text, std::int64_t replicas) {
  auto const config = config_of(text);
  return message_of([&] { config.resolved_batch(replicas); });
}

deepspeed_optimizer optimizer_of(std::string_view params, std::string_view type = "AdamW") {
  return config_of(optimizer_text(params, type)).optimizer.value();
}
}  // namespace

TEST_CASE("the batch sizes follow from any two of the three, and from the first two alone") {
  CHECK(batch_of(R"({"train_batch_size": 192, "train_micro_batch_size_per_gpu": 12, "gradient_accumulation_steps": 2})", 8) ==
        "192 = 12 * 2 * 8");
  CHECK(batch_of(R"({"train_batch_size": 192, "train_micro_batch_size_per_gpu": 12})", 8) == "192 = 12 * 2 * 8");
  CHECK(batch_of(R"({"train_batch_size": 192, "gradient_accumulation_steps": 2})", 8) == "192 = 12 * 2 * 8");
  CHECK(batch_of(R"({"train_micro_batch_size_per_gpu": 12, "gradient_accumulation_steps": 2})", 8) == "192 = 12 * 2 * 8");
  CHECK(batch_of(R"({"train_batch_size": 96})", 8) == "96 = 12 * 1 * 8");
  CHECK(batch_of(R"({"train_micro_batch_size_per_gpu": 12})", 8) == "96 = 12 * 1 * 8");
}

TEST_CASE("too little is said") {
  std::string const said = "ds_config.json: train_batch_size: needed it or train_micro_batch_size_per_gpu, found neither";
  CHECK(batch_refusal("{}", 8) == said);
  CHECK(batch_refusal(R"({"gradient_accumulation_steps": 2})", 8) == said);
}

TEST_CASE("a broken identity says all numbers") {
  CHECK(batch_refusal(R"({"train_batch_size": 97, "train_micro_batch_size_per_gpu": 12, "gradient_accumulation_steps": 1})", 8) ==
        "ds_config.json: train_batch_size: needed train_micro_batch_size_per_gpu * gradient_accumulation_steps * "
        "replicas = 12 * 1 * 8 = 96, found 97");
  CHECK(batch_refusal(R"({"train_batch_size": 100, "train_micro_batch_size_per_gpu": 12})", 8) ==
        "ds_config.json: train_batch_size: needed a multiple of train_micro_batch_size_per_gpu * replicas = 12 * 8, found 100");
  CHECK(batch_refusal(R"({"train_batch_size": 100, "gradient_accumulation_steps": 3})", 8) ==
        "ds_config.json: train_batch_size: needed a multiple of gradient_accumulation_steps * replicas = 3 * 8, found 100");
  CHECK(batch_refusal(R"({"train_batch_size": 4})", 8) ==
        "ds_config.json: train_batch_size: needed a multiple of gradient_accumulation_steps * replicas = 1 * 8, found 4");
}

TEST_CASE("a batch beyond 64 bits is an error, not a wrap") {
  CHECK(batch_refusal(R"({"train_micro_batch_size_per_gpu": 4611686018427387904, "gradient_accumulation_steps": 2})", 8) ==
        "ds_config.json: train_batch_size: needed train_micro_batch_size_per_gpu * gradient_accumulation_steps * "
        "replicas = 4611686018427387904 * 2 * 8, found a product beyond 64 bits");
  CHECK(batch_refusal(R"({"train_batch_size": 8, "train_micro_batch_size_per_gpu": 4611686018427387904})", 8) ==
        "ds_config.json: train_batch_size: needed a multiple of train_micro_batch_size_per_gpu * replicas = "
        "4611686018427387904 * 8, found 8");
}

TEST_CASE("the replicas are the caller's to get right") {
  CHECK_THROWS_AS(config_of("{}").resolved_batch(0), precondition_error);
  CHECK(batch_refusal(R"({"train_batch_size": 8})", -1) == "resolved_batch: needed at least 1 replica, received -1");
}

TEST_CASE("batch sizes are positive integers") {
  for (std::string const key : {"train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "steps_per_print"}) {
    for (std::string const found : {"0", "-8", "8.0", "\"8\"", "null"}) {
      CHECK(refusal("{\"" + key + "\": " + found + "}") ==
            "ds_config.json: " + key + ": needed an integer of at least 1, found " + found);
    }
  }
}

TEST_CASE("auto is refused wherever it stands") {
  std::string const said = ": needed a value, as only the Hugging Face trainer fills in \"auto\", found \"auto\"";
  CHECK(refusal(R"({"train_batch_size": "auto"})") == "ds_config.json: train_batch_size" + said);
  CHECK(refusal(optimizer_text(R"({"lr": "auto"})")) == "ds_config.json: optimizer.params.lr" + said);
  CHECK(refusal(R"({"activation_checkpointing": {"x": {"y": "auto"}}})") ==
        "ds_config.json: activation_checkpointing.x.y" + said);
}

TEST_CASE("an empty file has DeepSpeed's defaults") {
  auto const config = config_of("{}");
  CHECK(config.where == "ds_config.json");
  CHECK(config.gradient_clipping == 0);
  CHECK(config.steps_per_print == 10);
  CHECK_FALSE(config.wall_clock_breakdown);
  CHECK_FALSE(config.bf16);
  CHECK_FALSE(config.fp16.enabled);
  CHECK_FALSE(config.optimizer);
  CHECK_FALSE(config.schedule);
  CHECK(config.effects.empty());
}

TEST_CASE("an optimizer's values, and what it leaves out") {
  auto const given = optimizer_of(R"({"lr": 3e-4, "betas": [0.8, 0.95], "eps": 1e-6, "weight_decay": 0.1})");
  CHECK(given.learning_rate == 3e-4);
  CHECK(given.beta1 == 0.8);
  CHECK(given.beta2 == 0.95);
  CHECK(given.epsilon == 1e-6);
  CHECK(given.weight_decay == 0.1);
  CHECK(given.decoupled);
  auto const bare = config_of(R"({"optimizer": {"type": "Adam"}})").optimizer.value();
  CHECK(bare.learning_rate == 1e-3);
  CHECK(bare.decoupled);
}

TEST_CASE("Adam is AdamW unless adam_w_mode is false; AdamW does not look at it") {
  CHECK(optimizer_of("{}", "adam").decoupled);
  CHECK_FALSE(optimizer_of(R"({"adam_w_mode": false})", "ADAM").decoupled);
  CHECK(optimizer_of(R"({"adam_w_mode": false})", "AdamW").decoupled);
}

TEST_CASE("torch's AdamW has another default of weight decay") {
  CHECK(optimizer_of(R"({"torch_adam": true})").weight_decay == 0.01);
  CHECK(optimizer_of(R"({"torch_adam": true, "weight_decay": 0})").weight_decay == 0);
  CHECK(optimizer_of(R"({"torch_adam": true, "adam_w_mode": false})", "Adam").weight_decay == 0);
  CHECK(optimizer_of(R"({"torch_adam": false})").weight_decay == 0);
}

TEST_CASE("an optimizer that computes something else is refused") {
  CHECK(refusal(R"({"optimizer": {"type": "Lamb"}})") == "ds_config.json: optimizer.type: needed Adam or AdamW, found \"Lamb\"");
  CHECK(refusal(R"({"optimizer": {}})") == "ds_config.json: optimizer.type: needed a string, found no such key");
  CHECK(refusal(R"({"optimizer": "AdamW"})") == "ds_config.json: optimizer: needed an object, found \"AdamW\"");
  std::string const params = "ds_config.json: optimizer.params.";
  CHECK(refusal(optimizer_text(R"({"bias_correction": false})")) == params + "bias_correction: needed true, found false");
  CHECK(refusal(optimizer_text(R"({"amsgrad": true})")) == params + "amsgrad: needed false, found true");
  CHECK(refusal(optimizer_text(R"({"lr": -1e-4})")) == params + "lr: needed a number of at least 0, found -0.0001");
  CHECK(refusal(optimizer_text(R"({"lr": "3e-4"})")) == params + "lr: needed a number of at least 0, found \"3e-4\"");
  CHECK(refusal(optimizer_text(R"({"eps": 0})")) == params + "eps: needed a number above 0, found 0");
  CHECK(refusal(optimizer_text(R"({"weight_decay": -0.1})")) ==
        params + "weight_decay: needed a number of at least 0, found -0.1");
  CHECK(refusal(optimizer_text(R"({"betas": [0.9, 1]})")) ==
        params + "betas: needed an array of 2, each a number from 0 to below 1, found [0.9,1]");
}

TEST_CASE("a schedule gives the rate of each step") {
  auto const config = config_of(schedule_text(R"({"warmup_min_lr": 1e-5, "warmup_max_lr": 9e-5, "warmup_num_steps": 4,
                                                 "warmup_type": "linear"})"));
  REQUIRE(config.schedule);
  CHECK(config.learning_rate(0) == 1e-5);
  CHECK(config.learning_rate(3) == doctest::Approx(5e-5));
  CHECK(config.learning_rate(100) == doctest::Approx(9e-5));
  auto const decaying = config_of(schedule_text(
      R"({"warmup_max_lr": 8e-5, "warmup_num_steps": 4, "total_num_steps": 12, "warmup_type": "linear"})", "WarmupDecayLR"));
  CHECK(decaying.learning_rate(9) == doctest::Approx(4e-5));
  CHECK(decaying.learning_rate(13) == 0);
  // growth is logarithmic when the file does not say
  CHECK(config_of(schedule_text(R"({"warmup_max_lr": 3e-4, "warmup_num_steps": 8})")).learning_rate(2) == doctest::Approx(1e-4));
  CHECK(config_of(schedule_text(R"({"warmup_max_lr": 1})")).schedule->warmup_steps == 1000);
  CHECK(config_of(schedule_text(R"({"total_num_steps": 2000})", "WarmupDecayLR")).schedule->max_rate == 0.001);
}

TEST_CASE("a schedule goes before the optimizer's own rate; neither is an error") {
  auto const both = config_of(R"({"optimizer": {"type": "Adam", "params": {"lr": 7}},
                                 "scheduler": {"type": "WarmupLR", "params": {"warmup_max_lr": 2, "warmup_num_steps": 1}}})");
  CHECK(both.learning_rate(50) == 2);
  CHECK(config_of(optimizer_text(R"({"lr": 7})")).learning_rate(50) == 7);
  auto const neither = config_of("{}");
  CHECK_THROWS_AS(static_cast<void>(neither.learning_rate(0)), precondition_error);
  CHECK(message_of([&] { static_cast<void>(neither.learning_rate(0)); }) ==
        "ds_config.json: learning_rate: needed a scheduler or an optimizer, received neither");
}

TEST_CASE("a schedule that is not described here is refused") {
  std::string const params = "ds_config.json: scheduler.params";
  CHECK(refusal(schedule_text("{}", "OneCycle")) ==
        "ds_config.json: scheduler.type: needed one of WarmupLR, WarmupDecayLR, found \"OneCycle\"");
  CHECK(refusal(R"({"scheduler": {"type": "WarmupLR"}})") == params + ": needed an object, found no such key");
  CHECK(refusal(schedule_text(R"({"warmup_num_steps": 4})")) ==
        params + ".warmup_max_lr: needed a number, as DeepSpeed's versions differ in its default, found no such key");
  CHECK(refusal(schedule_text(R"({"warmup_max_lr": 1, "warmup_num_steps": 0})")) ==
        params + ".warmup_num_steps: needed an integer of at least 1, found 0");
  CHECK(refusal(schedule_text(R"({"warmup_max_lr": 1, "warmup_type": "cosine"})")) ==
        params + ".warmup_type: needed one of log, linear, found \"cosine\"");
  CHECK(refusal(schedule_text(R"({"warmup_min_lr": -1})")) ==
        params + ".warmup_min_lr: needed a number of at least 0, found -1");
  CHECK(refusal(schedule_text("{}", "WarmupDecayLR")) ==
        params + ".total_num_steps: needed an integer of at least 1000, found no such key");
  CHECK(refusal(schedule_text(R"({"warmup_num_steps": 10, "total_num_steps": 9})", "WarmupDecayLR")) ==
        params + ".total_num_steps: needed an integer of at least 10, found 9");
  CHECK(refusal(schedule_text(R"({"warmup_max_lr": 1, "total_num_steps": 9})")) ==
        params + ".total_num_steps: needed no such key beside WarmupLR, found 9");
}

TEST_CASE("fp16 and its loss scale") {
  auto const fp16 = config_of(R"({"fp16": {"enabled": true, "loss_scale": 128, "initial_scale_power": 12, "loss_scale_window": 500,
                                          "hysteresis": 3, "consecutive_hysteresis": true, "min_loss_scale": 0.5}})").fp16;
  CHECK(fp16.enabled);
  CHECK(fp16.loss_scale == 128);
  CHECK(fp16.initial_scale_power == 12);
  CHECK(fp16.loss_scale_window == 500);
  CHECK(fp16.hysteresis == 3);
  CHECK(fp16.consecutive_hysteresis);
  CHECK(fp16.min_loss_scale == 0.5);
  CHECK(refusal(R"({"fp16": {"initial_scale_power": 25}})") ==
        "ds_config.json: fp16.initial_scale_power: needed an integer from 0 to 24, found 25");
  CHECK(refusal(R"({"fp16": {"loss_scale": -1}})") == "ds_config.json: fp16.loss_scale: needed a number of at least 0, found -1");
  CHECK(refusal(R"({"fp16": {"loss_scale_window": 0}})") ==
        "ds_config.json: fp16.loss_scale_window: needed an integer of at least 1, found 0");
  CHECK(refusal(R"({"fp16": {"hysteresis": 0}})") == "ds_config.json: fp16.hysteresis: needed an integer of at least 1, found 0");
  CHECK(refusal(R"({"fp16": {"min_loss_scale": 0}})") ==
        "ds_config.json: fp16.min_loss_scale: needed a number above 0, found 0");
  CHECK(refusal(R"({"fp16": {"enabled": 1}})") == "ds_config.json: fp16.enabled: needed true or false, found 1");
  CHECK(refusal(R"({"fp16": true})") == "ds_config.json: fp16: needed an object, found true");
}

TEST_CASE("bf16 has two spellings, one at a time, and excludes fp16") {
  CHECK(config_of(R"({"bf16": {"enabled": true}})").bf16);
  CHECK(config_of(R"({"bfloat16": {"enabled": true}})").bf16);
  CHECK_FALSE(config_of(R"({"bf16": {}})").bf16);
  CHECK(refusal(R"({"bf16": {"enabled": true}, "bfloat16": {"enabled": false}})") ==
        "ds_config.json: bfloat16: needed one spelling, found bf16 beside it");
  CHECK(refusal(R"({"bf16": {"enabled": true}, "fp16": {"enabled": true}})") ==
        "ds_config.json: needed at most one of fp16.enabled and bf16.enabled, found both");
  CHECK(refusal(R"({"bf16": {"enabled": true}, "fp16": {"enabled": false}})") == "accepted");
}

TEST_CASE("ZeRO's stage and sizes, which may be written as floats") {
  auto const zero = config_of(R"({"zero_optimization": {"stage": 3, "stage3_prefetch_bucket_size": 1e7, "reduce_bucket_size": 2e8,
                                 "stage3_max_live_parameters": 3000000, "sub_group_size": 0}})").zero;
  CHECK(zero.stage == 3);
  CHECK(zero.prefetch_bucket_size == 10'000'000);
  CHECK(zero.reduce_bucket_size == 200'000'000);
  CHECK(zero.max_live_parameters == 3'000'000);
  CHECK(zero.sub_group_size == 0);
  CHECK(zero.overlaps_communication());
  std::string const where = "ds_config.json: zero_optimization.";
  CHECK(refusal(R"({"zero_optimization": {"stage": 4}})") == where + "stage: needed an integer from 0 to 3, found 4");
  CHECK(refusal(R"({"zero_optimization": {"stage": "3"}})") == where + "stage: needed an integer from 0 to 3, found \"3\"");
  CHECK(refusal(R"({"zero_optimization": {"overlap_comm": 1}})") == where + "overlap_comm: needed true or false, found 1");
  for (std::string const key : {"stage3_prefetch_bucket_size", "reduce_bucket_size", "stage3_max_live_parameters", "sub_group_size"}) {
    CHECK(refusal("{\"zero_optimization\": {\"" + key + "\": -1}}") ==
          where + key + ": needed a whole number of at least 0, found -1");
    CHECK(refusal("{\"zero_optimization\": {\"" + key + "\": 0.5}}") ==
          where + key + ": needed a whole number of at least 0, found 0.5");
  }
}

TEST_CASE("other general keys") {
  CHECK(config_of(R"({"gradient_clipping": 1.0})").gradient_clipping == 1);
  CHECK(config_of(R"({"steps_per_print": 3})").steps_per_print == 3);
  CHECK(config_of(R"({"wall_clock_breakdown": true})").wall_clock_breakdown);
  CHECK(refusal(R"({"gradient_clipping": -1})") == "ds_config.json: gradient_clipping: needed a number of at least 0, found -1");
  CHECK(refusal("[]") == "ds_config.json: needed an object, found []");
}

TEST_CASE("a file is named in its errors, and an object inside a case by its path") {
  scratch_folder const folder;
  auto const path = folder.file("ds_config.json", R"({"train_batch_size": 9, "train_micro_batch_size_per_gpu": 2})");
  auto const config = deepspeed_configuration(path);
  CHECK(config.where == path.string());
  CHECK(message_of([&] { config.resolved_batch(2); }).starts_with(path.string() + ": train_batch_size: needed a multiple of "));
  json_document const document{"case.json", R"({"deepspeed_config": {"train_batch_size": 9}})"};
  json_object fields{document};
  auto const inner = deepspeed_configuration(*fields.optional_object("deepspeed_config"));
  CHECK(message_of([&] { inner.resolved_batch(2); }) ==
        "case.json: deepspeed_config: train_batch_size: needed a multiple of gradient_accumulation_steps * replicas = 1 * 2, found 9");
}
