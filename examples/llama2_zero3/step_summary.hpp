// What all ranks must know of a step, in one small all_gather, so that all take one decision.
//
//   message of a rank [doubles]: wants to stop, tokens, what it saw that is not finite, losses [micro-steps],
//                                sums of squares [blocks of its shard of every unit]
//
// Every rank reads the same messages in the same order: losses in micro-batch order j = k N + r,
// sums in unit and block order. Blocks do not depend on N (shard.hpp), so neither does any bit.
// A sum of gradients that is not finite shows as a sum of squares that is not: a square of a float
// cannot overflow a double, nor can as many of them as there is memory for. Where it came from is
// told beside it: the unit whose output was not finite first, or the one whose gradients were.
#pragma once

#include "communicator.hpp"
#include "ledger.hpp"
#include "operators/row_blocks.hpp"
#include "operators/widest_vectors.hpp"
#include "shard.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace trainer {

// Something that is not finite: the unit it was in, the rank it came from, and whether forward made it.
struct non_finite {
  std::size_t unit = 0;
  std::optional<std::int64_t> rank{};  // absent: finite parts of all ranks, whose sum is not
  bool forward = false;

  friend bool operator==(non_finite const&, non_finite const&) = default;
};

struct step_summary {
  double loss = 0;            // mean over micro-batches
  double sum_of_squares = 0;  // of the summed gradients
  std::int64_t tokens = 0;
  bool stop = false;                     // some rank wants to stop
  std::optional<non_finite> not_finite{};  // of a loss or a gradient, nearest to where it began
};

// The sum of squares of a block, in eight lanes, which vectorise and fix the order of additions.
template <class Real>
double sum_of_squares(std::span<Real const> values) {
  std::array<double, 8> lanes{};
  auto const whole = values.size() / lanes.size() * lanes.size();
  for (std::size_t i = 0; i < whole; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      auto const value = static_cast<double>(values[i + lane]);
      lanes[lane] += value * value;
    }
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    auto const value = static_cast<double>(values[i]);
    lanes[i - whole] += value * value;
  }
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

// The mean of losses[r][k] over j = k N + r; `message` and `offset` place them among doubles.
inline double mean_loss(std::span<double const> all, std::size_t ranks, std::size_t offset,
                        std::size_t micro_steps) {
  auto const message = all.size() / ranks;
  double sum = 0;
  for (std::size_t k = 0; k < micro_steps; ++k) {
    for (std::size_t rank = 0; rank < ranks; ++rank) sum += all[rank * message + offset + k];
  }
  return sum / static_cast<double>(micro_steps * ranks);
}

class summary_exchange {
  // a unit is sent as its number plus one, 0 for none
  static constexpr std::size_t stop_at = 0, tokens_at = 1, forward_unit_at = 2, backward_unit_at = 3,
                               backward_rank_at = 4, losses_at = 5;

 public:
  // Doubles in one rank's message.
  static std::int64_t message_size(std::span<unit_cut const> cuts, std::int64_t micro_steps) {
    auto size = static_cast<std::int64_t>(losses_at) + micro_steps;
    for (auto const& cut : cuts) size += cut.blocks_per_shard();
    return size;
  }

  summary_exchange(ledger& book, std::vector<unit_cut> cuts, std::int64_t micro_steps)
      : cuts_(std::move(cuts)),
        micro_steps_(static_cast<std::size_t>(micro_steps)),
        mine_(book, memory_part::exchange, message_size(cuts_, micro_steps)),
        all_(book, memory_part::exchange, cuts_.front().world * message_size(cuts_, micro_steps)) {}

  double& loss(std::size_t micro_step) { return mine_.span()[losses_at + micro_step]; }

  // A new step: nothing strange was seen yet.
  void start() {
    for (auto const at : {forward_unit_at, backward_unit_at, backward_rank_at}) mine_.span()[at] = 0;
  }

  // This rank's forward left numbers that are not finite, in `unit` first.
  void saw_forward(std::size_t unit) {
    if (mine_.span()[forward_unit_at] == 0) mine_.span()[forward_unit_at] = static_cast<double>(unit + 1);
  }

  // This rank received gradients of `unit` from `rank` that are not finite. Backward goes from the last
  // unit to the first, so the one nearest to the beginning is the last.
  void saw_backward(std::size_t unit, std::int64_t rank) {
    if (mine_.span()[backward_unit_at] >= static_cast<double>(unit + 1)) return;
    mine_.span()[backward_unit_at] = static_cast<double>(unit + 1);
    mine_.span()[backward_rank_at] = static_cast<double>(rank);
  }

