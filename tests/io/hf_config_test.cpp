#include <kunmetrics/io/hf_config.hpp>

#include <kunmetrics/models.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <concepts>
#include <map>

namespace {
using namespace kunmetrics;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

// A shape refers to its model's name, so it cannot be taken from a temporary.
template <typename Model>
concept gives_shape = requires(Model&& model) { std::forward<Model>(model).shape(); };
static_assert(gives_shape<hf_model&>);
static_assert(gives_shape<hf_model const&>);
static_assert(!gives_shape<hf_model>);

std::filesystem::path published(std::string_view name) {
  return std::filesystem::path{__FILE__}.parent_path().parent_path() / "truth" / "configs" / (std::string{name} + ".json");
}

using field_map = std::map<std::string, std::string>;

// The keys that have no default, as text of JSON; `changed` replaces or adds, an empty text removes.
std::string small_config(field_map const& changed = {}) {
  field_map fields{{"model_type", "\"llama\""}, {"hidden_size", "64"},         {"intermediate_size", "172"},
                   {"num_hidden_layers", "2"},  {"num_attention_heads", "4"}, {"vocab_size", "1000"}};
  for (auto const& [key, value] : changed) fields[key] = value;
  json_value object = json_value::object();
  for (auto const& [key, value] : fields) {
    if (!value.empty()) object[key] = json_value::parse(value);
  }
  return object.dump();
}

hf_model model_of(field_map const& changed = {}) {
  json_document const document{"config.json", small_config(changed)};
  return hf_config(json_object{document}, "small");
}

std::string refusal(field_map const& changed) {
  try {
    model_of(changed);
  } catch (input_error const& error) {
    return error.what();
  }
  return "accepted";
}
}  // namespace

