// Writers of steps against the plain copy or write of the same bytes, and how many records a second that is.
#include <kunmetrics/io/html.hpp>
#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/io/step_log.hpp>

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
      for (std::size_t p = 0; p < made[i].phases.size(); ++p)
        made[i].phases[p] = x / static_cast<double>(p + 1) * second;
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
  std::filesystem::path path{std::filesystem::temp_directory_path() /
                             ("kunmetrics_bench." + std::to_string(::getpid()) + ".jsonl")};
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

// Reads what a log of a thousand records says; over the copy of its bytes.
void step_log_of_file(benchmark::State& state) {
  scratch_file const file;
  write_whole(file.path, lines());
  for (auto _ : state) benchmark::DoNotOptimize(read_step_log(file.path).records.data());
  count_records(state);
  state.SetLabel("over memcpy_of_lines");
}
BENCHMARK(step_log_of_file)->UseRealTime();

std::vector<step_record> const& a_million() {
  static auto const all = [] {
    std::vector<step_record> made;
    while (made.size() < 1'000'000) made.insert(made.end(), records().begin(), records().end());
    for (std::size_t i = 0; i < made.size(); ++i) made[i].step = static_cast<std::int64_t>(i + 1) * step;
    return made;
  }();
  return all;
}

void copy_of_a_million_steps(benchmark::State& state) {
  for (auto _ : state) {
    auto const copy = a_million();
    benchmark::DoNotOptimize(copy.data());
  }
}
BENCHMARK(copy_of_a_million_steps)->Unit(benchmark::kMillisecond)->UseRealTime();

void html_of_a_million_steps(benchmark::State& state) {
  constexpr training_case run{.model = models::llama2_7b,
                              .processor = devices::kunlunxin_r300,
                              .precision = fp16,
                              .cluster = {.per_node = 8 * processor / node},
                              .micro_batch_size = 12 * sample / (replica * micro_step),
                              .sequence_length = 512 * token / sample};
  meter const none{run, tokens_per_processor_second, mfu<flops::palm>};
  auto const summary = summary_of(none);
  std::size_t size = 0;
  for (auto _ : state) {
    auto const page = html_report("a million steps", {}, summary, a_million());
    size = page.size();
    benchmark::DoNotOptimize(page.data());
  }
  state.counters["MB"] = static_cast<double>(size) / 1e6;
  state.SetLabel("over copy_of_a_million_steps");
}
BENCHMARK(html_of_a_million_steps)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
