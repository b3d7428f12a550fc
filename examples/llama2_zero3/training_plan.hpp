// A case as it will really be trained here: what the command line and this machine make of it.
//
// The cpu backend runs its attention in blocks and multiplies in fp32 what the processor has no product
// for; ranks are threads of one process, or processes. Where a case says otherwise the plan says so in a note, which
// the report prints: the numbers of a run are those of what was run.
#pragma once

#include "available_memory.hpp"
#include "backend_of_run.hpp"
#include "dataset.hpp"
#include "fc_tuner.hpp"
#include "memory_plan.hpp"
#include "number_of_precision.hpp"
#include "options.hpp"
#include "settings.hpp"

#include <kunmetrics/io/case_file.hpp>
#include <kunmetrics/io/layer_slice.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace trainer {

// Ranks that are processes: how many, how many of them share this machine, and which of these this one is.
struct process_ranks {
  std::int64_t all, here;
  int local = 0;
};

struct training_plan {
  kunmetrics::case_file what;  // with the changes made
  std::string backend = "cpu";
  compute_device device{};                      // of libtorch
  std::optional<kunmetrics::device> card{};     // that a rank computes on; empty: the CPU
  std::string engine = "threads";  // or what joins processes: mpi, c10d
  llama_shape shape{};
  zero3_settings settings;
  int ranks = 1;
  int threads = 1;  // of a rank; while it is planned, 0: the cores shared evenly
  int cores = 1;    // of the machine
  std::optional<process_ranks> processes{};  // empty: ranks are threads of this process
  bool copies_state = false;  // holds a copy of its state while a checkpoint is written
  bytes_by_part rank_bytes;
  std::optional<fc_tuning> tuning{};  // where the products' blocking was asked for
  std::vector<kunmetrics::bilingual> notes;

  double learning_rate(std::int64_t step) const {
    bool const stated = what.deepspeed && (what.deepspeed->schedule || what.deepspeed->optimizer);
    return stated ? what.deepspeed->learning_rate(step) : 1e-5;  // the R300 case has no schedule
  }
};

// Beside what the ranks hold: code, libraries, stacks, oneDNN's kernels and packed blocks, tiles of
// 16-bit products.
inline constexpr std::int64_t process_bytes = std::int64_t{256} << 20U;

