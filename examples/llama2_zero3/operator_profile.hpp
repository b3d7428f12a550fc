// Where a rank's time goes: seconds, FLOP and bytes of every operator in every pass.
//
//   laps(thread)            starts a watch on one of the rank's threads
//   lap(operator, work)     the time since the last lap was that operator's, and so much work was done
// Each thread writes to cells of its own, so nothing is shared while operators run; a lap is a clock read and
// four additions, some thirty a block of rows. Without a profile it is a test of a pointer.
// A thread's seconds over the number of threads are an operator's share of the step; what is left of the step
// is waiting for the slowest thread, and what has no operator. FLOP are those of products, as executed: the
// half of attention above the diagonal is not among them. Bytes are of operands and results, each once:
// what memory must move where no cache helps.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace trainer {

enum class operator_kind {
  embedding, norm, qkv, rotation, attention, wo, gate_up, swiglu, down, lm_head, cross_entropy, packing, gather, reduce, square_sum, adamw
};
inline constexpr std::array<std::string_view, 16> operator_names{
    "embedding", "norm", "qkv", "rotation", "attention", "wo", "gate_up", "swiglu", "down", "lm_head", "cross_entropy",
    "packing", "gather", "reduce", "square_sum", "adamw"};

enum class operator_pass { forward, recompute, backward, weight_gradient, update };
inline constexpr std::array<std::string_view, 5> operator_pass_names{"forward", "recompute", "backward", "weight_gradient", "update"};

struct operator_work {
  double flop = 0, bytes = 0;
};

/// What one operator took in one pass, over all threads.
struct operator_cost {
  double seconds = 0;  // of all threads together
  std::int64_t calls = 0;
  operator_work work{};

  operator_cost& operator+=(operator_cost const& other) {
    seconds += other.seconds;
    calls += other.calls;
    work.flop += other.work.flop;
    work.bytes += other.work.bytes;
    return *this;
  }
};

class operator_profile {
 public:
  explicit operator_profile(int threads) : cells_(static_cast<std::size_t>(threads)) {}

  int threads() const noexcept { return static_cast<int>(cells_.size()); }

  /// What is computed from here on, until it is said again; told by the rank's own thread between operators.
  void enter(operator_pass pass) noexcept { pass_ = pass; }
  operator_pass pass() const noexcept { return pass_; }

  void add(std::size_t thread, operator_kind kind, operator_pass pass, operator_cost const& cost) noexcept {
    cells_[thread].costs[static_cast<std::size_t>(pass)][static_cast<std::size_t>(kind)] += cost;
  }

  operator_cost cost(operator_kind kind, operator_pass pass) const {
    operator_cost sum;
    for (auto const& one : cells_) sum += one.costs[static_cast<std::size_t>(pass)][static_cast<std::size_t>(kind)];
    return sum;
  }

  /// Forgets what was counted: the steps that warm up.
  void clear() {
    for (auto& one : cells_) one = {};
  }

 private:
  struct alignas(128) cells {  // no two threads write to one cache line, nor to one that is fetched with it
    std::array<std::array<operator_cost, operator_names.size()>, operator_pass_names.size()> costs{};
  };

  std::vector<cells> cells_;
  operator_pass pass_ = operator_pass::forward;
};

/// A watch on one thread; does nothing where there is no profile.
class operator_laps {
  using clock = std::chrono::steady_clock;

 public:
  operator_laps(operator_profile* profile, std::size_t thread) noexcept : profile_(profile), thread_(thread) {
    if (profile_ != nullptr) last_ = clock::now();
  }

  /// A watch for all threads: on operators that they share, or that one computes while the others wait.
  static operator_laps of_all(operator_profile* profile) noexcept {
    operator_laps laps(profile, 0);
    if (profile != nullptr) laps.times_ = profile->threads();
    return laps;
  }

  /// The time since the last lap was `kind`'s, in the pass that the rank is in.
  void operator()(operator_kind kind, operator_work const& work = {}) noexcept {
    if (profile_ != nullptr) lap(kind, profile_->pass(), work);
  }
  void operator()(operator_kind kind, operator_pass pass, operator_work const& work) noexcept {
    if (profile_ != nullptr) lap(kind, pass, work);
  }

 private:
  void lap(operator_kind kind, operator_pass pass, operator_work const& work) noexcept {
    auto const now = clock::now();
    profile_->add(thread_, kind, pass, {times_ * std::chrono::duration<double>(now - last_).count(), 1, work});
    last_ = now;
  }

  operator_profile* profile_;
  std::size_t thread_;
  double times_ = 1;
  clock::time_point last_{};
};

/// Work of a product [m, k] [k, n] of numbers of `size` bytes.
constexpr operator_work product_work(std::int64_t m, std::int64_t n, std::int64_t k, std::size_t size) noexcept {
  auto const [rows, columns, depth] = std::array{static_cast<double>(m), static_cast<double>(n), static_cast<double>(k)};
  return {2 * rows * columns * depth, static_cast<double>(size) * (rows * depth + depth * columns + rows * columns)};
}

/// Work of an operator that moves `numbers` numbers of `size` bytes and multiplies none.
constexpr operator_work moved(std::int64_t numbers, std::size_t size) noexcept {
  return {0, static_cast<double>(numbers) * static_cast<double>(size)};
}

}  // namespace trainer
