// What logs say themselves is enough for an audit, and held against facts of the same interval.
#include <kunmetrics/io/audit_log.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;

namespace {
audit_result audited(std::string const& text, audit_facts const& known = {}) {
  return audit(read_training_log_text(text), known);
}

bool finds(audit_result const& result, std::string_view trap) {
  return std::ranges::any_of(result.findings, [&](auto const& finding) { return finding.trap == trap; });
}
bool notes(audit_result const& result, std::string_view part) {
  return std::ranges::any_of(result.notes, [&](auto const& note) { return note.find(part) != std::string::npos; });
}
bool leaves(audit_result const& result, std::string_view claim) {
  return std::ranges::any_of(result.unchecked, [&](auto const& left) { return left.claim == claim; });
}

// The end of a FlagPerf run as its script prints it.
std::string flagperf(std::string const& tokens_per_second, std::string const& of_one, std::string const& peak,
                     std::string const& mfu) {
  return "[PerfLog] {\"event\": \"STEP_END\", \"value\": {\"loss\": 2.67, \"global_steps\": 10}, \"metadata\": {}}\n"
         "System tokens per second: " + tokens_per_second + "\nTokens/p/s: " + of_one + "\nTheory TFLOPS: " + peak +
         "\nMFU:  " + mfu + "\n";
}
audit_facts const two_nodes{.model = models::llama2_7b, .sequence_length = 4096, .processors = 16, .nodes = 2};
}  // namespace

TEST_CASE("what a log claims at its end is audited: FlagPerf's rate off by nodes squared") {
  auto const result = audited(flagperf("57024.0", "14256.0", "312", "1.919"), two_nodes);
  CHECK(result.verdict == audit_verdict::wrong);
  CHECK(result.findings.front().trap == "nodes squared");
  CHECK(result.findings.front().factor == doctest::Approx(4));
  CHECK(finds(result, "impossible MFU"));
  CHECK(result.convention() == "flagperf_nominal");
  CHECK(*result.tokens_per_processor_second == doctest::Approx(3564));  // of the job's rate
  CHECK(result.mfu.at("flagperf_nominal") == doctest::Approx(0.4798).epsilon(1e-3));

  auto const honest = audited(flagperf("57024.0", "3564.0", "312", "0.4798"), two_nodes);
  CHECK(honest.verdict == audit_verdict::consistent);
  CHECK(honest.findings.empty());

  auto without_nodes = two_nodes;
  without_nodes.nodes.reset();
  auto const guessed = audited(flagperf("57024.0", "14256.0", "312", "1.919"), without_nodes);
  REQUIRE(finds(guessed, "nodes squared"));
  CHECK(guessed.findings.front().explanation.ends_with("if it ran on 2 nodes"));
}

TEST_CASE("a peak of -1 is confidential, and its negative MFU no mistake") {
  auto const result = audited(flagperf("57024.0", "3564.0", "-1", "-149.7"), two_nodes);
  CHECK(result.verdict == audit_verdict::unknown);
  CHECK(result.findings.empty());
  CHECK(notes(result, "confidential"));
  CHECK(result.mfu.empty());
  CHECK(leaves(result, "MFU, at the end"));
}

