// The published total of a checkpoint of every family, from the keys of its config.json that matter.
// Totals are those of the checkpoints' own metadata; for codegen-350m, command-r-plus, dbrx and exaone-4.0-32b,
// of which no quote was found, sums by hand.
#include <kunmetrics/io/hf_config.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;

namespace {
struct published {
  char const* name;
  std::int64_t total;
  char const* config;
};

constexpr published checkpoints[] = {
    {"pythia-160m", 162'322'944,
     R"({"model_type": "gpt_neox", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
        "intermediate_size": 3072, "vocab_size": 50304, "tie_word_embeddings": false})"},
    {"gpt-neo-125m", 125'198'592,
     R"({"model_type": "gpt_neo", "hidden_size": 768, "num_layers": 12, "num_heads": 12,
        "intermediate_size": null, "vocab_size": 50257, "max_position_embeddings": 2048,
        "attention_types": [[["global", "local"],6]], "window_size": 256})"},
    {"gpt-j-6b", 6'050'882'784,
     R"({"model_type": "gptj", "n_embd": 4096, "n_layer": 28, "n_head": 16, "n_inner": null,
        "n_positions": 2048, "vocab_size": 50400, "tie_word_embeddings": false})"},
    {"opt-125m", 125'239'296,
     R"({"model_type": "opt", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
        "ffn_dim": 3072, "max_position_embeddings": 2048, "vocab_size": 50272, "word_embed_proj_dim": 768,
        "do_layer_norm_before": true})"},
    {"bloom-560m", 559'214'592,
     R"({"model_type": "bloom", "n_embed": 1024, "n_layer": 24, "num_attention_heads": 16,
        "vocab_size": 250880})"},
    {"falcon-7b", 6'921'720'704,
     R"({"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71,
        "vocab_size": 65024, "multi_query": true, "parallel_attn": true, "bias": false,
        "new_decoder_architecture": false})"},
    {"mpt-7b", 6'649'286'656,
     R"({"model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "expansion_ratio": 4,
        "vocab_size": 50432, "no_bias": true, "attn_config": {"alibi": true}, "learned_pos_emb": true,
        "max_seq_len": 2048})"},
    {"starcoderbase-1b", 1'137'207'296,
     R"({"model_type": "gpt_bigcode", "n_embd": 2048, "n_layer": 24, "n_head": 16, "n_inner": 8192,
        "n_positions": 8192, "vocab_size": 49152, "multi_query": true})"},
    {"phi-2", 2'779'683'840,
     R"({"model_type": "phi", "hidden_size": 2560, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 32, "intermediate_size": 10240, "vocab_size": 51200,
        "tie_word_embeddings": false})"},
    {"gpt-oss-20b", 20'914'757'184,
     R"({"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 24, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880, "num_local_experts": 32,
        "num_experts_per_tok": 4, "vocab_size": 201088, "attention_bias": true, "sliding_window": 128,
        "tie_word_embeddings": false})"},
    {"deepseek-moe-16b", 16'375'728'128,
     R"({"model_type": "deepseek", "hidden_size": 2048, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 16, "intermediate_size": 10944, "moe_intermediate_size": 1408,
        "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6,
        "first_k_dense_replace": 1, "moe_layer_freq": 1, "vocab_size": 102400, "tie_word_embeddings": false})"},
    {"qwen-7b", 7'721'324'544,
     R"({"model_type": "qwen", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "intermediate_size": 22016, "kv_channels": 128, "vocab_size": 151936, "tie_word_embeddings": false,
        "no_bias": true})"},
    {"glm-4-9b", 9'399'951'360,
     R"({"model_type": "glm", "hidden_size": 4096, "num_hidden_layers": 40, "num_attention_heads": 32,
        "num_key_value_heads": 2, "head_dim": 128, "intermediate_size": 13696, "vocab_size": 151552,
        "attention_bias": true})"},
    {"olmo-1b", 1'176'764'416,
     R"({"model_type": "olmo", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 16,
        "intermediate_size": 8192, "vocab_size": 50304, "tie_word_embeddings": true})"},
    {"gemma-7b", 8'537'680'896,
     R"({"model_type": "gemma", "hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 16, "head_dim": 256, "intermediate_size": 24576, "vocab_size": 256000})"},
    {"llama3-70b", 70'553'706'496,
     R"({"model_type": "llama", "hidden_size": 8192, "num_hidden_layers": 80, "num_attention_heads": 64,
        "num_key_value_heads": 8, "intermediate_size": 28672, "vocab_size": 128256})"},
    {"mixtral-8x22b", 140'620'634'112,
     R"({"model_type": "mixtral", "hidden_size": 6144, "num_hidden_layers": 56, "num_attention_heads": 48,
        "num_key_value_heads": 8, "intermediate_size": 16384, "num_local_experts": 8,
        "num_experts_per_tok": 2, "vocab_size": 32000})"},
    {"olmoe-1b-7b", 6'919'161'856,
     R"({"model_type": "olmoe", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 16,
        "num_key_value_heads": 16, "intermediate_size": 1024, "num_experts": 64, "num_experts_per_tok": 8,
        "vocab_size": 50304, "tie_word_embeddings": false})"},
    {"gpt-oss-120b", 116'829'156'672,
     R"({"model_type": "gpt_oss", "hidden_size": 2880, "num_hidden_layers": 36, "num_attention_heads": 64,
        "num_key_value_heads": 8, "head_dim": 64, "intermediate_size": 2880, "num_local_experts": 128,
        "num_experts_per_tok": 4, "vocab_size": 201088, "tie_word_embeddings": false})"},
    {"phi-3.5-moe", 41'873'153'344,
     R"({"model_type": "phimoe", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "num_key_value_heads": 8, "intermediate_size": 6400, "num_local_experts": 16,
        "num_experts_per_tok": 2, "vocab_size": 32064, "attention_bias": true, "lm_head_bias": true,
        "tie_word_embeddings": false})"},
    {"deepseek-v2", 235'741'434'880,
     R"({"model_type": "deepseek_v2", "hidden_size": 5120, "num_hidden_layers": 60,
        "num_attention_heads": 128, "num_key_value_heads": 128, "intermediate_size": 12288,
        "moe_intermediate_size": 1536, "n_routed_experts": 160, "n_shared_experts": 2,
        "num_experts_per_tok": 6, "first_k_dense_replace": 1, "moe_layer_freq": 1, "q_lora_rank": 1536,
        "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
        "vocab_size": 102400, "tie_word_embeddings": false})"},
    {"command-r", 34'980'831'232,
     R"({"model_type": "cohere", "hidden_size": 8192, "num_hidden_layers": 40, "num_attention_heads": 64,
        "num_key_value_heads": 64, "intermediate_size": 22528, "vocab_size": 256000, "use_qk_norm": false})"},
    {"opt-350m", 331'196'416,  // an embedding of 512 numbers, no norm at the end
     R"({"model_type": "opt", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
        "ffn_dim": 4096, "max_position_embeddings": 2048, "vocab_size": 50272, "word_embed_proj_dim": 512,
        "do_layer_norm_before": false})"},
    {"falcon-rw-1b", 1'311'625'216,
     R"({"model_type": "falcon", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 32,
        "vocab_size": 50304, "multi_query": false, "parallel_attn": false, "bias": true, "alibi": true,
        "new_decoder_architecture": false})"},
    {"falcon-40b by its first names", 41'303'293'952,
     R"({"model_type": "RefinedWeb", "hidden_size": 8192, "n_layer": 60, "n_head": 128, "n_head_kv": 8,
        "vocab_size": 65024, "parallel_attn": true, "bias": false})"},
    {"codegen-350m", 356'712'448,
     R"({"model_type": "codegen", "n_embd": 1024, "n_layer": 20, "n_head": 16, "n_inner": null,
        "vocab_size": 51200, "tie_word_embeddings": false})"},
    {"chatglm-6b", 6'173'286'400,
     R"({"model_type": "chatglm", "hidden_size": 4096, "num_layers": 28, "num_attention_heads": 32,
        "inner_hidden_size": 16384, "vocab_size": 130528})"},
    {"glm-4-9b-0414", 9'400'279'040,
     R"({"model_type": "glm4", "hidden_size": 4096, "num_hidden_layers": 40, "num_attention_heads": 32,
        "num_key_value_heads": 2, "head_dim": 128, "intermediate_size": 13696, "vocab_size": 151552,
        "attention_bias": true})"},
    {"internlm-7b", 7'321'948'160,
     R"({"model_type": "internlm", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
        "intermediate_size": 11008, "vocab_size": 103168, "bias": true, "tie_word_embeddings": false})"},
    {"olmo-7b by its first names", 6'888'095'744,
     R"({"model_type": "hf_olmo", "d_model": 4096, "n_layers": 32, "n_heads": 32, "mlp_hidden_size": 22016,
        "mlp_ratio": 4, "vocab_size": 50280, "embedding_size": 50304, "weight_tying": false,
        "layer_norm_with_affine": false, "include_bias": false, "activation_type": "swiglu"})"},
    {"smollm3-3b", 3'075'098'624,
     R"({"model_type": "smollm3", "hidden_size": 2048, "num_hidden_layers": 36, "num_attention_heads": 16,
        "num_key_value_heads": 4, "intermediate_size": 11008, "vocab_size": 128256})"},
    {"seed-oss-36b", 36'151'104'512,
     R"({"model_type": "seed_oss", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 80,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 27648, "vocab_size": 155136,
        "attention_bias": true, "attention_out_bias": false, "tie_word_embeddings": false})"},
    {"command-r-plus", 103'810'674'688,
     R"({"model_type": "cohere", "hidden_size": 12288, "num_hidden_layers": 64, "num_attention_heads": 96,
        "num_key_value_heads": 8, "intermediate_size": 33792, "vocab_size": 256000, "use_qk_norm": true})"},
    {"dbrx", 131'596'523'520,
     R"({"model_type": "dbrx", "d_model": 6144, "n_layers": 40, "n_heads": 48, "vocab_size": 100352,
        "attn_config": {"kv_n_heads": 8}, "tie_word_embeddings": false,
        "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}})"},
    {"kimi-k2", 1'026'408'232'448,
     R"({"model_type": "kimi_k2", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 64,
        "num_key_value_heads": 64, "intermediate_size": 18432, "moe_intermediate_size": 2048,
        "n_routed_experts": 384, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 1,
        "moe_layer_freq": 1, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 163840, "num_nextn_predict_layers": 0})"},
    {"qwen2-57b-a14b", 57'408'658'944,
     R"({"model_type": "qwen2_moe", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "intermediate_size": 18944, "moe_intermediate_size": 2560,
        "shared_expert_intermediate_size": 20480, "num_experts": 64, "num_experts_per_tok": 8,
        "mlp_only_layers": [], "vocab_size": 151936, "tie_word_embeddings": false})"},
    {"granite-3.0-1b-a400m", 1'334'628'352,
     R"({"model_type": "granitemoe", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
        "num_key_value_heads": 8, "intermediate_size": 512, "num_local_experts": 32, "num_experts_per_tok": 8,
        "vocab_size": 49155, "tie_word_embeddings": true})"},
    {"exaone-4.0-32b", 32'003'216'384,
     R"({"model_type": "exaone4", "hidden_size": 5120, "num_hidden_layers": 64, "num_attention_heads": 40,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 27392, "vocab_size": 102400,
        "sliding_window": 4096, "sliding_window_pattern": "LLLG", "tie_word_embeddings": false})"},
    {"falcon-40b", 41'303'293'952,
     R"({"model_type": "falcon", "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128,
        "num_kv_heads": 8, "vocab_size": 65024, "parallel_attn": true, "bias": false,
        "new_decoder_architecture": true})"},
};

