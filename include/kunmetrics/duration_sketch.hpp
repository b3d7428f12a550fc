// Percentiles of durations in a fixed 8 KiB, to 0.8 % of their value.
//
// Counters lie log-linearly: each octave of nanoseconds is cut into 64 equal buckets, so a bucket is
// never wider than 1/64 of what falls into it, and its middle is within 1/128 of each. Range: 1 us to
// 2^41 ns (2199 s); what lies outside counts at the ends, and smallest and largest are kept exactly.
// Two sketches merge by adding counters, which is exact, associative and commutative.
// Source of the layout: Tene's HdrHistogram; the same guarantee with other buckets: Masson, Rim and
// Lee, DDSketch, VLDB 12 (2019).
#pragma once

#include <kunmetrics/quantity.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

namespace kunmetrics {

// A counter of one writer that any thread may read. Copies are of the moment.
class shared_counter {
 public:
  constexpr shared_counter() = default;
  shared_counter& operator++() {
    count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return *this;
  }
  operator std::uint32_t() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> count_{0};
};

// `Counter` is std::uint32_t, or shared_counter where another thread reads.
template <typename Counter>
class basic_duration_sketch {
 public:
  static constexpr int bits_within_octave = 6;  // 64 buckets an octave
  static constexpr int lowest_octave = 10, highest_octave = 40;
  static constexpr std::size_t buckets = (highest_octave - lowest_octave + 1) << bits_within_octave;
  static constexpr double relative_error = 1.0 / (2 << bits_within_octave);

  constexpr basic_duration_sketch() = default;

  // What another sketch held at this moment.
  template <typename Other>
  explicit basic_duration_sketch(basic_duration_sketch<Other> const& other) {
    for (std::size_t i = 0; i < buckets; ++i) counters_[i] = other.counters()[i];
  }

  void add(quantity_of<units::second> time) { ++counters_[bucket_of(time.coherent())]; }

  void merge(basic_duration_sketch const& other)
    requires std::same_as<Counter, std::uint32_t>
  {
    for (std::size_t i = 0; i < buckets; ++i) counters_[i] += other.counters_[i];
  }

  std::array<Counter, buckets> const& counters() const { return counters_; }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (Counter const& counter : counters_) all += counter;
    return all;
  }

  // The nearest rank: the smallest duration that `percent` of a hundred do not exceed, within
  // `relative_error`. Throws precondition_error when nothing was added or percent is not in (0, 100].
  quantity_of<units::second> percentile(double percent) const {
    if (!(percent > 0 && percent <= 100)) {
      broken_precondition("percentile", "a percentage above 0 and up to 100", std::to_string(percent));
    }
    auto const all = count();
    if (all == 0) broken_precondition("percentile", "at least 1 duration", "0");
    auto const rank = std::max(1.0, std::ceil(static_cast<double>(all) * percent / 100 - 1e-9));
    std::uint64_t below = 0;
    std::size_t i = 0;
    while (i + 1 < buckets && static_cast<double>(below += counters_[i]) < rank) ++i;
    return middle(i) * units::second;
  }

  friend bool operator==(basic_duration_sketch const&, basic_duration_sketch const&) = default;

 private:
  static std::size_t bucket_of(double seconds) {
    constexpr double last = static_cast<double>(std::int64_t{1} << (highest_octave + 1)) - 1;
    double const within = std::clamp(seconds * 1e9, static_cast<double>(1 << lowest_octave), last);
    auto const nanoseconds = static_cast<std::uint64_t>(within);
    int const octave = static_cast<int>(std::bit_width(nanoseconds)) - 1;
    auto const place = (nanoseconds >> (octave - bits_within_octave)) - (1U << bits_within_octave);
    return (static_cast<std::size_t>(octave - lowest_octave) << bits_within_octave) + place;
  }
  static double middle(std::size_t bucket) {
    auto const octave = static_cast<int>(bucket >> bits_within_octave) + lowest_octave;
    auto const place = static_cast<double>(bucket & ((1U << bits_within_octave) - 1));
    return std::ldexp(1.0 + (place + 0.5) / (1 << bits_within_octave), octave) * 1e-9;
  }

  std::array<Counter, buckets> counters_{};
};

using duration_sketch = basic_duration_sketch<std::uint32_t>;
using shared_duration_sketch = basic_duration_sketch<shared_counter>;

}  // namespace kunmetrics
