// Multi-modal configurations: the text model inside is what is read, as transformers reads it.
#include <kunmetrics/io/hf_config.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;

namespace {
hf_model model_of(std::string const& config) {
  json_document const document{"config.json", config};
  return hf_config(json_object{document}, "small");
}
std::string refusal(std::string const& config) {
  try {
    model_of(config);
  } catch (input_error const& error) {
    return error.what();
  }
  return "accepted";
}

std::string const sizes =
    R"("hidden_size": 64, "intermediate_size": 172, "num_hidden_layers": 2, "num_attention_heads": 4,
  "vocab_size": 1000)";
std::string wrapped(std::string const& outer, std::string const& inner) {
  return R"({"model_type": "llava")" + outer +
         R"(, "vision_config": {"model_type": "clip_vision_model", "hidden_size": 7},
    "text_config": {)" +
         inner + "}}";
}
}  // namespace

TEST_CASE("the text model's own type chooses the family, whatever stands around it") {
  auto const model = model_of(wrapped("", R"("model_type": "qwen2", "num_key_value_heads": 2, )" + sizes));
  CHECK(model.sizes.hidden == 64);
  CHECK(model.sizes.qkv_bias);
  // also where the type around it is a family of its own
  auto const mixed = model_of(
      R"({"model_type": "llama", "text_config": {"model_type": "qwen2", "num_key_value_heads": 2, )" + sizes + "}}");
  CHECK(mixed.sizes.qkv_bias);
  // gemma 3 as first published does not say the type again
  auto const gemma = model_of(R"({"model_type": "gemma3", "text_config": {"num_hidden_layers": 12}})");
  CHECK(gemma.sizes.layers == 12);
  CHECK(gemma.sizes.qk_norm == query_key_norm::per_head);
}

TEST_CASE("norms, positions and activation are the text model's, the name is the whole's") {
  auto const model = model_of(
      wrapped(R"(, "_name_or_path": "org/whole", "rms_norm_eps": 1e-3, "rope_theta": 1, "hidden_act": "relu")",
              R"("model_type": "llama", "_name_or_path": "org/part", "rms_norm_eps": 1e-5,
                                         "rope_theta": 500000, "hidden_act": "gelu", )" +
                  sizes));
  CHECK(model.rms_epsilon == 1e-5);
  CHECK(model.rope_theta == 500000);
  CHECK(model.activation == "gelu");
  CHECK(model.name == "org/whole");
}

// llava-1.5-7b's text_config says its vocabulary, llava-v1.6-mistral-7b's a little more; the classes say the rest.
// Totals are those of Llama 2 7B and Mistral 7B with 64 more rows of either embedding.
TEST_CASE("sizes that a text_config leaves out are its class's, at the top they must be there") {
  auto const llava = model_of(wrapped("", R"("model_type": "llama", "vocab_size": 32064)"));
  CHECK(parameters(llava.sizes).total == 6'738'415'616 + 2 * 64 * 4096);
  auto const mistral = model_of(wrapped("", R"("model_type": "mistral", "vocab_size": 32064, "intermediate_size": 14336,
    "num_key_value_heads": 8, "sliding_window": null)"));
  CHECK(parameters(mistral.sizes).total == 7'241'732'096 + 2 * 64 * 4096);
  CHECK(refusal(R"({"model_type": "llama", "vocab_size": 32064})") ==
        "config.json: num_hidden_layers: needed an integer from 1 to 2147483647, found no such key");
  CHECK(refusal(wrapped("", R"("model_type": "qwen2", "vocab_size": 32064)")) ==
        "config.json: text_config.num_hidden_layers: needed an integer from 1 to 2147483647, found no such key");
}

// LlavaConfig in transformers: tied where the whole says so, or where its text model does.
TEST_CASE("tied where the whole or the text model says so") {
  auto const tied = [](std::string const& outer, std::string const& type, std::string const& inner) {
    return model_of(wrapped(outer, R"("model_type": ")" + type + "\", " + inner + sizes)).sizes.tied_embedding;
  };
  std::string const yes = R"("tie_word_embeddings": true)", no = R"("tie_word_embeddings": false)";
  CHECK_FALSE(tied("", "llama", ""));
  CHECK(tied(", " + yes, "llama", ""));
  CHECK(tied(", " + yes, "llama", no + ", "));
  CHECK(tied(", " + no, "llama", yes + ", "));
  CHECK(tied("", "llama", yes + ", "));
  CHECK_FALSE(tied(", " + no, "llama", no + ", "));
  CHECK(tied("", "gemma", R"("num_key_value_heads": 1, )"));  // by its class
  CHECK(refusal(wrapped(R"(, "tie_word_embeddings": 1)", R"("model_type": "llama", )" + sizes)) ==
        "config.json: tie_word_embeddings: needed true or false, found 1");
}

TEST_CASE("a family that is not known is told with what stands around it") {
  CHECK(refusal(wrapped("", R"("model_type": "rwkv", )" + sizes)) ==
        "config.json: text_config.model_type: needed a family described here, found \"rwkv\" inside of \"llava\"");
  CHECK(
      refusal(wrapped("", sizes)) ==
      "config.json: model_type: needed a family described here, or one in text_config, found \"llava\" around a text_config "
      "without a model_type");
  CHECK(refusal(R"({"model_type": "llava", )" + sizes + "}") ==
        "config.json: model_type: needed a family described here, found \"llava\"");
  CHECK(refusal(R"({"model_type": "llava", "text_config": 7})") ==
        "config.json: text_config: needed an object, found 7");
  CHECK(refusal(wrapped("", R"("model_type": 7)")) == "config.json: text_config.model_type: needed a string, found 7");
}

TEST_CASE("errors inside name the whole path") {
  CHECK(refusal(wrapped("", R"("model_type": "llama", "hidden_size": "64")")) ==
        "config.json: text_config.hidden_size: needed an integer from 1 to 2147483647, found \"64\"");
  CHECK(
      refusal(wrapped("", R"("model_type": "llama", "layer_types": ["full_attention"], )" + sizes)) ==
      "config.json: text_config.layer_types: needed an array of num_hidden_layers = 2 kinds of layers, found one of 1");
  CHECK(
      refusal(wrapped(
          "", R"("model_type": "llama", "vocab_size": 2147483647, "hidden_size": 2147483647, "head_dim": 8)")) ==
      "config.json: text_config.hidden_size, vocab_size: needed sizes whose parameters, six FLOP for each, can be counted "
      "within 64 bits, found 2147483647, 2147483647");
}
