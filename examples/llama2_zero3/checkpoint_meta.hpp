// meta.json of a checkpoint: what was trained and how far, and what its shard files must be.
//
// It is written last, when every shard is on the disk, so that a folder with a meta.json is a whole
// checkpoint. Its checksums are those of the shards' headers, which hold those of the data, of the tokens trained on,
// and of meta.json itself: of the text that it is without that member.
#pragma once

#include "crc32c.hpp"
#include "loss_scaler.hpp"
#include "shape.hpp"
#include "training_progress.hpp"

#include <kunmetrics/io/json.hpp>
#include <kunmetrics/io/json_reader.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trainer {

struct shard_record {
  std::int64_t bytes = 0;
  std::int64_t crc = 0;
  friend bool operator==(shard_record const&, shard_record const&) = default;
};

struct checkpoint_meta {
  training_progress progress;
  std::int64_t samples = 0;  // the data cursor: samples trained, skipped steps included
  llama_shape model{};
  std::int64_t seed = 0;
  std::string dataset;
  std::int64_t dataset_tokens = 0;
  std::optional<std::int64_t> dataset_crc{};  // of its ids; absent for synthetic tokens
  std::int64_t sequence_length = 0;
  std::vector<shard_record> shards{};  // by rank
};

inline constexpr std::string_view checkpoint_format = "llama2_zero3 checkpoint 1";

namespace detail {
struct shape_field {
  char const* name;
  std::int64_t llama_shape::*size;
};
inline constexpr std::array<shape_field, 7> shape_fields{{{"layers", &llama_shape::layers},
                                                          {"hidden", &llama_shape::hidden},
                                                          {"heads", &llama_shape::heads},
                                                          {"kv_heads", &llama_shape::kv_heads},
                                                          {"head_size", &llama_shape::head_size},
                                                          {"ffn", &llama_shape::ffn},
                                                          {"vocabulary", &llama_shape::vocabulary}}};
}  // namespace detail

namespace detail {
inline kunmetrics::json meta_object(checkpoint_meta const& meta) {
  kunmetrics::json object{{"format", checkpoint_format},
                          {"step", meta.progress.steps},
                          {"applied_steps", meta.progress.applied},
                          {"samples", meta.samples},
                          {"loss_scale", nullptr}};
  if (auto const& scale = meta.progress.loss_scale) {
    object["loss_scale"] = {{"scale", scale->scale}, {"patience", scale->patience}, {"clean_steps", scale->clean_steps}};
  }
  for (auto const& field : detail::shape_fields) object["model"][field.name] = meta.model.*field.size;
  object["model"]["rms_epsilon"] = meta.model.rms_epsilon;
  object["model"]["rope_theta"] = meta.model.rope_theta;
  object["seed"] = meta.seed;
  object["dataset"] = {{"name", meta.dataset}, {"tokens", meta.dataset_tokens}, {"sequence_length", meta.sequence_length}};
  if (meta.dataset_crc) object["dataset"]["crc32c"] = *meta.dataset_crc;
  auto bytes = kunmetrics::json::array(), crcs = kunmetrics::json::array();
  for (auto const& shard : meta.shards) bytes.push_back(shard.bytes), crcs.push_back(shard.crc);
  object["shards"] = {{"bytes", bytes}, {"crc32c", crcs}};
  return object;
}

inline std::int64_t crc_of(kunmetrics::json const& object) {
  auto const text = kunmetrics::json_text(object);
  return crc32c(std::as_bytes(std::span{text}));
}
}  // namespace detail

inline std::string meta_text(checkpoint_meta const& meta) {
  auto object = detail::meta_object(meta);
  object["crc32c"] = detail::crc_of(object);
  return kunmetrics::json_text(object);
}

namespace detail {
inline constexpr std::int64_t largest_crc = 0xffffffffLL;

inline std::vector<shard_record> shards_of(kunmetrics::json_object fields) {
  auto const bytes = fields.optional_integers("bytes"), crcs = fields.optional_integers("crc32c");
  if (!bytes || bytes->empty() || bytes->size() > 65536) fields.refuse("bytes", "the sizes of 1 to 65536 shards");
  if (!crcs || crcs->size() != bytes->size()) fields.refuse("crc32c", "as many checksums as shards");
  fields.finish();
  std::vector<shard_record> shards;
  for (std::size_t i = 0; i < bytes->size(); ++i) {
    if ((*bytes)[i] < 0) fields.refuse("bytes", "sizes of 0 or more");
    if ((*crcs)[i] < 0 || (*crcs)[i] > largest_crc) fields.refuse("crc32c", "checksums of 32 bits");
    shards.push_back({(*bytes)[i], (*crcs)[i]});
  }
  return shards;
}

inline loss_scale_state loss_scale_of(kunmetrics::json_object fields) {
  loss_scale_state const state{.scale = fields.number("scale", kunmetrics::positive_number),
                               .patience = fields.integer("patience", 1),
                               .clean_steps = fields.integer("clean_steps", 0)};
  fields.finish();
  return state;
}

inline llama_shape model_of(kunmetrics::json_object fields) {
  llama_shape shape{};
  // below 2^31, so that products of two sizes stay within 64 bits
  for (auto const& field : shape_fields) shape.*field.size = fields.integer(field.name, 1, std::int64_t{1} << 31U);
  shape.rms_epsilon = fields.number("rms_epsilon", kunmetrics::positive_number);
  shape.rope_theta = fields.number("rope_theta", kunmetrics::positive_number);
  fields.finish();
  return shape;
}

inline kunmetrics::json_object required(kunmetrics::json_object& fields, std::string_view key) {
  auto object = fields.optional_object(key);
  if (!object) fields.refuse(key, "an object");
  return *object;
}
}  // namespace detail

// Throws kunmetrics::input_error naming file and key for anything but a meta.json of this version.
inline checkpoint_meta checkpoint_meta_of(kunmetrics::json_document const& document) {
  auto fields = kunmetrics::json_object{document}.with(kunmetrics::null_is::absent);
  if (fields.text("format") != checkpoint_format) fields.refuse("format", '"' + std::string{checkpoint_format} + '"');
  checkpoint_meta meta;
  meta.progress.steps = fields.integer("step", 0);
  meta.progress.applied = fields.integer("applied_steps", 0, meta.progress.steps);
  meta.samples = fields.integer("samples", 0);
  if (auto const scale = fields.optional_object("loss_scale")) meta.progress.loss_scale = detail::loss_scale_of(*scale);
  meta.model = detail::model_of(detail::required(fields, "model"));
  meta.seed = fields.integer("seed", kunmetrics::json_object::no_limit * -1 - 1);
  auto dataset = detail::required(fields, "dataset");
  meta.dataset = dataset.text("name");
  meta.dataset_tokens = dataset.integer("tokens", 0);
  meta.sequence_length = dataset.integer("sequence_length", 1);
  meta.dataset_crc = dataset.optional_integer("crc32c", 0, detail::largest_crc);
  dataset.finish();
  meta.shards = detail::shards_of(detail::required(fields, "shards"));
  auto const crc = detail::crc_of(detail::meta_object(meta));
  if (fields.optional_integer("crc32c", 0, detail::largest_crc).value_or(crc) != crc) {
    fields.refuse("crc32c", "what was written, whose checksum it is (that of what is read is " + std::to_string(crc) + ")");
  }
  fields.finish();
  return meta;
}

}  // namespace trainer
