// A Megatron log of 100 MB, read for all that it says, against grep counting its iterations.
#include <kunmetrics/io/training_log.hpp>

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace {

// The file exists for as long as the program runs.
class megatron_log {
 public:
  megatron_log() : path_{std::filesystem::temp_directory_path() / ("kunmetrics_bench." + std::to_string(::getpid()) + ".log")} {
    std::ofstream file{path_};
    for (int i = 1; size_ < 100'000'000; ++i) {
      std::string const line =
          " [2026-01-01 00:00:00] iteration " + std::to_string(i) + "/ 500000 | consumed samples: " + std::to_string(i * 2048) +
          " | elapsed time per iteration (ms): 2137.4 | throughput per GPU (TFLOP/s/GPU): 412.7 | learning rate: 3.000E-04 | "
          "global batch size:  2048 | lm loss: 2.31" + std::to_string(i % 10) +
          " | loss scale: 1.0 | grad norm: 0.312 | number of skipped iterations:   0 | number of nan iterations:   0 |\n";
      file << line;
      size_ += line.size();
    }
  }
  megatron_log(megatron_log const&) = delete;
  megatron_log& operator=(megatron_log const&) = delete;
  ~megatron_log() { std::filesystem::remove(path_); }

  std::filesystem::path const& path() const { return path_; }
  std::int64_t size() const { return static_cast<std::int64_t>(size_); }

 private:
  std::filesystem::path path_;
  std::size_t size_ = 0;
};

megatron_log const& log_file() {
  static megatron_log const log;
  return log;
}

void grep_count(benchmark::State& state) {
  // through a pipe: told /dev/null, grep stops at the first line that matches
  auto const command = "LC_ALL=C grep -c iteration '" + log_file().path().string() + "' | cat > /dev/null";
  for (auto _ : state) benchmark::DoNotOptimize(std::system(command.c_str()));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * log_file().size());
}
BENCHMARK(grep_count)->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();

void read_training_log(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(kunmetrics::read_training_log(log_file().path()).steps);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * log_file().size());
  state.SetLabel("over grep_count");
}
BENCHMARK(read_training_log)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
