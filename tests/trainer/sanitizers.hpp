// Whether a test is compiled under a sanitizer: g++ says it in a macro, clang as a feature.
#pragma once

#if defined(__has_feature)
#define TRAINER_TEST_FEATURE(name) __has_feature(name)
#else
#define TRAINER_TEST_FEATURE(name) 0
#endif

namespace trainer_test {

#if defined(__SANITIZE_ADDRESS__) || TRAINER_TEST_FEATURE(address_sanitizer)
constexpr bool address_sanitized = true;
#else
constexpr bool address_sanitized = false;
#endif

#if defined(__SANITIZE_THREAD__) || TRAINER_TEST_FEATURE(thread_sanitizer)
constexpr bool thread_sanitized = true;
#else
constexpr bool thread_sanitized = false;
#endif

}  // namespace trainer_test

#undef TRAINER_TEST_FEATURE
