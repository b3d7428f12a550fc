// Runs the built program: a whole small training with all it writes, and everything that it refuses.
#include "npy.hpp"

#include "program.hpp"
#include "sanitizers.hpp"
#include "scratch_folder.hpp"
#include "small_case.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

using nlohmann::json;
using trainer_test::check_refused;
using trainer_test::content;
using trainer_test::run_program;
using trainer_test::json_lines_of;
using trainer_test::scratch_folder;
using trainer_test::small_case;
using trainer_test::small_folder;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;
std::string const cases = TRAINER_CASES_DIR;

// An address space of 4 GB; a sanitizer needs far more of it than that for itself.
constexpr std::string_view little_memory =
  trainer_test::address_sanitized || trainer_test::thread_sanitized ? "" : "ulimit -v 4000000; ";

void refused(json::json_pointer const& key, json const& value, std::string_view message) {
  small_folder const folder;
  auto changed = small_case();
  changed[key] = value;
  folder.write(changed);
  check_refused(folder, program, {"--case", "small.json", "--out", "run"}, message);
}
}  // namespace

TEST_CASE("a whole run: it learns, and everything it writes is there and agrees") {
  small_folder const folder;
  auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "60"}, "LANG=C LC_ALL= ");
  REQUIRE(result.code == 0);
  auto const steps = json_lines_of(content(folder / "run/steps.jsonl"));
  REQUIRE(steps.size() == 60);
  CHECK(steps.front()["loss"].get<double>() == doctest::Approx(std::log(61.0)).epsilon(0.1));
  CHECK(steps.back()["loss"].get<double>() < 0.5 * steps.front()["loss"].get<double>());
  CHECK(steps[5]["tokens"] == 8 * 2 * 16);
  CHECK(steps[1]["warm_up"] == true);
  CHECK(steps[2]["warm_up"] == false);

  auto const report = json::parse(content(folder / "run/report.json"));
  double time = 0;
  double phases = 0;
  for (std::size_t i = 2; i < steps.size(); ++i) {
    time += steps[i]["time"].get<double>();
    for (auto const& phase : steps[i]["phases"]) phases += phase.get<double>();
  }
  CHECK(report["tokens_per_processor_second"]["value"].get<double>() ==
        doctest::Approx(58.0 * 256 / time / 8).epsilon(1e-9));
  CHECK(report["tokens_per_processor_second"]["unit"] == "token/(processor s)");
  CHECK(phases > 0.5 * time);
  CHECK(phases <= time * (1 + 1e-9));
  CHECK(report["global_batch_size"]["value"] == 16);
  CHECK(report["mfu"]["palm"]["convention"] == "palm");
  CHECK(report["mfu"]["palm"]["value"].get<double>() > 0);
  CHECK(report["mfu"]["palm"]["value"].get<double>() < 1);
  CHECK(report["mfu"]["flagperf_nominal"]["value"].is_null());
  CHECK(report["mfu"]["flagperf_nominal"]["reason"] == "this model has no advertised size");
  CHECK(report["hfu"]["palm"]["recompute"] == "layers");
  CHECK(report["hfu"]["palm"]["value"] > report["mfu"]["palm"]["value"]);
  CHECK(report["peak"]["source"].get<std::string>().starts_with("measured at the start of the run"));
  CHECK(report["memory"]["used"]["value"].get<std::int64_t>() > 0);
  std::int64_t parts = 0;
  for (auto const& part : report["memory"]["by_part"]) parts += part["value"].get<std::int64_t>();
  CHECK(parts == report["memory"]["used"]["value"]);  // the plan is what was held
  CHECK(report["dataset"]["synthetic"] == false);

  CHECK(result.out == content(folder / "run/report.en.md"));
  auto const chinese = content(folder / "run/report.md");
  for (auto const* text : {"#### 环境配置", "* 输入批尺寸", "| R300单机8卡（1x8）", "GBS=2\\*1\\*8=16"}) {
    CHECK(chinese.find(text) != std::string::npos);
  }
  CHECK(content(folder / "run/report.html").ends_with("</html>\n"));
  CHECK(folder.entries() == 3);  // t.npy, small.json, run: nothing else was left behind
}