namespace detail {
using kunmetrics::input_error;
using kunmetrics::detail::needed_found;

// What of a model the units cannot compute; empty when they can.
inline std::string untrainable(kunmetrics::hf_model const& model) {
  auto const& sizes = model.sizes;
  if (model.sizes_alone) return "a name of the registry, which has its sizes alone";
  if (sizes.tied_embedding) return "tie_word_embeddings true";
  if (model.scaled_rope) return "scaled rotary positions";
  if (sizes.learned_positions > 0) return "learned positions";
  if (!sizes.gated_ffn) return "an ffn that is not gated";
  if (model.activation != "silu") return "hidden_act " + model.activation;
  if (sizes.moe.layers > 0) return "a mixture of experts";
  if (sizes.latent.kv_rank > 0 || sizes.value_size() != sizes.head_size) return "latent attention";
  if (sizes.windowed.layers > 0) return "sliding windows";
  if (sizes.attention_sinks) return "attention sinks";
  if (sizes.qkv_bias || sizes.output_bias || sizes.ffn_bias || sizes.head_bias) return "biases";
  if (sizes.embedding_width > 0) return "an embedding narrower than the layers";
  if (sizes.norm != kunmetrics::norm_kind::rms || sizes.norms_per_layer != 2 || sizes.embedding_norm || !sizes.final_norm ||
      sizes.qk_norm != kunmetrics::query_key_norm::none) {
    return "other norms than two of root mean squares a layer and one at the end";
  }
  return {};
}

inline llama_shape shape_of(kunmetrics::hf_model const& model, std::string const& where) {
  auto const& sizes = model.sizes;
  if (auto const found = untrainable(model); !found.empty()) {
    throw input_error{needed_found(where + ": model", "a llama of separate embeddings and silu-gated ffn, without biases", found)};
  }
  if (sizes.head_size % 2 != 0) {
    throw input_error{needed_found(where + ": model", "an even head size", std::to_string(sizes.head_size))};
  }
  return {.layers = sizes.layers, .hidden = sizes.hidden, .heads = sizes.heads, .kv_heads = sizes.kv_heads,
          .head_size = sizes.head_size, .ffn = sizes.ffn, .vocabulary = sizes.vocabulary,
          .rms_epsilon = model.rms_epsilon, .rope_theta = model.rope_theta};
}

// Byte counts of the plan stay within 64 bits; far above what any machine has.
inline void require_countable(kunmetrics::case_file const& what, std::int64_t ranks) {
  auto const& model = what.model.sizes;
  auto const tokens = static_cast<double>(what.sequence_length.coherent()) *
                      static_cast<double>(what.micro_batch_size.coherent());
  auto const width = static_cast<double>(std::max({model.hidden, model.ffn, model.heads * model.head_size}));
  auto const activations = tokens * width * static_cast<double>(model.layers + 1) * 128.0;
  auto const steps = static_cast<double>(what.gradient_accumulation_steps.coherent()) * 64.0 * static_cast<double>(ranks);
  auto const state = static_cast<double>(parameters(model).total) * 64.0;
  if ((activations + state + steps) * static_cast<double>(ranks) < 9e18) return;
  throw input_error{needed_found(what.path.string(), "sizes whose bytes can be counted in 64 bits", "larger ones")};
}

// The scale of an fp16 loss: DeepSpeed's defaults where no ds_config.json says more.
inline loss_scale_settings loss_scale_of(kunmetrics::case_file const& what) {
  auto const fp16 = what.deepspeed ? what.deepspeed->fp16 : kunmetrics::deepspeed_fp16{};
  bool const dynamic = fp16.loss_scale == 0;
  return {.dynamic = dynamic,
          .initial = dynamic ? std::ldexp(1.0, static_cast<int>(fp16.initial_scale_power)) : fp16.loss_scale,
          .window = fp16.loss_scale_window,
          .hysteresis = fp16.hysteresis,
          .consecutive_hysteresis = fp16.consecutive_hysteresis,
          .minimum = fp16.min_loss_scale};
}

inline zero3_settings settings_of(kunmetrics::case_file const& what, std::uint64_t seed) {
  zero3_settings settings{.samples = what.micro_batch_size.coherent(),
                          .sequence_length = what.sequence_length.coherent(),
                          .gradient_accumulation_steps = what.gradient_accumulation_steps.coherent(),
                          .recompute = what.recompute,
                          .seed = seed};
  if (what.precision == kunmetrics::fp16) settings.loss_scale = loss_scale_of(what);
  if (!what.deepspeed) return settings;
  auto const& config = *what.deepspeed;
  settings.clip = config.gradient_clipping;
  settings.stage = static_cast<int>(config.zero.stage);
  settings.prefetch = config.zero.prefetch_bucket_size > 0;
  if (config.optimizer) {
    settings.adamw = {.beta1 = config.optimizer->beta1, .beta2 = config.optimizer->beta2,
                      .epsilon = config.optimizer->epsilon, .weight_decay = config.optimizer->weight_decay};
  }
  return settings;
}

// What the schedule of units cannot do; throws input_error naming the key.
inline void require_trainable(kunmetrics::case_file const& what, bool processes) {
  auto const where = what.path.string() + ": ";
  auto const require = [&](bool holds, std::string const& key, std::string_view needed, std::string_view found) {
    if (!holds) throw input_error{needed_found(key, needed, found)};
  };
  auto const& cluster = what.cluster;
  require(cluster.tensor_parallel == 1, where + "tensor_parallel", "1: ZeRO-3 is data parallel",
          std::to_string(cluster.tensor_parallel));
  require(cluster.pipeline_parallel == 1, where + "pipeline_parallel", "1: ZeRO-3 is data parallel",
          std::to_string(cluster.pipeline_parallel));
  require(processes || cluster.nodes.coherent() == 1, where + "nodes", "1, as ranks are threads of one process",
          std::to_string(cluster.nodes.coherent()));
  require(what.recompute == recompute::none || what.recompute == recompute::layers, where + "recompute",
          "none or layers", name_of(what.recompute));
  if (!what.deepspeed) return;
  auto const& config = *what.deepspeed;
  require(!config.optimizer || config.optimizer->decoupled, config.where + ": optimizer.type", "AdamW",
          "Adam with adam_w_mode false");
}

inline void note_backend(training_plan& plan) {
  auto& what = plan.what;
  if (plan.card) {
    std::string const name{plan.card->name};
    plan.notes.push_back({"由libtorch在" + name + "上计算；参数与优化器状态在主机内存",
                          "libtorch computes on " + name + "; parameters and optimizer state are in the host's memory"});
  } else if (plan.backend == "torch") {
    plan.notes.push_back({"由libtorch计算", "libtorch computes"});
  } else if (precision_of_products(what.precision) != what.precision) {
    std::string const stored{name_of(what.precision)};
    plan.notes.push_back({"以" + stored + "存储和通信，以fp32累加；本机CPU没有" + stored + "乘法，矩阵乘在转换为fp32的分块上进行",
                          stored + " is what is stored and sent, sums are fp32; this CPU does not multiply " + stored +
                              ", so products run in fp32 on converted copies"});
  }
  if (what.processor && !(plan.card && plan.card->name == what.processor->name)) {
    std::string const name{what.processor->name}, here{plan.card ? plan.card->name : std::string_view{}};
    plan.notes.push_back({"案例的处理器为" + name + "；本次运行在" + (plan.card ? here : "本机CPU上，峰值为本机实测"),
                          "the case's processor is " + name + "; this run is on " +
                              (plan.card ? here : "this machine's CPU, its peak measured")});
    what.environment = {};  // the case describes another machine
  }
  if (what.attention != kunmetrics::attention_kind::flash && plan.backend == "cpu") {
    plan.notes.push_back({"案例的注意力为eager；cpu后端分块计算，不保存完整的分数矩阵",
                          "the case says eager attention; the cpu backend goes block by block and keeps no whole scores"});
    what.attention = kunmetrics::attention_kind::flash;
  }
}

inline void note_precision(training_plan& plan, std::optional<kunmetrics::precision> wanted) {
  auto& stated = plan.what.precision;
  if (!wanted || *wanted == stated) return;
  std::string const from{name_of(stated)}, to{name_of(*wanted)};
  plan.notes.push_back({"案例的精度为" + from + "；按命令行，本次运行为" + to,
                        "the case says " + from + "; this run is " + to + ", as the command line says"});
  stated = *wanted;
  if (!plan.what.deepspeed) return;
  for (auto& field : plan.what.deepspeed->effects) {  // of the precision that is not run
    bool const of_precision = field.key.starts_with("fp16.") || field.key.starts_with("bf16.") ||
                              field.key.starts_with("bfloat16.");
    if (of_precision && !field.key.starts_with(to + ".")) {
      field.what = kunmetrics::effect::without_effect;
      field.note = "this run is " + to;
    }
  }
}

inline void set_ranks(training_plan& plan, std::int64_t ranks) {
  auto const stated = processors(plan.what.cluster).coherent();
  plan.ranks = static_cast<int>(ranks);
  if (ranks == stated) return;
  plan.what.cluster = {.per_node = ranks * kunmetrics::units::processor / kunmetrics::units::node};
  auto const text = std::to_string(ranks) + "/" + std::to_string(stated);
  plan.notes.push_back({"只运行" + text + "个rank，GBS随之缩小",
                        text + " ranks of the case, and a global batch smaller by as much"});
}

// Threads of each of so many ranks: as told, else the cores shared evenly.
inline int threads_of(training_plan const& plan, std::int64_t ranks) {
  if (plan.threads > 0) return plan.threads;
  return static_cast<int>(std::max<std::int64_t>(1, plan.cores / (plan.processes ? plan.processes->here : ranks)));
}

inline bytes_by_part rank_bytes(training_plan const& plan, std::int64_t ranks) {
  auto settings = plan.settings;
  settings.compute.threads = threads_of(plan, ranks);
  return with_backend_of(plan.backend, plan.what.precision, [&]<class Backend>() {
    return memory_plan<Backend>(plan.shape, settings, ranks);
  });
}

// Of the copy that a checkpoint is written from: fp32 parameters, m and v of a rank's shards.
inline std::int64_t copy_bytes(training_plan const& plan, std::int64_t ranks) {
  std::int64_t elements = 0;
  for (auto const& unit : cuts(plan.shape, ranks)) elements += unit.shard;
  return plan.copies_state ? elements * 3 * static_cast<std::int64_t>(sizeof(float)) : 0;
}

inline bool fits(training_plan const& plan, std::int64_t ranks, std::optional<std::int64_t> available) {
  if (!available) return true;
  auto const rank = rank_bytes(plan, ranks).total() + copy_bytes(plan, ranks);
  if (plan.processes) return (rank + process_bytes) * plan.processes->here <= *available;
  return rank * ranks + process_bytes <= *available;
}

// The card that the first rank of this process computes on, where ranks compute on cards. Only our own operators tell a
// profile what they take.
inline void take_card(training_plan& plan, bool profiled) {
  if (!plan.device.on_card) return;
  if (profiled) throw input_error{needed_found("--profile", "--device cpu", described(plan.device))};
  require_cards(plan.device, 1, cards());
  plan.card = processor_of_card(*plan.device.card_of(plan.processes ? plan.processes->local : 0));
}

// Ranks of this process that do not share a core or a card.
inline std::int64_t seats(training_plan const& plan) {
  if (!plan.device.on_card) return plan.cores;
  return plan.device.named >= 0 ? 1 : cards();
}

// The most ranks, at most `most`, that fit; 0 where not even one does.
inline std::int64_t most_ranks(training_plan const& plan, std::int64_t most, std::optional<std::int64_t> available) {
  while (most > 0 && !fits(plan, most, available)) --most;
  return most;
}
}  // namespace detail