TEST_CASE("the peak that a program says it used is held against the device that it names") {
  std::string const card =
      "| device                | NVIDIA GeForce RTX 4090                            |\n"
      "| peak TFlops           | 330.3                                              |\n"
      "| sequence length T     | 1024                                               |\n"
      "| total batch size      | 524288                                             |\n"
      "| num_processes         | 1                                                  |\n"
      "step    1/10 | loss 11.01 (+nanz)| norm 15.1374 (+nanz)| lr 8.57e-07 | 6000.00 ms | 22.6% bf16 MFU | 87381 tok/s\n";
  auto const result = audited(card);
  CHECK(result.verdict == audit_verdict::wrong);
  CHECK(finds(result, "sparse peak"));
  CHECK(*result.peak == doctest::Approx(165.2e12));  // the dense rate, fp32 accumulation
  CHECK(result.peak_source.find("RTX 4090") != std::string::npos);

  std::string const fallback =
      "[titan] CUDA capacity: NVIDIA H20 with 95.00GiB memory\n"
      "[titan] Peak FLOPS used for computing MFU: 3.120e+14\n"
      "[titan] step: 10  loss: 10.4260  memory: 30.89GiB(32.51%)  tps: 1,500  tflops: 69.13  mfu: 22.16%\n";
  auto const other = audited(fallback);
  CHECK(other.verdict == audit_verdict::wrong);
  REQUIRE(finds(other, "peak of another device"));
  CHECK(other.findings.front().explanation.find("A100") != std::string::npos);
  CHECK(leaves(other, "FLOP/s"));  // no model is known: what the FLOP/s stand on was not checked

  std::string const unknown =
      "[titan] CUDA capacity: Moonshot 9000 with 95.00GiB memory\n"
      "[titan] step: 10  loss: 10.4260  memory: 30.89GiB(32.51%)  tps: 1,500  tflops: 69.13  mfu: 22.16%\n";
  CHECK(notes(audited(unknown), "Moonshot 9000: no device of the table has this name"));
}

TEST_CASE("tokens without their padding are no trap, and what else they may be is said") {
  std::string const head =
      "  Instantaneous batch size per device = 4\n"
      "  Total train batch size (w. parallel, distributed & accumulation) = 64\n"
      "  Gradient Accumulation steps = 4\n";
  for (auto const share : {0.13, 0.25, 0.4}) {
    auto const rate = std::to_string(8.0 * 2048 * share);
    auto const result = audited(head + "{'train_runtime': 100.0, 'train_samples_per_second': 8.0, "
                                       "'train_tokens_per_second': " + rate + ", 'epoch': 1.0}\n",
                                {.sequence_length = 2048});
    CHECK(result.verdict != audit_verdict::wrong);
    CHECK(notes(result, "padding"));
    CHECK(notes(result, "gradient accumulation left out") == (share == 0.25));
  }
}

TEST_CASE("tokens that the trainer saw, over its run time, tell one rank's rate") {
  std::string const log =
      "{'loss': 2.6, 'epoch': 2.24, 'num_tokens': 19660800.0, 'learning_rate': 5e-07}\n"
      "{'train_runtime': 299.1983, 'train_samples_per_second': 8.021, 'train_tokens_per_second': 2737.984, 'epoch': 2.24, 'num_tokens': 19660800.0}\n";
  auto const result = audited(log, {.processors = 24});
  CHECK(result.verdict == audit_verdict::wrong);
  CHECK(finds(result, "one rank's rate"));
  CHECK(result.findings.size() == 1);
  CHECK(result.notes.empty());
  CHECK(*result.tokens_per_processor_second == doctest::Approx(19660800 / 299.1983 / 24));
}

TEST_CASE("what is of every step is told once, whatever the end claims") {
  std::string const log =
      "[titan] Training starts at step 1, with local batch size 8, global batch size 32, sequence length 2048, total steps 5\n"
      "[titan] n_tokens_seen: 655360\n"
      "[titan] step: 5  loss: 10.4260  memory: 30.89GiB(32.51%)  tps: 50,305  tflops: 3.60  mfu: 1.15%\n";
  auto const result = audited(log, {.processors = 4});
  CHECK(finds(result, "tokens of shared ranks"));
  CHECK(result.findings.size() == 1);
  CHECK(std::ranges::count_if(result.checks, [](auto const& check) { return check.relation.starts_with("tokens of a step"); }) == 1);
}

TEST_CASE("litgpt's end: its tokens over its time") {
  auto const end = [](std::string const& rate) {
    return "| - Total Tokens (w/ Padding) :   2674\n| - Training Time             :  43.95 s\n"
           "| - Tok/sec                   :  " + rate + " tok/s\n";
  };
  CHECK(audited(end("60.85")).verdict == audit_verdict::consistent);
  CHECK(audited(end("243.40"), {.gradient_accumulation_steps = 4}).verdict == audit_verdict::wrong);
}

