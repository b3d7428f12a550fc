// A ds_config.json, read as DeepSpeed reads it, for data-parallel training with ZeRO.
//
//   train_batch_size = train_micro_batch_size_per_gpu * gradient_accumulation_steps * replicas
// What a file leaves out has DeepSpeed's default of 0.10.1, the version of the R300 case; newer
// ones differ where a comment says so. Each key of a file ends up in `effects`: honoured, mapped
// to what the engine has instead, or without effect. A key not known here, or one that would
// change what is computed in a way not described here, is an error, and so is "auto", which only
// the Hugging Face trainer fills in.
#pragma once

#include <kunmetrics/error.hpp>
#include <kunmetrics/io/deepspeed_effects.hpp>
#include <kunmetrics/io/deepspeed_schedule.hpp>
#include <kunmetrics/io/json_reader.hpp>

#include <array>

namespace kunmetrics {

// Adam or AdamW; the defaults are those of DeepSpeed's fused Adam.
struct deepspeed_optimizer {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = true;  // AdamW; "Adam" means it too, unless adam_w_mode is false
};

struct deepspeed_fp16 {
  bool enabled = false;
  double loss_scale = 0;  // 0: dynamic
  std::int64_t initial_scale_power = 16;
  std::int64_t loss_scale_window = 1000;
  std::int64_t hysteresis = 2;
  bool consecutive_hysteresis = false;
  double min_loss_scale = 1;
};

struct deepspeed_zero {
  std::int64_t stage = 0;
  std::optional<bool> overlap_comm;               // true at stage 3, else false
  std::int64_t prefetch_bucket_size = 50'000'000;  // parameters, as all sizes here
  std::int64_t reduce_bucket_size = 500'000'000;
  std::int64_t max_live_parameters = 1'000'000'000;
  std::int64_t sub_group_size = 1'000'000'000;

  constexpr bool overlaps_communication() const { return overlap_comm.value_or(stage == 3); }
};

// Samples of a step, samples of one replica's micro-batch, micro-batches of a step.
struct deepspeed_batch {
  std::int64_t train_batch_size{};
  std::int64_t micro_batch_size{};
  std::int64_t gradient_accumulation_steps{};
};

struct deepspeed_config {
  std::string where;  // the file, and the key path of an object inside it
  std::optional<std::int64_t> train_batch_size;
  std::optional<std::int64_t> micro_batch_size;
  std::optional<std::int64_t> gradient_accumulation_steps;
  double gradient_clipping = 0;  // 0: off. DeepSpeed clips at 1.0 by default since its PR 8068 (2026)
  std::int64_t steps_per_print = 10;
  bool wall_clock_breakdown = false;
  bool bf16 = false;
  deepspeed_fp16 fp16;
  deepspeed_zero zero;
  std::optional<deepspeed_optimizer> optimizer;  // absent: the program brings its own
  std::optional<deepspeed_schedule> schedule;    // absent: the optimizer's rate throughout
  std::vector<field_effect> effects;

  // The rate of step t, counted from 0 over applied steps. Throws precondition_error when neither
  // a schedule nor an optimizer says it.
  double learning_rate(std::int64_t step) const {
    if (schedule) return (*schedule)(step);
    if (!optimizer) broken_precondition(where + ": learning_rate", "a scheduler or an optimizer", "neither");
    return optimizer->learning_rate;
  }

