// Step time and phases over all ranks of a job: least, median and most, and which rank on which node.
//
// A rank describes its own reporting interval (rank_times); descriptions merge into a rank_summary of fixed
// size, so one message a rank and ceil(log2 ranks) steps of a tree give the job's (rank_tree.hpp). Merging is
// associative and commutative to the last bit: least and most are exact, ties go to the lower rank, and
// the median comes from counters that add up (duration_sketch.hpp), within 0.8 % of the exact one. An
// exact median would need every rank's number in one place, a message that grows with the ranks; at 65536
// it would move more bytes than it tells.
#pragma once

#include <kunmetrics/duration_sketch.hpp>
#include <kunmetrics/fields.hpp>
#include <kunmetrics/meter_snapshot.hpp>
#include <kunmetrics/step_record.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kunmetrics {

// A node's name within a message: its first 55 characters.
struct node_name {
  std::array<char, 56> characters{};

  constexpr node_name() = default;
  constexpr explicit node_name(std::string_view text) {
    std::ranges::copy(text.substr(0, characters.size() - 1), characters.begin());
  }
  constexpr std::string_view text() const { return {characters.data()}; }
  constexpr operator std::string_view() const { return text(); }  // so that every writer can write it
};

struct rank_identity {
  std::int64_t rank = 0;
  node_name node{};
};

// A collective of bytes: the ranks' messages, in the order of ranks, to every rank.
template <typename T>
concept gathering = requires(T& communicator, std::span<std::byte const> mine, std::span<std::byte> all) {
  { communicator.size() } -> std::convertible_to<std::int64_t>;
  communicator.all_gather(mine, all);
};

// What ranks are compared by: the whole step, the rank's own work in it (all but communication and idle,
// in which it waits for the others), and each phase.
inline constexpr std::size_t rank_statistics = phase_names.size() + 2;
inline constexpr std::size_t whole_step = 0, own_work = 1, first_phase = 2;
constexpr std::string_view rank_statistic_name(std::size_t i) {
  return i == whole_step ? "step" : i == own_work ? "own_work" : phase_names.at(i - first_phase);
}

// One rank's mean times of a step over a reporting interval.
struct rank_times {
  rank_identity who{};
  std::array<quantity_of<units::second>, rank_statistics> mean{};
};

// Of a range of the rank's records; warm-up is the caller's to leave out, untimed steps are left out here.
// All zero when there is no step.
template <std::ranges::input_range Records>
rank_times times_of_rank(rank_identity const& who, Records&& records) {
  rank_times times{.who = who};
  double steps = 0;
  for (step_record const& record : records) {
    if (record.untimed) continue;
    steps += 1;
    times.mean[whole_step] += record.time;
    times.mean[own_work] += record.time - in_phase(record, phase::communication) - in_phase(record, phase::idle);
    for (std::size_t p = 0; p < phase_names.size(); ++p) times.mean[first_phase + p] += record.phases[p];
  }
  if (steps == 0) return times;
  for (auto& sum : times.mean) sum = sum / steps;
  return times;
}

// Of all that a meter has measured: `meter.totals()`, or a snapshot. All zero before the first measured step.
inline rank_times times_of_rank(rank_identity const& who, meter_snapshot const& totals) {
  rank_times times{.who = who};
  if (totals.measured.steps.coherent() == 0) return times;
  auto const steps = static_cast<double>(totals.measured.steps.coherent());
  auto const waited = totals.phases[static_cast<std::size_t>(phase::communication)] +
                      totals.phases[static_cast<std::size_t>(phase::idle)];
  times.mean[whole_step] = totals.measured.time / steps;
  times.mean[own_work] = (totals.measured.time - waited) / steps;
  for (std::size_t p = 0; p < phase_names.size(); ++p) times.mean[first_phase + p] = totals.phases[p] / steps;
  return times;
}

// One statistic over ranks.
struct over_ranks {
  struct extreme {
    quantity_of<units::second> time{};
    rank_identity who{};
  };
  extreme least{}, most{};
  duration_sketch spread{};

  // Within 0.8 %, and never outside of least and most.
  quantity_of<units::second> median() const { return std::clamp(spread.percentile(50), least.time, most.time); }
};

