// One rank's fp32 state of a training: the master copy of the parameters, and AdamW's m and v.
//
// Of every unit a rank keeps its shard of the cut, or where the optimizer state is whole (ZeRO stage 0) all
// of it. In a double engine, which serves tests, the state is double.
#pragma once

#include "adamw.hpp"
#include "ledger.hpp"
#include "operators/row_blocks.hpp"
#include "shard.hpp"
#include "sharding.hpp"
#include "unit.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace trainer {

// Parameters, m and v of one unit, from element `first` of the unit on, without padding.
template <class Real>
struct unit_state {
  std::int64_t first = 0;
  std::span<Real> parameters, m, v;
};

template <class Real>
class master_state {
 public:
  // Initial parameters of `units`, cut by `cuts`; m and v are 0.
  master_state(ledger& book, std::vector<unit_layout> const& units, std::vector<unit_cut> cuts, sharding shards,
               std::int64_t rank, std::uint64_t seed)
      : cuts_(std::move(cuts)), whole_(!shards.optimizer), rank_(rank) {
    for (std::size_t unit = 0; unit < units.size(); ++unit) {
      auto const size = whole_ ? cuts_[unit].padded() : cuts_[unit].shard;
      parameters_.emplace_back(book, memory_part::parameters, size);
      m_.emplace_back(book, memory_part::optimizer_state, size);
      v_.emplace_back(book, memory_part::optimizer_state, size);
      initialise<Real>(units[unit], seed, unit, first(unit), parameters_[unit].span());
    }
  }

  // The parameters of a unit that this rank has, padding included.
  std::span<Real const> padded_parameters(std::size_t unit) const { return parameters_[unit].span(); }

  // All of a unit that this rank keeps.
  unit_state<Real> kept(std::size_t unit) {
    auto const size = whole_ ? cuts_[unit].numel : cuts_[unit].owned(rank_);
    return {first(unit), parameters_[unit].span(0, size), m_[unit].span(0, size), v_[unit].span(0, size)};
  }

  // This rank's share of the cut, whatever it keeps; the shares of all ranks are the whole.
  unit_state<Real const> share(std::size_t unit) const {
    auto const size = cuts_[unit].owned(rank_);
    auto const from = size > 0 ? cuts_[unit].first(rank_) - first(unit) : 0;
    return {cuts_[unit].first(rank_), parameters_[unit].span(from, size), m_[unit].span(from, size),
            v_[unit].span(from, size)};
  }

  // `gradient` is of as many elements as kept(unit).
  void update(adamw_step<Real> const& step, std::size_t unit, std::span<Real const> gradient, int threads = 1) {
    auto const state = kept(unit);
    for_each_row_block(static_cast<std::int64_t>(gradient.size()), elements_at_once, threads, [&](row_block const& block) {
      adamw_update(step, part(state.parameters, block), part(gradient, block), part(state.m, block), part(state.v, block));
    });
  }

 private:
  std::int64_t first(std::size_t unit) const { return whole_ ? 0 : cuts_[unit].first(rank_); }

  std::vector<unit_cut> cuts_;
  bool whole_;
  std::int64_t rank_;
  std::vector<buffer<Real>> parameters_, m_, v_;
};

}  // namespace trainer
