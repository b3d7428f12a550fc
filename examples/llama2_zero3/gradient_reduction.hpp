// From one whole unit's gradients on every rank to this rank's shard of their sum.
//
//   all_to_all: rank p receives part p [shard elements] of every rank's gradients
//   then, for r = 0 ... N-1 in this order:   accumulated += part from rank r
//
// Done after each micro-step k into an accumulator that starts at zero, the additions follow the
// global micro-batch order j = k N + r. The sum thus has the same bits for every N, as long as
// N times the number of micro-steps is the same; a transport's own reduction would not give that.
// The volume is that of a reduce-scatter: each rank sends (N-1)/N of the unit.
#pragma once

#include "communicator.hpp"
#include "gathered_units.hpp"
#include "ledger.hpp"
#include "shard.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace trainer {

template <class Real>
class gradient_reduction {
 public:
  gradient_reduction(ledger& book, std::vector<unit_cut> const& cuts)
      : sent_(book, memory_part::unit_gradients, largest_padded(cuts)),
        received_(book, memory_part::exchange, largest_padded(cuts)) {}

  // Where backward writes a unit's gradients: its numel elements, without padding.
  std::span<Real> unit_gradients(unit_cut const& cut) { return sent_.span(0, cut.numel); }

  // Adds what all ranks wrote there to this rank's shard of the sum, in rank order.
  template <communicator Communicator>
  void add_to(std::span<Real> accumulated, unit_cut const& cut, Communicator& communicator) {
    std::ranges::fill(sent_.span(cut.numel, cut.padded() - cut.numel), Real{0});
    auto const received = received_.span(0, cut.padded());
    communicator.all_to_all(std::as_bytes(sent_.span(0, cut.padded())),
                            std::as_writable_bytes(received));
    for (std::int64_t rank = 0; rank < cut.world; ++rank) {
      auto const* part = received.data() + cut.first(rank);
      for (std::size_t i = 0; i < accumulated.size(); ++i) accumulated[i] += part[i];
    }
  }

 private:
  buffer<Real> sent_;
  buffer<Real> received_;
};

}  // namespace trainer