transformer shape_of(char const* name, std::string const& config) {
  json_document const document{name, config};
  return hf_config(json_object{document}, name).sizes;
}
transformer shape_of(std::string const& name) {
  for (auto const& [known, total, config] : checkpoints) {
    if (known == name) return shape_of(known, config);
  }
  FAIL("no checkpoint ", name);
  return {};
}
}  // namespace

TEST_CASE("published totals, to the last parameter") {
  for (auto const& [name, total, config] : checkpoints) {
    CAPTURE(std::string{name});
    CHECK(parameters(shape_of(name, config)).total == total);
  }
}

TEST_CASE("what the totals do not show: windows, experts, heads") {
  CHECK(shape_of("gpt-neo-125m").windowed.layers == 6);
  CHECK(shape_of("gpt-oss-20b").windowed.layers == 12);
  CHECK(shape_of("gpt-oss-20b").moe.active == 4);
  CHECK(shape_of("falcon-7b").kv_heads == 1);
  CHECK(shape_of("starcoderbase-1b").kv_heads == 1);
  CHECK(shape_of("deepseek-v2").latent.query_rank == 1536);
  CHECK(shape_of("deepseek-v2").moe.layers == 59);
  CHECK(shape_of("deepseek-v2").head_size == 192);
  CHECK(shape_of("deepseek-v2").value_size() == 128);
  CHECK_FALSE(shape_of("opt-125m").gated_ffn);
  CHECK(shape_of("opt-125m").learned_positions == 2050);
}

