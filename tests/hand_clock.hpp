// A clock that a test moves by hand; each thread has its own.
#pragma once

#include <chrono>

struct hand_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<hand_clock>;
  [[maybe_unused]] static constexpr bool is_steady = true;
  static inline thread_local time_point at{};
  static time_point now() { return at; }
};