// Throws input_error, with the bytes of a rank by part, when the plan needs more than there is.
inline void require_memory(training_plan const& plan, std::optional<std::int64_t> available) {
  if (detail::fits(plan, plan.ranks, available)) return;
  auto const gibibytes = [](std::int64_t bytes) { return kunmetrics::gibibytes(bytes * kunmetrics::units::byte); };
  auto const copy = detail::copy_bytes(plan, plan.ranks);
  auto const need = plan.rank_bytes.total() + copy;
  std::string parts;
  for (std::size_t i = 0; i < memory_part_names.size(); ++i) {
    parts.append(i == 0 ? "" : ", ").append(memory_part_names[i]).append(" ").append(gibibytes(plan.rank_bytes.bytes[i]));
  }
  if (copy > 0) parts.append(", checkpoint copy ").append(gibibytes(copy));
  auto slice = plan;
  slice.shape.layers = 1;
  auto const fitting = detail::most_ranks(slice, std::min(plan.ranks, plan.cores), available);
  auto const remedy = fitting > 0 ? "; --layers 1 trains a slice at full width, on " + std::to_string(fitting) + " of " +
                                        std::to_string(plan.ranks) + " ranks"
                                  : std::string{"; not even --layers 1 on one rank fits"};
  throw detail::input_error{detail::needed_found(
      plan.what.path.string(),
      gibibytes(need * plan.ranks) + " for " + std::to_string(plan.ranks) + " ranks of " + gibibytes(need) + " (" + parts + ")",
      gibibytes(available.value_or(0)) + " available" + remedy)};
}

