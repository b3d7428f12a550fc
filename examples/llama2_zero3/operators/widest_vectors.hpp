// Plain loops compiled three times, for any x86-64 processor, for AVX2 and for AVX-512, and run as the
// widest that this one has.
//
//   with_widest_vectors([&] { for (...) y[i] = f(x[i]); });
//
// One binary thus runs everywhere and loses nothing on newer processors. The bits are the same at every
// width: no loop here lets a compiler reorder a sum, and the trainer is compiled with -ffp-contract=off,
// so that a product and a sum do not become one rounding where the processor has an instruction for it.
// The body must be a loop over memory without calls that cannot be inlined, locks or exceptions.
#pragma once

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define TRAINER_HAS_VECTOR_TARGETS 1
#endif

namespace trainer {

enum class vector_width { baseline, avx2, avx512 };

/// The widest vectors that this processor has.
inline vector_width widest_vectors() noexcept {
#ifdef TRAINER_HAS_VECTOR_TARGETS
  static vector_width const widest = [] {
    __builtin_cpu_init();
    bool const avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx512) return vector_width::avx512;
    return __builtin_cpu_supports("avx2") ? vector_width::avx2 : vector_width::baseline;
  }();
  return widest;
#else
  return vector_width::baseline;
#endif
}

namespace detail {
#ifdef TRAINER_HAS_VECTOR_TARGETS
// `flatten` inlines the body, whose own functions are for any processor, into one that is not.
#ifdef __clang__
#define TRAINER_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl"), gnu::flatten]]
#else
#define TRAINER_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"), gnu::flatten]]
#endif
template <class Body>
TRAINER_AVX512 void run_with_avx512(Body const& body) noexcept {
  body();
}
template <class Body>
[[gnu::target("avx2"), gnu::flatten]] void run_with_avx2(Body const& body) noexcept {
  body();
}
#undef TRAINER_AVX512
#endif
}  // namespace detail

/// Calls body() once, at `width`, which this processor must have.
template <class Body>
void with_vectors(vector_width width, Body const& body) noexcept {
#ifdef TRAINER_HAS_VECTOR_TARGETS
  if (width == vector_width::avx512) return detail::run_with_avx512(body);
  if (width == vector_width::avx2) return detail::run_with_avx2(body);
#else
  static_cast<void>(width);
#endif
  body();
}

/// Calls body() once, at the widest there is.
template <class Body>
void with_widest_vectors(Body const& body) noexcept {
  with_vectors(widest_vectors(), body);
}

}  // namespace trainer

#undef TRAINER_HAS_VECTOR_TARGETS
