// What a training step costs against its products alone, and at 16 bits against fp32: the demo's shape on
// one rank and thread.
//
// `products_of_a_step` runs only the matrix products of a step with recomputation, at their sizes;
// what `whole_step` takes more is attention, norms, loss, optimizer and copies. The fp32 ones are named
// without a precision; `*_bf16` and `*_fp16` are the same work on 16-bit numbers.
#include "cpu_backend.hpp"
#include "thread_communicator.hpp"
#include "zero3.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {
using namespace trainer;

constexpr llama_shape shape{
    .layers = 6, .hidden = 320, .heads = 5, .kv_heads = 5, .head_size = 64, .ffn = 864, .vocabulary = 4096};
constexpr std::int64_t rows = 128;

template <class Number>
struct product_memory {
  std::vector<Number> factors = std::vector<Number>(std::size_t{1} << 22U, narrowed<Number>(0.5F));
  std::vector<arithmetic<Number>> result = std::vector<arithmetic<Number>>(std::size_t{1} << 21U);

  void multiply(std::int64_t m, std::int64_t n, std::int64_t k, int times) {
    auto const a = std::span<Number const>{factors};
    for (int i = 0; i < times; ++i) {
      mixed_product<Number>(matrix_view{a, m, k}, matrix_view{a.subspan(static_cast<std::size_t>(m * k)), k, n},
                            matrix_view<arithmetic<Number>>{result, m, n});
    }
  }
};

template <class Number>
void products_of_a_step(benchmark::State& state, std::string const& label) {
  product_memory<Number> memory;
  omp_set_num_threads(1);
  for (auto _ : state) {
    // forward, recomputed forward, input gradient and weight gradient: four products of one size
    auto const weight = [&](std::int64_t out, std::int64_t in) {
      memory.multiply(rows, out, in, 2 * shape.layers);
      memory.multiply(rows, in, out, shape.layers);
      memory.multiply(out, in, rows, shape.layers);
    };
    weight(qkv_width(shape), shape.hidden);
    weight(shape.hidden, shape.hidden);
    weight(2 * shape.ffn, shape.hidden);
    weight(shape.hidden, shape.ffn);
    memory.multiply(rows, shape.vocabulary, shape.hidden, 1);
    memory.multiply(rows, shape.hidden, shape.vocabulary, 1);
    memory.multiply(shape.vocabulary, shape.hidden, rows, 1);
  }
  state.SetLabel(label);
}

template <class Number>
void whole_step(benchmark::State& state, std::string const& label) {
  omp_set_num_threads(1);
  thread_group group{1};
  thread_communicator alone{group, 0};
  zero3_settings settings{.samples = 1, .sequence_length = rows};
  if (std::is_same_v<Number, float16>) settings.loss_scale = loss_scale_settings{.initial = 1024};
  zero3<cpu_backend<Number>, thread_communicator> engine{shape, settings, alone};
  std::vector<std::int32_t> tokens(rows);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::int32_t>(i * 31 % 4096);
  for (auto _ : state) benchmark::DoNotOptimize(engine.step(tokens, 1e-4, false).loss);
  state.SetLabel(label);
}

template <class Number>
void named(std::string const& suffix, std::string const& products_over, std::string const& step_over) {
  benchmark::RegisterBenchmark(("products_of_a_step" + suffix).c_str(), products_of_a_step<Number>, products_over)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(("whole_step" + suffix).c_str(), whole_step<Number>, step_over)
      ->Unit(benchmark::kMillisecond);
}

bool const registered = [] {
  named<float>("", "", "over products_of_a_step");
  named<bfloat16>("_bf16", "over products_of_a_step", "over whole_step");
  named<float16>("_fp16", "over products_of_a_step", "over whole_step");
  return true;
}();
}  // namespace
