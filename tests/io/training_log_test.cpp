// What may happen to a log between the program and the reader; the programs' own lines are held to in
// tests/truth/.
#include <kunmetrics/io/training_log.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <filesystem>
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

TEST_CASE("every log cut at every byte is still read") {
  for (auto const& entry : std::filesystem::directory_iterator{excerpts}) {
    if (entry.path().extension() != ".log") continue;
    auto const text = content(entry.path());
    auto const step = std::max<std::size_t>(1, text.size() / 600);  // of longer ones some 600 places
    for (std::size_t size = 0; size <= text.size(); size += step) {
      CHECK(read_training_log_text(std::string_view{text}.substr(0, size)).steps >= 0);
    }
  }
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
