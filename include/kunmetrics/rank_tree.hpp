// A value of every rank merged into one on rank 0: one message a rank, ceil(log2 N) steps.
//
// In step k each rank with bit k set sends what it has to the rank without it and is done; the other
// receives and merges, lower ranks on the left. N - 1 messages in all, each of sizeof(T) bytes; no rank
// receives more than ceil(log2 N). The transport is what MPI and sockets offer: matched sends of bytes
// between two ranks. Source: the binomial tree of Thakur, Rabenseifner and Gropp, Optimization of collective
// communication operations in MPICH, IJHPCA 19 (2005).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

namespace kunmetrics {

template <typename T>
concept point_to_point = requires(T& transport, std::span<std::byte const> from, std::span<std::byte> to) {
  { transport.rank() } -> std::convertible_to<std::int64_t>;
  { transport.size() } -> std::convertible_to<std::int64_t>;
  transport.send(std::int64_t{}, from);
  transport.receive(std::int64_t{}, to);
};

// Called by all ranks, each with its own value. Rank 0 is given the merged one in `value`; on the others it
// holds what they had merged when they sent it.
template <typename T, point_to_point Transport>
  requires std::is_trivially_copyable_v<T>
void merge_on_first(T& value, Transport& transport) {
  std::int64_t const rank = transport.rank();
  std::int64_t const size = transport.size();
  auto received = std::make_unique<T>();  // some are too large for a thread's stack
  for (std::int64_t bit = 1; bit < size; bit <<= 1) {
    if ((rank & bit) != 0) {
      transport.send(rank - bit, std::as_bytes(std::span{&value, 1}));
      return;
    }
    if (rank + bit >= size) continue;
    transport.receive(rank + bit, std::as_writable_bytes(std::span{received.get(), 1}));
    value.merge(*received);
  }
}

}  // namespace kunmetrics