TEST_CASE("what a missing key means differs by family") {
  std::string const sizes = R"("hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "intermediate_size": 14336, "vocab_size": 32000)";
  auto const of = [&](std::string const& type, std::string const& more = "") {
    return shape_of("c", R"({"model_type": ")" + type + "\", " + sizes + more + "}");
  };
  CHECK(of("llama").kv_heads == 32);
  CHECK(of("mistral").kv_heads == 8);
  CHECK(of("mistral").windowed.window == 4096);
  CHECK(of("mistral", R"(, "sliding_window": null)").windowed.layers == 0);
  CHECK(of("mixtral").windowed.layers == 0);
  CHECK(of("gemma").tied_embedding);
  CHECK(of("gemma").head_size == 256);
  CHECK_FALSE(of("llama").tied_embedding);
  CHECK(of("gemma2").windowed.layers == 16);
  CHECK(of("gemma3_text").windowed.layers == 27);  // each sixth of 32 is full
  CHECK(of("qwen2").qkv_bias);
  CHECK_FALSE(of("qwen2").output_bias);
  CHECK(of("qwen2", R"(, "use_sliding_window": true, "max_window_layers": 28)").windowed.layers == 4);
  CHECK(of("starcoder2").kv_heads == 2);
  CHECK(of("starcoder2").windowed.layers == 0);
  CHECK(of("qwen3").qk_norm == query_key_norm::per_head);
  CHECK(of("olmo").norm == norm_kind::none);
  CHECK(of("olmo3").windowed.layers == 24);
  CHECK(of("cohere2").windowed.layers == 24);
  CHECK(of("internlm").output_bias);
  CHECK(of("internlm2").qkv_bias);
  CHECK_FALSE(of("internlm3").qkv_bias);
  CHECK(of("glm4").head_size == 128);
  CHECK(of("mistral", R"(, "num_key_value_heads": null)").kv_heads == 32);
  CHECK(of("qwen3_moe").head_size == 128);
  CHECK(of("qwen3_moe").moe.experts == 128);
  CHECK(of("deepseek_v3").latent.query_rank == 1536);
  CHECK(of("deepseek_v3", R"(, "q_lora_rank": null)").latent.query_rank == 0);
  CHECK(of("deepseek_v3").moe.experts == 256);
  CHECK(of("deepseek_v3").moe.shared_ffn == 2048);
  CHECK(of("deepseek_v3", R"(, "n_routed_experts": null)").moe.layers == 0);
  CHECK(of("deepseek_v2", R"(, "n_routed_experts": null)").latent.query_rank == 0);
  CHECK_THROWS_WITH_AS(of("deepseek_v2"), "c: n_routed_experts: needed an integer from 1 to 2147483647, found no such key", input_error);
  CHECK(of("deepseek").moe.layers == 0);
  CHECK(of("ernie4_5").kv_heads == 2);
  CHECK(of("exaone4").windowed.layers == 24);
  CHECK(of("exaone4", R"(, "sliding_window": null)").windowed.layers == 0);
}

