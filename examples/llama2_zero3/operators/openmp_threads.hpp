// On how many threads oneDNN, and any OpenMP region without a number, runs when the calling thread asks it to.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace trainer {

/// OpenMP's setting of the calling thread, while this lives; nothing where there is no OpenMP.
class openmp_threads {
 public:
#ifdef _OPENMP
  explicit openmp_threads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~openmp_threads() { omp_set_num_threads(before_); }
#else
  explicit openmp_threads(int) {}
#endif
  openmp_threads(openmp_threads const&) = delete;
  openmp_threads& operator=(openmp_threads const&) = delete;

 private:
  [[maybe_unused]] int before_ = 1;
};

}  // namespace trainer