TEST_CASE("the same steps to the bit on 1, 2, 4 and 8 ranks") {
  small_folder const folder;
  std::string reference;
  for (int ranks : {1, 2, 4, 8}) {
    auto changed = small_case();
    changed["processors_per_node"] = ranks;
    changed["gradient_accumulation_steps"] = 8 / ranks;
    folder.write(changed);
    auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "5"});
    REQUIRE(result.code == 0);
    std::string trace;
    for (auto const& step : json_lines_of(content(folder / "run/steps.jsonl"))) {
      trace += step["loss"].dump() + ' ' + step["grad_norm"].dump() + ' ' + step["tokens"].dump() + '\n';
    }
    if (reference.empty()) reference = trace;
    CHECK(trace == reference);
  }
}

TEST_CASE("every precision learns, at every stage, and the steps say their loss scale") {
  small_folder const folder;
  std::string loss_of_fp16;
  for (std::string const precision : {"fp32", "bf16", "fp16"}) {
    for (int stage : {3, 0}) {
      CAPTURE(precision);
      auto changed = small_case();
      changed["precision"] = precision;
      if (precision != "fp32") changed["deepspeed_config"][precision]["enabled"] = true;
      if (precision == "fp16") changed["deepspeed_config"]["fp16"]["initial_scale_power"] = 24;
      changed["deepspeed_config"]["zero_optimization"]["stage"] = stage;
      folder.write(changed);
      auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "60"});
      REQUIRE(result.code == 0);
      auto const steps = json_lines_of(content(folder / "run/steps.jsonl"));
      CHECK(steps.back()["loss"].get<double>() < 0.6 * steps.front()["loss"].get<double>());
      auto const report = json::parse(content(folder / "run/report.json"));
      CHECK(report["precision"] == precision);
      std::int64_t skipped = 0;
      for (auto const& step : steps) skipped += step["skipped"].get<bool>();
      if (precision == "fp16") {  // 2^24 overflows: skipped until the scale is small enough
        CHECK(steps.front()["loss_scale"] == 16777216);
        CHECK(steps.front()["skipped"] == true);
        CHECK(steps.front()["grad_norm"].is_null());
        CHECK(steps.back()["loss_scale"] < 16777216);
        CHECK((skipped > 1 && skipped < 30));
        if (loss_of_fp16.empty()) loss_of_fp16 = steps.back()["loss"].dump();
        CHECK(steps.back()["loss"].dump() == loss_of_fp16);  // the same bits at both stages
      } else {
        CHECK(steps.front()["loss_scale"].is_null());
        CHECK(skipped == 0);
      }
    }
  }
}

TEST_CASE("an fp16 training whose scale is exhausted ends with step, unit and rank, and exit 1") {
  small_folder const folder;
  auto changed = small_case();
  changed["precision"] = "fp16";
  changed["deepspeed_config"]["fp16"] = {{"enabled", true}, {"initial_scale_power", 24}, {"min_loss_scale", 16777216}};
  folder.write(changed);
  auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "60"});
  CHECK(result.code == 1);
  CAPTURE(result.err);
  CHECK(result.err.find("at step 2 in unit ") != std::string::npos);  // the first overflow costs patience alone
  CHECK(result.err.find(" from rank ") != std::string::npos);
  CHECK(result.err.find("at the smallest loss scale of 16777216") != std::string::npos);
}

TEST_CASE("tuned products train the same model, and the report has table and gain; the next run finds them") {
  small_folder const folder;
  std::string const cached = "XDG_CACHE_HOME=" + (folder / "cache").string() + " LANG=C LC_ALL= ";
  std::vector<std::string> const arguments{"--case", "small.json", "--out", "run", "--steps", "5", "--ranks", "2"};
  auto const with = [&](std::string const& tuning) {
    auto all = arguments;
    all.insert(all.end(), {"--fc-tuning", tuning});
    return run_program(folder, program, all, cached);
  };
  REQUIRE(with("off").code == 0);
  auto const plain = json_lines_of(content(folder / "run/steps.jsonl"));
  CHECK(json::parse(content(folder / "run/report.json"))["fc_tuning"].is_null());
  auto const first = with("cache");
  REQUIRE(first.code == 0);
  CHECK(first.err.find("FC blocking") != std::string::npos);
  auto const reported = [&] { return json::parse(content(folder / "run/report.json"))["fc_tuning"]; };
  auto measured = reported();
  for (int more = 4; more > 0 && measured["complete"] == false; --more) {  // a busy machine cut it short: it is not kept
    REQUIRE(with("cache").code == 0);
    measured = reported();
  }
  REQUIRE(measured["complete"] == true);
  CHECK(measured["products"].size() == 15);
  CHECK(measured["gain"]["value"].get<double>() > 0);
  auto const tuned = json_lines_of(content(folder / "run/steps.jsonl"));
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(tuned[i]["loss"].get<double>() == doctest::Approx(plain[i]["loss"].get<double>()).epsilon(1e-5));
  }
  REQUIRE(with("cache").code == 0);
  CHECK(reported() == measured);
}

