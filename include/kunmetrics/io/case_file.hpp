// A case: one JSON file that says what a training run is.
//
//   name; model: a registry name, the path of a Hugging Face config.json, or such an object
//   processor: a device's name, or "cpu", whose peak is to be measured
//   nodes, processors_per_node, tensor_parallel (1), pipeline_parallel (1)
//   precision, sequence_length, micro_batch_size, gradient_accumulation_steps
//   recompute: none | selective | layers | all;  attention: eager | flash
//   deepspeed_config: a path, an object, or absent;  tokens: a path, or absent: synthetic
//   environment: the machine of `processor`, as FlagPerf's document names its fields
// In parentheses what absence means; the rest must be there but for the last three. Paths are
// relative to the case. A key not listed, a wrong type, and a ds_config whose batch sizes or
// precision say something else are input errors that name file and key.
#pragma once

#include <kunmetrics/batch.hpp>
#include <kunmetrics/environment.hpp>
#include <kunmetrics/io/deepspeed_config.hpp>
#include <kunmetrics/io/hf_config.hpp>
#include <kunmetrics/recompute.hpp>

#include <optional>
#include <string>

namespace kunmetrics {

enum class attention_kind { eager, flash };  // scores kept whole, or block by block

inline constexpr std::array<std::string_view, 2> attention_names{"eager", "flash"};
constexpr std::string_view name_of(attention_kind a) { return attention_names.at(static_cast<std::size_t>(a)); }

struct case_file {
  std::filesystem::path path;
  std::string name;
  hf_model model;
  std::optional<device> processor;  // empty: "cpu"
  kunmetrics::precision precision{};
  kunmetrics::cluster cluster;
  sequence_length_t sequence_length;
  micro_batch_size_t micro_batch_size;
  gradient_accumulation_t gradient_accumulation_steps;
  kunmetrics::recompute recompute{};
  attention_kind attention{};
  std::optional<deepspeed_config> deepspeed;
  std::optional<std::filesystem::path> tokens{};
  kunmetrics::environment environment;  // of `processor`'s machine

