// What is not a product of weights, each against its bound on one core: the time to read and write the bytes that
// it has to (`bytes/...`), or, of attention, its matrix products alone (`products/...`).
//
// The llama2 of 58 M parameters: 2048 rows of 512, FFN 1376, 8 heads of 64, one sample of 512 positions a head.
// Data lie in a core's cache or near it, as in training; AdamW's, 96 MB, in memory.
#include "adamw.hpp"
#include "arena.hpp"
#include "operators/causal_attention.hpp"
#include "operators/cross_entropy.hpp"
#include "operators/row_operators.hpp"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace {
using namespace trainer;

constexpr std::int64_t rows = 128, hidden = 512, ffn = 1376, heads = 8, head_size = 64, positions = 512, vocabulary = 32000;

template <class Number>
std::vector<Number> filled(std::int64_t size, float value = 0.5F) {
  return std::vector<Number>(static_cast<std::size_t>(size), narrowed<Number>(value));
}

// Moves as many bytes as an operator reads and writes.
void bytes(benchmark::State& state, std::int64_t moved) {
  std::vector<std::byte> from(static_cast<std::size_t>(moved / 2)), to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::ClobberMemory();
  }
}

template <class Body>
void repeat(benchmark::State& state, std::string const& label, Body const& body) {
  for (auto _ : state) {
    body();
    benchmark::ClobberMemory();
  }
  state.SetLabel(label);
}

template <class Run>
void against_bytes(std::string const& name, std::int64_t moved, Run const& run) {
  auto const bound = "bytes/" + name;
  benchmark::RegisterBenchmark(bound.c_str(), bytes, moved)->MinTime(0.1);
  benchmark::RegisterBenchmark(name.c_str(), [run, bound](benchmark::State& state) { run(state, "over " + bound); })->MinTime(0.1);
}

template <class Number>
void norms(std::string const& format) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(Number));
  against_bytes("norm_forward/" + format, 2 * rows * hidden * size, [](benchmark::State& state, std::string const& label) {
    auto const x = filled<Number>(rows * hidden), w = filled<Number>(hidden);
    auto y = x;
    auto r = filled<float>(rows);
    row_operators<Number> const run{{.widest = 2 * ffn, .tile = rows * 2 * ffn}};
    repeat(state, label, [&] {
      run.norm_forward({std::span<Number const>{x}, rows, hidden}, {std::span<Number const>{w}, 1, hidden}, 1e-5, {y, rows, hidden}, r);
    });
  });
  against_bytes("norm_backward/" + format, 3 * rows * hidden * size + rows * hidden * 4, [](benchmark::State& state, std::string const& label) {
    auto const x = filled<Number>(rows * hidden), w = filled<Number>(hidden);
    auto const dy = filled<float>(rows * hidden, 1e-4F), r = filled<float>(rows);
    auto dx = x;
    std::vector<double> dw(hidden);
    row_operators<Number> const run{{.widest = 2 * ffn, .tile = rows * 2 * ffn}};
    repeat(state, label, [&] {
      run.norm_backward({std::span<Number const>{x}, rows, hidden}, {std::span<Number const>{w}, 1, hidden}, r,
                        {std::span<float const>{dy}, rows, hidden}, {dx, rows, hidden}, dw);
    });
  });
}

template <class Number>
void activations(std::string const& format) {
  constexpr auto size = static_cast<std::int64_t>(sizeof(Number));
  against_bytes("swiglu_forward/" + format, 3 * rows * ffn * size, [](benchmark::State& state, std::string const& label) {
    auto const gate_up = filled<Number>(rows * 2 * ffn);
    auto y = filled<Number>(rows * ffn);
    row_operators<Number> const run{{.widest = 2 * ffn, .tile = rows * 2 * ffn}};
    repeat(state, label, [&] { run.activate({std::span<Number const>{gate_up}, rows, 2 * ffn}, {y, rows, ffn}); });
  });
  against_bytes("swiglu_backward/" + format, 4 * rows * ffn * size + rows * ffn * 4, [](benchmark::State& state, std::string const& label) {
    auto const before = filled<Number>(rows * 2 * ffn);
    auto gate_up = before;
    auto const dy = filled<float>(rows * ffn, 0.1F);
    row_operators<Number> const run{{.widest = 2 * ffn, .tile = rows * 2 * ffn}};
    for (auto _ : state) {  // in place: begins anew, or the numbers would grow
      state.PauseTiming();
      gate_up = before;
      state.ResumeTiming();
      run.activation_backward({std::span<float const>{dy}, rows, ffn}, {gate_up, rows, 2 * ffn});
    }
    state.SetLabel(label);
  });
  against_bytes("rotation/" + format, 2 * rows * 2 * hidden * size, [](benchmark::State& state, std::string const& label) {
    auto x = filled<Number>(rows * 3 * hidden);
    auto cosines = filled<float>(positions * head_size / 2, 1.0F), sines = filled<float>(positions * head_size / 2, 0.0F);
    row_operators<Number> const run{{.widest = 3 * hidden, .tile = rows}};
    repeat(state, label, [&] {
      run.rotate({x, rows, 3 * hidden}, 0, 2 * heads, positions, {cosines, sines, head_size / 2}, rotation::forward);
    });
  });
}

