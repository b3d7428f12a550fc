// Writers of steps against the plain copy or write of the same bytes, and how many records a second that is.
#include <kunmetrics/io/json_lines.hpp>

#include <benchmark/benchmark.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include <unistd.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

// Values as training has them: full mantissas, all phases.
std::vector<step_record> const& records() {
  static auto const all = [] {
    std::vector<step_record> made(1000);
    for (std::size_t i = 0; i < made.size(); ++i) {
      auto const x = 1.0 / (3.0 + static_cast<double>(i));
      made[i] = {.step = static_cast<std::int64_t>(i + 1) * step, .time = (1 + x) * second, .tokens = 49'152 * token,
                 .loss = 2.5 + x, .grad_norm = 0.3 + x, .learning_rate = 3e-4 * (1 - x), .loss_scale = 65536.0};
      for (std::size_t p = 0; p < made[i].phases.size(); ++p) made[i].phases[p] = x / static_cast<double>(p + 1) * second;
    }
    return made;
  }();
  return all;
}

std::string const& lines() {
  static auto const all = [] {
    std::string text;
    for (auto const& record : records()) text += json_line(record);
    return text;
  }();
  return all;
}

struct scratch_file {
  std::filesystem::path path{std::filesystem::temp_directory_path() / ("kunmetrics_bench." + std::to_string(::getpid()) + ".jsonl")};
  ~scratch_file() { std::filesystem::remove(path); }
};

void count_records(benchmark::State& state) {
  auto const done = static_cast<double>(state.iterations()) * static_cast<double>(records().size());
  state.counters["records/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
}

void memcpy_of_lines(benchmark::State& state) {
  std::vector<char> to(lines().size());
  for (auto _ : state) {
    std::memcpy(to.data(), lines().data(), to.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
  }
  count_records(state);
}
BENCHMARK(memcpy_of_lines);

void json_tree_dump(benchmark::State& state) {
  for (auto _ : state) {
    std::string text;
    for (auto const& record : records()) text += json_of<number_form::plain>(record).dump() + '\n';
    benchmark::DoNotOptimize(text.data());
  }
  count_records(state);
}
BENCHMARK(json_tree_dump);

void json_text(benchmark::State& state) {
  std::string text;
  for (auto _ : state) {
    text.clear();
    for (auto const& record : records()) append_json(text, record);
    benchmark::DoNotOptimize(text.data());
  }
  count_records(state);
  state.SetLabel("over json_tree_dump");
}
BENCHMARK(json_text);

void write_of_lines(benchmark::State& state) {
  scratch_file const file;
  detail::descriptor const out{file.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND};
  for (auto _ : state) {
    std::filesystem::resize_file(file.path, 0);
    if (!detail::written(out.value(), lines())) state.SkipWithError("the disk is full");
  }
  count_records(state);
}
BENCHMARK(write_of_lines)->UseRealTime();

void json_lines_to_file(benchmark::State& state) {
  scratch_file const file;
  json_lines log{file.path, {.lines = records().size()}};
  for (auto _ : state) {
    std::filesystem::resize_file(file.path, 0);
    for (auto const& record : records()) log.append(record);
  }
  count_records(state);
  state.SetLabel("over write_of_lines");
}
BENCHMARK(json_lines_to_file)->UseRealTime();

}  // namespace
