// What may happen to a log between the program and the reader, and that what the excerpts of tests/truth/logs
// say is found in them.
#include <kunmetrics/io/json_document.hpp>
#include <kunmetrics/io/training_log.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>
#include <string>

using namespace kunmetrics;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
std::string megatron(int iteration, std::string const& loss = "2.5", std::string const& before = "") {
  return before + " iteration " + std::to_string(iteration) +
         "/ 1000 | consumed samples: " + std::to_string(iteration * 64) + " | elapsed time per iteration (ms): 1500.0 | "
         "throughput per GPU (TFLOP/s/GPU): 200.5 | global batch size: 64 | lm loss: " + loss + " |";
}
std::filesystem::path const excerpts = std::filesystem::path{__FILE__}.parent_path() / "../truth/logs";
}  // namespace

TEST_CASE("lines end at LF, CRLF, and the end of the file") {
  for (std::string const end : {"\n", "\r\n"}) {
    auto const log = read_training_log_text(megatron(1) + end + megatron(2) + end + megatron(3));
    CHECK(log.framework == "Megatron-LM");
    CHECK(log.steps == 3);
    CHECK(log.first_step == 1);
    CHECK(log.last_step == 3);
    CHECK(log.step_time->last == 1.5);
    CHECK(log.claimed.flop_rate->last == 200.5e12);
    CHECK(log.global_batch_size->value == 64);
    CHECK(log.samples_seen->per_step() == 64);
  }
}

TEST_CASE("colours and NUL bytes are taken out") {
  std::string const coloured =
      "\x1b[31mstep: 10 \x1b[32m loss:  9.4 \x1b[33m memory: 30GiB(32%) \x1b[34m tps: 6,344 \x1b[35m tflops: 367.39 \x1b[36m mfu: 37.15%\x1b[39m\n";
  auto log = read_training_log_text(coloured);
  CHECK(log.framework == "torchtitan");
  CHECK(log.claimed.tokens_per_processor_second->last == 6344);
  CHECK(log.claimed.mfu->last == doctest::Approx(0.3715));
  std::string holes = megatron(1) + "\n";
  for (std::size_t at = 3; at < holes.size(); at += 7) holes.insert(at, 1, '\0');
  CHECK(read_training_log_text(holes).steps == 1);
}

TEST_CASE("a progress bar draws itself over and over in one line") {
  auto const log = read_training_log_text(" 10%|#   | 1/10\r 20%|##  | 2/10\r{'loss': 2.6, 'learning_rate': 1e-5, 'epoch': 0.1}\r 30%|### | 3/10\n");
  CHECK(log.framework == "Hugging Face Trainer");
  CHECK(log.loss->last == 2.6);
}

TEST_CASE("the same step told by several ranks counts once") {
  std::string text;
  for (int step = 1; step <= 3; ++step) {
    for (int rank = 0; rank < 4; ++rank) text += megatron(step, "2.5", "[default" + std::to_string(rank) + "]:") + "\n";
  }
  auto const log = read_training_log_text(text);
  CHECK(log.steps == 3);
  CHECK(log.repeats == 9);
  CHECK(log.restarts == 0);
  CHECK(log.step_time->count == 3);
}

TEST_CASE("a rank that no count can be is none, and its line is read") {
  for (auto const& rank : {std::string(80, '7'), std::string{"1.5"}}) {
    CAPTURE(rank);
    for (auto const& prefix : {"[default" + rank + "]:", rank + ": "}) {
      CHECK(logs::rank_of(prefix) == -1);
      CHECK(read_training_log_text(prefix + megatron(7)).steps == read_training_log_text(megatron(7)).steps);
    }
  }
  CHECK(logs::rank_of("[default12]: iteration") == 12);
}

TEST_CASE("a step number that goes back is a restart") {
  auto const log = read_training_log_text(megatron(1, "3.0") + "\n" + megatron(2, "2.9") + "\n" + megatron(3, "2.8") + "\n" +
                                          megatron(2, "2.91") + "\n" + megatron(3, "2.81") + "\n");
  CHECK(log.steps == 5);
  CHECK(log.restarts == 1);
  CHECK(log.last_step == 3);
}