TEST_CASE("published configurations have exactly the published parameters") {
  // totals: the project's truth table parameters.csv, which gives the source of each
  CHECK(parameters(hf_config(published("llama2-7b")).sizes).total == 6'738'415'616);
  CHECK(parameters(hf_config(published("llama2-13b")).sizes).total == 13'015'864'320);
  CHECK(parameters(hf_config(published("llama3-8b")).sizes).total == 8'030'261'248);
  CHECK(parameters(hf_config(published("smollm2-1.7b")).sizes).total == 1'711'376'384);
}

TEST_CASE("llama2-7b is the registry's shape") {
  auto const model = hf_config(published("llama2-7b"));
  auto const shape = model.shape();
  CHECK(shape.name == models::llama2_7b.name);
  CHECK(shape.layers == models::llama2_7b.layers);
  CHECK(shape.hidden == models::llama2_7b.hidden);
  CHECK(shape.heads == models::llama2_7b.heads);
  CHECK(shape.kv_heads == models::llama2_7b.kv_heads);
  CHECK(shape.head_size == models::llama2_7b.head_size);
  CHECK(shape.ffn == models::llama2_7b.ffn);
  CHECK(shape.vocabulary == models::llama2_7b.vocabulary);
  CHECK(shape.gated_ffn);
  CHECK_FALSE(shape.tied_embedding);
  CHECK(model.rms_epsilon == 1e-5);
  CHECK(model.rope_theta == 10000);
  CHECK_FALSE(model.scaled_rope);
  CHECK(model.activation == "silu");
}

TEST_CASE("grouped heads, another base of positions, a tied embedding") {
  auto const llama3 = hf_config(published("llama3-8b"));
  CHECK(llama3.sizes.kv_heads == 8);
  CHECK(llama3.sizes.head_size == 128);
  CHECK(llama3.rope_theta == 500000);
  CHECK(hf_config(published("smollm2-1.7b")).sizes.tied_embedding);
}

TEST_CASE("what is absent or null has transformers' default") {
  std::vector<field_map> const configurations{
      {},
      {{"num_key_value_heads", "null"}, {"head_dim", "null"}, {"tie_word_embeddings", "null"}, {"rms_norm_eps", "null"},
       {"rope_theta", "null"}, {"hidden_act", "null"}, {"rope_scaling", "null"}, {"rope_parameters", "null"},
       {"attention_bias", "null"}, {"mlp_bias", "null"}, {"_name_or_path", "null"}}};
  for (auto const& configuration : configurations) {
    auto const model = model_of(configuration);
    CHECK(model.sizes.kv_heads == 4);
    CHECK(model.sizes.head_size == 16);
    CHECK_FALSE(model.sizes.tied_embedding);
    CHECK(model.rms_epsilon == 1e-6);
    CHECK(model.rope_theta == 10000);
    CHECK(model.activation == "silu");
    CHECK_FALSE(model.scaled_rope);
    CHECK(model.name == "small");
  }
}

TEST_CASE("what is given wins over the default") {
  auto const model = model_of({{"num_key_value_heads", "2"}, {"head_dim", "32"}, {"hidden_act", "\"gelu\""},
                               {"rms_norm_eps", "1e-5"}, {"attention_bias", "false"}, {"_name_or_path", "\"org/tiny\""}});
  CHECK(model.sizes.kv_heads == 2);
  CHECK(model.sizes.head_size == 32);
  CHECK(model.activation == "gelu");
  CHECK(model.rms_epsilon == 1e-5);
  CHECK(model.shape().name == "org/tiny");
  // a head size of its own need not divide the hidden size
  CHECK(model_of({{"num_attention_heads", "3"}, {"head_dim", "32"}}).sizes.heads == 3);
}

TEST_CASE("stretched positions are noticed in either place") {
  CHECK(model_of({{"rope_scaling", R"({"type": "linear", "factor": 2.0})"}}).scaled_rope);
  CHECK(model_of({{"rope_scaling", R"({"rope_type": "llama3", "factor": 8.0})"}}).scaled_rope);
  CHECK_FALSE(model_of({{"rope_parameters", R"({"rope_type": "default", "rope_theta": 500000})"}}).scaled_rope);
  CHECK(model_of({{"rope_parameters", R"({"rope_type": "default", "rope_theta": 500000})"}}).rope_theta == 500000);
  // one of the two must not hide the other
  CHECK(model_of({{"rope_scaling", R"({"rope_type": "yarn"})"}, {"rope_parameters", R"({"rope_type": "default"})"}}).scaled_rope);
  CHECK(refusal({{"rope_parameters", R"({"rope_theta": 0})"}}) ==
        "config.json: rope_parameters.rope_theta: needed a number above 0, found 0");
  CHECK(refusal({{"rope_theta", "-1"}}) == "config.json: rope_theta: needed a number above 0, found -1");
  CHECK(refusal({{"rope_scaling", "2"}}) == "config.json: rope_scaling: needed an object, found 2");
}

TEST_CASE("another family is named, not guessed") {
  CHECK(refusal({{"model_type", "\"LLaMA\""}}) == "config.json: model_type: needed a family described here, found \"LLaMA\"");
  CHECK(refusal({{"model_type", "\"t5\""}}) == "config.json: model_type: needed a family described here, found \"t5\"");
  CHECK(refusal({{"model_type", ""}}) == "config.json: model_type: needed a string, found no such key");
  CHECK(refusal({{"model_type", "null"}}) == "config.json: model_type: needed a string, found no such key");
}

TEST_CASE("each size must be there, be an integer, be positive") {
  for (std::string const key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size"}) {
    auto const needed = "config.json: " + key + ": needed an integer from 1 to 2147483647, found ";
    CHECK(refusal({{key, ""}}) == needed + "no such key");
    CHECK(refusal({{key, "null"}}) == needed + "no such key");
    CHECK(refusal({{key, "\"4096\""}}) == needed + "\"4096\"");
    CHECK(refusal({{key, "4096.0"}}) == needed + "4096.0");
    CHECK(refusal({{key, "0"}}) == needed + "0");
    CHECK(refusal({{key, "-4096"}}) == needed + "-4096");
    CHECK(refusal({{key, "2147483648"}}) == needed + "2147483648");
  }
  for (std::string const key : {"num_key_value_heads", "head_dim"}) {
    CHECK(refusal({{key, "0"}}) == "config.json: " + key + ": needed an integer from 1 to 2147483647, found 0");
  }
}

TEST_CASE("other wrong values name their key") {
  CHECK(refusal({{"tie_word_embeddings", "\"false\""}}) ==
        "config.json: tie_word_embeddings: needed true or false, found \"false\"");
  CHECK(refusal({{"rms_norm_eps", "\"1e-5\""}}) == "config.json: rms_norm_eps: needed a number above 0, found \"1e-5\"");
  CHECK(refusal({{"hidden_act", "7"}}) == "config.json: hidden_act: needed a string, found 7");
  CHECK(refusal({{"_name_or_path", "7"}}) == "config.json: _name_or_path: needed a string, found 7");
}

TEST_CASE("heads that do not group or divide are refused with both numbers") {
  CHECK(refusal({{"num_key_value_heads", "3"}}) ==
        "config.json: num_key_value_heads: needed a divisor of num_attention_heads = 4, found 3");
  CHECK(refusal({{"num_key_value_heads", "8"}}) ==
        "config.json: num_key_value_heads: needed a divisor of num_attention_heads = 4, found 8");
  CHECK(refusal({{"num_attention_heads", "3"}}) ==
        "config.json: num_attention_heads: needed a divisor of hidden_size = 64, found 3");
}

TEST_CASE("a count beyond 64 bits is an error that names the sizes to blame, not a wrap") {
  std::string const most = "2147483647";
  std::string const needed =
      ": needed sizes whose parameters, six FLOP for each, can be counted within 64 bits, found ";
  // hidden * head_size and hidden * 2 * head_size are 2^62 and 2^63
  CHECK(refusal({{"hidden_size", most}, {"intermediate_size", most}, {"num_hidden_layers", most}, {"vocab_size", most},
                 {"num_attention_heads", "1"}}) ==
        "config.json: num_hidden_layers, hidden_size, intermediate_size, vocab_size" + needed + most + ", " + most +
            ", " + most + ", " + most);
  CHECK(refusal({{"head_dim", most}, {"num_attention_heads", most}, {"hidden_size", "4"}}) ==
        "config.json: num_attention_heads, head_dim" + needed + most + ", " + most);
  // 2 * 2^31 * 4e8 = 1.7e18 parameters can be counted, six times as many FLOP cannot
  CHECK(refusal({{"hidden_size", most}, {"num_attention_heads", "1"}, {"head_dim", "64"}, {"vocab_size", "400000000"},
                 {"intermediate_size", "1"}}) ==
        "config.json: hidden_size, vocab_size" + needed + most + ", 400000000");
  CHECK(refusal({{"hidden_size", most}, {"num_attention_heads", "1"}, {"head_dim", "64"}, {"vocab_size", "300000000"},
                 {"intermediate_size", "1"}}) == "accepted");
  // of sizes that are all in use somewhere none is to blame more than the others
  CHECK(refusal({{"hidden_size", "1000000"}, {"intermediate_size", "1000000"}, {"num_hidden_layers", "1000000"},
                 {"num_attention_heads", "8"}}) ==
        "config.json: num_hidden_layers, hidden_size, num_attention_heads, intermediate_size, vocab_size" + needed +
            "1000000, 1000000, 8, 1000000, 1000");
}

TEST_CASE("layer_types has a kind for each layer, whatever the family makes of it") {
  auto const kinds = [](std::size_t count, std::string const& kind) {
    std::string list = "[";
    for (std::size_t i = 0; i < count; ++i) list += (i == 0 ? "\"" : ", \"") + kind + '"';
    return list + "]";
  };
  for (std::string const type : {"llama", "gemma2", "qwen3", "cohere2", "olmo3", "gpt_oss"}) {
    CAPTURE(type);
    auto const of = [&](std::string const& list) {
      return refusal({{"model_type", '"' + type + '"'}, {"use_sliding_window", "true"}, {"num_key_value_heads", "2"},
                      {"layer_types", list}});
    };
    CHECK(of(kinds(2, "full_attention")) == "accepted");
    CHECK(of("null") == "accepted");
    std::string const needed =
        "config.json: layer_types: needed an array of num_hidden_layers = 2 kinds of layers, found one of ";
    CHECK(of(kinds(1, "full_attention")) == needed + "1");
    CHECK(of(kinds(3, "sliding_attention")) == needed + "3");
    CHECK(of("[]") == needed + "0");
    CHECK(of("[true, 2]") == "config.json: layer_types: needed an array of strings, found [true,2]");
    if (type == "llama") continue;
    CHECK(of(kinds(2, "mamba")) ==
          "config.json: layer_types: needed \"full_attention\" or \"sliding_attention\" a layer, found \"mamba\"");
  }
}

TEST_CASE("keys that say nothing about the shape are passed over") {
  CHECK(refusal({{"architectures", "[\"LlamaForCausalLM\"]"}, {"torch_dtype", "\"float16\""}, {"use_cache", "true"}}) == "accepted");
}

TEST_CASE("config.json is named after its folder, another file after itself") {
  scratch_folder const folder;
  CHECK(hf_config(folder.file("tiny-llama/config.json", small_config())).name == "tiny-llama");
  CHECK(hf_config(folder.file("my-model.json", small_config())).name == "my-model");
  CHECK(hf_config(folder.file("x.json", small_config({{"_name_or_path", "\"org/model\""}}))).name == "org/model");
  CHECK(hf_config(folder.file("y.json", small_config({{"_name_or_path", "\"\""}}))).name == "y");
  auto const before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "tiny-llama");
  auto const bare = hf_config("config.json").name;
  auto const dotted = hf_config("./config.json").name;
  std::filesystem::current_path(before);
  CHECK(bare == "tiny-llama");
  CHECK(dotted == "tiny-llama");
}

TEST_CASE("errors inside a case name the file and the path") {
  json_document const document{"case.json", "{\"model\": " + small_config({{"vocab_size", "-1"}}) + "}"};
  json_object fields{document};
  CHECK(message_of([&] { hf_config(*fields.optional_object("model"), "small"); }) ==
        "case.json: model.vocab_size: needed an integer from 1 to 2147483647, found -1");
}
