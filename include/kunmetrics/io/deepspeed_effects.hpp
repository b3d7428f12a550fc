// What each key of a ds_config.json does to a run, as a report prints it.
//
//   honoured         means what it means to DeepSpeed
//   mapped           read; the engine has something else in its place
//   without_effect   known and passed over, as it moves speed, memory or logging only
// The tables are grouped by the object that a key stands in. A key that is in no table is refused
// by the reader: one that would change what is computed must not be passed over.
// Source: DeepSpeed runtime/config.py, runtime/zero/config.py, runtime/constants.py.
#pragma once

#include <kunmetrics/io/json_reader.hpp>

#include <array>

namespace kunmetrics {

enum class effect { honoured, mapped, without_effect };

inline constexpr std::array<std::string_view, 3> effect_names{"honoured", "mapped", "without effect"};
constexpr std::string_view name_of(effect e) { return effect_names.at(static_cast<std::size_t>(e)); }

struct field_effect {
  std::string key;  // with its path: "zero_optimization.stage"
  effect what{};
  std::string note;
};

namespace detail {
struct effect_rule {
  std::string_view key;
  effect what = effect::honoured;
  std::string_view note = {};
};
using enum effect;

inline constexpr std::string_view in_fp32 = "gradients are summed in fp32";
inline constexpr std::string_view monitoring = "the program writes its own records";

inline constexpr std::array general_effects{
    effect_rule{"train_batch_size"},
    effect_rule{"train_micro_batch_size_per_gpu"},
    effect_rule{"gradient_accumulation_steps"},
    effect_rule{"gradient_clipping"},
    effect_rule{"steps_per_print"},
    effect_rule{"wall_clock_breakdown"},
    effect_rule{"activation_checkpointing", without_effect,
                "configures deepspeed.checkpointing and does not switch recomputation on"},
    effect_rule{"prescale_gradients", without_effect, in_fp32},
    effect_rule{"gradient_predivide_factor", without_effect, in_fp32},
    effect_rule{"communication_data_type", without_effect, in_fp32},
    effect_rule{"data_types", without_effect, in_fp32},
    effect_rule{"sparse_gradients", without_effect, "gradients are dense"},
    effect_rule{"disable_allgather", without_effect},
    effect_rule{"zero_allow_untested_optimizer", without_effect},
    effect_rule{"zero_force_ds_cpu_optimizer", without_effect},
    effect_rule{"memory_breakdown", without_effect, monitoring},
    effect_rule{"dump_state", without_effect, monitoring},
    effect_rule{"flops_profiler", without_effect, monitoring},
    effect_rule{"comms_logger", without_effect, monitoring},
    effect_rule{"tensorboard", without_effect, monitoring},
    effect_rule{"wandb", without_effect, monitoring},
    effect_rule{"comet", without_effect, monitoring},
    effect_rule{"csv_monitor", without_effect, monitoring},
    effect_rule{"log_level", without_effect, monitoring},
    effect_rule{"timers", without_effect, monitoring},
    effect_rule{"aio", without_effect, "nothing is offloaded"},
    effect_rule{"checkpoint", without_effect},
    effect_rule{"nebula", without_effect},
    effect_rule{"autotuning", without_effect},
    effect_rule{"compile", without_effect},
    effect_rule{"graph_harvesting", without_effect}};

inline constexpr std::array optimizer_type_effects{effect_rule{"type"}, effect_rule{"legacy_fusion", without_effect}};

inline constexpr std::array optimizer_effects{
    effect_rule{"lr"},
    effect_rule{"betas"},
    effect_rule{"eps"},
    effect_rule{"weight_decay"},
    effect_rule{"adam_w_mode"},
    effect_rule{"bias_correction"},
    effect_rule{"amsgrad"},
    effect_rule{"torch_adam", mapped, "one implementation; decides the default of weight_decay"},
    effect_rule{"set_grad_none", without_effect},
    effect_rule{"fused", without_effect},
    effect_rule{"foreach", without_effect}};

inline constexpr std::array schedule_type_effects{effect_rule{"type"}};

inline constexpr std::array schedule_effects{
    effect_rule{"warmup_min_lr"},    effect_rule{"warmup_max_lr"}, effect_rule{"warmup_num_steps"},
    effect_rule{"total_num_steps"}, effect_rule{"warmup_type"}};

inline constexpr std::array fp16_effects{
    effect_rule{"enabled"},
    effect_rule{"loss_scale"},
    effect_rule{"initial_scale_power"},
    effect_rule{"loss_scale_window"},
    effect_rule{"hysteresis"},
    effect_rule{"consecutive_hysteresis"},
    effect_rule{"min_loss_scale"},
    effect_rule{"auto_cast", without_effect, "inputs are token ids"}};

inline constexpr std::array bf16_effects{
    effect_rule{"enabled"},
    effect_rule{"immediate_grad_update", without_effect},
    effect_rule{"check_grad_overflow", without_effect}};

inline constexpr std::array zero_effects{
    effect_rule{"stage"},
    effect_rule{"stage3_prefetch_bucket_size", mapped, "the next unit is gathered ahead, unless it is 0"},
    effect_rule{"stage3_max_live_parameters", mapped, "as many parameters as the schedule of units keeps gathered"},
    effect_rule{"overlap_comm", mapped, "the schedule of units decides"},
    effect_rule{"reduce_bucket_size", mapped, "a unit is reduced at a time"},
    effect_rule{"sub_group_size", mapped, "the optimizer goes over a whole shard"},
    effect_rule{"contiguous_gradients", without_effect, "they are contiguous"},
    effect_rule{"reduce_scatter", without_effect, "gradients are always reduced to their shards"},
    effect_rule{"allgather_partitions", without_effect, "of stages 1 and 2"},
    effect_rule{"allgather_bucket_size", without_effect, "of stages 1 and 2"},
    effect_rule{"round_robin_gradients", without_effect, "of stages 1 and 2"},
    effect_rule{"legacy_stage1", without_effect, "of stages 1 and 2"},
    effect_rule{"use_multi_rank_bucket_allreduce", without_effect, "of stages 1 and 2"},
    effect_rule{"stage3_param_persistence_threshold", without_effect, "small parameters are sharded too"},
    effect_rule{"stage3_model_persistence_threshold", without_effect, "small parameters are sharded too"},
    effect_rule{"stage3_max_reuse_distance", without_effect, "the schedule of units is fixed"},
    effect_rule{"stage3_gather_16bit_weights_on_model_save", without_effect},
    effect_rule{"stage3_gather_fp16_weights_on_model_save", without_effect},
    effect_rule{"stage3_module_granularity_threshold", without_effect},
    effect_rule{"stage3_use_all_reduce_for_fetch_params", without_effect},
    effect_rule{"offload_param", without_effect, "nothing is offloaded"},
    effect_rule{"offload_optimizer", without_effect, "nothing is offloaded"},
    effect_rule{"cpu_offload", without_effect, "nothing is offloaded"},
    effect_rule{"cpu_offload_param", without_effect, "nothing is offloaded"},
    effect_rule{"cpu_offload_use_pin_memory", without_effect, "nothing is offloaded"},
    effect_rule{"zero_hpz_partition_size", without_effect, "shards are spread over all ranks"},
    effect_rule{"load_from_fp32_weights", without_effect},
    effect_rule{"elastic_checkpoint", without_effect},
    effect_rule{"ignore_unused_parameters", without_effect},
    effect_rule{"memory_efficient_linear", without_effect},
    effect_rule{"pipeline_loading_checkpoint", without_effect},
    effect_rule{"override_module_apply", without_effect},
    effect_rule{"log_trace_cache_warnings", without_effect}};

// Appends an effect for each key of the object that the table has, in the file's order.
inline void note_effects(json_object& object, std::string_view prefix, std::span<effect_rule const> rules,
                         std::vector<field_effect>& effects) {
  for (auto const& key : object.keys()) {
    auto const rule = std::ranges::find(rules, std::string_view{key}, &effect_rule::key);
    if (rule == rules.end()) continue;
    object.accept(key);
    effects.push_back({std::string{prefix} + key, rule->what, std::string{rule->note}});
  }
}

// The same of an object that the table knows whole. Throws input_error for a key that it has not.
inline void note_all_effects(json_object& object, std::string_view prefix, std::span<effect_rule const> rules,
                             std::vector<field_effect>& effects) {
  note_effects(object, prefix, rules, effects);
  object.finish();
}
}  // namespace detail

}  // namespace kunmetrics