TEST_CASE("a cell that was cut is not read, those before it are") {
  auto const whole = megatron(7);
  auto const log = read_training_log_text(whole.substr(0, whole.find("200.5") + 3));
  CHECK(log.steps == 1);
  CHECK(log.step_time->last == 1.5);
  CHECK_FALSE(log.claimed.flop_rate);
}

TEST_CASE("cells are known by their names, whatever cells the line before had") {
  std::string const name_too_long(80, 'x');
  auto const log = read_training_log_text(
      " iteration 1/ 9 | elapsed time per iteration (ms): 2000.0 | global batch size: 8 | lm loss: 4.0 |\n"
      " iteration 2/ 9 | lm loss: 3.0 | elapsed time per iteration (ms): 1000.0 | global batch size: 16 |\n"
      " iteration 3/ 9 | lm loss scale: 9.0 | lm loss: 2.0 |" + name_too_long + ": 7.0 | no name | elapsed time per iteration (s): 3.0 |\n"
      " iteration 4/ 9 | lm loss scale: 9.0 | lm loss: 1.0 |" + name_too_long + ": 7.0 | no name | elapsed time per iteration (s): 4.0 |\n");
  CHECK(log.steps == 4);
  CHECK(log.loss->sum == 10);
  CHECK(log.step_time->sum == doctest::Approx(10));
  CHECK(log.step_time->count == 4);
  CHECK(log.global_batch_size->value == 16);
}

TEST_CASE("numbers that are none stay out of the statistics") {
  auto const log = read_training_log_text(megatron(1, "nan") + "\n" + megatron(2, "inf") + "\n" + megatron(3, "2.5") + "\n");
  CHECK(log.steps == 3);
  CHECK(log.loss->count == 1);
}

TEST_CASE("pieces of any size make the same log") {
  auto const text = content(excerpts / "megatron_deepspeed_tr11_reshape_24nodes.log");
  auto const whole = read_training_log_text(text);
  for (std::size_t const size : {1U, 7U, 100U, 4096U}) {
    training_log_reader reader;
    for (std::size_t at = 0; at < text.size(); at += size) reader.feed(std::string_view{text}.substr(at, size));
    auto const pieces = std::move(reader).finish();
    CHECK(pieces.steps == whole.steps);
    CHECK(pieces.lines == whole.lines);
    CHECK(pieces.step_time->sum == whole.step_time->sum);
  }
}

TEST_CASE("every log cut at every byte is still read, and says no step that the whole does not") {
  for (auto const& entry : std::filesystem::directory_iterator{excerpts}) {
    if (entry.path().extension() != ".log") continue;
    auto const text = content(entry.path());
    auto const whole = read_training_log_text(text);
    CAPTURE(entry.path().filename().string());
    bool within = true;
    for (std::size_t size = 0; size <= text.size(); ++size) {
      auto const cut = read_training_log_text(std::string_view{text}.substr(0, size));
      within = within && cut.steps <= whole.steps && cut.lines <= whole.lines;
    }
    CHECK(within);
  }
}

TEST_CASE("a number at the very end of a log that has no last newline may go on, and is not read") {
  std::string const line = "step: 8, loss: 9.75, tokens_per_second: 76957.79, mfu: 42.46";
  auto const whole = read_training_log_text(line + "\n");
  CHECK(whole.framework == "prime-rl");
  CHECK(whole.claimed.mfu->last == doctest::Approx(0.4246));
  auto const cut = read_training_log_text(line);
  CHECK(cut.claimed.tokens_per_second->last == 76957.79);
  CHECK_FALSE(cut.claimed.mfu);
}

TEST_CASE("a line into which another rank's runs loses the number that it cut") {
  auto const other = megatron(8);
  auto const whole = megatron(7);
  auto const log = read_training_log_text(whole.substr(0, whole.find("00.5")) + "[2026-01-01 00:00:00]" + other + "\n");
  CHECK(log.steps == 1);
  CHECK(log.claimed.flop_rate->count == 1);
  CHECK(log.claimed.flop_rate->last == 200.5e12);
}