  // What calculators need, run on `on`. It refers to this object's name of the model.
  training_case run(device const& on) const& {
    return {.model = model.shape(),
            .processor = on,
            .precision = precision,
            .cluster = cluster,
            .micro_batch_size = micro_batch_size,
            .gradient_accumulation_steps = gradient_accumulation_steps,
            .sequence_length = sequence_length};
  }
  training_case run(device const&) && = delete;
};

namespace detail {
inline std::filesystem::path beside(std::filesystem::path const& file, std::filesystem::path const& path) {
  return path.is_absolute() ? path : file.parent_path() / path;
}

inline hf_model read_model(json_object& fields, std::filesystem::path const& file) {
  if (fields.is_object("model")) return hf_config(*fields.optional_object("model"), "model");
  auto const text = fields.text("model");
  if (auto const known = model_named(text)) {
    // rms_epsilon and rope_theta of the registry's llama 2 configurations
    return {.name = text, .sizes = *known, .rms_epsilon = 1e-5, .sizes_alone = !text.starts_with("llama2-")};
  }
  auto const path = beside(file, text);
  if (!std::filesystem::exists(path)) {
    fields.refuse("model", "a name of the registry, such as llama2-7b, or the path of a config.json");
  }
  return hf_config(path);
}

inline std::optional<device> read_processor(json_object& fields) {
  auto const name = fields.text("processor");
  if (name == "cpu") return std::nullopt;
  auto const known = device_named(name);
  if (!known) fields.refuse("processor", "\"cpu\" or a device of the table");
  return known;
}

inline precision read_precision(json_object& fields) {
  static constexpr std::array<std::string_view, 3> trainable{"fp32", "bf16", "fp16"};
  return *precision_named(trainable.at(fields.choice("precision", trainable)));
}

inline cluster read_cluster(json_object& fields) {
  constexpr std::int64_t most = 1 << 20;  // the products of the sizes below stay far from 64 bits
  cluster read{.nodes = fields.integer("nodes", 1, most) * units::node,
               .per_node = fields.integer("processors_per_node", 1, most) * units::processor / units::node,
               .tensor_parallel = fields.optional_integer("tensor_parallel", 1, most).value_or(1),
               .pipeline_parallel = fields.optional_integer("pipeline_parallel", 1, most).value_or(1)};
  auto const split = read.tensor_parallel * read.pipeline_parallel;
  if (processors(read).coherent() % split != 0) {
    fields.refuse(read.tensor_parallel > 1 ? "tensor_parallel" : "pipeline_parallel",
                  "tensor_parallel * pipeline_parallel dividing nodes * processors_per_node = " +
                      std::to_string(processors(read).coherent()),
                  std::to_string(read.tensor_parallel) + " * " + std::to_string(read.pipeline_parallel));
  }
  return read;
}

inline environment read_environment(json_object& fields) {
  environment read;
  auto stated = fields.optional_object("environment");
  if (!stated) return read;
  boost::hana::for_each(boost::hana::accessors<environment>(), [&](auto const& pair) {
    boost::hana::second(pair)(read) = stated->optional_text(boost::hana::first(pair).c_str());
  });
  stated->finish();
  return read;
}

inline std::optional<deepspeed_config> read_deepspeed(json_object& fields, std::filesystem::path const& file) {
  if (fields.is_text("deepspeed_config")) return deepspeed_configuration(beside(file, fields.text("deepspeed_config")));
  auto object = fields.optional_object("deepspeed_config");
  return object ? std::optional{deepspeed_configuration(*std::move(object))} : std::nullopt;
}

// A size that the case and its ds_config both say.
inline void require_same(deepspeed_config const& config, std::string_view key, std::int64_t found,
                         std::string_view case_key, std::int64_t needed) {
  if (found == needed) return;
  throw input_error{needed_found(config.where + ": " + std::string{key},
                                 std::string{case_key} + " of the case = " + std::to_string(needed), std::to_string(found))};
}

// The ds_config's own identity, and that it says what the case says.
inline void require_agreement(case_file const& read) {
  auto const& config = *read.deepspeed;
  auto const batch = config.resolved_batch(replicas(read.cluster).coherent());
  require_same(config, "train_micro_batch_size_per_gpu", batch.micro_batch_size, "micro_batch_size",
               read.micro_batch_size.coherent());
  require_same(config, "gradient_accumulation_steps", batch.gradient_accumulation_steps, "gradient_accumulation_steps",
               read.gradient_accumulation_steps.coherent());
  auto const stated = config.fp16.enabled ? fp16 : config.bf16 ? bf16 : fp32;
  if (stated != read.precision) {
    throw input_error{needed_found(config.where + ": " + (config.bf16 || (!config.fp16.enabled && read.precision == bf16) ? "bf16.enabled" : "fp16.enabled"),
                                   "precision of the case = " + std::string{name_of(read.precision)},
                                   std::string{name_of(stated)})};
  }
}
}  // namespace detail

// Throws input_error.
inline case_file read_case(std::filesystem::path const& file) {
  json_document const document{file};
  json_object fields{document};
  constexpr std::int64_t most = 1 << 30;
  case_file read{.path = file,
                 .name = fields.text("name"),
                 .model = detail::read_model(fields, file),
                 .processor = detail::read_processor(fields),
                 .precision = detail::read_precision(fields),
                 .cluster = detail::read_cluster(fields),
                 .sequence_length = fields.integer("sequence_length", 2, most) * units::token / units::sample,
                 .micro_batch_size = fields.integer("micro_batch_size", 1, most) * units::sample /
                                     (units::replica * units::micro_step),
                 .gradient_accumulation_steps = fields.integer("gradient_accumulation_steps", 1, most) *
                                                units::micro_step / units::step,
                 .recompute = static_cast<recompute>(fields.choice("recompute", recompute_names)),
                 .attention = static_cast<attention_kind>(fields.choice("attention", attention_names)),
                 .deepspeed = detail::read_deepspeed(fields, file),
                 .environment = detail::read_environment(fields)};
  if (auto const tokens = fields.optional_text("tokens")) read.tokens = detail::beside(file, *tokens);
  fields.finish();
  try {
    static_cast<void>(tokens_per_step(read.run(device{})));
  } catch (precondition_error const& error) {
    throw input_error{detail::needed_found(file.string(), "tokens of a step within 64 bits", error.what())};
  }
  if (read.deepspeed) detail::require_agreement(read);
  return read;
}

}  // namespace kunmetrics