void loss_and_update() {
  against_bytes("cross_entropy/fp32", std::int64_t{16} * 2 * vocabulary * 4, [](benchmark::State& state, std::string const& label) {
    auto logits = filled<float>(16 * vocabulary, 0.0F);
    std::vector<std::int32_t> const targets(16, 7);
    repeat(state, label, [&] {
      with_widest_vectors([&] {
        benchmark::DoNotOptimize(cross_entropy_forward_backward(matrix_view<float>{logits, 16, vocabulary},
                                                                std::span<std::int32_t const>{targets}, 1.0));
      });
    });
  });
  constexpr std::int64_t parameters = std::int64_t{6} << 20U;
  against_bytes("adamw/fp32", 7 * parameters * 4, [](benchmark::State& state, std::string const& label) {
    auto p = filled<float>(parameters), m = filled<float>(parameters, 0.0F), v = m;
    auto const gradient = filled<float>(parameters, 1e-3F);
    adamw_step<float> const step{{}, 1e-4, 1.0, 100};
    repeat(state, label, [&] { adamw_update<float>(step, p, gradient, m, v); });
  });
}

// One head's products of forward, or of backward, in the blocks that attention has.
template <class Factor>
void attention_products(benchmark::State& state, bool backward) {
  auto const q = filled<Factor>(positions * head_size);
  auto const p = filled<Factor>(attention_block_rows * positions);
  auto scores = filled<float>(attention_block_rows * positions), rows_of = filled<float>(positions * head_size);
  auto const from = [&](std::int64_t n) { return matrix_view<Factor const>{q, n, head_size}; };
  for (auto _ : state) {
    for (std::int64_t first = 0; first < positions; first += attention_block_rows) {
      auto const n = attention_block_rows, keys = first + n;
      matrix_view<Factor const> const some{p, n, keys};
      auto const to_scores = [&] { mixed_product<Factor>(from(n), transposed(from(keys)), matrix_view<float>{scores, n, keys}); };
      auto const to_rows = [&] { mixed_product<Factor>(some, from(keys), matrix_view<float>{rows_of, n, head_size}); };
      auto const to_keys = [&] {
        mixed_product<Factor>(transposed(some), from(n), matrix_view<float>{rows_of, keys, head_size}, accumulate::yes);
      };
      to_scores();
      to_rows();
      if (backward) to_scores(), to_keys(), to_keys();
    }
    benchmark::ClobberMemory();
  }
}

template <class Number>
void attention(std::string const& format) {
  constexpr attention_shape shape{1, positions, 1, 1, head_size};
  for (bool const backward : {false, true}) {
    auto const name = std::string{"attention_"} + (backward ? "backward/" : "forward/") + format;
    auto const bound = "products/" + name;
    benchmark::RegisterBenchmark(bound.c_str(), attention_products<Number>, backward)->MinTime(0.1);
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      auto const qkv = filled<Number>(positions * 3 * head_size, 0.1F), d_o = filled<Number>(positions * head_size, 0.1F);
      auto o = d_o, d_qkv = qkv;
      auto lse = filled<float>(positions);
      arena room{std::int64_t{1} << 24U};
      std::vector<attention_scratch<Number>> const scratch{{room, shape}};
      auto const view = [](auto& m, std::int64_t width) { return matrix_view{std::span{m}, positions, width}; };
      matrix_view<Number const> const in{std::span<Number const>{qkv}, positions, 3 * head_size};
      auto const forward = [&] { causal_attention_forward<Number>(shape, in, view(o, head_size), lse, scratch); };
      forward();
      if (!backward) return repeat(state, "over " + bound, forward);
      repeat(state, "over " + bound, [&] {
        causal_attention_backward<Number>(shape, in, {std::span<Number const>{o}, positions, head_size}, lse,
                                          {std::span<Number const>{d_o}, positions, head_size}, view(d_qkv, 3 * head_size), scratch);
      });
    })->MinTime(0.1);
  }
}

bool const registered = [] {
  omp_set_num_threads(1);
  norms<float>("fp32"), norms<bfloat16>("bf16");
  activations<float>("fp32"), activations<bfloat16>("bf16");
  attention<float>("fp32"), attention<bfloat16>("bf16");
  loss_and_update();
  return true;
}();
}  // namespace
