// What the command line of llama2_zero3 changes of a case, and where the run writes.
#pragma once

#include "compute_device.hpp"

#include <kunmetrics/devices.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace trainer {

struct options {
  std::filesystem::path case_path;
  std::filesystem::path out = "build/run";
  std::optional<std::filesystem::path> tokens;
  std::optional<std::int64_t> ranks, layers, steps;
  std::optional<kunmetrics::precision> precision;
  std::string engine = "threads";
  std::string collectives = "gloo";  // of c10d
  std::string backend = "cpu";
  compute_device device{};           // of the torch backend
  std::string fc_tuning = "off";
  bool profile = false;
  std::int64_t threads = 0;  // a rank's; 0: the machine's, shared evenly
  double timeout = 120;      // seconds that a rank waits for another
  std::uint64_t seed = 0;
  std::optional<std::int64_t> checkpoint_every;   // steps
  std::int64_t keep = 2;                          // checkpoints
  std::int64_t restarts = 0;
  std::optional<std::filesystem::path> import_safetensors, export_safetensors;
  std::optional<std::filesystem::path> resume;    // a checkpoint, or a folder of them
  std::string events;                 // of which harness, on standard output; empty: none
  std::string metrics;                // the address of /metrics; empty: none
  std::string monitor;                // "machine", or a command; empty: none
  std::filesystem::path monitor_log;  // FlagPerf's, in place of a command
  double monitor_every = 5;           // seconds, as FlagPerf's monitors
};

}  // namespace trainer