  // Measures this rank's shard of a unit's gradients; `owned` leaves the padding out.
  template <class Real>
  void measure(std::size_t unit, std::span<Real const> owned, int threads = 1) {
    auto const sums = mine_.span().subspan(sums_at(unit));
    auto const block = static_cast<std::size_t>(cuts_[unit].block);
    constexpr std::int64_t at_once = 32;
    for_each_row_block(block_count(static_cast<std::int64_t>(owned.size()), cuts_[unit].block), at_once, threads, [&](row_block const& some) {
      with_widest_vectors([&] {
        for (auto i = static_cast<std::size_t>(some.first); i < static_cast<std::size_t>(some.first + some.rows); ++i) {
          sums[i] = sum_of_squares(owned.subspan(i * block, std::min(block, owned.size() - i * block)));
        }
      });
    });
  }

  // Sends this rank's message and reads everyone's.
  template <communicator Communicator>
  step_summary gathered(std::int64_t tokens, bool want_stop, Communicator& communicator) {
    mine_.span()[stop_at] = want_stop ? 1 : 0;
    mine_.span()[tokens_at] = static_cast<double>(tokens);
    communicator.all_gather(std::as_bytes(mine_.span()), std::as_writable_bytes(all_.span()));
    auto const ranks = static_cast<std::size_t>(cuts_.front().world);
    step_summary summary{.loss = mean_loss(all_.span(), ranks, losses_at, micro_steps_)};
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      summary.stop = summary.stop || message(rank)[stop_at] != 0;
      summary.tokens += static_cast<std::int64_t>(message(rank)[tokens_at]);
    }
    for (std::size_t unit = 0; unit < cuts_.size(); ++unit) {
      auto const sum = unit_sum_of_squares(unit, summary.sum_of_squares);
      if (!std::isfinite(sum) && !summary.not_finite) summary.not_finite = non_finite{.unit = unit};
      summary.sum_of_squares = sum;
    }
    if (auto const origin = origin_of_non_finite()) summary.not_finite = origin;
    return summary;
  }

 private:
  // `start` plus the sums of a unit's blocks, in block order.
  double unit_sum_of_squares(std::size_t unit, double start) const {
    auto const per_shard = static_cast<std::size_t>(cuts_[unit].blocks_per_shard());
    auto const blocks = static_cast<std::size_t>(cuts_[unit].blocks());
    for (std::size_t block = 0; block < blocks; ++block) {
      start += message(block / per_shard)[sums_at(unit) + block % per_shard];
    }
    return start;
  }

  // What the ranks saw, the nearest to the beginning: forward before backward, there the first unit, here
  // the last, and of several ranks the first.
  std::optional<non_finite> origin_of_non_finite() const {
    std::optional<non_finite> forward, backward;
    for (std::size_t rank = 0; rank < static_cast<std::size_t>(cuts_.front().world); ++rank) {
      auto const unit_at = [&](std::size_t at) { return static_cast<std::size_t>(message(rank)[at]); };
      if (auto const unit = unit_at(forward_unit_at); unit > 0 && (!forward || unit - 1 < forward->unit)) {
        forward = non_finite{.unit = unit - 1, .rank = static_cast<std::int64_t>(rank), .forward = true};
      }
      auto const source = static_cast<std::int64_t>(message(rank)[backward_rank_at]);
      if (auto const unit = unit_at(backward_unit_at);
          unit > 0 && (!backward || std::pair{unit - 1, *backward->rank} > std::pair{backward->unit, source})) {
        backward = non_finite{.unit = unit - 1, .rank = source};
      }
    }
    return forward ? forward : backward;
  }

  std::span<double const> message(std::size_t rank) const {
    auto const size = mine_.span().size();
    return all_.span().subspan(rank * size, size);
  }

  std::size_t sums_at(std::size_t unit) const {
    auto const before = std::span{cuts_}.first(unit);
    return static_cast<std::size_t>(
        message_size(before, static_cast<std::int64_t>(micro_steps_)));
  }

  std::vector<unit_cut> cuts_;
  std::size_t micro_steps_;
  buffer<double> mine_;
  buffer<double> all_;
};

}  // namespace trainer
