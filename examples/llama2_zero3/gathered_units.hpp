// Whole units, gathered from all ranks for computing, in three buffers.
//
//   layer l      buffer l % 2: while one layer computes, the next one is gathered
//   embedding    a third buffer, shared with the head: they are never live together
//   and head
//
// A buffer remembers which unit it holds, of which version of the parameters. A unit already
// there is not gathered again: the top layers at the turn from forward to backward, the bottom
// layers at the turn from one micro-step to the next. A new version makes all of them stale.
// Misuse (a buffer still in use, a unit that is not there) throws std::logic_error at once.
#pragma once

#include "communicator.hpp"
#include "ledger.hpp"
#include "shard.hpp"

#include <algorithm>
#include <array>
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

template <class Real>
class gathered_units {
  struct held_unit {
    std::size_t unit;
    std::uint64_t version;
    friend bool operator==(held_unit const&, held_unit const&) = default;
  };
  struct place {
    buffer<Real> values;
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
    std::span<Real const> parameters() const { return parameters_; }  // padded

   private:
    friend class gathered_units;
    lease(place& from, std::span<Real const> parameters) : place_(&from), parameters_(parameters) {
      from.in_use = true;
    }
    place* place_;
    std::span<Real const> parameters_;
  };

  // The cuts of embedding, layers and head, in that order; at least three.
  gathered_units(ledger& book, std::vector<unit_cut> cuts) : cuts_(std::move(cuts)) {
    if (cuts_.size() < 3) {
      throw std::invalid_argument("gathered_units: embedding, a layer and head needed, received " +
                                  std::to_string(cuts_.size()) + " units");
    }
    auto const layers = std::span{cuts_}.subspan(1, cuts_.size() - 2);
    auto const layer = largest_padded(layers);
    auto const second = layers.size() > 1 ? layer : 0;
    auto const edge = std::max(cuts_.front().padded(), cuts_.back().padded());
    places_[0].values = {book, memory_part::gathered_units, second};
    places_[1].values = {book, memory_part::gathered_units, layer};
    places_[2].values = {book, memory_part::gathered_units, edge};
  }

  // Whether a unit of the present version is there.
  bool holds(std::size_t unit) const { return place_of(unit).held == held_unit{unit, version_}; }

  // Brings a unit in, of which this rank has `shard`; does nothing when it is there.
  template <communicator Communicator>
  void gather(std::size_t unit, std::span<Real const> shard, Communicator& communicator) {
    if (holds(unit)) return;
    auto& to = place_of(unit);
    if (to.in_use) {
      throw std::logic_error("gather: a free buffer for unit " + std::to_string(unit) +
                             " needed, unit " + std::to_string(to.held->unit) + " still in use");
    }
    to.held.reset();  // a collective that throws leaves nothing behind that looks whole
    communicator.all_gather(std::as_bytes(shard),
                            std::as_writable_bytes(to.values.span(0, cuts_[unit].padded())));
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
    if (unit < cuts_.size()) return unit == 0 || unit + 1 == cuts_.size() ? 2 : unit % 2;
    throw std::logic_error("gathered_units: a unit below " + std::to_string(cuts_.size()) +
                           " needed, received " + std::to_string(unit));
  }
  place& place_of(std::size_t unit) { return places_[place_index(unit)]; }
  place const& place_of(std::size_t unit) const { return places_[place_index(unit)]; }

  static std::string described(place const& from) {
    if (!from.held) return "nothing";
    return "unit " + std::to_string(from.held->unit) + " of version " +
           std::to_string(from.held->version) + (from.in_use ? ", in use" : "");
  }

  std::vector<unit_cut> cuts_;
  std::array<place, 3> places_;
  std::uint64_t version_ = 0;
};

}  // namespace trainer
