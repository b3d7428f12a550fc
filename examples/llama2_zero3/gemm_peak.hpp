// The peak of this machine, measured: the best rate of a matrix product on all its cores.
//
//   rate = threads · calls · 2·n³ / time      FLOP/s, n × n × n products, one product a core at a time
//
// A CPU has no data-sheet peak that a product can reach on every model of it, so a run on `cpu` is
// measured against what oneDNN's product, or ours where that is the faster, reaches here, and the report says
// so. The best of a short sweep over n is kept: a ceiling that other work on the machine can only lower. A precision
// that the processor does not multiply in is multiplied as fp32, and its peak is fp32's.
#pragma once

#include "arena.hpp"
#include "number_of_precision.hpp"
#include "operators/fc_product.hpp"
#include "untuned_fc_plan.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace trainer {

struct gemm_peak {
  double flop_per_second = 0;  // of all threads together
  std::int64_t size = 0;       // the n that reached it
  int threads = 0;
  fc_kernel kernel = fc_kernel::gemm;  // whose product did
  kunmetrics::precision multiplied = kunmetrics::fp32;  // what the products were computed in
};

/// n of a product, and how many a thread computes in a row.
struct peak_product {
  std::int64_t n;
  int calls;
};
inline constexpr std::array peak_products{peak_product{512, 12}, peak_product{768, 4}, peak_product{1024, 2}};

namespace detail {
// oneDNN's gemm, and what runs where nothing is tuned: what is measured by a ceiling must not pass it.
inline std::vector<fc_kernel> kernels_of_peak(kunmetrics::precision of_run) {
  std::vector<fc_kernel> kernels{fc_kernel::gemm};
  auto const untuned = with_number_of(of_run, []<class Number>() {
    return untuned_fc_plan<Number>()(fc_matrix::qkv, fc_pass::forward).kernel;
  });
  if (untuned != fc_kernel::gemm) kernels.push_back(untuned);
  return kernels;
}

// The memory of one thread's product, in large pages as the trainer's own.
template <class Number>
struct peak_operands {
  std::span<Number> a, b;
  std::span<float> c;
  std::span<std::byte> packed;

  peak_operands(arena& from, std::int64_t n, std::int64_t room_bytes)
      : a(from.take<Number>(n * n)), b(from.take<Number>(n * n)), c(from.take<float>(n * n)), packed(from.take<std::byte>(room_bytes)) {
    std::ranges::fill(a, narrowed<Number>(1.0F));
    std::ranges::fill(b, narrowed<Number>(0.5F));
  }
};

// The fewest seconds, of `repeats`, that `calls` products of size n take on each of `threads` threads at once, from
// the first start to the last end: a thread that waits for its core counts, or a busy machine would seem faster
// than it is. Several calls, so that threads which wake up one after the other do not count for much.
template <class Number>
double concurrent_product_seconds(fc_kernel kernel, int threads, std::int64_t n, int calls, int repeats) {
  using clock = std::chrono::steady_clock;
  std::barrier together{threads};
  std::vector<clock::time_point> begins(static_cast<std::size_t>(threads * repeats)), ends(begins.size());
  auto const one = [&](int thread) {
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    fc_product<Number> product({n, n, n, n}, fc_pass::forward, {kernel}, 1);
    arena memory(block_bytes<peak_operands<Number>>(n, product.room_bytes()));
    peak_operands<Number> const operands(memory, n, product.room_bytes());
    product.prepare({operands.b, n, n}, operands.packed);
    auto const multiply = [&] { product.multiply({operands.a, n, n}, {operands.c, n, n}, 0); };
    multiply();  // touches the memory and makes the kernel
    for (int repeat = 0; repeat < repeats; ++repeat) {
      together.arrive_and_wait();
      auto const at = static_cast<std::size_t>(repeat * threads + thread);
      begins[at] = clock::now();
      for (int call = 0; call < calls; ++call) multiply();
      ends[at] = clock::now();
    }
  };
  {
    std::vector<std::jthread> crew;
    for (int thread = 0; thread < threads; ++thread) crew.emplace_back(one, thread);
  }
  auto least = clock::duration::max();
  for (int repeat = 0; repeat < repeats; ++repeat) {
    auto const of_repeat = [&](auto const& times) {
      return std::span{times}.subspan(static_cast<std::size_t>(repeat * threads), static_cast<std::size_t>(threads));
    };
    least = std::min(least, *std::ranges::max_element(of_repeat(ends)) - *std::ranges::min_element(of_repeat(begins)));
  }
  return std::chrono::duration<double>(least).count();
}

// Takes what is better than `best` of one sweep over n.
inline void sweep(gemm_peak& best, kunmetrics::precision precision) {
  constexpr int repeats = 6;
  for (auto const& [n, calls] : peak_products) {
    for (auto const kernel : kernels_of_peak(precision)) {
      auto const cubed = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
      auto const seconds = with_number_of(best.multiplied, [&]<class Number>() {
        return concurrent_product_seconds<Number>(kernel, best.threads, n, calls, repeats);
      });
      auto const rate = 2 * cubed * calls * best.threads / seconds;
      if (rate > best.flop_per_second) best.flop_per_second = rate, best.size = n, best.kernel = kernel;
    }
  }
}
}  // namespace detail

// Sweeps n until a sweep brings less than a hundredth, or a second is over: one sweep of a third of a second may lie
// whole in a moment in which something else has a core. `threads` is the number of cores the ranks share, at least 1.
inline gemm_peak measured_gemm_peak(int threads, kunmetrics::precision precision = kunmetrics::fp32) {
  auto const begin = std::chrono::steady_clock::now();
  gemm_peak best{.threads = threads, .multiplied = precision_of_products(precision)};
  for (double before = -1; best.flop_per_second > 1.01 * before && std::chrono::steady_clock::now() - begin < std::chrono::seconds{1};) {
    before = best.flop_per_second;
    detail::sweep(best, precision);
  }
  return best;
}

}  // namespace trainer
