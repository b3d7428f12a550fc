// The built trainer among failing disks, vanished readers and monitors; on a terminal; and asked by HTTP.
#include "npy.hpp"

#include <kunmetrics/io/step_log.hpp>
#include <kunmetrics/io/training_log.hpp>

#include "../loopback.hpp"
#include "program.hpp"
#include "scratch_folder.hpp"
#include "small_disk.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <pty.h>
#include <sys/stat.h>

using trainer_test::content;
using trainer_test::run_program;
using trainer_test::scratch_folder;
using trainer_test::small_disk;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;

struct small_folder : scratch_folder {
  small_folder() {
    std::vector<std::int32_t> ids(5000);
    for (std::size_t i = 1; i < ids.size(); ++i) ids[i] = (ids[i - 1] * 7 + 3) % 61;
    trainer::write_npy(*this / "t.npy", trainer::npy_type::i8, ids);
    file("small.json", R"({"name": "small", "model": {"model_type": "llama", "_name_or_path": "tiny", "hidden_size": 24,
      "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3, "vocab_size": 61}, "processor": "cpu",
      "nodes": 1, "processors_per_node": 2, "precision": "fp32", "sequence_length": 16, "micro_batch_size": 2,
      "gradient_accumulation_steps": 1, "recompute": "layers", "attention": "flash", "tokens": "t.npy",
      "deepspeed_config": {"train_batch_size": 4, "train_micro_batch_size_per_gpu": 2, "gradient_clipping": 1.0,
        "optimizer": {"type": "AdamW", "params": {"lr": 1e-2}}, "zero_optimization": {"stage": 3}}})");
  }
};