TEST_CASE("steps that were not waited for, and those that compile, are no part of the restated rate") {
  std::string log;
  for (auto const& [step, seconds, rate] : {std::tuple{0, "44.923", "1094.129"}, {1, "0.319", "154316.6"},
                                            {2, "5.658", "8687.815"}, {3, "5.669", "8670.207"}, {4, "5.667", "8672.758"}}) {
    log += "completed step: " + std::to_string(step) + ", seconds: " + seconds +
           ", TFLOP/s/device: 134.9, Tokens/s/device: " + rate + ", total_weights: 196608, loss: 11.1\n";
  }
  auto const result = audited(log, {.processors = 4});
  CHECK(*result.tokens_per_processor_second == doctest::Approx(3 * 196608 / (5.658 + 5.669 + 5.667) / 4));
  CHECK(result.findings.empty());

  auto const of = [](std::string const& text) { return detail::settled_mean(*read_training_log_text(text).step_time); };
  auto const line = [](int step, std::string const& seconds) {
    return "completed step: " + std::to_string(step) + ", seconds: " + seconds + ", TFLOP/s/device: 1.0, loss: 1.0\n";
  };
  CHECK(of(line(0, "9.0")) == 9);  // nothing else is known
  CHECK(of(line(0, "9.0") + line(1, "4.0")) == 4);
  CHECK(of(line(0, "9.0") + line(1, "4.0") + line(2, "5.0")) == 4.5);
  CHECK(of(line(0, "9.0") + line(1, "20.0") + line(2, "5.0") + line(3, "5.0") + line(4, "5.0")) == 5);
}

TEST_CASE("a batch that ramps up: claims of the last record against the batch of the last record") {
  auto const line = [](int iteration, int batch, std::string const& ms) {
    return " iteration " + std::to_string(iteration) + "/ 100 | consumed samples: 1 | elapsed time per iteration (ms): " + ms +
           " | throughput per GPU (TFLOP/s/GPU): 184.3 | global batch size: " + std::to_string(batch) + " | lm loss: 5.0 |\n";
  };
  auto const log = line(1, 192, "21600.0") + line(2, 224, "25200.0") + line(3, 256, "28800.0");
  auto const result = audited(log, {.model = models::llama2_7b, .sequence_length = 4096, .processors = 8});
  CHECK(*result.tokens_per_processor_second == doctest::Approx(256 * 4096 / 28.8 / 8));
  CHECK(result.missing == std::vector<std::string>{"peak"});
  auto const arguments = audited("  micro_batch_size ................ 1\n  gradient_accumulation_steps ................ 96\n" + log,
                                 {.sequence_length = 4096, .processors = 256});
  CHECK(arguments.findings.empty());
  CHECK(std::ranges::none_of(arguments.checks, [](auto const& check) { return check.relation.starts_with("global batch"); }));
}

TEST_CASE("a run of another number of processors, restarted in the same log, is not averaged with it") {
  auto const job = [](int ranks, int iteration, std::string const& ms) {
    return "using world size: " + std::to_string(ranks) + ", data-parallel size: 8\n iteration " + std::to_string(iteration) +
           "/ 100 | consumed samples: 1 | elapsed time per iteration (ms): " + ms + " | global batch size: 256 | lm loss: 5.0 |\n";
  };
  auto const result = audited(job(8, 1, "20000.0") + job(16, 2, "10000.0"), {.sequence_length = 4096});
  CHECK(*result.tokens_per_processor_second == doctest::Approx(256 * 4096 / 10.0 / 16));
}

TEST_CASE("what is stated against the log is used, and the difference noted") {
  auto const result = audited(
      "[titan] Training starts at step 1, with local batch size 5, global batch size 20, sequence length 8192, total steps 100\n"
      "[titan] Model llama3 8B size: 8,030,261,248 total parameters\n"
      "[titan] CUDA capacity: NVIDIA H100 with 95.00GiB memory\n",
      {.model = models::llama2_7b, .sequence_length = 4096, .global_batch_size = 20});
  CHECK(notes(result, "sequence length: stated as 4096, the log says 8192 in line 1"));
  CHECK(notes(result, "model: the stated one has 6738415616 parameters, the log's 8030261248"));
  CHECK_FALSE(notes(result, "global batch size"));
}