TEST_CASE("Rich's wrapped messages are joined, at a blank and within a word") {
  std::string const margin(29, ' ');
  auto const log = read_training_log_text(
      "[08/30/23 07:07:34] INFO     colossalai - colossalai - INFO: Throughput: 12.34  \n" + margin +
      "samples/sec, TFLOPS per GPU by Megatron: 190.21, TF\n" + margin + "LOPS per GPU: 180.25                             \n"
      "Step:  20%|##        | 1/5 [00:22<01:31, 22.90s/it][08/30/23 07:07:54] INFO     colossalai - colossalai - INFO: \n" + margin +
      "Throughput: 12.50 samples/sec, TFLOPS per GPU by Megatron: 191, TFLOPS per GPU: 181.50 \n");
  CHECK(log.framework == "ColossalAI");
  CHECK(log.steps == 2);
  CHECK(log.claimed.samples_per_second->first == 12.34);
  CHECK(log.claimed.flop_rate->first == doctest::Approx(180.25e12));
  CHECK(log.claimed.flop_rate->last == doctest::Approx(181.5e12));
  CHECK(log.claimed.flop_rate->line == 3);
  CHECK(log.lines == 5);
}

TEST_CASE("a progress bar that never ends its line is read in pieces, in constant memory") {
  std::string text;
  for (int step = 1; text.size() < 3'000'000; ++step) {
    text += " 10%|#   | 1/10 [00:58<14:41, 58.76s/it]\r";
    if (step % 1000 == 0) text += "{'loss': 2.5, 'epoch': " + std::to_string(step) + "}\r";
  }
  auto const log = read_training_log_text(text + "\n");
  CHECK(log.framework == "Hugging Face Trainer");
  CHECK(log.steps == static_cast<std::int64_t>(text.size() / 41'025));
  CHECK(log.lines == 1);
}

TEST_CASE("four ranks that print one dict of the Trainer count once") {
  std::string text;
  for (std::string const epoch : {"0.1", "0.2"}) {
    for (int rank = 0; rank < 4; ++rank) text += "{'loss': 2.5, 'epoch': " + epoch + ", 'train_tokens_per_second': 1000.5}\n";
  }
  auto const log = read_training_log_text(text);
  CHECK(log.steps == 2);
  CHECK(log.repeats == 6);
  CHECK(log.claimed.tokens_per_second->count == 2);
}

TEST_CASE("JSON lines are read by keys that say their unit") {
  auto const ours = read_training_log_text(R"({"step":3,"time":1.5,"tokens":49152,"loss":2.25,"skipped":false,"phases":{"data":0.1}})" "\n");
  CHECK(ours.framework == "kunmetrics");
  CHECK(ours.step_time->last == 1.5);
  CHECK(ours.tokens_per_step->last == 49152);
  auto const maxtext = read_training_log_text(R"({"step": 4, "perf/step_time_seconds": 5.669, "perf/per_device_tflops_per_sec": 134.9})" "\n");
  CHECK(maxtext.framework == "MaxText");
  CHECK(maxtext.claimed.flop_rate->last == doctest::Approx(134.9e12));
  auto const other = read_training_log_text(R"({"global_step": 7, "loss": 2.1, "time": 1732440000, "mfu": 42.1, "tokens_per_second": 7e4})" "\n");
  CHECK(other.framework.empty());
  CHECK(other.first_step == 7);
  CHECK(other.claimed.tokens_per_second->last == 7e4);
  CHECK_FALSE(other.claimed.mfu);
  CHECK_FALSE(other.step_time);
}

TEST_CASE("FlagPerf's events and result, a line MFU of nobody else's") {
  std::istringstream lines{
      R"([PerfLog] {"event": "STEP_END", "value": {"loss": 2.6795, "global_steps": 3397, "num_trained_samples": 869632, "seq/s": 822.4}, "metadata": {"rank": 0}})" "\n"
      "System tokens per second:  28512.0\nTokens/p/s:  3564.0\nTheory TFLOPS:  312\nTokens/TFLOPS:  11.4\nMFU:  0.4798\n"};
  auto const log = read_training_log(lines);
  CHECK(log.framework == "FlagPerf");
  CHECK(log.last_step == 3397);
  CHECK(log.samples_seen->last == 869632);
  CHECK(log.summary.tokens_per_second->last == 28512);
  CHECK(log.summary.tokens_per_processor_second->last == 3564);
  CHECK(log.summary.mfu->last == 0.4798);
  CHECK(log.peak->value == 312e12);
  auto const other = read_training_log_text("MFU:  0.4798\n");
  CHECK(other.framework.empty());
  CHECK_FALSE(other.summary.mfu);
}

TEST_CASE("programs of which there is no excerpt") {
  auto const lightning = read_training_log_text(
      "Epoch 0:  45%|####5     | 450/1000 [01:15<01:31,  6.00it/s, v_num=0, train_loss=2.310]\r"
      "Epoch 1:   1%|          | 10/1000 [00:02<03:18,  5.00it/s, v_num=0, train_loss=2.250]\n");
  CHECK(lightning.framework == "Lightning");
  CHECK(lightning.last_step == 1010);
  CHECK(lightning.restarts == 0);
  auto const neox = read_training_log_text(
      " samples/sec: 51.234 | iteration       10/      50 | elapsed time per iteration (ms): 9876.5 | learning rate: 1.2E-04 | "
      "approx flops per GPU: 150.3TFLOPS | lm_loss: 7.123456E+00 | number of skipped iterations:   0 |\n");
  CHECK(neox.framework == "gpt-neox");
  CHECK(neox.claimed.flop_rate->last == 150.3e12);
  CHECK(neox.claimed.samples_per_second->last == 51.234);
  auto const prime = read_training_log_text("Step 3 | Time: 12.30s | Loss: 0.5012 | Throughput: 12345 tokens/s | MFU: 23.4%\n");
  CHECK(prime.framework == "prime-rl");
  CHECK(prime.step_time->last == 12.3);
  CHECK(prime.claimed.mfu->last == doctest::Approx(0.234));
  auto const core = read_training_log_text(
      "2025-01-01 00:00:00 host:0 olmo_core.train:1 INFO [olmo_core] [step=10/1000,epoch=1]\n    train/CE loss=9.25\n"
      "    throughput/device/TPS=12,345\n    throughput/device/MFU=41.5\n    throughput/total tokens=41,943,040\n");
  CHECK(core.framework == "OLMo");
  CHECK(core.claimed.tokens_per_processor_second->last == 12345);
  CHECK(core.claimed.mfu->last == doctest::Approx(0.415));
  auto const settings = read_training_log_text(
      "Config param max_target_length: 2048\nConfig param per_device_batch_size: 24.0\nConfig param global_batch_size_to_train_on: 96\n"
      "Num_devices: 4, shape (1, 4)\nnumber parameters: 15.706 billion\n");
  CHECK(settings.framework == "MaxText");
  CHECK(settings.sequence_length->value == 2048);
  CHECK(settings.micro_batch_size->value == 24);
  CHECK(settings.global_batch_size->value == 96);
  CHECK(settings.world_size->value == 4);
  CHECK(settings.parameters->value == doctest::Approx(15.706e9));
}

namespace {
bool holds(std::optional<running_statistic> const& statistic, double value) {
  if (!statistic) return false;
  auto const& s = *statistic;
  auto const near = [&](double said) { return std::abs(said - value) <= 1e-9 * std::abs(value); };
  return near(s.first) || near(s.last) || near(s.min) || near(s.max);
}

// What index.json claims but the log itself does not say.
std::map<std::string, std::string> const said_elsewhere{
    {"maxtext_gpurecipes_a3ultra_70b.log mfu", "stands in the README beside the log"},
    {"maxtext_gpurecipes_a4_70b.log mfu", "stands in the README beside the log"}};

// The facts that excerpts say themselves: all others of index.json are from elsewhere, or derived.
std::set<std::string> const facts_said{
    "composer_mpt30b_mi300x_2nodes.log micro_batch_size", "flagscale_openseek_first_iteration.log global_batch_size",
    "hf_trainer_bigscience_n4.log global_batch_size",     "hf_trainer_bigscience_n4.log micro_batch_size",
    "hf_trainer_bigscience_n4.log gradient_accumulation_steps", "hf_trainer_ezpz_aurora_24.log global_batch_size",
    "internevo_7b_demo.log gradient_accumulation_steps",  "internevo_internlm2_7b.log gradient_accumulation_steps",
    "internevo_llama2_gqa_ignored.log gradient_accumulation_steps", "internevo_moe_topk_omitted.log gradient_accumulation_steps",
    "megatron_deepspeed_tr11_176b_spike.log global_batch_size",
    "megatron_deepspeed_tr11_prequel_200b_old_formula.log global_batch_size",
    "megatron_deepspeed_tr11_reshape_24nodes.log global_batch_size", "megatron_fork_samples_sec.log global_batch_size",
    "megatron_issue756_mixtral.log global_batch_size",    "megatron_rocm_llama2_7b_fp8.log global_batch_size",
    "megatron_tr1_13b_spike.log global_batch_size",       "mindspeed_qwen3_8b_pretrain.log global_batch_size",
    "nanotron_pr23_tiny.log global_batch_size",           "nemo_aicb_llama3_8b.log global_batch_size",
    "primus_megatron_two_values.log global_batch_size",   "primus_megatron_two_values.log processors",
    "swissai_megatron_progress_txt.log processors",       "torchtitan_pr1349_autoparallel.log processors",
    "torchtitan_pr533_gpt2_wps_format.log global_batch_size", "torchtitan_pr533_gpt2_wps_format.log micro_batch_size",
    "torchtitan_pr533_gpt2_wps_format.log sequence_length"};
}  // namespace

TEST_CASE("every claim of the excerpts is found") {
  json_document const index{excerpts / "index.json"};
  std::size_t elsewhere = 0;
  for (auto const& entry : index.tree()) {
    auto const file = entry["file"].get<std::string>();
    auto const log = read_training_log(excerpts / file);
    auto const& claims = entry["claimed"];
    auto const check = [&](char const* name, double scale, std::optional<running_statistic> log_claims::*claim) {
      auto const& value = claims[name];
      if (value.is_null()) return;
      auto const number = value.is_string() ? std::stod(value.get<std::string>()) : value.get<double>();
      auto const key = file + " " + name;
      CAPTURE(key);
      bool const found = holds(log.claimed.*claim, number * scale) || holds(log.summary.*claim, number * scale);
      CHECK(found != said_elsewhere.contains(key));
      elsewhere += found ? 0 : 1;
    };
    check("tokens_per_second", 1, &log_claims::tokens_per_second);
    check("tokens_per_processor_second", 1, &log_claims::tokens_per_processor_second);
    check("tflops", 1e12, &log_claims::flop_rate);
    check("mfu", 0.01, &log_claims::mfu);
  }
  CHECK(elsewhere == said_elsewhere.size());
}

TEST_CASE("the facts that excerpts say are found, and no others") {
  json_document const index{excerpts / "index.json"};
  std::set<std::string> found;
  for (auto const& entry : index.tree()) {
    auto const file = entry["file"].get<std::string>();
    auto const log = read_training_log(excerpts / file);
    auto const check = [&](char const* name, std::optional<said<std::int64_t>> const& fact) {
      if (!fact) return;
      auto const key = file + " " + name;
      CAPTURE(key);
      CHECK(entry[name] == fact->value);
      CHECK_FALSE(fact->changed);
      found.insert(key);
    };
    check("sequence_length", log.sequence_length);
    check("processors", log.world_size);
    check("global_batch_size", log.global_batch_size);
    check("micro_batch_size", log.micro_batch_size);
    check("gradient_accumulation_steps", log.gradient_accumulation_steps);
  }
  CHECK(found == facts_said);
}

TEST_CASE("what is no log says nothing, and what cannot be read says why") {
  scratch_folder const folder;
  auto const nothing = read_training_log(folder.file("empty.log", ""));
  CHECK(nothing.framework.empty());
  CHECK(nothing.lines == 0);
  CHECK(read_training_log(folder.file("prose.txt", "Once upon a time\nthere was a step.\n")).framework.empty());
  CHECK(read_training_log_text(std::string(3'000'000, 'x')).steps == 0);
  CHECK(message_of([&] { read_training_log(folder / "none.log"); }) == (folder / "none.log").string() + ": needed a readable file, found none");
  CHECK(message_of([&] { read_training_log(folder.path()); }) == folder.path().string() + ": needed a readable file, found a directory");
}