// Steps between two lines of a run, and between two comparisons of its ranks.
inline std::int64_t reporting_interval(training_plan const& plan) {
  return plan.what.deepspeed ? plan.what.deepspeed->steps_per_print : 10;
}

// Throws input_error for a case that cannot be trained here. Memory is judged by `require_memory`.
inline training_plan planned(kunmetrics::case_file what, options const& o, std::optional<std::int64_t> available,
                             int cores, std::optional<process_ranks> processes = {}) {
  training_plan plan{.what = std::move(what), .backend = o.backend, .device = o.device, .engine = o.engine, .threads = static_cast<int>(o.threads), .cores = cores,
                     .processes = processes, .copies_state = o.checkpoint_every.has_value()};
  detail::require_trainable(plan.what, processes.has_value());
  detail::note_precision(plan, o.precision);
  require_backend(plan.backend, plan.device, plan.what.precision);
  detail::take_card(plan, o.profile);
  plan.settings = detail::settings_of(plan.what, o.seed);
  if (o.layers) {
    if (auto const slice = keep_layers(plan.what.model, *o.layers)) plan.notes.push_back(*slice);
  }
  detail::note_backend(plan);
  plan.shape = detail::shape_of(plan.what.model, plan.what.path.string());
  if (processes && o.ranks && *o.ranks != processes->all) {
    throw detail::input_error{detail::needed_found("--ranks", "the " + std::to_string(processes->all) + (o.engine == "mpi" ? " of mpirun" : " of WORLD_SIZE"),
                                                   std::to_string(*o.ranks))};
  }
  auto ranks = processes ? processes->all : o.ranks.value_or(processors(plan.what.cluster).coherent());
  detail::require_countable(plan.what, ranks);
  if (o.layers && !o.ranks && !processes) {  // more ranks than cores would only make a slice's steps longer
    ranks = std::max<std::int64_t>(1, detail::most_ranks(plan, std::min(ranks, detail::seats(plan)), available));
  }
  detail::set_ranks(plan, ranks);
  require_cards(plan.device, processes ? processes->here : plan.ranks, cards());
  plan.threads = detail::threads_of(plan, plan.ranks);
  plan.settings.compute.threads = plan.threads;
  plan.rank_bytes = detail::rank_bytes(plan, plan.ranks);
  return plan;
}

