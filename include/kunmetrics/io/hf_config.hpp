// The config.json of a Hugging Face decoder-only model, as a transformer's shape.
//
// `model_type` chooses the family: io/hf/ has the rules, one function a family, with what absence of
// a key means to its configuration class. A family that is not there is an error that names it; keys
// that say nothing about the shape are passed over. A multi-modal configuration with a text_config (gemma3,
// llava) is read as its text model alone: text_config's model_type, sizes, norms and positions, its
// class's sizes where it leaves them out; tied where either of the two says so, as transformers does it.
#pragma once

#include <kunmetrics/io/hf/gpt_like.hpp>
#include <kunmetrics/io/hf/llama_like.hpp>
#include <kunmetrics/io/hf/mixture.hpp>

#include <array>
#include <iterator>

namespace kunmetrics {

// Owns the name that its shape refers to.
struct hf_model {
  std::string name;
  transformer sizes;  // without the name
  double rms_epsilon = 1e-6;
  double rope_theta = 10000;
  bool scaled_rope = false;  // positions are stretched: the same sizes, another computation
  std::string activation = "silu";
  bool sizes_alone = false;  // the members above are not this model's own: a registry has sizes alone

  transformer shape() const& {
    auto named = sizes;
    named.name = name;
    return named;
  }
  transformer shape() && = delete;  // would outlive its name
};

namespace hf {
struct family {
  std::string_view model_type;
  transformer (*read)(reader&);
  class_sizes absent{};  // where a text_config is known to leave sizes out
};

inline constexpr std::array families{family{"llama", llama, {32, 4096, 32, 11008, 32000}},
                                     family{"Yi", llama},
                                     family{"aquila", llama},
                                     family{"granite", llama},
                                     family{"smollm3", smollm3},
                                     family{"mistral", mistral, {32, 4096, 32, 14336, 32000}},
                                     family{"ministral3", ministral3},
                                     family{"mixtral", mixtral},
                                     family{"qwen", qwen},
                                     family{"qwen2", qwen2},
                                     family{"qwen2_moe", qwen2_moe},
                                     family{"qwen3", qwen3},
                                     family{"qwen3_moe", qwen3_moe},
                                     family{"gemma", gemma},
                                     family{"gemma2", gemma2},
                                     family{"gemma3", gemma3},
                                     family{"gemma3_text", gemma3},
                                     family{"phi", phi},
                                     family{"phi-msft", phi},
                                     family{"phi3", phi3},
                                     family{"phimoe", phimoe},
                                     family{"gpt2", gpt2},
                                     family{"gpt_neo", gpt_neo},
                                     family{"gpt_neox", gpt_neox},
                                     family{"gptj", gptj},
                                     family{"falcon", falcon},
                                     family{"RefinedWeb", falcon},
                                     family{"RefinedWebModel", falcon},
                                     family{"mpt", mpt},
                                     family{"opt", opt},
                                     family{"bloom", bloom},
                                     family{"baichuan", baichuan},
                                     family{"chatglm", chatglm},
                                     family{"glm", glm},
                                     family{"glm4", glm4},
                                     family{"internlm", internlm},
                                     family{"internlm2", internlm2},
                                     family{"internlm3", internlm3},
                                     family{"gpt_bigcode", gpt_bigcode},
                                     family{"starcoder2", starcoder2},
                                     family{"olmo", olmo},
                                     family{"hf_olmo", hf_olmo},
                                     family{"olmo2", olmo2},
                                     family{"olmo3", olmo3},
                                     family{"olmoe", olmoe},
                                     family{"cohere", cohere},
                                     family{"cohere2", cohere2},
                                     family{"seed_oss", seed_oss},
                                     family{"orion", orion},
                                     family{"nemotron", nemotron},
                                     family{"minicpm", minicpm},
                                     family{"granitemoe", granitemoe},
                                     family{"ernie4_5", ernie4_5},
                                     family{"exaone4", exaone4},
                                     family{"dbrx", dbrx},
                                     family{"glm4_moe", glm4_moe},
                                     family{"codegen", gptj},
                                     family{"deepseek", deepseek},
                                     family{"deepseek_v2", deepseek_v2},
                                     family{"deepseek_v3", deepseek_v3},
                                     family{"kimi_k2", deepseek_v3},
                                     family{"gpt_oss", gpt_oss},
                                     family{"stablelm", stablelm}};

inline family const* family_named(std::string_view model_type) {
  auto const known = std::ranges::find(families, model_type, &family::model_type);
  return known == families.end() ? nullptr : &*known;
}

// Of the text model where there is one; a text_config that does not say its type is of the type around it.
// Throws input_error naming both.
inline family const& family_of(json_object& outer, std::optional<json_object>& text) {
  auto const type = outer.text("model_type");
  auto const inner = text ? text->optional_text("model_type") : std::nullopt;
  if (auto const* const known = family_named(inner.value_or(type))) return *known;
  if (inner) {
    text->refuse("model_type", "a family described here", detail::shown(*inner) + " inside of " + detail::shown(type));
  }
  if (text) {
    outer.refuse("model_type", "a family described here, or one in text_config",
                 detail::shown(type) + " around a text_config without a model_type");
  }
  outer.refuse("model_type", "a family described here");
}
}  // namespace hf

namespace detail {
// rope_theta stands at the top, or, since transformers 5, in rope_parameters.
inline void read_rope(json_object& fields, hf_model& model) {
  if (auto const theta = fields.optional_number("rope_theta", positive_number)) model.rope_theta = *theta;
  for (std::string_view const key : {"rope_scaling", "rope_parameters"}) {
    auto rope = fields.optional_object(key);
    if (!rope) continue;
    if (auto const theta = rope->optional_number("rope_theta", positive_number)) model.rope_theta = *theta;
    auto const type = rope->optional_text(rope->has("rope_type") ? "rope_type" : "type");
    if (type.value_or("default") != "default") model.scaled_rope = true;
  }
}

// Sizes of no published model; of a product beyond 64 bits at least one factor is as large, or all are to blame.
inline std::vector<hf::read_size> excessive(std::vector<hf::read_size> const& sizes) {
  constexpr std::int64_t largest_known = 1 << 20;
  std::vector<hf::read_size> large;
  std::ranges::copy_if(sizes, std::back_inserter(large), [](auto const& each) { return each.value >= largest_known; });
  return large.empty() ? sizes : large;
}

// Throws input_error naming the sizes when their parameters, or six FLOP for each, are beyond 64 bits, and
// for what else is wrong with the shape.
inline void require_countable(hf::reader& in, transformer const& sizes) {
  try {
    require_valid(sizes);
  } catch (precondition_error const& error) {
    throw input_error{needed_found(in.fields().where(), "a model whose parameters can be counted", error.what())};
  }
  try {
    static_cast<void>((checked{parameters(sizes).total} * 6).value());
  } catch (precondition_error const&) {
    std::string keys, values;
    for (auto const& [key, value] : excessive(in.sizes())) {
      keys += keys.empty() ? in.fields().where(key) : ", " + std::string{key};
      values += (values.empty() ? "" : ", ") + std::to_string(value);
    }
    throw input_error{
        needed_found(keys, "sizes whose parameters, six FLOP for each, can be counted within 64 bits", values)};
  }
}
}  // namespace detail

// `name` is used when the configuration does not name itself. Throws input_error.
inline hf_model hf_config(json_object const& object, std::string_view name) {
  auto fields = object.with(null_is::absent);
  auto text = fields.optional_object("text_config");
  auto const& family = hf::family_of(fields, text);
  hf::reader in{text ? *text : fields, text ? family.absent : hf::class_sizes{}};
  hf_model model;
  model.sizes = family.read(in);
  hf::require_one_each(in, "layer_types", "num_hidden_layers", model.sizes.layers);
  if (text && fields.optional_boolean("tie_word_embeddings").value_or(false)) model.sizes.tied_embedding = true;
  auto& own = in.fields();
  if (auto const epsilon = own.optional_number("rms_norm_eps", positive_number)) model.rms_epsilon = *epsilon;
  if (auto activation = own.optional_text("hidden_act")) {
    model.activation = *std::move(activation);  // as the trainer needs them
  }
  detail::read_rope(own, model);
  model.name = fields.optional_text("_name_or_path").value_or("");
  if (model.name.empty()) model.name = name;
  detail::require_countable(in, model.sizes);
  return model;
}

// Of a file: `config.json` is named after its folder, any other after itself. Throws input_error.
inline hf_model hf_config(std::filesystem::path const& file) {
  json_document const document{file};
  auto const folder = std::filesystem::absolute(file).lexically_normal().parent_path();
  auto const stem = file.stem() == "config" ? folder.filename() : file.stem();
  return hf_config(json_object{document}, stem.string());
}

}  // namespace kunmetrics
