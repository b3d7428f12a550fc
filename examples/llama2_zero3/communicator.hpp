// What the engine needs of a group of ranks: two collectives on bytes, and a way out.
//
//   all_gather  mine [b bytes]        -> all [size * b bytes], in rank order
//   all_to_all  send [size * b bytes] -> receive [size * b bytes]: part p of send goes to rank p,
//               part p of receive came from rank p
//   abort       every other rank's pending and later collective throws `aborted`
//
// Bytes, so that no transport needs to know a number format, and no reduction, so that sums are
// taken by the engine in an order of its own and have the same bits over every transport.
// Calls block; a barrier is an all_gather of one byte. Source and destination must not overlap.
// A transport may also want to know what its collectives are for, to say so when one does not end:
//   at(run_position)   where in the run this rank is, until it is told otherwise
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace trainer {

// Thrown by a collective when another rank gave up; carries that rank's reason.
class aborted : public std::runtime_error {
 public:
  explicit aborted(std::string const& why) : std::runtime_error("aborted: " + why) {}
};

// Thrown by a collective when ranks did not come to it in time; says which, and where they were.
class lost_ranks : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where in the run a rank is: plain bytes, so that it can be sent, and is copied without allocating.
struct run_position {
  std::int64_t step = 0;        // being trained, from 1; 0: none yet
  std::array<char, 24> unit{};  // "embedding", "layer3", "head", or "summary", "checkpoint"; empty: none

  constexpr run_position() = default;
  // A longer name is cut.
  constexpr run_position(std::int64_t trained, std::string_view name) : step(trained) {
    std::ranges::copy(name.substr(0, unit.size() - 1), unit.begin());
  }
  std::string_view name() const { return {unit.data(), std::ranges::find(unit, '\0')}; }
  bool known() const { return step > 0 || unit.front() != '\0'; }
};

// "step 7, unit layer3", or what of it is known.
inline std::string described(run_position const& position) {
  std::string text = position.step > 0 ? "step " + std::to_string(position.step) : "before the first step";
  if (position.unit.front() != '\0') text.append(", unit ").append(position.name());
  return text;
}

// What all ranks see that one of them made, such as numbers that are not finite: told as the failure of that rank, at the
// place where it made them. Without a rank it is that of whoever tells.
class failure_of_origin : public std::runtime_error {
 public:
  failure_of_origin(std::optional<std::int64_t> rank, run_position const& at, std::string const& what)
      : std::runtime_error(what), rank_(rank), at_(at) {}
  std::optional<std::int64_t> rank() const { return rank_; }
  run_position const& at() const { return at_; }

 private:
  std::optional<std::int64_t> rank_;
  run_position at_;
};

template <class C>
concept communicator =
    requires(C& c, C const& asked, std::span<std::byte const> from, std::span<std::byte> to) {
      { asked.rank() } -> std::same_as<int>;
      { asked.size() } -> std::same_as<int>;
      { c.all_gather(from, to) } -> std::same_as<void>;
      { c.all_to_all(from, to) } -> std::same_as<void>;
      { c.abort(std::string_view{}) } noexcept -> std::same_as<void>;
    };

// Tells a communicator that wants to know where this rank is.
template <communicator C>
void locate(C& ranks, std::int64_t step, std::string_view unit) {
  if constexpr (requires { ranks.at(run_position{step, unit}); }) ranks.at(run_position{step, unit});
}

// Waits until every rank is here.
template <communicator C>
void barrier(C& ranks) {
  ranks.all_gather({}, {});
}

}  // namespace trainer
