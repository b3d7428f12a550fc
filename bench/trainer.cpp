// What a training step costs against its products alone: the demo's shape on one rank and thread.
//
// `products_of_a_step` runs only the matrix products of a step with recomputation, at their sizes;
// what `whole_step` takes more is attention, norms, loss, optimizer and copies.
#include "cpu_backend.hpp"
#include "thread_communicator.hpp"
#include "zero3.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {
using namespace trainer;

constexpr llama_shape shape{.layers = 6, .hidden = 320, .heads = 5, .kv_heads = 5, .head_size = 64, .ffn = 864, .vocabulary = 4096};
constexpr std::int64_t rows = 128;

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, int times, std::vector<float>& memory) {
  auto const a = std::span{memory};
  for (int i = 0; i < times; ++i) {
    product<float>(matrix_view{a, m, k}, matrix_view{a.subspan(static_cast<std::size_t>(m * k)), k, n},
                   matrix_view{a.subspan(static_cast<std::size_t>(m * k + k * n)), m, n});
  }
}

void products_of_a_step(benchmark::State& state) {
  std::vector<float> memory(std::size_t{1} << 23U, 0.5F);
  thread_group group{1};
  omp_set_num_threads(1);
  for (auto _ : state) {
    // forward, recomputed forward, input gradient and weight gradient: four products of one size
    auto const weight = [&](std::int64_t out, std::int64_t in) {
      multiply(rows, out, in, 2 * shape.layers, memory);
      multiply(rows, in, out, shape.layers, memory);
      multiply(out, in, rows, shape.layers, memory);
    };
    weight(qkv_width(shape), shape.hidden);
    weight(shape.hidden, shape.hidden);
    weight(2 * shape.ffn, shape.hidden);
    weight(shape.hidden, shape.ffn);
    multiply(rows, shape.vocabulary, shape.hidden, 1, memory);
    multiply(rows, shape.hidden, shape.vocabulary, 1, memory);
    multiply(shape.vocabulary, shape.hidden, rows, 1, memory);
  }
}
BENCHMARK(products_of_a_step)->Unit(benchmark::kMillisecond);

void whole_step(benchmark::State& state) {
  omp_set_num_threads(1);
  thread_group group{1};
  thread_communicator alone{group, 0};
  zero3<cpu_backend<float>, thread_communicator> engine{shape, {.samples = 1, .sequence_length = rows}, alone};
  std::vector<std::int32_t> tokens(rows);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::int32_t>(i * 31 % 4096);
  for (auto _ : state) benchmark::DoNotOptimize(engine.step(tokens, 1e-4, false).loss);
  state.SetLabel("over products_of_a_step");
}
BENCHMARK(whole_step)->Unit(benchmark::kMillisecond);
}  // namespace
