// Cases as they are read: the published one, and everything about a case that is refused.
#include <kunmetrics/io/case_file.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
std::filesystem::path const cases = std::filesystem::path{__FILE__}.parent_path() / "../../examples/llama2_zero3/cases";

json_value usable() {
  return json_value::parse(R"({"name": "n", "model": "llama2-7b", "processor": "cpu", "nodes": 2, "processors_per_node": 8,
    "tensor_parallel": 2, "precision": "bf16", "sequence_length": 512, "micro_batch_size": 3,
    "gradient_accumulation_steps": 4, "recompute": "all", "attention": "flash"})");
}

case_file read(json_value const& what) {
  scratch_folder const folder;
  return read_case(folder.file("c.json", what.dump()));
}

// The message about usable() with one key changed, from the file's name on.
std::string refusal(std::string const& key, json_value const& value) {
  auto what = usable();
  what[key] = value;
  auto const message = message_of([&] { read(what); });
  auto const at = message.find("c.json");
  return at == std::string::npos ? message : message.substr(at);
}
}  // namespace

TEST_CASE("the R300 case as its source has it") {
  auto const r300 = read_case(cases / "r300_1x8.json");
  auto const run = r300.run(*r300.processor);
  CHECK(run.processor.name == "Kunlunxin R300");
  CHECK(run.model.name == "llama2-7b");
  CHECK(parameters(run.model).total == 6'738'415'616);
  CHECK(r300.model.rms_epsilon == 1e-5);
  CHECK(run.precision == fp16);
  CHECK(global_batch_size(run) == 96 * sample / step);
  CHECK(tokens_per_step(run) == 49'152 * token / step);
  CHECK(r300.recompute == recompute::layers);
  CHECK(r300.attention == attention_kind::eager);
  REQUIRE(r300.deepspeed);
  CHECK(r300.deepspeed->zero.stage == 3);
  CHECK(r300.deepspeed->optimizer->epsilon == 1e-5);
  CHECK_FALSE(r300.tokens);
  CHECK(r300.environment.docker_image == "xpytorch/kunlunxin-deepspeed:v1.0");
}

TEST_CASE("the demo case names its files from its own folder") {
  auto const demo = read_case(cases / "demo.json");
  CHECK_FALSE(demo.processor);
  REQUIRE(demo.tokens);
  CHECK(std::filesystem::exists(*demo.tokens));
  auto const total = parameters(demo.model.sizes).total;
  CHECK(total >= 10'000'000);
  CHECK(total <= 60'000'000);
}

TEST_CASE("what may be left out") {
  auto const least = read(usable());
  CHECK(replicas(least.cluster) == 8 * replica);
  CHECK(least.cluster.pipeline_parallel == 1);
  CHECK_FALSE(least.deepspeed);
  CHECK_FALSE(least.tokens);
  CHECK_FALSE(least.environment.cpu);
  CHECK(global_batch_size(least.run(device{})) == 96 * sample / step);
  auto what = usable();
  auto const whole = usable();
  for (auto const& [key, value] : whole.items()) {
    if (key == "tensor_parallel") continue;
    auto without = what;
    without.erase(key);
    CAPTURE(key);
    CHECK(message_of([&] { read(without); }).find("c.json: " + key + ": needed ") != std::string::npos);
  }
}

TEST_CASE("a model is a name of the registry, a config.json, or such an object") {
  scratch_folder const folder;
  auto const config = json_value::parse(R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 128,
    "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100})");
  folder.file("mini/config.json", config.dump());
  auto what = usable();
  what["model"] = "mini/config.json";
  CHECK(read_case(folder.file("c.json", what.dump())).model.name == "mini");
  what["model"] = config;
  CHECK(read_case(folder.file("c.json", what.dump())).model.sizes.hidden == 64);
  what["model"]["hidden_size"] = "64";
  CHECK(message_of([&] { read(what); }).ends_with("c.json: model.hidden_size: needed an integer from 1 to 2147483647, found \"64\""));
  // of the registry only llama 2 has more than sizes
  what["model"] = "llama2-7b";
  CHECK_FALSE(read_case(folder.file("c.json", what.dump())).model.sizes_alone);
  what["model"] = "llama3-8b";
  CHECK(read_case(folder.file("c.json", what.dump())).model.sizes_alone);
  CHECK(refusal("model", "llama9") ==
        "c.json: model: needed a name of the registry, such as llama2-7b, or the path of a config.json, found \"llama9\"");
}

TEST_CASE("wrong values are refused by their key") {
  CHECK(refusal("extra", 1) == "c.json: extra: needed a key known here, found an unknown one");
  CHECK(refusal("name", 7) == "c.json: name: needed a string, found 7");
  CHECK(refusal("processor", "L4S") == "c.json: processor: needed \"cpu\" or a device of the table, found \"L4S\"");
  CHECK(refusal("precision", "int8") == "c.json: precision: needed one of fp32, bf16, fp16, found \"int8\"");
  CHECK(refusal("nodes", 0) == "c.json: nodes: needed an integer from 1 to 1048576, found 0");
  CHECK(refusal("processors_per_node", -8) == "c.json: processors_per_node: needed an integer from 1 to 1048576, found -8");
  CHECK(refusal("tensor_parallel", 3) ==
        "c.json: tensor_parallel: needed tensor_parallel * pipeline_parallel dividing nodes * processors_per_node = 16, "
        "found 3 * 1");
  CHECK(refusal("sequence_length", 1.5) == "c.json: sequence_length: needed an integer from 2 to 1073741824, found 1.5");
  CHECK(refusal("recompute", "some") == "c.json: recompute: needed one of none, selective, layers, all, found \"some\"");
  CHECK(refusal("attention", true) == "c.json: attention: needed one of eager, flash, found true");
  CHECK(refusal("environment", {{"gpu", "none"}}) == "c.json: environment.gpu: needed a key known here, found an unknown one");
  CHECK(refusal("deepspeed_config", "none.json").find("none.json: needed a regular file") != std::string::npos);
  auto what = usable();
  what["sequence_length"] = 1 << 30;
  what["micro_batch_size"] = 1 << 30;
  what["gradient_accumulation_steps"] = 1 << 30;
  CHECK(message_of([&] { read(what); }).find("c.json: needed tokens of a step within 64 bits") != std::string::npos);
}

TEST_CASE("a ds_config must say what the case says") {
  auto const with = [](json_value config) { return refusal("deepspeed_config", std::move(config)); };
  json_value const agreeing{{"train_batch_size", 96}, {"train_micro_batch_size_per_gpu", 3}, {"bf16", {{"enabled", true}}}};
  CHECK(with(agreeing) == "nothing thrown");
  auto config = agreeing;
  config["train_batch_size"] = 97;
  CHECK(with(config) == "c.json: deepspeed_config: train_batch_size: needed a multiple of train_micro_batch_size_per_gpu * "
                        "replicas = 3 * 8, found 97");
  config["train_batch_size"] = 48;
  CHECK(with(config) == "c.json: deepspeed_config: gradient_accumulation_steps: needed gradient_accumulation_steps of the "
                        "case = 4, found 2");
  config = agreeing;
  config["train_micro_batch_size_per_gpu"] = 6;
  CHECK(with(config) == "c.json: deepspeed_config: train_micro_batch_size_per_gpu: needed micro_batch_size of the case = 3, "
                        "found 6");
  config = agreeing;
  config.erase("bf16");
  CHECK(with(config) == "c.json: deepspeed_config: bf16.enabled: needed precision of the case = bf16, found fp32");
  config["fp16"] = {{"enabled", true}};
  CHECK(with(config) == "c.json: deepspeed_config: fp16.enabled: needed precision of the case = bf16, found fp16");
}