TEST_CASE("which layers have experts") {
  std::string const sizes = R"("hidden_size": 64, "num_hidden_layers": 10, "num_attention_heads": 4,
    "intermediate_size": 172, "vocab_size": 100)";
  auto const layers = [&](std::string const& type, std::string const& more) {
    return shape_of("c", R"({"model_type": ")" + type + "\", " + sizes + more + "}").moe.layers;
  };
  CHECK(layers("qwen3_moe", R"(, "num_key_value_heads": 4)") == 10);
  CHECK(layers("qwen3_moe", R"(, "num_key_value_heads": 4, "decoder_sparse_step": 3)") == 3);
  CHECK(layers("qwen3_moe", R"(, "num_key_value_heads": 4, "decoder_sparse_step": 2, "mlp_only_layers": [0, 1, 1, 9, 10])") == 3);
  std::string const experts = R"(, "n_routed_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32)";
  CHECK(layers("deepseek", experts) == 10);
  CHECK(layers("deepseek", experts + R"(, "first_k_dense_replace": 1, "moe_layer_freq": 2)") == 4);  // 2, 4, 6, 8
  CHECK(layers("deepseek", experts + R"(, "first_k_dense_replace": 3)") == 7);
  CHECK(layers("deepseek", experts + R"(, "first_k_dense_replace": 30)") == 0);
  CHECK(layers("deepseek_v3", experts) == 7);
  CHECK(layers("minicpm", R"(, "num_experts": 0)") == 0);
  CHECK(layers("minicpm", R"(, "num_experts": 8, "num_experts_per_tok": 2)") == 10);
}