std::size_t count(std::string const& text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

std::vector<std::string> training(std::string const& steps, std::vector<std::string> more = {}) {
  std::vector<std::string> all{"--case", "small.json", "--steps", steps, "--out", "run"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
}  // namespace

TEST_CASE("a file that may not grow: one warning, all steps trained, whole lines, the report on standard output") {
  small_folder const folder;
  auto const result = run_program(folder, program, training("60"), "ulimit -f 8; ");  // blocks of 512 bytes
  CHECK(count(result.err, "warning: ") == 1);
  CHECK(
      result.err.find(
          "warning: run/steps.jsonl: needed room for one more line, received File too large; the training goes on\n") !=
      std::string::npos);
  CHECK(result.err.find("step 60/60 ") != std::string::npos);
  CHECK(result.out.find("steps measured: 58") != std::string::npos);
  CHECK(result.code == 2);  // the reports do not fit either
  auto const text = content(folder / "run" / "steps.jsonl");
  CHECK(text.size() <= 8 * 512);
  CHECK(text.ends_with("}\n"));
  auto const log = kunmetrics::read_step_log(folder / "run" / "steps.jsonl");
  CHECK(log.records.size() >= 5);
  CHECK(log.records.size() < 60);
}

TEST_CASE("a disk that is full, a real one of 20 kB") {
  small_folder const folder;
  small_disk const disk{folder / "disk", 20};
  if (!disk) {
    MESSAGE("not checked: only root mounts a small disk");
    return;
  }
  auto const result = run_program(folder, program, {"--case", "small.json", "--steps", "200", "--out", "disk"});
  auto const log = kunmetrics::read_step_log(folder / "disk" / "steps.jsonl");
  CHECK(count(result.err, "warning: ") == 1);
  CHECK(result.err.find("received No space left on device; the training goes on\n") != std::string::npos);
  CHECK(result.err.find("step 200/200 ") != std::string::npos);
  CHECK(result.out.find("steps measured: 198") != std::string::npos);
  CHECK_FALSE(log.cut);
  CHECK(log.records.size() >= 20);
}

TEST_CASE("a pipe in the place of the log, whose reader leaves after two lines") {
  small_folder const folder;
  std::filesystem::create_directory(folder / "run");
  REQUIRE(::mkfifo((folder / "run" / "steps.jsonl").c_str(), 0600) == 0);
  auto const result = run_program(folder, program, training("40"), "{ head -n 2 run/steps.jsonl > read & } && ");
  CHECK(result.code == 0);
  CHECK(count(result.err, "warning: ") == 1);
  CHECK(result.err.find("received Broken pipe; the training goes on\n") != std::string::npos);
  CHECK(result.out.find("steps measured: 38") != std::string::npos);
  CHECK(count(content(folder / "read"), "\n") == 2);
}

TEST_CASE("standard output and error closed by their reader do not end the training") {
  small_folder const folder;
  loopback::running_program const reader{{"/bin/sh", "-c",
                                          "cd '" + folder.path().string() + "' && '" + program +
                                              "' --case small.json --steps 40 --out run 2>&1 | head -n 1"},
                                         (folder / "said").string()};
  auto const report = folder / "run" / "report.html";
  for (int i = 0; i < 600 && !std::filesystem::exists(report); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  CHECK(std::filesystem::exists(report));
  CHECK(kunmetrics::read_step_log(folder / "run" / "steps.jsonl").records.size() == 40);
}

TEST_CASE("killed at any moment, the log is readable up to its last whole line") {
  for (int wait : {300, 700}) {
    small_folder const folder;
    auto const log = folder / "run" / "steps.jsonl";
    loopback::running_program trainer{
        {program, "--case", (folder / "small.json").string(), "--steps", "1000000", "--out", (folder / "run").string()},
        (folder / "said").string()};
    for (int i = 0; i < 600 && content(log).empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{50});
    std::this_thread::sleep_for(std::chrono::milliseconds{wait});
    CHECK(trainer.ended(SIGKILL) == -SIGKILL);
    auto const read = kunmetrics::read_step_log(log);
    CHECK(read.restarts == 0);
    REQUIRE(read.records.size() > 3);
    CHECK(read.records.back().step.coherent() == static_cast<std::int64_t>(read.records.size()));
  }
}

TEST_CASE("the lines of FlagPerf and of MLPerf on standard output, before the report") {
  small_folder const folder;
  auto const flagperf = run_program(folder, program, training("6", {"--events", "flagperf"}));
  CHECK(flagperf.code == 0);
  auto const read = kunmetrics::read_training_log_text(flagperf.out);
  CHECK(read.framework == "FlagPerf");
  CHECK(read.steps == 6);
  CHECK(*read.samples_seen->per_step() == 4);
  CHECK(count(flagperf.out, "\"event\": \"STEP_END\"") == 6);
  CHECK(count(flagperf.out, "\"event\": \"FINISHED\", \"value\": {\"e2e_time\": ") == 1);
  CHECK(flagperf.out.find("FINISHED") < flagperf.out.find("* Performance"));

  auto const mlperf = run_program(folder, program, training("6", {"--events", "mlperf"}));
  std::istringstream lines{mlperf.out};
  std::vector<std::string> keys;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(":::MLLOG ")) keys.push_back(nlohmann::json::parse(line.substr(9)).at("key"));
  }
  REQUIRE(keys.size() == 2 + 2 * 6 + 5 + 1);
  CHECK(keys.front() == "run_start");
  CHECK(keys[1] == "global_batch_size");
  CHECK(keys[2] == "train_loss");
  CHECK(keys[3] == "tracked_stats");
  CHECK(keys.back() == "run_stop");
  CHECK(mlperf.out.find("\"status\": \"success\"") != std::string::npos);

  small_folder const other;
  auto const stopped = run_program(other, program, training("100000", {"--events", "mlperf"}), trainer_test::terminated_after_a_step("run"));
  CHECK(stopped.code == 0);
  CHECK(stopped.out.find("\"status\": \"aborted\"") != std::string::npos);
}

TEST_CASE("a reader of standard output that is gone costs its lines and a warning, not the training") {
  small_folder const folder;
  auto const command = training("6", {"--events", "flagperf"});
  std::vector<std::string> all{"-c", "\"$@\" > /dev/full", "sh", program};
  all.insert(all.end(), command.begin(), command.end());
  auto const result = run_program(folder, "sh", all);
  CHECK(result.code == 0);
  std::string const warning = "warning: standard output does not take the event lines: No space left on device; the training goes on\n";
  auto const first = result.err.find(warning);
  CHECK(first != std::string::npos);
  CHECK(result.err.find(warning, first + 1) == std::string::npos);
  CHECK(result.err.find("note: standard output did not take the report; it is in run\n") != std::string::npos);
  CHECK(content(folder / "run/report.md").size() > 100);
}

TEST_CASE("a monitor of cards: in each step, in the page, and the report's memory says where it is from") {
  small_folder const folder;
  folder.file("cards.sh", "echo 37C 74W 29000MiB 32768MiB 90%; echo 38C 75W 29696MiB 32768MiB 92%\n");
  auto const result = run_program(folder, program,
                                  training("12", {"--monitor", "sh cards.sh", "--monitor-every", "0.02"}));
  CHECK(result.code == 0);
  auto const report = nlohmann::json::parse(content(folder / "run" / "report.json"));
  CHECK(report["memory"]["used"]["value"] == 29696LL << 20);
  CHECK(report["memory"]["total"]["value"] == 32LL << 30);
  CHECK(report["memory"]["measured_by"]["en"].get<std::string>().starts_with(
      "read by the monitor, the command `sh cards.sh`"));
  CHECK(report["monitor"]["cards"] == 2);
  CHECK(report["monitor"]["mean_power"]["value"].get<double>() == doctest::Approx(149));
  CHECK(content(folder / "run" / "steps.jsonl").find(R"("device":{"cards":2,"memory_used":31138512896,)") !=
        std::string::npos);
  CHECK(content(folder / "run" / "report.html").find("<figcaption>Memory ") != std::string::npos);
  CHECK(result.out.find("29.00/32.00 [") != std::string::npos);
}

TEST_CASE("the machine itself, and a monitor that fails: the allocator's memory stays the report's, one warning") {
  small_folder const folder;
  CHECK(run_program(folder, program, training("12", {"--monitor", "machine", "--monitor-every", "0.02"})).code == 0);
  auto const report = nlohmann::json::parse(content(folder / "run" / "report.json"));
  CHECK(report["memory"]["measured_by"]["en"].get<std::string>().starts_with("from the trainer's ledger"));
  CHECK(report["monitor"]["memory_peak"]["value"] > 1'000'000);
  auto const failing = run_program(folder, program, training("12", {"--monitor", "exit 1", "--monitor-every", "0.02"}));
  CHECK(failing.code == 0);
  CHECK(count(failing.err, "warning: ") == 1);
  CHECK(failing.err.find(
            "warning: exit 1: needed lines as 37C 74W 0MiB 32768MiB 0%, received none; the training goes on") !=
        std::string::npos);
}

#if defined(KUNMETRICS_WITH_PROMETHEUS)
namespace {
// A program with libtorch in it has the system's BLAS in it too, and OpenBLAS leaves threads of civetweb's size no stack.
bool without_server(std::string const& said) {
  bool const without = said.find("needed threads of 100 KiB of stack, as civetweb starts them") != std::string::npos;
  if (without) MESSAGE("not checked: " << said);
  return without;
}
}  // namespace

TEST_CASE("/metrics while training: sums that grow, MFU with convention and peak, the rank that is slow") {
  small_folder const folder;
  auto const port = loopback::free_port();
  loopback::running_program trainer{
      {"/usr/bin/env", "LLAMA2_ZERO3_FAULT=delay:1:1:data", program, "--case", (folder / "small.json").string(),
       "--steps", "1000000", "--out", (folder / "run").string(), "--metrics", "127.0.0.1:" + std::to_string(port),
       "--monitor", "machine"},
      (folder / "said").string()};
  auto const tokens = [&]() -> double {
    auto const page = loopback::http_get(port, "/metrics").value_or("");
    auto const at = page.find("\nkunmetrics_tokens_total ");
    return at == std::string::npos ? -1 : std::stod(page.substr(at + 25));
  };
  double first = -1;
  for (int i = 0; i < 600 && first <= 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    first = tokens();
    if (without_server(content(folder / "said"))) return;
  }
  REQUIRE(first > 0);
  double later = first;
  for (int i = 0; i < 200 && later == first; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    later = tokens();
  }
  CHECK(later > first);
  CHECK(static_cast<std::int64_t>(later) % 64 == 0);  // 4 samples of 16 tokens a step
  std::string page;
  for (int i = 0; i < 600 && page.find("kunmetrics_straggler_rank") == std::string::npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
    page = loopback::http_get(port, "/metrics").value_or("");
  }
  for (
      std::string_view part :
      {"# TYPE kunmetrics_time_seconds_total counter\n", "kunmetrics_last_loss ",
       "kunmetrics_tokens_per_processor_second ",
       "kunmetrics_mfu_ratio{convention=\"palm\",peak_precision=\"fp32\",peak_source=\"measured at the start of the run",
       "kunmetrics_hfu_ratio{convention=\"palm\",recompute=\"layers\",",
       "kunmetrics_last_phases_seconds{phase=\"forward\"} ", "kunmetrics_goodput_productive_seconds ",
       "kunmetrics_device_memory_used_bytes ",
       "# TYPE kunmetrics_straggler_rank gauge\nkunmetrics_straggler_rank 1\n", "kunmetrics_straggler_own_work_seconds ",
       "kunmetrics_straggler_median_own_work_seconds ", "straggler_node=\""}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(trainer.ended(SIGTERM) == 0);
}

TEST_CASE("an address that is taken is refused before anything is trained") {
  small_folder const folder;
  auto const result = run_program(folder, program, training("5", {"--metrics", "127.0.0.1:99999"}));
  CHECK(result.code == 2);
  if (without_server(result.err)) return;
  CHECK(
      result.err.find(
          "llama2_zero3: 127.0.0.1:99999: needed an address to listen on, HOST:PORT, received one that is taken or none\n") !=
      std::string::npos);
  CHECK(result.err.find("step 1/") == std::string::npos);
}
#endif

TEST_CASE("on a terminal: one line, rewritten, no wider than it, with bar and time to go") {
  small_folder const folder;
  ::winsize size{};
  size.ws_col = 110;
  size.ws_row = 24;
  int terminal = -1;
  auto const child = ::forkpty(&terminal, nullptr, nullptr, &size);
  if (child == 0) {
    if (::chdir(folder.path().c_str()) != 0) ::_exit(126);
    ::execl(program.c_str(), program.c_str(), "--case", "small.json", "--steps", "400", "--out", "run",
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
  std::string said;
  char block[4096];
  for (::ssize_t got; (got = ::read(terminal, block, sizeof block)) > 0;)
    said.append(block, static_cast<std::size_t>(got));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  // the lines lie between a carriage return and the order to clear the rest
  std::vector<std::string> lines;
  for (auto at = said.find("\rstep "); at != std::string::npos; at = said.find("\rstep ", at + 1)) {
    auto const end = said.find("\x1b[K", at);
    REQUIRE(end != std::string::npos);
    lines.push_back(said.substr(at + 1, end - at - 1));
  }
  REQUIRE(lines.size() >= 2);
  CHECK(lines.size() < 200);  // of 400 steps: five a second
  CHECK(lines.front().starts_with("step 1/400  loss "));
  CHECK(lines.back().starts_with("step 400/400  loss "));
  CHECK(lines.back().find(" tokens/p/s  MFU(palm) ") != std::string::npos);
  CHECK(lines.back().find("  ETA 0:00:00") != std::string::npos);
  for (auto const& line : lines) CHECK(line.size() <= 110);
}
