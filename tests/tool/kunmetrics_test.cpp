// The tool as a person or a script runs it: exact JSON, tables with their provenance, one-line errors.
#include "../trainer/program.hpp"
#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using nlohmann::json;
using trainer_test::run_program;
using trainer_test::scratch_folder;

namespace {
std::string const program = KUNMETRICS_PROGRAM;

std::string output(std::vector<std::string> const& arguments) {
  scratch_folder const folder;
  auto const result = run_program(folder, program, arguments);
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  return result.out;
}
json object(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  return json::parse(output(arguments));
}
void refused(std::vector<std::string> const& arguments, std::string const& message) {
  scratch_folder const folder;
  auto const result = run_program(folder, program, arguments);
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  CHECK(result.err == "kunmetrics" + message + "\n");
}
}  // namespace

TEST_CASE("model: counts and FLOP per token under every convention") {
  auto const llama = object({"model", "llama2-7b", "--sequence-length", "4096"});
  CHECK(llama["name"] == "llama2-7b");
  CHECK(llama["sequence_length"] == 4096);
  CHECK(llama["parameters"] == json{{"total", 6'738'415'616}, {"matmul", 6'607'077'376}, {"embedding", 131'072'000}, {"active", 6'738'415'616}});
  CHECK(llama["flop_per_token"]["palm"] == 6 * 6'607'077'376 + 12LL * 32 * 4096 * 4096);
  CHECK(llama["flop_per_token"]["flagperf_nominal"] == 42'000'000'000);
  for (auto const* convention : {"palm", "palm_n_total", "causal", "causal_exact", "six_n", "six_n_matmul", "lingua", "megatron_layers"}) {
    CHECK(llama["flop_per_token"].contains(convention));
  }
  auto const table = output({"model", "llama2-7b", "--sequence-length", "512"});
  CHECK(table.find("| palm                         | 40.447771 ") != std::string::npos);
  CHECK(table.find("| causal_half_window_no_router | 40.045117 ") != std::string::npos);
  CHECK(table.find("FLOP/token (GFLOP), S = 512") != std::string::npos);
}

TEST_CASE("model: a config.json, named after its folder; without an advertised size nothing is said of it") {
  scratch_folder const folder;
  folder.file("mini/config.json", R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "vocab_size": 100})");
  auto const result = run_program(folder, program, {"model", "mini/config.json", "--sequence-length", "16", "--json"});
  REQUIRE(result.code == 0);
  auto const mini = json::parse(result.out);
  CHECK(mini["name"] == "mini");
  CHECK(mini["parameters"]["embedding"] == 6400);
  CHECK_FALSE(mini["flop_per_token"].contains("flagperf_nominal"));
}

TEST_CASE("mfu: every convention against a peak with its source") {
  auto const r300 = object({"mfu", "--model", "llama2-7b", "--sequence-length", "512", "--tokens-per-processor-second", "1000",
                            "--device", "R300", "--precision", "fp16", "--recompute", "layers"});
  CHECK(r300["mfu"]["palm"].get<double>() == doctest::Approx(0.315998208).epsilon(1e-12));
  CHECK(r300["mfu"]["flagperf_nominal"].get<double>() == doctest::Approx(0.328125).epsilon(1e-12));
  CHECK(r300["hfu"]["palm"].get<double>() == doctest::Approx(0.419282944).epsilon(1e-12));
  CHECK_FALSE(r300["hfu"].contains("lingua"));  // it does not tell the layers' share
  CHECK(r300["peak"]["flop_per_second"] == 128e12);
  CHECK(r300["peak"]["source"].get<std::string>().find("R480-X8") != std::string::npos);

  auto const stated = object({"mfu", "--model", "llama2-7b", "--sequence-length", "4096", "--tokens-per-processor-second", "3564", "--peak", "312e12"});
  CHECK(stated["mfu"]["palm"].get<double>() == doctest::Approx(0.5264).epsilon(1e-4));
  CHECK(stated["hfu"]["palm"] == stated["mfu"]["palm"]);
  CHECK(stated["peak"]["source"] == "stated on the command line");
  for (std::string const wrong : {"312", "nan", "inf", "1e+19"}) {
    CAPTURE(wrong);
    refused({"mfu", "--model", "llama2-7b", "--sequence-length", "4096", "--tokens-per-processor-second", "3564", "--peak", wrong},
            " mfu: --peak: needed FLOP/s of one processor, such as 312e12, found " + wrong);
  }
}

TEST_CASE("mfu: a confidential peak is no error and gives no number") {
  for (auto const* peak : {"-1", "0"}) {
    auto const none = object({"mfu", "--model", "llama2-7b", "--sequence-length", "512", "--tokens-per-processor-second", "1000", "--peak", peak});
    CHECK(none["mfu"]["palm"].is_null());
    CHECK(none["peak"]["flop_per_second"].is_null());
    CHECK(none["peak"]["reason"] == "the peak of this device is confidential");
  }
  auto const table = output({"mfu", "--model", "llama2-7b", "--sequence-length", "512", "--tokens-per-processor-second", "1000", "--peak", "-1"});
  CHECK(table.find("no MFU: the peak of this device is confidential") != std::string::npos);
}

TEST_CASE("device: every value with its source, conflicting ones side by side") {
  auto const r300 = object({"device", "r300"});
  CHECK(r300["name"] == "Kunlunxin R300");
  CHECK(r300["memory_bytes"] == 34'359'738'368);
  CHECK(r300["peaks"][0] == json{{"precision", "fp16"}, {"flop_per_second", 128'000'000'000'000},
                                 {"source", "Kunlunxin R480-X8: 1 Peta Ops fp16 for 8 cards, as FlagPerf's R300 llama2_7b config (PR 348)"}});
  CHECK(r300["alternatives"].size() == 5);
  CHECK(output({"device", "R300"}).find("| fp16      | 256.0   | not used | FlagPerf llama2_70B and baichuan2 configs; the int8 figure") != std::string::npos);
  CHECK(object({"device"})["devices"].size() > 80);
  CHECK(output({"device"}).find("| NVIDIA H100-SXM5-80GB ") != std::string::npos);
  refused({"device", "cpu"},
          " device: NAME: needed a device of the table (kunmetrics device lists them), found cpu: a CPU's peak is measured "
          "where it runs, not published: llama2_zero3 does so at its start and reports it");
  refused({"device", "L4S"}, " device: NAME: needed a device of the table (kunmetrics device lists them), found L4S: no device of the table has this name");
}

TEST_CASE("audit: claims against facts, restated, with what is missing") {
  std::string const logs = TRUTH_LOGS_DIR;
  auto const sparse = object({"audit", logs + "/llmc_5090_sparse_peak.log", "--model", "gpt2", "--sequence-length", "1024",
                              "--global-batch-size", "512", "--processors", "1", "--device", "RTX 5090", "--precision", "bf16"});
  CHECK(sparse["framework"] == "llm.c");
  CHECK(sparse["steps"] == 3);
  CHECK(sparse["verdict"] == "wrong");
  CHECK(sparse["findings"][0]["trap"] == "sparse peak");
  CHECK(sparse["claimed"]["mfu"].get<double>() == doctest::Approx(0.407));
  CHECK(sparse["restated"]["mfu"]["causal_n_total"].get<double>() == doctest::Approx(0.815).epsilon(0.02));
  CHECK(sparse["peak"]["flop_per_second"] == 209'500'000'000'000);

  auto const rocm = object({"audit", logs + "/megatron_rocm_llama2_7b_fp8.log", "--model", "llama2-7b", "--sequence-length", "4096", "--processors", "8"});
  CHECK(rocm["verdict"] == "consistent");
  CHECK(rocm["convention"].get<std::string>().starts_with("palm"));
  CHECK(rocm["restated"]["mfu"].empty());  // no peak was said: no MFU

  scratch_folder const folder;
  auto const nothing = run_program(folder, program, {"audit", folder.file("prose.log", "once upon a time\n").string()});
  CHECK(nothing.code == 0);
  CHECK(nothing.out.starts_with("verdict: unknown\n"));
  CHECK(nothing.out.find("framework: not recognised, 0 steps") != std::string::npos);
  CHECK(nothing.out.find("No claim of a speed was found in it.") != std::string::npos);
  CHECK(nothing.out.find("To restate it under every convention: model, sequence length, global batch size, processors, peak.") !=
        std::string::npos);

  auto const flagperf = folder.file("flagperf.log",
                                    "[PerfLog] {\"event\": \"STEP_END\", \"value\": {\"loss\": 2.67, \"global_steps\": 10}}\n"
                                    "System tokens per second: 57024.0\nTokens/p/s: 14256.0\nTheory TFLOPS: 312\nMFU:  1.919\n");
  auto const squared = object({"audit", flagperf.string(), "--model", "llama2-7b", "--sequence-length", "4096", "--processors", "16", "--nodes", "2"});
  CHECK(squared["verdict"] == "wrong");
  CHECK(squared["findings"][0]["trap"] == "nodes squared");
  CHECK(squared["claimed"]["mfu"] == 1.919);
  CHECK(squared["tokens_per_processor_second"] == 3564);
  CHECK(squared["peak"] == json{{"flop_per_second", 312'000'000'000'000}, {"source", "the peak that the program used"}});
  CHECK(squared["unchecked"][0] == json{{"claim", "tokens/s, at the end"}, {"missing", {"global batch size", "step time"}}});
  CHECK(squared["missing"].empty());
  auto const stated = object({"audit", flagperf.string(), "--model", "llama2-7b", "--sequence-length", "4096", "--processors", "16",
                              "--micro-batch-size", "1", "--gradient-accumulation-steps", "4", "--global-batch-size", "16",
                              "--tensor-parallel", "1", "--pipeline-parallel", "1", "--context-parallel", "1"});
  CHECK(stated["findings"][0]["trap"] == "gradient accumulation left out");
  refused({"audit", flagperf.string(), "--precision", "foo"}, " audit: --precision: needed a precision, found foo");
  refused({"audit", flagperf.string(), "--nodes", "16", "--processors", "7"}, " audit: --processors: needed a multiple of the 16 nodes, found 7");
  refused({"audit", "none.log"}, " audit: none.log: needed a readable file, found none");
}

TEST_CASE("a standard output that takes nothing is an error") {
  scratch_folder const folder;
  auto const known = run_program(folder, "sh", {"-c", "\"$@\" > /dev/full", "sh", program, "device", "h100"});
  CHECK(known.code == 2);
  CHECK(known.err == "kunmetrics device: standard output: needed to take the result, it did not\n");
}

TEST_CASE("unusable arguments are one line and exit 2") {
  std::vector<std::string> const usable{"mfu", "--model", "llama2-7b", "--sequence-length", "512", "--tokens-per-processor-second", "1000"};
  auto const with = [&](std::vector<std::string> more) {
    auto all = usable;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  refused({}, ": A subcommand is required");
  refused(usable, " mfu: --peak: needed it or --device, found neither");
  refused(with({"--device", "H1000"}), " mfu: --device: needed a device of the table (kunmetrics device lists them), found H1000: no device of the table has this name");
  refused(with({"--device", "Ascend 910B"}),
          " mfu: --device: needed a device of the table (kunmetrics device lists them), found Ascend 910B: a family: say 910B1, 910B2, 910B3 or 910B4");
  refused({"mfu", "--model", "llama2-7b", "--sequence-length", "512", "--tokens-per-processor-second", "30000", "--device", "H100 SXM"},
          " mfu: --tokens-per-processor-second: needed at most 100 % of the peak, found 120.3 % for the products alone; "
          "likely work of another precision: products in fp8 held against the bf16 peak");
  refused(with({"--device", "R300", "--precision", "fp8"}), " mfu: --precision: needed one whose peak is known for Kunlunxin R300, found fp8");
  refused(with({"--device", "R300", "--precision", "fp13"}), " mfu: --precision: needed a precision, found fp13");
  refused({"model", "llama9", "--sequence-length", "1"}, " model: llama9: needed a model's name or the path of a config.json, found neither");
  refused({"model", "llama2-7b"}, " model: --sequence-length is required");
  refused({"model", "llama2-7b", "--sequence-length", "0"}, " model: --sequence-length: Value 0 not in range 1 to 1099511627776");
  auto const impossible = with({"--peak", "1e12"});
  scratch_folder const folder;
  auto const result = run_program(folder, program, impossible);
  CHECK(result.code == 2);
  CHECK(result.err.starts_with("kunmetrics mfu: --tokens-per-processor-second: needed at most 100 % of the peak, found 3964.2 % for the products alone"));
}

TEST_CASE("a config that cannot be used is told with file and key") {
  scratch_folder const folder;
  folder.file("c.json", R"({"model_type": "unheard-of", "hidden_size": 64})");
  auto const result = run_program(folder, program, {"model", "c.json", "--sequence-length", "16"});
  CHECK(result.code == 2);
  CHECK(result.err.starts_with("kunmetrics model: c.json: model_type: needed "));
  CHECK(result.err.find("unheard-of") != std::string::npos);
}

TEST_CASE("counts beyond 64 bits are told with the model and what is too large of it") {
  scratch_folder const folder;
  folder.file("c.json", R"({"model_type": "llama", "hidden_size": 2147483647, "intermediate_size": 1, "num_hidden_layers": 1,
    "num_attention_heads": 1, "head_dim": 2, "vocab_size": 1})");
  auto const told = [&](std::vector<std::string> const& arguments) {
    auto const result = run_program(folder, program, arguments);
    CHECK(result.code == 2);
    CHECK(result.out.empty());
    return result.err;
  };
  // 4 * 2^31 parameters are few; the 72 L h^2 of Megatron's formula are not
  CHECK(told({"model", "c.json", "--sequence-length", "16"}) ==
        "kunmetrics model: c.json: needed sizes and a --sequence-length whose FLOP can be counted within 64 bits, found "
        "num_hidden_layers = 1, hidden_size = 2147483647, vocab_size = 1 and 16\n");
  CHECK(told({"mfu", "--model", "c.json", "--sequence-length", "16", "--tokens-per-processor-second", "1", "--peak", "1e15"})
            .starts_with("kunmetrics mfu: c.json: needed sizes and a --sequence-length"));
  CHECK(told({"model", "llama3.1-405b", "--sequence-length", "1099511627776"}) ==
        "kunmetrics model: llama3.1-405b: needed sizes and a --sequence-length whose FLOP can be counted within 64 bits, found "
        "num_hidden_layers = 126, hidden_size = 16384, vocab_size = 128256 and 1099511627776\n");
}

TEST_CASE("memory: the R300 case by part, and what cannot be said of a case on this machine") {
  auto const r300 = object({"memory", "--case", CASES_DIR "/r300_1x8.json"});
  CHECK(r300["projection"] == true);
  CHECK(r300["zero_stage"] == 3);
  CHECK(r300["data_parallel_size"] == 8);
  CHECK(r300["parameters_of_a_processor"] == 6'738'415'616);
  auto const& memory = r300["memory"];
  CHECK(memory["weights"]["value"] == 2.0 * 6'738'415'616 / 8);
  CHECK(memory["optimizer"]["value"] == 12.0 * 6'738'415'616 / 8);
  CHECK(memory["activations"]["value"] == 2.0 * 512 * 12 * 4096 * 32);
  CHECK(memory["recomputed_layer"]["value"] == 512.0 * 12 * 4096 * (34 + 5.0 * 32 * 512 / 4096));
  CHECK(memory["output"]["value"] == 4.0 * 512 * 12 * (4096 + 32000));
  CHECK(memory["total"]["unit"] == "B/processor");
  CHECK(memory["capacity"]["value"] == 32.0 * (std::int64_t{1} << 30U));
  CHECK(memory["fits"] == true);

  auto const demo = object({"memory", "--case", CASES_DIR "/demo.json"})["memory"];
  CHECK(demo["activations"]["reason"] == "the formula is of 16-bit activations");
  CHECK(demo["capacity"]["reason"] == "the case's processor is this machine");
  CHECK(demo["fits"].is_null());
  // 16 GB a card hold neither state nor activations of the same
  CHECK(object({"memory", "--case", CASES_DIR "/r300_1x8.json", "--device", "V100-SXM2-16GB"})["memory"]["fits"] == false);
  CHECK(output({"memory", "--case", CASES_DIR "/r300_1x8.json"}).find("| fits                   | these parts do  |") != std::string::npos);
}

TEST_CASE("plan: batch, work, traffic and the least time of a step") {
  auto const plan = object({"plan", "--case", CASES_DIR "/r300_1x8.json"});
  CHECK(plan["projection"] == true);
  CHECK(plan["global_batch_size"] == json{{"value", 96}, {"unit", "sample/step"}});
  CHECK(plan["tokens_per_step"]["value"] == 49'152);
  CHECK(plan["flop_per_step"]["model"]["value"].get<double>() == 49'152 * 40'447'770'624.0);
  // two gathers and a reduction of 7/8 of the fp16 weights
  CHECK(plan["communication"]["total"]["value"].get<double>() == doctest::Approx(3 * 0.875 * 2 * 6'738'415'616));
  CHECK(plan["step_bound"]["computation"]["value"].get<double>() ==
        doctest::Approx(plan["flop_per_step"]["executed"]["value"].get<double>() / 8 / 128e12));
  CHECK(plan["step_bound"]["set_by"] == "computation");
  CHECK(plan["step_bound"]["peak"]["source"].get<std::string>().find("R480-X8") != std::string::npos);
  CHECK(plan["mfu_ceiling"]["palm"]["value"].get<double>() == doctest::Approx(0.315998208 / 0.419282944));

  auto const demo = object({"plan", "--case", CASES_DIR "/demo.json"});
  CHECK(demo["step_bound"]["reason"] == "the case's processor is this machine, whose peak a run measures");
  CHECK(demo["mfu_ceiling"]["palm"]["value"].is_null());
  CHECK(output({"plan", "--case", CASES_DIR "/demo.json"}).find("Projected, not measured") != std::string::npos);
}

TEST_CASE("project: what is assumed stands beside what follows from it") {
  auto const given = object({"project", "--case", CASES_DIR "/r300_1x8.json", "--tokens-per-processor-second", "1000", "--tokens", "1e8"});
  CHECK(given["assumed"] == "a rate that was given");
  CHECK(given["mfu"]["palm"]["value"].get<double>() == doctest::Approx(0.315998208));
  CHECK(given["throughput"]["value"] == 8000.0);
  CHECK(given["time"] == json{{"value", 12'500.0}, {"unit", "s"}});
  CHECK(given["processor_time"]["value"] == 100'000.0);
  CHECK(given["step_time"]["value"].get<double>() == doctest::Approx(49'152 / 8000.0));

  auto const half = object({"project", "--case", CASES_DIR "/r300_1x8.json", "--mfu", "0.5"});
  CHECK(half["tokens_per_processor_second"]["value"].get<double>() == doctest::Approx(0.5 * 128e12 / 40'447'770'624.0));
  CHECK(half["time"]["reason"] == "--tokens says how many are to be trained");
  auto const bound = object({"project", "--case", CASES_DIR "/r300_1x8.json"});
  CHECK(bound["assumed"] == "the bound of a step, set by computation");
  CHECK(bound["mfu"]["palm"]["value"].get<double>() == doctest::Approx(0.315998208 / 0.419282944));

  refused({"project", "--case", CASES_DIR "/r300_1x8.json", "--tokens-per-processor-second", "4000"},
          " project: --tokens-per-processor-second: needed at most 100 % of the peak, found 126.4 % MFU (palm)");
  refused({"project", "--case", CASES_DIR "/demo.json", "--mfu", "0.5"},
          " project: --tokens-per-processor-second: needed it, or a device of known peak, found cpu: the case's processor is this machine, whose peak a run measures");
  refused({"plan", "--case", "none.json"}, " plan: none.json: needed a regular file, found none that can be read");
  refused({"memory", "--case", CASES_DIR "/r300_1x8.json", "--device", "R3000"},
          " memory: --device: needed a device of the table (kunmetrics device lists them), found R3000: no device of the table has this name");
}
