// The command line of llama2_zero3.
#pragma once

#include "options.hpp"

#include <kunmetrics/io/text.hpp>

#include <CLI/CLI.hpp>

#include <map>
#include <string>

namespace trainer {

// A range that NaN is outside of, unlike CLI::Range's.
inline CLI::Validator seconds_between(double low, double high) {
  auto const text = "a number of " + kunmetrics::significant(low, 3) + " to " + kunmetrics::significant(high, 7);
  return {[=](std::string const& given) {
            double value = 0;
            return CLI::detail::lexical_cast(given, value) && value >= low && value <= high ? std::string{} : text + " was needed, received " + given;
          },
          text};
}

// Fills `o` when the app parses.
inline void add_options(CLI::App& app, options& o) {
  auto const count = CLI::Range(std::int64_t{1}, std::int64_t{1} << 40U);
  app.add_option("--case", o.case_path, "the case, a JSON file (cases/ has some)")->required();
  app.add_option("--out", o.out, "folder for report.md, report.en.md, report.json, report.html and steps.jsonl")->capture_default_str();
  app.add_option("--steps", o.steps,
                 "steps to train; default: to the end of the learning-rate schedule, else one pass over the tokens, "
                 "at most 100 million of them")->check(count);
  app.add_option("--layers", o.layers,
                 "train so many layers of the model, at its full width, on as many ranks as fit into memory")->check(count);
  app.add_option("--ranks", o.ranks, "data-parallel ranks in place of the case's; with mpi and c10d it is their launcher that says how many")->check(CLI::Range(1, 1024));
  app.add_option("--threads", o.threads, "threads of a rank's matrix products; default: the cores shared evenly")
      ->check(CLI::Range(1, 1024));
  app.add_option("--tokens", o.tokens, "token ids in place of the case's: .npy, nanoGPT's or llm.c's .bin, Megatron's .bin or .idx");
  app.add_option("--precision", o.precision, "fp32, bf16 or fp16, in place of the case's")
      ->transform(CLI::CheckedTransformer(std::map<std::string, kunmetrics::precision>{
          {"fp32", kunmetrics::fp32}, {"bf16", kunmetrics::bf16}, {"fp16", kunmetrics::fp16}}));
  app.add_option("--checkpoint-every", o.checkpoint_every,
                 "steps between checkpoints, in OUT/checkpoints; there is one at the end too, and one when a signal ends the run")
      ->check(count);
  app.add_option("--keep", o.keep, "checkpoints to keep, the newest")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  auto* const resume_option = app.add_option(
      "--resume", o.resume, "goes on from a checkpoint, or from the latest in a folder of them, on any number of ranks");
  auto* const import_option = app.add_option("--import-safetensors", o.import_safetensors,
                                             "begins with the parameters of a Hugging Face llama: a folder or a .safetensors file");
  app.add_option("--export-safetensors", o.export_safetensors,
                 "writes the parameters of the checkpoint of --resume as a Hugging Face llama into a folder, and trains nothing")
      ->needs(resume_option)->excludes(import_option);
  import_option->excludes(resume_option);
  app.add_option("--events", o.events,
                 "print each step and the end as the harness's own lines: FlagPerf's [PerfLog], or MLPerf's :::MLLOG")
      ->check(CLI::IsMember({"flagperf", "mlperf"}));
  app.add_option("--metrics", o.metrics, "serve /metrics to Prometheus at HOST:PORT while training");
  auto* const monitor = app.add_option(
      "--monitor", o.monitor,
      "read memory, power, temperature and utilisation now and then: \"machine\" (/proc and RAPL), or "
      "a command that prints lines as 37C 74W 0MiB 32768MiB 0%, one a card");
  app.add_option("--monitor-log", o.monitor_log, "the same from a monitor's log that FlagPerf keeps")
      ->excludes(monitor);
  app.add_option("--monitor-every", o.monitor_every, "seconds between two readings")
      ->check(seconds_between(0.01, 3600))
      ->capture_default_str();
  app.add_option("--restarts", o.restarts,
                 "restarts from the latest checkpoint when the run fails, but not when one step fails twice; with mpi, "
                 "outside of mpirun, which is then started with --ranks")->check(CLI::Range(0, 1'000'000))->capture_default_str();
  app.add_option("--seed", o.seed, "of the initial parameters, the order of samples and synthetic tokens")->capture_default_str();
  app.add_option("--engine", o.engine, "what ranks are: threads of this process, the processes of mpirun (mpi), or those of torchrun over libtorch's collectives (c10d)")
      ->check(CLI::IsMember({"threads", "mpi", "c10d"}))->capture_default_str();
  app.add_option("--collectives", o.collectives, "of --engine c10d: gloo, or nccl through a card for each rank")
      ->check(CLI::IsMember({"gloo", "nccl"}))->capture_default_str();
  app.add_option("--timeout", o.timeout, "seconds that a rank waits for another before the run is given up")
      ->check(seconds_between(0.1, 1e6))->capture_default_str();
  app.add_option("--backend", o.backend, "what computes: our own operators over oneDNN, or libtorch's (torch)")
      ->check(CLI::IsMember({"cpu", "torch"}))->capture_default_str();
  app.add_option_function<std::string>(
         "--device", [&o](std::string const& text) { o.device = *compute_device_of(text); },
         "where libtorch computes: cpu, cuda (a card for each rank of a host), or cuda:K for one rank")
      ->check([](std::string const& text) { return compute_device_of(text) ? std::string{} : "cpu, cuda or cuda:K was needed, received " + text; })
      ->default_str("cpu");
  app.add_flag("--profile", o.profile,
               "print where rank 0's time goes, by operator and pass, with rates and share of the roofline; OUT/profile.json "
               "and OUT/trace.json, a Chrome trace of the steps' phases, have it too");
  app.add_option("--fc-tuning", o.fc_tuning,
                 "blocking of the matrix products: as it is (off), as once measured on this machine for such a run, else "
                 "measured now and kept (cache), or measured now (force); tuned runs may differ in last bits")
      ->check(CLI::IsMember({"off", "cache", "force"}))->capture_default_str();
}

}  // namespace trainer
