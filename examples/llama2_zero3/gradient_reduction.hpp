// From whole units' gradients on every rank to this rank's shard of their sum.
//
//   all_to_all: rank p receives part p [shard elements] of every rank's gradients, in the wire's format
//   then, for r = 0 ... N-1 in this order:   accumulated += part from rank r       in fp32
//
// Done after each micro-step k into an accumulator that starts at zero, the additions follow the
// global micro-batch order j = k N + r. The sum thus has the same bits for every N, as long as
// N times the number of micro-steps is the same; a transport's own reduction would not give that.
// The volume is that of a reduce-scatter: each rank sends (N-1)/N of the unit. Nothing is divided in
// the wire's format: the mean, and the loss scale, are one factor on the fp32 sum.
// Where gradients are sharded one buffer serves all units in turn, else every unit has its own.
#pragma once

#include "communicator.hpp"
#include "gathered_units.hpp"
#include "ledger.hpp"
#include "operators/conversion.hpp"
#include "operators/product.hpp"
#include "operators/row_blocks.hpp"
#include "operators/widest_vectors.hpp"
#include "shard.hpp"
#include "sharding.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace trainer {

template <class Number>
class gradient_reduction {
 public:
  using real = arithmetic<Number>;

  gradient_reduction(ledger& book, std::vector<unit_cut> cuts, sharding shards = {})
      : cuts_(std::move(cuts)), received_(book, memory_part::exchange, largest_padded(cuts_)) {
    for (auto const size : place_sizes(cuts_, shards)) sent_.emplace_back(book, memory_part::unit_gradients, size);
  }

  // Elements of each buffer that backward writes to.
  static std::vector<std::int64_t> place_sizes(std::span<unit_cut const> cuts, sharding shards) {
    if (shards.gradients) return {largest_padded(cuts)};
    std::vector<std::int64_t> sizes;
    for (auto const& cut : cuts) sizes.push_back(cut.padded());
    return sizes;
  }

  // Where backward writes a unit's gradients: its numel elements, without padding.
  std::span<Number> unit_gradients(std::size_t unit) { return place_of(unit).span(0, cuts_[unit].numel); }

  // Adds what all ranks wrote there to this rank's shard of the sum, in rank order; the sum starts at zero
  // unless it goes on. Returns the first rank whose part was not finite, if there is one.
  template <communicator Communicator>
  std::optional<std::int64_t> add_to(std::span<real> accumulated, std::size_t unit, Communicator& communicator,
                                     accumulate onto, int threads = 1) {
    auto const& cut = cuts_[unit];
    auto& sent = place_of(unit);
    std::ranges::fill(sent.span(cut.numel, cut.padded() - cut.numel), Number{});
    std::span<Number const> received = sent.span(0, cut.padded());
    if (cut.world > 1) {
      auto const room = received_.span(0, cut.padded());
      communicator.all_to_all(std::as_bytes(received), std::as_writable_bytes(room));
      received = room;
    }
    std::atomic<std::int64_t> not_finite{cut.world};
    for_each_row_block(cut.shard, elements_at_once, threads, [&](row_block const& block) {
      auto const some = part(accumulated, block);
      for (std::int64_t rank = 0; rank < cut.world; ++rank) {
        auto const sent_part = received.subspan(static_cast<std::size_t>(cut.first(rank) + block.first), some.size());
        bool const starts = rank == 0 && onto == accumulate::no;
        if (!add_part(sent_part, some, starts)) keep_smaller(not_finite, rank);
      }
    });
    return not_finite < cut.world ? std::optional{not_finite.load()} : std::nullopt;
  }

 private:
  // Adds to the sums, or to zero where they start; whether all of `part` is finite.
  static bool add_part(std::span<Number const> part, std::span<real> accumulated, bool starts) {
    unsigned strange = 0;
    with_widest_vectors([&] {
      Number const* const from = part.data();
      real* const sum = accumulated.data();
      for (std::size_t i = 0; i < accumulated.size(); ++i) {
        auto const value = static_cast<real>(widened(from[i]));
        sum[i] = (starts ? real{0} : sum[i]) + value;
        strange |= static_cast<unsigned>(!is_finite(value));
      }
    });
    return strange == 0;
  }

  static void keep_smaller(std::atomic<std::int64_t>& least, std::int64_t value) {
    for (auto seen = least.load(); value < seen && !least.compare_exchange_weak(seen, value);) {}
  }

  buffer<Number>& place_of(std::size_t unit) { return sent_[sent_.size() == 1 ? 0 : unit]; }

  std::vector<unit_cut> cuts_;
  std::vector<buffer<Number>> sent_;
  buffer<Number> received_;
};

}  // namespace trainer