// Multiplies as `tuning` says from now on.
inline void use_tuning(training_plan& plan, fc_tuning tuning) {
  plan.settings.compute.fc = tuning.plan;
  plan.tuning = std::move(tuning);
  plan.rank_bytes = detail::rank_bytes(plan, plan.ranks);
}

// Throws input_error when the tokens are too few for one sequence.
inline void require_sequence(training_plan const& plan, dataset const& tokens) {
  auto const length = plan.settings.sequence_length;
  if (tokens.sequences(length) > 0) return;
  throw detail::input_error{detail::needed_found(plan.what.tokens->string(),
                                                 "at least one sequence of " + std::to_string(length) + " tokens",
                                                 std::to_string(tokens.size()) + " tokens")};
}

// Steps to train where the command line says none: to the end of the schedule, else as many as one
// pass over the tokens makes, at most 100 million of them as FlagPerf's cases train; at least one.
inline std::int64_t default_steps(training_plan const& plan, dataset const& tokens) {
  auto const& deepspeed = plan.what.deepspeed;
  if (deepspeed && deepspeed->schedule && deepspeed->schedule->total_steps > 0) return deepspeed->schedule->total_steps;
  auto const step = plan.settings.micro_batch_tokens() * plan.settings.gradient_accumulation_steps * plan.ranks;
  return std::max<std::int64_t>(1, std::min<std::int64_t>(tokens.size(), 100'000'000) / step);
}

}  // namespace trainer
