// The real program writes a checkpoint as a Hugging Face llama and begins with one.
#include "hf_llama.hpp"

#include "saved_run.hpp"

#include <kunmetrics/io/hf_config.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

using trainer_test::content;
using trainer_test::message_of;
using trainer_test::on_ranks;
using trainer_test::run_program;
using trainer_test::small_folder;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;
}

TEST_CASE("names and shapes are those of LlamaForCausalLM") {
  trainer::llama_shape const shape{.layers = 2, .hidden = 24, .heads = 3, .kv_heads = 1, .head_size = 8, .ffn = 40, .vocabulary = 61};
  auto const units = trainer::llama_units(shape);
  std::vector<std::string> names;
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    for (auto const& slot : units[unit].tensors) names.push_back(trainer::hf_llama_name(unit, slot.name));
  }
  CHECK(names.size() == 3 + 2 * 9);
  CHECK(names.front() == "model.embed_tokens.weight");
  CHECK(names[1] == "model.layers.0.input_layernorm.weight");
  CHECK(names[11] == "model.layers.1.self_attn.q_proj.weight");
  CHECK(names[18] == "model.layers.1.mlp.down_proj.weight");
  CHECK(names.back() == "lm_head.weight");
  CHECK(trainer::hf_llama_shape(units[1].slot("wk")) == std::vector<std::int64_t>{8, 24});
  CHECK(trainer::hf_llama_shape(units[1].slot("ffn_norm")) == std::vector<std::int64_t>{24});
}

TEST_CASE("written, read again and trained on: the same masters, on any number of ranks") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "4", "--checkpoint-every", "4"})).code == 0);
  auto const result = run_program(folder, program, with({"--resume", "a/checkpoints", "--export-safetensors", "hf"}));
  CAPTURE(result.err);
  REQUIRE(result.code == 0);
  CHECK(result.err == "written: hf/{model.safetensors,config.json}\n");

  trainer::checkpoint const saved{folder / "a/checkpoints"};
  trainer::hf_llama_weights const read{folder / "hf", saved.meta().model};
  auto const units = trainer::llama_units(saved.meta().model);
  for (std::size_t unit = 0; unit < units.size(); ++unit) {
    auto const size = static_cast<std::size_t>(units[unit].numel);
    std::vector<float> master(size), exported(size), part(size / 3);
    saved.load(unit, trainer::state_part::parameters, 0, master);
    read.load(unit, 0, exported);
    CHECK(master == exported);
    read.load(unit, static_cast<std::int64_t>(size / 2), part);
    CHECK(std::equal(part.begin(), part.end(), master.begin() + static_cast<std::ptrdiff_t>(size / 2)));
  }
  auto const config = kunmetrics::hf_config(folder / "hf/config.json");
  CHECK(config.sizes.hidden == 24);
  CHECK(config.sizes.layers == 2);

  // the loss that training ended with is where a training that begins with its parameters begins
  folder.write(on_ranks(2, 1));
  REQUIRE(run_program(folder, program, with({"--out", "b", "--steps", "1", "--import-safetensors", "hf"})).code == 0);
  folder.write(on_ranks(1, 2));
  REQUIRE(run_program(folder, program, with({"--out", "c", "--steps", "1", "--import-safetensors", "hf/model.safetensors"})).code == 0);
  CHECK(trainer_test::trace_of(content(folder / "b/steps.jsonl")) == trainer_test::trace_of(content(folder / "c/steps.jsonl")));
  auto const losses = trainer_test::json_lines_of(content(folder / "a/steps.jsonl"));
  auto const begun = trainer_test::json_lines_of(content(folder / "b/steps.jsonl")).front()["loss"].get<double>();
  CHECK(begun < losses.front()["loss"].get<double>());
}

TEST_CASE("files by an index are found, and what does not fit is refused by one line") {
  small_folder const folder;
  folder.write(on_ranks(1, 1));
  REQUIRE(run_program(folder, program, with({"--out", "a", "--steps", "1", "--checkpoint-every", "1"})).code == 0);
  REQUIRE(run_program(folder, program, with({"--resume", "a/checkpoints", "--export-safetensors", "hf"})).code == 0);
  std::filesystem::create_directories(folder / "split");
  std::filesystem::rename(folder / "hf/model.safetensors", folder / "split/model-00001-of-00001.safetensors");
  auto const refused = [&](std::string_view message) {
    auto const result = run_program(folder, program, with({"--out", "b", "--steps", "1", "--import-safetensors", "split"}));
    CHECK(result.code == 2);
    CHECK(result.err == "llama2_zero3: " + std::string{message} + "\n");
  };
  refused("split: needed model.safetensors or model.safetensors.index.json, found neither");
  folder.file("split/model.safetensors.index.json", R"({"weight_map": {"lm_head.weight": "../x.safetensors"}})");
  refused("split/model.safetensors.index.json: weight_map.\"lm_head.weight\": needed the name of a file beside it, found \"../x.safetensors\"");
  folder.file("split/model.safetensors.index.json", R"({"weight_map": {"lm_head.weight": "model-00001-of-00001.safetensors"}})");
  CHECK(run_program(folder, program, with({"--out", "b", "--steps", "1", "--import-safetensors", "split"})).code == 0);
  // what no tensor's size tells: heads half as large, other positions, another epsilon
  auto const config = kunmetrics::json::parse(content(folder / "hf/config.json"));
  using kunmetrics::json;
  for (auto const& [key, changes] : {std::pair{"num_attention_heads", json{{"num_attention_heads", 6}, {"num_key_value_heads", 6}, {"head_dim", 4}}},
                                     {"rope_theta", json{{"rope_theta", 500000.0}}}, {"rms_norm_eps", json{{"rms_norm_eps", 1e-5}}}}) {
    auto other = config;
    other.update(changes);
    folder.file("split/config.json", other.dump());
    refused("split/config.json: " + std::string{key} + ": needed the case's " + config[key].dump() + ", found " + other[key].dump());
  }
  auto biased = config;
  biased["attention_bias"] = true;
  folder.file("split/config.json", biased.dump());
  refused("split/config.json: model: needed a llama of separate embeddings and silu-gated ffn, without biases, found biases");
  folder.file("split/config.json", config.dump());
  CHECK(run_program(folder, program, with({"--out", "b", "--steps", "1", "--import-safetensors", "split"})).code == 0);
  std::filesystem::remove(folder / "split/config.json");
  auto wider = trainer_test::small_case();
  wider["model"]["vocab_size"] = 64;
  wider["processors_per_node"] = 1;
  wider["deepspeed_config"]["train_batch_size"] = 2;
  folder.write(wider);
  refused("split/model-00001-of-00001.safetensors: needed model.embed_tokens.weight of [64, 24], found [61, 24]");
}
