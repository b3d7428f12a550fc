// OpenBLAS' sgemm, where the library is on the machine: looked for when first asked for, never linked.
//
//   c [M, N] (+)= a [M, K] * b [K, N]     fp32, row-major, on the calling thread alone
// The library's own threads are set to one, for good and for all who use it in the process: here a rank's
// threads are what shares the work, and several of them multiply at once. Only the build with POSIX threads does
// that rightly: of 4 000 products by two threads at once, 9 to 31 were wrong (by 88 where the largest sums are of that
// size) with Debian's serial 0.3.21, none with its pthread one; and the OpenMP build counts threads by who calls.
#pragma once

#include "operators/product.hpp"

#include <dlfcn.h>

#include <cstdint>
#include <string>

namespace trainer {

class openblas {
 public:
  /// The library of this process; null where there is none, or none that several threads may call at once.
  static openblas const* library() {
    static openblas const loaded;
    return loaded.sgemm_ != nullptr ? &loaded : nullptr;
  }

  /// What the library says it is: "OpenBLAS 0.3.21 DYNAMIC_ARCH ... Zen MAX_THREADS=64".
  std::string description() const { return config_(); }

  /// Precondition: the sizes agree, and are of 31 bits.
  void product(factor<float> const& a, factor<float> const& b, matrix_view<float> c, accumulate onto) const noexcept {
    constexpr int row_major = 101;
    sgemm_(row_major, order(a), order(b), size(c.rows), size(c.columns), size(a.columns), 1.0F, a.data, size(a.stride), b.data,
           size(b.stride), onto == accumulate::yes ? 1.0F : 0.0F, c.data, size(c.stride));
  }

 private:
  using sgemm = void (*)(int order, int a_order, int b_order, int m, int n, int k, float alpha, float const* a, int lda,
                         float const* b, int ldb, float beta, float* c, int ldc);

  openblas() {
    void* const file = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (file == nullptr) return;
    auto const set_threads = reinterpret_cast<void (*)(int)>(dlsym(file, "openblas_set_num_threads"));
    config_ = reinterpret_cast<char* (*)()>(dlsym(file, "openblas_get_config"));
    auto const kind = reinterpret_cast<int (*)()>(dlsym(file, "openblas_get_parallel"));
    constexpr int posix_threads = 1;  // 0: none, 2: OpenMP
    if (set_threads == nullptr || config_ == nullptr || kind == nullptr || kind() != posix_threads) return;
    set_threads(1);
    sgemm_ = reinterpret_cast<sgemm>(dlsym(file, "cblas_sgemm"));
  }

  static int order(factor<float> const& of) noexcept { return of.is_transposed ? 112 : 111; }
  static int size(std::int64_t of) noexcept { return static_cast<int>(of); }

  sgemm sgemm_ = nullptr;
  char* (*config_)() = nullptr;
};

}  // namespace trainer