TEST_CASE("a profile says where the time went, on standard error and in two files") {
  small_folder const folder;
  auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "8", "--profile"});
  REQUIRE(result.code == 0);
  CHECK(result.err.find("profile of 6 steps on rank 0") != std::string::npos);
  auto const profile = json::parse(content(folder / "run/profile.json"));
  CHECK(profile["steps"] == 6);
  double share = 0;
  for (auto const& one : profile["operators"]) share += one["share"].get<double>();
  CHECK(share > 0);
  CHECK(share <= 1.01);  // of the steps' own time; two clocks are read
  auto const trace = json::parse(content(folder / "run/trace.json"));
  CHECK(trace["traceEvents"].size() > 8);
}

TEST_CASE("the report's language is the terminal's") {
  small_folder const folder;
  auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "1"},
                                  "LC_ALL= LC_MESSAGES= LANG=zh_CN.UTF-8 ");
  REQUIRE(result.code == 0);
  CHECK(result.out == content(folder / "run/report.md"));
}

TEST_CASE("a short run leaves less out, so that it has something to report") {
  small_folder const folder;
  for (int steps : {1, 2, 3}) {
    auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", std::to_string(steps)});
    REQUIRE(result.code == 0);
    auto const report = json::parse(content(folder / "run/report.json"));
    CHECK(report["steps"]["value"] == 1);
    CHECK(report["warm_up_steps"]["value"] == steps - 1);
    CHECK(report["mfu"]["palm"]["value"].get<double>() > 0);
  }
}

TEST_CASE("a stop signal ends all ranks at one step, with a report of what was trained") {
  small_folder const folder;
  auto const result = run_program(folder, "timeout", {"--signal=TERM", "--preserve-status", "3", program, "--case", "small.json",
                                                      "--out", "run", "--steps", "100000000"});
  CHECK(result.code == 0);
  auto const report = json::parse(content(folder / "run/report.json"));
  CHECK(report["steps_planned"]["value"] == 100'000'000);
  CHECK(report["steps_trained"]["value"] == json_lines_of(content(folder / "run/steps.jsonl")).size());
}

TEST_CASE("without a token file the tokens are synthetic, and the report says so") {
  small_folder const folder;
  auto changed = small_case();
  changed.erase("tokens");
  folder.write(changed);
  auto const result = run_program(folder, program, {"--case", "small.json", "--out", "run", "--steps", "3"}, "LC_ALL=C ");
  REQUIRE(result.code == 0);
  CHECK(result.out.find("synthetic tokens made from the seed") != std::string::npos);
  CHECK(json::parse(content(folder / "run/report.json"))["dataset"]["synthetic"] == true);
}

TEST_CASE("a case that does not fit stops before allocating, and its slice is named") {
  scratch_folder const folder;
  auto const result = run_program(folder, program, {"--case", cases + "/r300_1x8.json", "--out", "run"}, little_memory);
  CHECK(result.code == 2);
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("llama2_zero3: " + cases + "/r300_1x8.json: needed "));
  CHECK(result.err.find("optimizer_state") != std::string::npos);
  CHECK(result.err.find("--layers 1") != std::string::npos);
  CHECK(folder.entries() == 0);
}

