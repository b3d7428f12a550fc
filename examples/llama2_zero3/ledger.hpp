// Who holds how many bytes: live and peak bytes of one rank, by part.
//
// Every allocation of the engine is a `buffer`, which is 64-byte aligned, zero-filled, and charged
// to a part of the ledger for as long as it lives. What a backend allocates for itself is charged
// with the number the backend states. A ledger is one rank's, used by that rank's thread alone.
// Counts what was asked for; leaves out the allocator's own overhead, code, stacks and libraries.
#pragma once

#include "large_pages.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace trainer {

enum class memory_part {
  parameters,       // this rank's fp32 master copy: a shard, or at stage 0 all of it
  gradients,        // this rank's shard of the fp32 sums
  optimizer_state,  // this rank's m and v, sharded as the master copy is
  gathered_units,   // whole units as they are sent: two layers and one more, or at stages 0 to 2 all
  unit_gradients,   // one whole unit's gradients before they are reduced, or at stages 0 and 1 all units'
  saved_inputs,     // the input of every layer and of the head
  activations,      // what layers keep for backward, and the running gradient
  scratch,          // the backend's own
  exchange          // what collectives receive or send that is nothing of the above, and the step's summary
};

inline constexpr std::array<std::string_view, 9> memory_part_names{
    "parameters",   "gradients",   "optimizer_state", "gathered_units", "unit_gradients",
    "saved_inputs", "activations", "scratch",         "exchange"};

struct bytes_by_part {
  std::array<std::int64_t, memory_part_names.size()> bytes{};

  constexpr std::int64_t& operator[](memory_part part) {
    return bytes[static_cast<std::size_t>(part)];
  }
  constexpr std::int64_t operator[](memory_part part) const {
    return bytes[static_cast<std::size_t>(part)];
  }
  constexpr std::int64_t total() const {
    return std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0});
  }
  friend constexpr bool operator==(bytes_by_part const&, bytes_by_part const&) = default;
};

class ledger {
 public:
  ledger() = default;
  ledger(ledger const&) = delete;
  ledger& operator=(ledger const&) = delete;

  bytes_by_part const& live() const { return live_; }
  bytes_by_part const& peak() const { return peak_; }      // each part at its own peak
  std::int64_t peak_total() const { return peak_total_; }  // the peak of the sum

  // `bytes` may be negative; throws std::logic_error when more is returned than was charged.
  void charge(memory_part part, std::int64_t bytes) {
    auto& now = live_[part];
    if (now + bytes < 0) {
      throw std::logic_error("ledger: at most " + std::to_string(now) + " bytes of " +
                             std::string{memory_part_names[static_cast<std::size_t>(part)]} +
                             " to give back needed, received " + std::to_string(-bytes));
    }
    now += bytes;
    peak_[part] = std::max(peak_[part], now);
    peak_total_ = std::max(peak_total_, live_.total());
  }

 private:
  bytes_by_part live_, peak_;
  std::int64_t peak_total_ = 0;
};

// Bytes charged for as long as this object lives.
class charged {
 public:
  charged() = default;
  charged(ledger& book, memory_part part, std::int64_t bytes)
      : book_(&book), part_(part), bytes_(bytes) {
    book.charge(part, bytes);
  }
  charged(charged&& other) noexcept
      : book_(std::exchange(other.book_, nullptr)), part_(other.part_), bytes_(other.bytes_) {}
  charged& operator=(charged&& other) noexcept {
    std::swap(book_, other.book_);
    std::swap(part_, other.part_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~charged() {
    if (book_ != nullptr) book_->charge(part_, -bytes_);
  }

 private:
  ledger* book_ = nullptr;
  memory_part part_{};
  std::int64_t bytes_ = 0;
};

// An owned, zero-filled, 64-byte aligned array, charged to a ledger that outlives it.
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  buffer() = default;
  buffer(ledger& book, memory_part part, std::int64_t size)
      : size_(length(size)),
        data_(static_cast<T*>(::operator new(size_ * sizeof(T), alignment))),
        charged_(book, part, static_cast<std::int64_t>(size_ * sizeof(T))) {
    prefer_large_pages(data_.get(), size_ * sizeof(T));
    std::uninitialized_value_construct_n(data_.get(), size_);
  }

  std::span<T> span() { return {data_.get(), size_}; }
  std::span<T const> span() const { return {data_.get(), size_}; }
  std::span<T> span(std::int64_t first, std::int64_t size) {
    return span().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size));
  }
  std::span<T const> span(std::int64_t first, std::int64_t size) const {
    return span().subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(size));
  }

 private:
  static constexpr std::align_val_t alignment{64};
  struct release {
    void operator()(T* data) const { ::operator delete(data, alignment); }
  };

  static std::size_t length(std::int64_t size) {
    if (size >= 0) return static_cast<std::size_t>(size);
    throw std::invalid_argument("buffer: a size of at least 0 needed, received " +
                                std::to_string(size));
  }

  std::size_t size_ = 0;
  std::unique_ptr<T[], release> data_;
  charged charged_;
};

}  // namespace trainer