TEST_CASE("rates of steps that are averaged for the run are found: the ratio of sums is another") {
  auto const log = [](std::string const& at_the_end) {
    std::string text;
    for (auto const& [step, seconds, rate] : {std::tuple{1, "1.000", "8192.0"}, {2, "4.000", "2048.0"}, {3, "1.000", "8192.0"}, {4, "4.000", "2048.0"}}) {
      text += " iteration " + std::to_string(step) + "/ 4 | elapsed time per iteration (s): " + seconds +
              " | tokens per GPU (tokens/s/GPU): " + rate + " | global batch size: 2 | lm loss: 5.0 |\n";
    }
    return text + "tokens/GPU/s: " + at_the_end + "\n";
  };
  audit_facts const known{.sequence_length = 4096, .processors = 1};
  auto const averaged = audited(log("5120.0"), known);
  CHECK(averaged.verdict == audit_verdict::wrong);
  REQUIRE(finds(averaged, "mean of rates"));
  CHECK_FALSE(finds(audited(log("3276.8"), known), "mean of rates"));
}

TEST_CASE("DeepSpeed-Chat and the flops profiler") {
  auto const chat = read_training_log_text(
      "Model Parameters: 1.429 B, Latency: 0.60s, TFLOPs: 77.26, Samples/sec: 26.59, Time/seq 0.04s, Batch Size: 16, Sequence Length: 512\n");
  CHECK(chat.framework == "DeepSpeed");
  CHECK(chat.steps == 1);
  CHECK(chat.global_batch_size->value == 16);
  CHECK(chat.parameters->value == doctest::Approx(1.429e9));
  CHECK(audit(chat, {.processors = 1}).checks.size() == 1);

  auto const table = read_training_log_text(
      "Profile Summary at step 10:\n"
      "world size:                                                    8\n"
      "batch size per GPU:                                            80\n"
      "params of model = params per GPU * mp_size:                    336.23 M\n"
      "iter latency:                                                  184.73 ms\n"
      "FLOPS per GPU = 3 * fwd flops per GPU / iter latency:          101.98 TFLOPS\n"
      "samples/second:                                                3464.5\n");
  CHECK(table.framework == "DeepSpeed");
  CHECK(table.first_step == 10);
  CHECK(table.step_time->last == doctest::Approx(0.18473));
  CHECK(table.claimed.flop_rate->last == doctest::Approx(101.98e12));
  CHECK(table.world_size->value == 8);
  CHECK(audit(table, {.global_batch_size = 640}).findings.empty());
  CHECK(finds(audit(table, {.global_batch_size = 80}), "whole job's rate"));
}

// Honest runs that a reviewer's logs were called wrong for, and claims that were passed unchecked.
TEST_CASE("what DeepSpeed's dump calls world size is the number of replicas") {
  auto const log = read_training_log_text(
      "  world_size ...................................... 64\n"
      "[2024-01-01 00:00:00,000] [INFO] [config.py:1040:print]   world_size ................... 8\n");
  CHECK(log.world_size->value == 64);
}

TEST_CASE("a total that is printed in three digits says nothing of one step") {
  std::string log;
  for (auto const& [step, seen] : {std::pair{1, "2.47B"}, {2, "2.47B"}, {3, "2.48B"}, {4, "2.48B"}, {5, "2.49B"}}) {
    log += "iteration: " + std::to_string(step) + " / 100 | consumed_tokens: " + seen +
           " | elapsed_time_per_iteration_ms: 1000 | tokens_per_sec: 1.25M | global_batch_size: 304 | lm_loss: 2.5\n";
  }
  CHECK_FALSE(read_training_log_text(log).tokens_seen->per_step());
  CHECK(audited(log, {.sequence_length = 4096, .processors = 32}).findings.empty());
}

