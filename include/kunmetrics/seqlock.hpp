// A value that one thread stores and any thread loads, without a lock: the writer never waits.
//
// A sequence number is odd while a store is under way; a reader that saw it odd, or changed, reads
// again. All words are atomic, stored with release and loaded with acquire, so that no load of a word can
// move past the second look at the number, and no store before the first: no fence is needed, and there
// is no data race to hide from ThreadSanitizer.
// Source: Boehm, Can seqlocks get along with programming language memory models?, MSPC 2012.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace kunmetrics {

template <typename T>
  requires std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>
class seqlock {
 public:
  seqlock() { store(T{}); }
  seqlock(seqlock const&) = delete;
  seqlock& operator=(seqlock const&) = delete;

  // By one thread at a time.
  void store(T const& value) noexcept {
    auto const* const bytes = reinterpret_cast<unsigned char const*>(&value);
    auto const sequence = sequence_.load(std::memory_order_relaxed);
    sequence_.store(sequence + 1, std::memory_order_relaxed);
    std::size_t i = 0;
    for (; i + 4 <= words; i += 4) {  // a turn of one store takes twice as long
      store_word(i, bytes), store_word(i + 1, bytes), store_word(i + 2, bytes), store_word(i + 3, bytes);
    }
    for (; i < words; ++i) store_word(i, bytes);
    sequence_.store(sequence + 2, std::memory_order_release);
  }

  // The latest whole value. Reads again while a store is under way, so a writer that never rests can
  // keep it: a meter's does so for some ten nanoseconds a step.
  T load() const noexcept {
    std::array<std::uint64_t, words> copy{};
    std::uint64_t before = 0;
    do {
      before = sequence_.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < words; ++i) copy[i] = words_[i].load(std::memory_order_acquire);
    } while (before % 2 == 1 || sequence_.load(std::memory_order_relaxed) != before);
    T value;
    std::memcpy(static_cast<void*>(&value), copy.data(), sizeof(T));
    return value;
  }

 private:
  static constexpr std::size_t words = sizeof(T) / 8;
  static_assert(sizeof(T) % 8 == 0, "seqlock<T> requires 'T' to be of whole words of 8 bytes");

  void store_word(std::size_t i, unsigned char const* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    words_[i].store(word, std::memory_order_release);
  }

  std::atomic<std::uint64_t> sequence_{0};
  std::array<std::atomic<std::uint64_t>, words> words_{};
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
};

}  // namespace kunmetrics