struct rank_summary {
  std::int64_t ranks = 0;
  std::array<over_ranks, rank_statistics> of{};

  rank_summary() = default;
  explicit rank_summary(rank_times const& one) : ranks{1} {
    for (std::size_t i = 0; i < rank_statistics; ++i) {
      of[i].least = of[i].most = {one.mean[i], one.who};
      of[i].spread.add(one.mean[i]);
    }
  }

  over_ranks const& step() const { return of[whole_step]; }
  over_ranks const& in(phase p) const { return of[first_phase + static_cast<std::size_t>(p)]; }
  // The rank whose own work takes longest: what the others wait for.
  over_ranks::extreme const& straggler() const { return of[own_work].most; }

  void merge(rank_summary const& other) {
    if (other.ranks == 0) return;
    if (ranks == 0) {
      *this = other;
      return;
    }
    ranks += other.ranks;
    for (std::size_t i = 0; i < rank_statistics; ++i) {
      auto const& theirs = other.of[i];
      auto const earlier = [](auto const& a, auto const& b) { return a.who.rank < b.who.rank; };
      auto& [least, most, spread] = of[i];
      if (theirs.least.time < least.time || (theirs.least.time == least.time && earlier(theirs.least, least))) {
        least = theirs.least;
      }
      if (theirs.most.time > most.time || (theirs.most.time == most.time && earlier(theirs.most, most))) {
        most = theirs.most;
      }
      spread.merge(theirs.spread);
    }
  }
};
static_assert(std::is_trivially_copyable_v<rank_summary> && std::is_trivially_copyable_v<rank_times>);

// The same by a collective that gives every rank all of them, for ranks that are threads of one process, or
// few: a message of sizeof(rank_times) a rank. `communicator` is the trainer's, or of its shape.
template <gathering Communicator>
std::unique_ptr<rank_summary> rank_summary_of(rank_times const& mine, Communicator& communicator) {
  std::vector<rank_times> times(static_cast<std::size_t>(communicator.size()));
  communicator.all_gather(std::as_bytes(std::span{&mine, 1}), std::as_writable_bytes(std::span{times}));
  auto all = std::make_unique<rank_summary>();
  for (rank_times const& one : times) all->merge(rank_summary{one});
  return all;
}

// What a person or a dashboard reads of one statistic.
struct rank_report_row {
  std::string_view name;
  quantity_of<units::second> min{}, median{}, max{};
  std::int64_t slowest_rank = 0;
  node_name slowest_node{};

  using hana_accessors_impl = fields<
      field<"name", &rank_report_row::name>, field<"min", &rank_report_row::min>,
      field<"median", &rank_report_row::median>, field<"max", &rank_report_row::max>,
      field<"slowest_rank", &rank_report_row::slowest_rank>, field<"slowest_node", &rank_report_row::slowest_node>>;
};

// One row a statistic, in the order of rank_statistic_name; of at least one rank.
inline std::array<rank_report_row, rank_statistics> rows_of(rank_summary const& all) {
  std::array<rank_report_row, rank_statistics> rows;
  for (std::size_t i = 0; i < rank_statistics; ++i) {
    auto const& of = all.of[i];
    rows[i] = {rank_statistic_name(i), of.least.time, of.median(), of.most.time, of.most.who.rank, of.most.who.node};
  }
  return rows;
}

// The rank that the others wait for, for a writer: its own work in a mean step, and the median of all ranks'.
struct straggler_report {
  std::int64_t rank = 0;
  node_name node{};
  quantity_of<units::second> own_work{}, median_own_work{};

  using hana_accessors_impl = fields<
      field<"rank", &straggler_report::rank>, field<"node", &straggler_report::node>,
      field<"own_work", &straggler_report::own_work>, field<"median_own_work", &straggler_report::median_own_work>>;
};

// Of all rows, as `rows_of` gives them.
inline straggler_report straggler_of(std::span<rank_report_row const> rows) {
  auto const& own = rows[own_work];
  return {.rank = own.slowest_rank, .node = own.slowest_node, .own_work = own.max, .median_own_work = own.median};
}

}  // namespace kunmetrics
