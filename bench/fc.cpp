// The products of weights as the trainer runs them, in blocks of rows on the machine's cores, against one call of
// oneDNN's gemm with all rows: the llama2 of 58 M parameters, both passes, every kernel.
//
// `MATRIX/PASS/FORMAT/KERNEL` is over `MATRIX/PASS/FORMAT/one_call`, whose threads are oneDNN's own. Packing is in
// it, as a gathered unit is packed anew. Below 1: the blocks, which save a trip to memory between operators, cost
// nothing in the products themselves.
#include "layer_products.hpp"
#include "operators/row_blocks.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace {
using namespace trainer;

constexpr llama_shape shape{
    .layers = 8, .hidden = 512, .heads = 8, .kv_heads = 8, .head_size = 64, .ffn = 1376, .vocabulary = 32000};
constexpr std::int64_t rows = 2048, head_rows = 512;

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// Factors, results and room of one product.
template <class Number>
struct operands {
  std::int64_t m, n, k;
  std::vector<Number> a, weights;
  std::vector<arithmetic<Number>> c;

  operands(fc_matrix matrix, fc_pass pass) {
    auto const [out, in] = size_of(matrix, shape);
    m = matrix == fc_matrix::lm_head ? head_rows : rows;
    n = pass == fc_pass::forward ? out : in;
    k = pass == fc_pass::forward ? in : out;
    a.assign(static_cast<std::size_t>(m * k), narrowed<Number>(0.5F));
    weights.assign(static_cast<std::size_t>(out * in), narrowed<Number>(0.25F));
    c.resize(static_cast<std::size_t>(m * n));
  }
};

template <class Number>
void one_call(benchmark::State& state, fc_matrix matrix, fc_pass pass) {
  operands<Number> of{matrix, pass};
  auto const [out, in] = size_of(matrix, shape);
  matrix_view<Number const> const weights{of.weights, out, in};
  omp_set_num_threads(cores());
  for (auto _ : state) {
    mixed_product<Number>(matrix_view<Number const>{of.a, of.m, of.k},
                          pass == fc_pass::forward ? transposed(weights) : factor<Number>(weights),
                          matrix_view<arithmetic<Number>>{of.c, of.m, of.n});
    benchmark::DoNotOptimize(of.c.data());
  }
}

template <class Number>
void in_blocks(benchmark::State& state, fc_matrix matrix, fc_pass pass, fc_kernel kernel, std::string const& label) {
  operands<Number> of{matrix, pass};
  auto const [out, in] = size_of(matrix, shape);
  auto const height = untuned_fc_plan<float>(of.m).height;
  omp_set_num_threads(1);
  fc_product<Number> product{sizes_of(matrix, shape, of.m, height), pass, {kernel}, cores()};
  std::vector<std::byte> room(static_cast<std::size_t>(product.room_bytes()) + 64);
  void* first = room.data();
  auto size = room.size();
  std::align(64, size - 64, first, size);
  for (auto _ : state) {
    product.prepare({of.weights, out, in}, {static_cast<std::byte*>(first), size});
    for_each_row_block(of.m, height, cores(), [&](row_block const& block) {
      product.multiply(part(matrix_view<Number const>{of.a, of.m, of.k}, block),
                       part(matrix_view<arithmetic<Number>>{of.c, of.m, of.n}, block), block.thread);
    });
    benchmark::DoNotOptimize(of.c.data());
  }
  state.SetLabel(label);
}

template <class Number>
void of_format(std::string const& format) {
  for (auto const matrix : {fc_matrix::qkv, fc_matrix::wo, fc_matrix::gate_up, fc_matrix::down, fc_matrix::lm_head}) {
    for (auto const pass : {fc_pass::forward, fc_pass::input_gradient}) {
      auto const name = std::string{fc_matrix_names[static_cast<std::size_t>(matrix)]} + "/" +
                        std::string{fc_pass_names[static_cast<std::size_t>(pass)]} + "/" + format + "/";
      auto const whole = name + "one_call";
      benchmark::RegisterBenchmark(whole.c_str(), one_call<Number>, matrix, pass)->UseRealTime()->MinTime(0.1);
      for (auto const kernel : fc_kernels) {
        if (!has_kernel<Number>(kernel)) continue;
        auto const one = name + std::string{fc_kernel_names[static_cast<std::size_t>(kernel)]};
        benchmark::RegisterBenchmark(one.c_str(), in_blocks<Number>, matrix, pass, kernel, "over " + whole)->UseRealTime()->MinTime(0.1);
      }
    }
  }
}

bool const registered = [] {
  of_format<float>("fp32");
  of_format<bfloat16>("bf16");
  of_format<float16>("fp16");
  return true;
}();
}  // namespace
