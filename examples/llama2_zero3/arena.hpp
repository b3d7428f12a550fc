// One block of memory, cut into parts that each start on a 64-byte boundary.
//
// The same list of `take` calls is run twice: first on an arena that only measures, which gives the
// exact size of the block, then on one that owns the block and hands out its parts. So the bytes a
// class declares and the bytes it allocates cannot drift apart.
#pragma once

#include "large_pages.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>

namespace trainer {

inline constexpr std::int64_t alignment_bytes = 64;  // a cache line, and the widest vector register

class arena {
 public:
  /// An arena that counts bytes and hands out empty parts.
  arena() = default;

  /// An arena that owns `bytes` bytes, all zero; throws std::bad_alloc if there are not so many.
  explicit arena(std::int64_t bytes)
      : block_(static_cast<std::byte*>(::operator new(static_cast<std::size_t>(bytes), boundary))),
        capacity_(bytes) {
    prefer_large_pages(block_.get(), static_cast<std::size_t>(bytes));
    std::memset(block_.get(), 0, static_cast<std::size_t>(bytes));
  }

  /// The next `count` elements, or an empty span when only measuring.
  /// Throws std::logic_error if the block has not so many left.
  template <class Element>
  std::span<Element> take(std::int64_t count) {
    auto const begin = used_;
    auto const bytes = count * static_cast<std::int64_t>(sizeof(Element));
    used_ += (bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
    if (!block_) return {};
    if (used_ > capacity_)
      throw std::logic_error("arena: " + std::to_string(used_) + " bytes were needed, there are " +
                             std::to_string(capacity_));
    return {reinterpret_cast<Element*>(block_.get() + begin), static_cast<std::size_t>(count)};
  }

  std::int64_t used_bytes() const noexcept { return used_; }
  std::int64_t allocated_bytes() const noexcept { return capacity_; }

 private:
  static constexpr std::align_val_t boundary{static_cast<std::size_t>(alignment_bytes)};
  struct release {
    void operator()(std::byte* block) const noexcept { ::operator delete(block, boundary); }
  };

  std::unique_ptr<std::byte, release> block_;
  std::int64_t capacity_ = 0;
  std::int64_t used_ = 0;
};

/// Bytes of a block that holds the parts a `Parts` takes when constructed from (arena&, sizes...).
template <class Parts, class... Sizes>
std::int64_t block_bytes(Sizes const&... sizes) {
  arena counter;
  [[maybe_unused]] Parts const parts(counter, sizes...);
  return counter.used_bytes();
}

}  // namespace trainer
