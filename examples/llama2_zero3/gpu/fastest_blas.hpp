// Which of libtorch's GPU libraries multiplies the matrices of a training fastest: measured, and used from then on.
//
// Each FC product of a step, forward, towards the input and towards the weight, is timed under cuBLAS and under
// cuBLASLt, each with the kernel that its heuristic picks; the library whose sum over the step is least stays
// chosen. libtorch takes one library for all products of a precision, so the choice is not made for each, and its
// tuner (TunableOp) does not try cuBLASLt on these cards. Where libtorch has no choice to offer, before 2.4 and on a
// CPU, there is nothing to measure. Attention is not an FC product.
#pragma once

#include "../torch_units.hpp"
#include "../unit.hpp"

#include <kunmetrics/torch/features.hpp>
#include <kunmetrics/torch/torch_device.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace trainer {

// [m, k] x [k, n], `times` a step.
struct step_product {
  std::string_view name;
  std::int64_t m, n, k, times;

  std::int64_t flop() const { return 2 * m * n * k * times; }
};

// The products of a step: those of a layer's matrices and of the head's chunks, three for each weight [n, k]; with
// recomputation a layer's forward ones run twice.
inline std::vector<step_product> step_products(llama_shape const& shape, micro_batch const& batch, bool recompute) {
  std::vector<step_product> all;
  auto const add = [&](tensor_slot const& weight, std::int64_t rows, std::int64_t forward, std::int64_t backward) {
    if (weight.rows == 1) return;  // a norm's
    all.push_back({weight.name, rows, weight.rows, weight.columns, forward});
    all.push_back({weight.name, rows, weight.columns, weight.rows, backward});
    all.push_back({weight.name, weight.rows, weight.columns, rows, backward});
  };
  for (auto const& slot : layer_unit(shape, "layer").tensors) {
    add(slot, batch.rows(), (recompute ? 2 : 1) * shape.layers, shape.layers);
  }
  auto const rows = torch_units::llama_units::chunk_rows(shape, batch);
  auto const chunks = (batch.predictions() + rows - 1) / rows;
  for (auto const& slot : head_unit(shape).tensors) add(slot, rows, chunks, chunks);
  return all;
}

struct blas_library {
  std::string_view name;
  void (*use)();
};

// What libtorch can choose from on a device, its own choice first; one or none: nothing to choose.
inline std::vector<blas_library> blas_libraries([[maybe_unused]] at::Device device) {
  std::vector<blas_library> all;
#if KUNMETRICS_TORCH_HAS_BLAS_CHOICE
  if (device.is_cuda()) {
    all = {{"cuBLAS", [] { at::globalContext().setBlasPreferredBackend(at::BlasBackend::Cublas); }},
           {"cuBLASLt", [] { at::globalContext().setBlasPreferredBackend(at::BlasBackend::Cublaslt); }}};
  }
#endif
  return all;
}

struct blas_tuning {
  std::vector<blas_library> libraries;
  std::vector<step_product> products;
  std::vector<std::vector<double>> seconds;  // [library][product], of one call
  std::size_t chosen = 0;

  double step_seconds(std::size_t library) const {
    double sum = 0;
    for (std::size_t i = 0; i < products.size(); ++i) sum += static_cast<double>(products[i].times) * seconds[library][i];
    return sum;
  }
  // How many times as fast the products are as with libtorch's own choice.
  double gain() const { return step_seconds(0) / step_seconds(chosen); }
};

// Times every product under every library by `seconds_of(product)` and leaves the fastest in use. Throws
// std::invalid_argument for no library.
template <std::invocable<step_product const&> SecondsOf>
blas_tuning fastest_blas(std::vector<blas_library> libraries, std::vector<step_product> products, SecondsOf const& seconds_of) {
  if (libraries.empty()) throw std::invalid_argument("fastest_blas: at least one library needed, received none");
  blas_tuning tuned{std::move(libraries), std::move(products), {}, 0};
  for (std::size_t i = 0; i < tuned.libraries.size(); ++i) {
    tuned.libraries[i].use();
    auto& each = tuned.seconds.emplace_back();
    for (auto const& product : tuned.products) each.push_back(seconds_of(product));
    if (tuned.step_seconds(i) < tuned.step_seconds(tuned.chosen)) tuned.chosen = i;
  }
  tuned.libraries[tuned.chosen].use();
  return tuned;
}

// Seconds of one call on the device: the least of five rounds of `calls`, after one round to warm up.
inline double seconds_of_product(step_product const& product, at::Device device, at::ScalarType type, int calls = 10) {
  at::NoGradGuard const no_grad;
  auto const on = at::TensorOptions{type}.device(device);
  auto const a = at::randn({product.m, product.k}, on), b = at::randn({product.n, product.k}, on).t();
  auto c = at::empty({product.m, product.n}, on);
  auto const now = [&] {
    if (device.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device.has_index() ? device.index() : 0);
    return std::chrono::steady_clock::now();
  };
  double least = 0;
  for (int round = 0; round < 6; ++round) {
    auto const begin = now();
    for (int i = 0; i < calls; ++i) at::mm_out(c, a, b);
    auto const seconds = std::chrono::duration<double>(now() - begin).count() / calls;
    if (round == 1 || (round > 1 && seconds < least)) least = seconds;
  }
  return least;
}

// A line for each product, with the TFLOP/s of each library, and one for the choice.
inline std::string blas_table(blas_tuning const& tuned) {
  std::string text;
  auto const append = [&](auto const&... values) {
    char line[160];
    std::snprintf(line, sizeof line, values...);
    text += line;
  };
  for (std::size_t i = 0; i < tuned.products.size(); ++i) {
    auto const& p = tuned.products[i];
    append("%-8.*s %6lld x %6lld x %6lld", static_cast<int>(p.name.size()), p.name.data(), static_cast<long long>(p.m),
           static_cast<long long>(p.n), static_cast<long long>(p.k));
    for (std::size_t library = 0; library < tuned.libraries.size(); ++library) {
      append("  %s %7.2f TFLOP/s", tuned.libraries[library].name.data(),
             static_cast<double>(p.flop()) / static_cast<double>(p.times) / tuned.seconds[library][i] * 1e-12);
    }
    text += '\n';
  }
  append("%s is used, %.3f times as fast as %s\n", tuned.libraries[tuned.chosen].name.data(), tuned.gain(),
         tuned.libraries.front().name.data());
  return text;
}

}  // namespace trainer
