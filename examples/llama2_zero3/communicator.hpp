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
#pragma once

#include <concepts>
#include <cstddef>
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

template <class C>
concept communicator =
    requires(C& c, C const& asked, std::span<std::byte const> from, std::span<std::byte> to) {
      { asked.rank() } -> std::same_as<int>;
      { asked.size() } -> std::same_as<int>;
      { c.all_gather(from, to) } -> std::same_as<void>;
      { c.all_to_all(from, to) } -> std::same_as<void>;
      { c.abort(std::string_view{}) } noexcept -> std::same_as<void>;
    };

}  // namespace trainer