  // The three batch sizes, from any two of them or from one of the first two, the accumulation
  // steps then being 1. Throws input_error, with all numbers, when they do not fit together.
  deepspeed_batch resolved_batch(std::int64_t replicas) const;
};

namespace detail {
// a * b * c of positive numbers, empty beyond 64 bits.
constexpr std::optional<std::int64_t> positive_product(std::int64_t a, std::int64_t b, std::int64_t c) {
  std::int64_t result{};
  if (__builtin_mul_overflow(a, b, &result) || __builtin_mul_overflow(result, c, &result)) return std::nullopt;
  return result;
}

inline constexpr std::string_view batch_identity =
    "train_micro_batch_size_per_gpu * gradient_accumulation_steps * replicas";

[[noreturn]] inline void broken_batch(deepspeed_config const& config, std::string_view needed, std::string_view found) {
  throw input_error{needed_found(config.where + ": train_batch_size", needed, found)};
}

// The factor that is left of train_batch_size when the other two are known.
inline std::int64_t remaining_factor(deepspeed_config const& config, std::string_view known_name, std::int64_t known,
                                     std::int64_t replicas) {
  auto const divisor = positive_product(known, replicas, 1);
  if (divisor && *config.train_batch_size % *divisor == 0) return *config.train_batch_size / *divisor;
  broken_batch(config,
               "a multiple of " + std::string{known_name} + " * replicas = " + std::to_string(known) + " * " +
                   std::to_string(replicas),
               std::to_string(*config.train_batch_size));
}
}  // namespace detail

inline deepspeed_batch deepspeed_config::resolved_batch(std::int64_t replicas) const {
  if (replicas < 1) broken_precondition("resolved_batch", "at least 1 replica", std::to_string(replicas));
  if (!train_batch_size && !micro_batch_size) {
    detail::broken_batch(*this, "it or train_micro_batch_size_per_gpu", "neither");
  }
  auto steps = gradient_accumulation_steps;
  if (!steps && train_batch_size && micro_batch_size) {
    steps = detail::remaining_factor(*this, "train_micro_batch_size_per_gpu", *micro_batch_size, replicas);
  }
  if (!steps) steps = 1;
  auto const micro = micro_batch_size
                         ? *micro_batch_size
                         : detail::remaining_factor(*this, "gradient_accumulation_steps", *steps, replicas);
  auto const product = detail::positive_product(micro, *steps, replicas);
  if (!product || product != train_batch_size.value_or(*product)) {
    auto needed = std::string{detail::batch_identity} + " = " + std::to_string(micro) + " * " + std::to_string(*steps) +
                  " * " + std::to_string(replicas);
    if (product) needed += " = " + std::to_string(*product);
    detail::broken_batch(*this, needed,
                         product ? std::to_string(*train_batch_size) : std::string{"a product beyond 64 bits"});
  }
  return {.train_batch_size = *product, .micro_batch_size = micro, .gradient_accumulation_steps = *steps};
}

namespace detail {
// Throws for the first "auto" in an object or the objects in it.
inline void refuse_auto(json_object object) {
  for (auto const& key : object.keys()) {
    if (object.is_object(key)) refuse_auto(*object.optional_object(key));
    if (object.is_text(key) && object.text(key) == "auto") {
      object.refuse(key, "a value, as only the Hugging Face trainer fills in \"auto\"");
    }
  }
}

template <typename T>
void assign(T& field, std::optional<T> value) {
  if (value) field = *std::move(value);
}

inline deepspeed_optimizer read_optimizer(json_object object, std::vector<field_effect>& effects) {
  auto type = object.text("type");
  std::ranges::transform(type, type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (type != "adam" && type != "adamw") object.refuse("type", "Adam or AdamW");
  deepspeed_optimizer read;
  if (auto params = object.optional_object("params")) {
    bool const of_torch = params->optional_boolean("torch_adam").value_or(false);
    // DeepSpeed looks at adam_w_mode for the name Adam alone
    read.decoupled = params->optional_boolean("adam_w_mode").value_or(true) || type == "adamw";
    if (of_torch && read.decoupled) read.weight_decay = 0.01;  // torch.optim.AdamW's default
    assign(read.learning_rate, params->optional_number("lr", non_negative_number));
    assign(read.epsilon, params->optional_number("eps", positive_number));
    assign(read.weight_decay, params->optional_number("weight_decay", non_negative_number));
    if (auto const betas = params->optional_numbers("betas", 2, number_below_one)) {
      read.beta1 = betas->front();
      read.beta2 = betas->back();
    }
    if (!params->optional_boolean("bias_correction").value_or(true)) params->refuse("bias_correction", "true");
    if (params->optional_boolean("amsgrad").value_or(false)) params->refuse("amsgrad", "false");
    note_all_effects(*params, "optimizer.params.", optimizer_effects, effects);
  }
  note_all_effects(object, "optimizer.", optimizer_type_effects, effects);
  return read;
}

inline deepspeed_schedule read_schedule(json_object object, std::vector<field_effect>& effects) {
  static constexpr std::array<std::string_view, 2> types{"WarmupLR", "WarmupDecayLR"};
  static constexpr std::array<std::string_view, 2> growths{"log", "linear"};
  bool const decays = object.choice("type", types) == 1;
  deepspeed_schedule read;
  auto params = object.optional_object("params");
  if (!params) object.refuse("params", "an object");
  assign(read.min_rate, params->optional_number("warmup_min_lr", non_negative_number));
  assign(read.max_rate, params->optional_number("warmup_max_lr", non_negative_number));
  if (!decays && !params->has("warmup_max_lr")) {
    // 0.001 in 0.10.1, the optimizer's own rate since 2025
    params->refuse("warmup_max_lr", "a number, as DeepSpeed's versions differ in its default");
  }
  assign(read.warmup_steps, params->optional_integer("warmup_num_steps", 1));
  if (auto const growth = params->optional_choice("warmup_type", growths)) {
    read.growth = *growth == 1 ? warmup_growth::linear : warmup_growth::logarithmic;
  }
  if (decays) read.total_steps = params->integer("total_num_steps", read.warmup_steps);
  if (!decays && params->has("total_num_steps")) params->refuse("total_num_steps", "no such key beside WarmupLR");
  note_all_effects(*params, "scheduler.params.", schedule_effects, effects);
  note_all_effects(object, "scheduler.", schedule_type_effects, effects);
  return read;
}

inline deepspeed_fp16 read_fp16(json_object object, std::vector<field_effect>& effects) {
  deepspeed_fp16 read;
  assign(read.enabled, object.optional_boolean("enabled"));
  assign(read.loss_scale, object.optional_number("loss_scale", non_negative_number));
  assign(read.initial_scale_power, object.optional_integer("initial_scale_power", 0, 24));
  assign(read.loss_scale_window, object.optional_integer("loss_scale_window", 1));
  assign(read.hysteresis, object.optional_integer("hysteresis", 1));
  assign(read.consecutive_hysteresis, object.optional_boolean("consecutive_hysteresis"));
  assign(read.min_loss_scale, object.optional_number("min_loss_scale", positive_number));
  note_all_effects(object, "fp16.", fp16_effects, effects);
  return read;
}

inline deepspeed_zero read_zero(json_object object, std::vector<field_effect>& effects) {
  deepspeed_zero read;
  assign(read.stage, object.optional_integer("stage", 0, 3));
  read.overlap_comm = object.optional_boolean("overlap_comm");
  assign(read.prefetch_bucket_size, object.optional_whole("stage3_prefetch_bucket_size", 0));
  assign(read.reduce_bucket_size, object.optional_whole("reduce_bucket_size", 0));
  assign(read.max_live_parameters, object.optional_whole("stage3_max_live_parameters", 0));
  assign(read.sub_group_size, object.optional_whole("sub_group_size", 0));
  note_all_effects(object, "zero_optimization.", zero_effects, effects);
  return read;
}

inline void read_precision(json_object& object, deepspeed_config& config) {
  if (auto fp16 = object.optional_object("fp16")) config.fp16 = read_fp16(*std::move(fp16), config.effects);
  if (object.has("bf16") && object.has("bfloat16")) object.refuse("bfloat16", "one spelling", "bf16 beside it");
  for (std::string_view const key : {"bf16", "bfloat16"}) {
    auto bf16 = object.optional_object(key);
    if (!bf16) continue;
    config.bf16 = bf16->optional_boolean("enabled").value_or(false);
    note_all_effects(*bf16, std::string{key} + ".", bf16_effects, config.effects);
  }
  if (config.bf16 && config.fp16.enabled) {
    throw input_error{needed_found(config.where, "at most one of fp16.enabled and bf16.enabled", "both")};
  }
}
}  // namespace detail

// Throws input_error.
inline deepspeed_config deepspeed_configuration(json_object object) {
  detail::refuse_auto(object);
  deepspeed_config config;
  config.where = object.where();
  config.train_batch_size = object.optional_integer("train_batch_size", 1);
  config.micro_batch_size = object.optional_integer("train_micro_batch_size_per_gpu", 1);
  config.gradient_accumulation_steps = object.optional_integer("gradient_accumulation_steps", 1);
  detail::assign(config.gradient_clipping, object.optional_number("gradient_clipping", non_negative_number));
  detail::assign(config.steps_per_print, object.optional_integer("steps_per_print", 1));
  detail::assign(config.wall_clock_breakdown, object.optional_boolean("wall_clock_breakdown"));
  detail::note_effects(object, "", detail::general_effects, config.effects);
  if (auto optimizer = object.optional_object("optimizer")) {
    config.optimizer = detail::read_optimizer(*std::move(optimizer), config.effects);
  }
  if (auto schedule = object.optional_object("scheduler")) {
    config.schedule = detail::read_schedule(*std::move(schedule), config.effects);
  }
  if (auto zero = object.optional_object("zero_optimization")) {
    config.zero = detail::read_zero(*std::move(zero), config.effects);
  }
  detail::read_precision(object, config);
  object.finish();
  return config;
}

// Of a file. Throws input_error.
inline deepspeed_config deepspeed_configuration(std::filesystem::path const& file) {
  json_document const document{file};
  return deepspeed_configuration(json_object{document});
}

}  // namespace kunmetrics
