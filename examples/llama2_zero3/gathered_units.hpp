// Whole units in the format of the wire, gathered from all ranks for computing.
//
//   parameters sharded   layer l          buffer l % 2: while one layer computes, the next is gathered
//                        embedding, head  a third buffer: they are never live together
//   parameters whole     a buffer for every unit
//
// A rank's own part is the master copy in fp32; it is narrowed to the wire's format when it is sent, so
// that there is no second copy to go stale. Where a rank has the whole master copy nothing is sent.
// A buffer remembers which unit it holds, of which version of the parameters. A unit already
// there is not gathered again: the top layers at the turn from forward to backward, the bottom
// layers at the turn from one micro-step to the next. A new version makes all of them stale.
// Misuse (a buffer still in use, a unit that is not there) throws std::logic_error at once.
#pragma once

#include "communicator.hpp"
#include "ledger.hpp"
#include "operators/conversion.hpp"
#include "operators/row_blocks.hpp"
#include "operators/widest_vectors.hpp"
#include "shard.hpp"
#include "sharding.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace trainer {

// The largest padded size among some cuts, 0 for none.
inline std::int64_t largest_padded(std::span<unit_cut const> cuts) {
  std::int64_t largest = 0;
  for (auto const& cut : cuts) largest = std::max(largest, cut.padded());
  return largest;
}

// The largest shard among some cuts, 0 for none.
inline std::int64_t largest_shard(std::span<unit_cut const> cuts) {
  std::int64_t largest = 0;
  for (auto const& cut : cuts) largest = std::max(largest, cut.shard);
  return largest;
}

template <class Number>
class gathered_units {
  struct held_unit {
    std::size_t unit;
    std::uint64_t version;
    friend bool operator==(held_unit const&, held_unit const&) = default;
  };
  struct place {
    buffer<Number> values;
    std::optional<held_unit> held;
    bool in_use = false;
  };

 public:
  // The right to read one gathered unit; its buffer is taken for as long as this lives.
  class lease {
   public:
    lease(lease const&) = delete;
    lease& operator=(lease const&) = delete;
    ~lease() { place_->in_use = false; }
    std::span<Number const> parameters() const { return parameters_; }  // padded

   private:
    friend class gathered_units;
    lease(place& from, std::span<Number const> parameters) : place_(&from), parameters_(parameters) {
      from.in_use = true;
    }
    place* place_;
    std::span<Number const> parameters_;
  };

  using master = arithmetic<Number>;

  // The cuts of embedding, layers and head, in that order; at least three.
  gathered_units(ledger& book, std::vector<unit_cut> cuts, sharding shards = {})
      : cuts_(std::move(cuts)), shards_(shards) {
    if (cuts_.size() < 3) {
      throw std::invalid_argument("gathered_units: embedding, a layer and head needed, received " +
                                  std::to_string(cuts_.size()) + " units");
    }
    for (auto const size : place_sizes(cuts_, shards)) {
      places_.push_back({.values = {book, memory_part::gathered_units, size}});
    }
    sent_ = {book, memory_part::exchange, sent_elements(cuts_, shards)};
  }

  // Elements of each buffer.
  static std::vector<std::int64_t> place_sizes(std::span<unit_cut const> cuts, sharding shards) {
    std::vector<std::int64_t> sizes;
    if (!shards.parameters) {
      for (auto const& cut : cuts) sizes.push_back(cut.padded());
      return sizes;
    }
    auto const layers = cuts.subspan(1, cuts.size() - 2);
    auto const layer = largest_padded(layers);
    return {layers.size() > 1 ? layer : 0, layer, std::max(cuts.front().padded(), cuts.back().padded())};
  }

  // Elements of the room for a narrowed shard; an fp32 master copy is sent as it is.
  static std::int64_t sent_elements(std::span<unit_cut const> cuts, sharding shards) {
    return half_width<Number> && shards.optimizer ? largest_shard(cuts) : 0;
  }

  // Whether a unit of the present version is there.
  bool holds(std::size_t unit) const { return place_of(unit).held == held_unit{unit, version_}; }

  // Brings a unit in, of whose master copy this rank has `own`: its shard, or all of it where the
  // optimizer state is whole. Does nothing when the unit is there.
  template <communicator Communicator>
  void gather(std::size_t unit, std::span<master const> own, Communicator& communicator, int threads = 1) {
    if (holds(unit)) return;
    auto& to = place_of(unit);
    if (to.in_use) {
      throw std::logic_error("gather: a free buffer for unit " + std::to_string(unit) +
                             " needed, unit " + std::to_string(to.held->unit) + " still in use");
    }
    to.held.reset();  // a collective that throws leaves nothing behind that looks whole
    auto const whole = to.values.span(0, cuts_[unit].padded());
    if (shards_.optimizer && cuts_[unit].world > 1) {
      communicator.all_gather(std::as_bytes(wire_format(own, threads)), std::as_writable_bytes(whole));
    } else {
      narrow_on(threads, own, whole);
    }
    to.held = held_unit{unit, version_};
  }

  // The unit's parameters, which must be there, of the present version, and not in use.
  lease use(std::size_t unit) {
    auto& from = place_of(unit);
    if (!holds(unit) || from.in_use) {
      throw std::logic_error("use: unit " + std::to_string(unit) + " of version " +
                             std::to_string(version_) + " needed, its buffer holds " +
                             described(from));
    }
    return {from, from.values.span(0, cuts_[unit].padded())};
  }

  // The parameters have changed: what is gathered is stale from here on.
  void expire() { ++version_; }

 private:
  std::size_t place_index(std::size_t unit) const {
    if (unit < cuts_.size()) {
      if (!shards_.parameters) return unit;
      return unit == 0 || unit + 1 == cuts_.size() ? 2 : unit % 2;
    }
    throw std::logic_error("gathered_units: a unit below " + std::to_string(cuts_.size()) +
                           " needed, received " + std::to_string(unit));
  }
  place& place_of(std::size_t unit) { return places_[place_index(unit)]; }
  place const& place_of(std::size_t unit) const { return places_[place_index(unit)]; }

  std::span<Number const> wire_format(std::span<master const> own, int threads) {
    if constexpr (half_width<Number>) {
      auto const narrowed = sent_.span().first(own.size());
      narrow_on(threads, own, narrowed);
      return narrowed;
    } else {
      return own;
    }
  }

  static void narrow_on(int threads, std::span<master const> from, std::span<Number> to) {
    for_each_row_block(static_cast<std::int64_t>(from.size()), elements_at_once, threads, [&](row_block const& block) {
      with_widest_vectors([&] { narrow<Number>(part(from, block), part(to, block)); });
    });
  }

  static std::string described(place const& from) {
    if (!from.held) return "nothing";
    return "unit " + std::to_string(from.held->unit) + " of version " +
           std::to_string(from.held->version) + (from.in_use ? ", in use" : "");
  }

  std::vector<unit_cut> cuts_;
  sharding shards_;
  std::vector<place> places_;
  buffer<Number> sent_;
  std::uint64_t version_ = 0;
};

}  // namespace trainer