TEST_CASE("an unusable case is one line with file and key, exit 2, and nothing is written") {
  using pointer = json::json_pointer;
  refused(pointer{"/colour"}, "red", "small.json: colour: needed a key known here, found an unknown one");
  refused(pointer{"/nodes"}, "one", "small.json: nodes: needed an integer from 1 to 1048576, found \"one\"");
  refused(pointer{"/processors_per_node"}, 0,
          "small.json: processors_per_node: needed an integer from 1 to 1048576, found 0");
  refused(pointer{"/precision"}, "fp13", "small.json: precision: needed one of fp32, bf16, fp16, found \"fp13\"");
  refused(pointer{"/processor"}, "R3000", "small.json: processor: needed \"cpu\" or a device of the table, found \"R3000\"");
  refused(pointer{"/model"}, "llama9",
          "small.json: model: needed a name of the registry, such as llama2-7b, or the path of a config.json, "
          "found \"llama9\"");
  refused(pointer{"/model/vocab_size"}, -1, "small.json: model.vocab_size: needed an integer from 1 to 2147483647, found -1");
  refused(pointer{"/deepspeed_config/train_batch_size"}, 17,
          "small.json: deepspeed_config: train_batch_size: needed a multiple of train_micro_batch_size_per_gpu * replicas "
          "= 2 * 8, found 17");
  refused(pointer{"/deepspeed_config/gradient_accumulation_steps"}, 2,
          "small.json: deepspeed_config: train_batch_size: needed train_micro_batch_size_per_gpu * "
          "gradient_accumulation_steps * replicas = 2 * 2 * 8 = 32, found 16");
  refused(pointer{"/micro_batch_size"}, 1,
          "small.json: deepspeed_config: train_micro_batch_size_per_gpu: needed micro_batch_size of the case = 1, found 2");
  refused(pointer{"/deepspeed_config/zero_optimisation"}, json::object(),
          "small.json: deepspeed_config.zero_optimisation: needed a key known here, found an unknown one");
  refused(pointer{"/deepspeed_config/gradient_clipping"}, "1",
          "small.json: deepspeed_config.gradient_clipping: needed a number of at least 0, found \"1\"");
}

TEST_CASE("an unusable token file is one line with file and offset, exit 2, and nothing is written") {
  small_folder const folder;
  auto const good = content(folder / "t.npy");
  auto const refuse = [&](std::string const& bytes, std::string const& message) {
    folder.file("t.npy", bytes);
    check_refused(folder, program, {"--case", "small.json", "--out", "run"}, message);
  };
  auto const header = [&](std::string_view from, std::string_view to) {
    auto bytes = good;
    bytes.replace(bytes.find(from), from.size(), to);
    auto const end = bytes.find('\n');
    bytes.replace(end - (to.size() - from.size()), to.size() - from.size(), "");  // the padding gives way
    return bytes;
  };
  refuse(good.substr(0, good.size() - 3),
         "t.npy: offset 40125: needed 5000 elements of 8 bytes, received the end of the file after 39997 data bytes");
  refuse(good.substr(0, 40), "t.npy: offset 40: needed 128 bytes of header, received the end of the file");
  refuse(header("'<i8'", "'|O'  "), "t.npy: offset 20: needed an integer dtype of |u1 <u2 <u4 <u8 |i1 <i2 <i4 <i8, received '|O' "
                                   "(python objects)");
  refuse(header("'<i8'", "'>i8'"), "t.npy: offset 20: needed an integer dtype of |u1 <u2 <u4 <u8 |i1 <i2 <i4 <i8, received '>i8' "
                                  "(big-endian)");
  refuse(header("(5000,)", "(50, 100)"), "t.npy: offset 60: needed a shape of one dimension (n,), received (50, 100)");
  auto wrong = good;
  wrong[128 + 8 * 77] = 61;
  refuse(wrong, "t.npy: offset 744: needed a token id below the vocabulary of 61, received 61 as token 77");
  folder.file("t.npy", good);
  check_refused(folder, program, {"--case", "small.json", "--out", "run", "--tokens", "none.npy"},
                "none.npy: offset 0: needed a readable file, received No such file or directory");
}

TEST_CASE("an unusable command line is one line and exit 2") {
  small_folder const folder;
  check_refused(folder, program, {}, "--case is required");
  check_refused(folder, program, {"--case", "none.json"}, "none.json: needed a regular file, found none that can be read");
  check_refused(folder, program, {"--case", "small.json", "--ranks", "0", "--out", "run"},
                "--ranks: Value 0 not in range 1 to 1024");
  check_refused(folder, program, {"--case", "small.json", "--timeout", "nan", "--out", "run"},
                "--timeout: a number of 0.100 to 1000000 was needed, received nan");
  check_refused(folder, program, {"--case", "small.json", "--layers", "3", "--out", "run"},
                "--layers: needed at most the model's 2, found 3");
  check_refused(folder, program, {"--case", "small.json", "--out", "t.npy/run"},
                "t.npy/run: needed a folder to write in, found Not a directory");
}