TEST_CASE("which layers of gpt_neo are windowed") {
  auto const local = [](std::string const& types) {
    std::string const sizes = R"({"model_type": "gpt_neo", "hidden_size": 64, "num_layers": 4, "num_heads": 4, "vocab_size": 100)";
    return shape_of("c", sizes + types + "}").windowed.layers;
  };
  CHECK(local("") == 2);
  CHECK(local(R"(, "attention_types": [[["global"], 4]])") == 0);
  CHECK(local(R"(, "attention_types": [[["global", "local", "local"], 1], [["local"], 1]])") == 3);
  CHECK(local(R"(, "attention_layers": ["local", "local", "local", "local"])") == 4);
  CHECK_THROWS_WITH_AS(local(R"(, "attention_types": [[["global"], 3]])"),
                       "c: attention_types: needed kinds of num_layers = 4 layers, found [[[\"global\"],3]]", input_error);
  CHECK_THROWS_WITH_AS(local(R"(, "attention_types": [["global", 4]])"),
                       "c: attention_types: needed pairs of kinds and a number of times, found [[\"global\",4]]", input_error);
}

// The norms on queries and keys have a weight a number only, those of the layers a bias too.
TEST_CASE("norms on the queries and keys of stablelm-2-12b and of phi") {
  auto const stablelm = [](char const* norms) {
    return parameters(shape_of("c", std::string{R"({"model_type": "stablelm", "hidden_size": 5120, "num_hidden_layers": 40,
      "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 13824, "vocab_size": 100352,
      "use_qkv_bias": false, "use_parallel_residual": true, "qk_layernorm": )"} + norms + "}")).total;
  };
  CHECK(stablelm("true") - stablelm("false") == 40 * (32 + 8) * 160);
  // by transformers' modelling code: products and both embeddings, one norm a layer and the last, those of the
  // heads. The card has the 41 norms once more: truth/exceptions.md
  constexpr std::int64_t products = 40LL * (5120 * 5120 * 2 + 5120 * 1280 * 2 + 3 * 5120 * 13824) + 2LL * 5120 * 100352;
  CHECK(stablelm("true") == products + (40 + 1) * 2 * 5120 + 40 * (32 + 8) * 160);
  CHECK(stablelm("true") == 12'143'185'920);
  CHECK(stablelm("true") + (40 + 1) * 2 * 5120 == 12'143'605'760);
  auto const phi = [](char const* norms) {
    return parameters(shape_of("c", std::string{R"({"model_type": "phi", "hidden_size": 64, "num_hidden_layers": 2,
      "num_attention_heads": 4, "vocab_size": 100, "qk_layernorm": )"} + norms + "}")).total;
  };
  CHECK(phi("true") - phi("false") == 2 * 2 * (16 + 16));
}

TEST_CASE("the layers that predict further tokens are counted apart") {
  auto const model = shape_of("glm-4.5-air", R"({"model_type": "glm4_moe", "hidden_size": 4096, "num_hidden_layers": 46,
    "num_attention_heads": 96, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 10944,
    "moe_intermediate_size": 1408, "n_routed_experts": 128, "n_shared_experts": 1, "num_experts_per_tok": 8,
    "first_k_dense_replace": 1, "attention_bias": true, "use_qk_norm": false, "vocab_size": 151552,
    "num_nextn_predict_layers": 1, "tie_word_embeddings": false})");
  CHECK(model.prediction_layers == 1);
  CHECK(model.moe.layers == 45);
  CHECK(parameters(model).total == 106'852'251'264);
}

// Every key of every configuration above replaced by what must not be there: whatever it is, the answer
// is a shape or one line that names file and key.
TEST_CASE("wrong values are refused in one line, whatever the family") {
  for (auto const& [name, total, config] : checkpoints) {
    auto const whole = json_value::parse(config);
    for (auto const& [key, value] : whole.items()) {
      for (char const* wrong : {"\"4096\"", "-1", "0", "1.5", "9223372036854775807", "18446744073709551615", "2147483647", "true",
                                "null", "[]", "[[[]]]", "{}", "\"\""}) {
        auto changed = whole;
        changed[key] = json_value::parse(wrong);
        CAPTURE(std::string{name});
        CAPTURE(key);
        CAPTURE(std::string{wrong});
        try {
          shape_of("c", changed.dump());
        } catch (input_error const& error) {
          std::string const message = error.what();
          CHECK(message.starts_with("c: "));
          CHECK(message.find('\n') == std::string::npos);
        }
      }
    }
  }
}

TEST_CASE("a family's name alone is not enough, but for one whose files leave the defaults out") {
  for (auto const& [type, read, absent] : hf::families) {
    CAPTURE(type);
    if (type.starts_with("gemma3")) continue;
    std::string const config = R"({"model_type": ")" + std::string{type} + "\"}";
    CHECK_THROWS_AS(shape_of("c", config), input_error);
  }
  CHECK(shape_of("c", R"({"model_type": "gemma3", "text_config": {"hidden_size": 5376, "intermediate_size": 21504,
    "num_attention_heads": 32, "num_key_value_heads": 16, "num_hidden_layers": 62, "head_dim": 128}})").vocabulary == 262'208);
}

TEST_CASE("a text model inside a multi-modal configuration") {
  auto const model = shape_of("c", R"({"model_type": "gemma3", "text_config": {"hidden_size": 2560, "num_hidden_layers": 34,
    "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "intermediate_size": 10240, "vocab_size": 262208,
    "sliding_window": 1024}})");
  CHECK(model.layers == 34);
  CHECK(parameters(model).total == 3'880'263'168);  // Gemma 3 4B without its vision tower
}