TEST_CASE("a ramp's true summary is no mean of rates") {
  std::string log;
  for (auto const& [step, batch, ms] : {std::tuple{1, "16", "2000.0"}, {2, "32", "4000.0"}, {3, "64", "8000.0"}}) {
    log += " iteration " + std::to_string(step) + "/ 3 | elapsed time per iteration (ms): " + ms +
           " | tokens per GPU (tokens/s/GPU): 32768.0 | global batch size: " + batch + " | lm loss: 5.0 |\n";
  }
  CHECK(audited(log + "tokens/GPU/s: 32768.0\n", {.sequence_length = 4096, .processors = 1}).findings.empty());
}

TEST_CASE("nanoGPT's MFU of the first iterations is none, and a moving average is of the mean time") {
  std::string log = "iter 0: loss 10.9886, time 41211.51ms, mfu -100.00%\n";
  CHECK(audited(log).findings.empty());
  for (int i = 1; i <= 20; ++i) {
    log += "iter " + std::to_string(i) + ": loss 3.0000, time " + (i == 20 ? "4400.00" : "500.00") + "ms, mfu 40.00%\n";
  }
  auto const facts = facts_of(read_training_log_text(log), {});
  CHECK(*facts.step_time == doctest::Approx((19 * 500 + 4400) / 20 * 1e-3));
}

TEST_CASE("tokens of a resumed run are not of its time, and those of another record neither") {
  std::string resumed;
  for (int i = 51; i <= 60; ++i) {
    resumed += "{'loss': 2.6, 'epoch': 0." + std::to_string(i) + ", 'num_input_tokens_seen': " + std::to_string(i * 1000000) + "}\n";
  }
  auto const end = [](std::string const& more) {
    return "{'train_runtime': 100.0, 'train_tokens_per_second': 100000.0, 'epoch': 0.6" + more + "}\n";
  };
  CHECK(audited(resumed + end(", 'num_input_tokens_seen': 60000000"), {.processors = 6}).findings.empty());
  CHECK(audited("{'loss': 2.6, 'epoch': 0.1, 'num_input_tokens_seen': 5000000}\n" + end(""), {.processors = 2}).findings.empty());
}

TEST_CASE("a step that is not full, or padded, is no trap, and its own rate holds") {
  auto const log = [](std::string const& rate) {
    return "completed step: 5, seconds: 1.000, TFLOP/s/device: 1.0, Tokens/s/device: " + rate + ", total_weights: 8192, loss: 1.0\n";
  };
  audit_facts const known{.sequence_length = 2048, .global_batch_size = 8, .gradient_accumulation_steps = 2, .processors = 1};
  for (auto const rate : {"16384.0", "8192.0"}) {
    auto const result = audited(log(rate), known);
    CHECK(result.findings.empty());
    CHECK(notes(result, "padding"));
    CHECK(std::ranges::all_of(result.checks, &audit_check::holds));
  }
}

TEST_CASE("a number of one digit, or of none, decides nothing") {
  auto const log = [](std::string const& mfu) {
    return "[titan] CUDA capacity: NVIDIA H100 with 95.00GiB memory\n"
           "[titan] step: 10  loss: 10.4260  memory: 30.89GiB(32.51%)  tps: 32  mfu: " + mfu + "\n";
  };
  audit_facts const known{.model = models::llama2_7b, .sequence_length = 4096};
  for (auto const mfu : {"0.2%", "0.1%", "0.0%"}) {
    auto const result = audited(log(mfu), known);
    CHECK(result.verdict == audit_verdict::unknown);
    CHECK(result.findings.empty());
    CHECK(leaves(result, "MFU"));
  }
  auto const huge = read_training_log_text(" iteration 1/ 9 | throughput per GPU (TFLOP/s/GPU): 1e300 | lm loss: 5.0 |\n");
  CHECK_FALSE(huge.claimed.flop_rate);
}

TEST_CASE("FlagPerf's result in one line is read whole") {
  auto const result = audited("System tokens per second: 57024.0   Tokens/p/s: 14256.0   Theory TFLOPS: -1\n", two_nodes);
  CHECK(result.findings.front().trap == "nodes squared");
  CHECK(notes(result, "confidential"));
}
