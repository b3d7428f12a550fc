// The newest value that one thread handed out, for others to read at any time.
//
//   latest<live> now;      now.set(values);  of one thread       now.get();  of any
// Writing takes no lock, waits for nobody and allocates nothing; a reader that a write overlaps tries
// again. A sequence counter around a copy in atomic words (Boehm, "Can seqlocks get along with programming
// language memory models?", 2012), so that a race detector finds no race because there is none.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kunmetrics {

template <typename T>
class latest {
  static_assert(std::is_trivially_copyable_v<T>, "latest<T> requires 'T' to be trivially copyable");

 public:
  explicit latest(T const& first = T{}) { set(first); }

  // Of one thread only.
  void set(T const& value) noexcept {
    std::array<std::uint64_t, words> copy{};
    std::memcpy(copy.data(), &value, sizeof(T));
    auto const turn = turn_.load(std::memory_order_relaxed);
    turn_.store(turn + 1, std::memory_order_relaxed);  // odd: a write is under way
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < words; ++i) words_[i].store(copy[i], std::memory_order_relaxed);
    turn_.store(turn + 2, std::memory_order_release);
  }

  T get() const noexcept {
    std::array<std::uint64_t, words> copy;
    for (;;) {
      auto const before = turn_.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < words; ++i) copy[i] = words_[i].load(std::memory_order_relaxed);
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 == 0 && turn_.load(std::memory_order_relaxed) == before) break;
    }
    alignas(T) std::array<std::byte, sizeof(T)> bytes;
    std::memcpy(bytes.data(), copy.data(), sizeof(T));
    return std::bit_cast<T>(bytes);
  }

 private:
  static constexpr std::size_t words = (sizeof(T) + 7) / 8;

  std::atomic<std::uint64_t> turn_{0};
  std::array<std::atomic<std::uint64_t>, words> words_{};
};

}  // namespace kunmetrics
