// The peak of this machine, measured: the best rate of a matrix product on all its cores.
//
//   rate = threads · 2·n³ / time      FLOP/s, n × n × n products, one product a core at a time
//
// A CPU has no data-sheet peak that a product can reach on every model of it, so a run on `cpu` is
// measured against what oneDNN's product, or ours where that is the faster, reaches here, and the report says
// so. The best of a short sweep over n is kept: a ceiling that other work on the machine can only lower. A precision
// that the processor does not multiply in is multiplied as fp32, and its peak is fp32's.
#pragma once

#include "number_of_precision.hpp"
#include "operators/fc_product.hpp"
#include "untuned_fc_plan.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
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

namespace detail {
// oneDNN's gemm, and what runs where nothing is tuned: what is measured by a ceiling must not pass it.
inline std::vector<fc_kernel> kernels_of_peak(kunmetrics::precision of_run) {
  std::vector<fc_kernel> kernels{fc_kernel::gemm};
  if (with_number_of(of_run, []<class Number>() { return prefers_panels<Number>(); })) kernels.push_back(fc_kernel::panels);
  return kernels;
}

// Seconds that `threads` concurrent products of size n take, from the first start to the last end:
// a thread that waits for its core counts, or a busy machine would seem faster than it is.
template <class Number>
double concurrent_product_seconds(fc_kernel kernel, int threads, std::int64_t n) {
  using clock = std::chrono::steady_clock;
  std::barrier start{threads};
  std::vector<clock::time_point> begins(static_cast<std::size_t>(threads));
  std::vector<clock::time_point> ends(static_cast<std::size_t>(threads));
  auto const one = [&](std::size_t thread) {
#ifdef _OPENMP
    omp_set_num_threads(1);
#endif
    auto const elements = static_cast<std::size_t>(n * n);
    std::vector<Number> const a(elements, narrowed<Number>(1.0F));
    std::vector<Number> const b(elements, narrowed<Number>(0.5F));
    std::vector<float> c(elements);
    auto const multiply = [&] {
      unpacked_product<Number>(kernel, matrix_view<Number const>{a, n, n}, matrix_view<Number const>{b, n, n},
                               matrix_view<float>{c, n, n});
    };
    multiply();  // touches the memory and makes the kernel
    start.arrive_and_wait();
    begins[thread] = clock::now();
    multiply();
    ends[thread] = clock::now();
  };
  {
    std::vector<std::jthread> crew;
    for (int thread = 0; thread < threads; ++thread) crew.emplace_back(one, static_cast<std::size_t>(thread));
  }
  return std::chrono::duration<double>(*std::ranges::max_element(ends) - *std::ranges::min_element(begins)).count();
}
}  // namespace detail

// Sweeps n for about a second. `threads` is the number of cores the ranks share, at least 1.
inline gemm_peak measured_gemm_peak(int threads, kunmetrics::precision precision = kunmetrics::fp32) {
  gemm_peak best{.threads = threads, .multiplied = precision_of_products(precision)};
  auto const kernels = detail::kernels_of_peak(precision);
  int const repeats = kernels.size() > 1 ? 2 : 5;  // ranks that are processes wait for rank 0 meanwhile
  for (std::int64_t const n : {512, 1024, 1536}) {
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (auto const kernel : kernels) {
        auto const cubed = static_cast<double>(n) * static_cast<double>(n) * static_cast<double>(n);
        auto const seconds = with_number_of(best.multiplied, [&]<class Number>() {
          return detail::concurrent_product_seconds<Number>(kernel, threads, n);
        });
        auto const rate = 2 * cubed * threads / seconds;
        if (rate > best.flop_per_second) best.flop_per_second = rate, best.size = n, best.kernel = kernel;
      }
    }
  }
  return best;
}

}  // namespace trainer
