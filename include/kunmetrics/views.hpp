// range-v3 pipelines over step records; the only header that includes range-v3.
//
//   meter.records() | km::drop_warmup | km::windows(50) | km::tokens_per_processor_second(run)
//   log.records | km::drop_warmup | km::without_pauses | km::by_epoch | km::over(run, km::mfu<km::flops::palm>)
//   meter.records() | km::slowest(10)
//
// Views are lazy and compose left to right, over a meter's live records, or those of a file. windows and
// by_epoch are ranges of record_group: a range of the group's records, with their sums. Groups are walked
// once: what finds a group's end takes its sums on the way, which is why they cost what a loop written by
// hand does. A calculation at the end gives one value for records, and lazily one a group for groups.
#pragma once

#include <kunmetrics/step_record.hpp>
#include <kunmetrics/throughput.hpp>

#include <range/v3/functional/bind_back.hpp>
#include <range/v3/view/all.hpp>
#include <range/v3/view/facade.hpp>
#include <range/v3/view/filter.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace kunmetrics {

// The records that count: those after warm-up.
inline constexpr auto drop_warmup = ranges::views::filter([](step_record const& record) {
  if (record.warm_up) [[unlikely]] return false;
  return true;
});

// The records without what checkpoints and evaluation took of them: `time` and those phases are less by
// it. Pauses between steps are in no record's time to begin with.
inline constexpr auto without_pauses = ranges::views::transform([](step_record record) {
  for (phase const pause : {phase::checkpoint, phase::evaluation}) {
    auto& in_pause = record.phases[static_cast<std::size_t>(pause)];
    record.time -= in_pause;
    in_pause = {};
  }
  return record;
});

// Neighbouring records, and their sums by the rule of `add`.
template <typename Iterator>
class record_group {
 public:
  record_group() = default;
  record_group(Iterator first, Iterator last, interval const& over) : first_{first}, last_{last}, over_{over} {}

  Iterator begin() const { return first_; }
  Iterator end() const { return last_; }
  interval const& sums() const { return over_; }

 private:
  Iterator first_{}, last_{};
  interval over_{};
};

// Records cut into groups. A rule is a copyable object that holds(record, records already in the group).
template <typename Records, typename Rule>
class grouped_view : public ranges::view_facade<grouped_view<Records, Rule>, ranges::finite> {
  friend ranges::range_access;
  using iterator = ranges::iterator_t<Records>;
  using sentinel = ranges::sentinel_t<Records>;

  class cursor {
   public:
    cursor() = default;
    cursor(iterator first, sentinel last, Rule rule) : past_{first}, last_{last}, rule_{rule} { next(); }
    record_group<iterator> read() const { return {first_, past_, over_}; }
    void next() {
      first_ = past_;
      over_ = {};
      std::ptrdiff_t taken = 0;
      for (; past_ != last_; ++past_, ++taken) {
        auto&& record = *past_;
        if (taken > 0 && !rule_.holds(record, taken)) break;
        if (taken == 0) rule_.begin(record);
        add(over_, record);
      }
      ended_ = taken == 0;
    }
    bool equal(cursor const& other) const { return first_ == other.first_ && ended_ == other.ended_; }
    bool equal(ranges::default_sentinel_t) const { return ended_; }

   private:
    iterator first_{}, past_{};
    sentinel last_{};
    Rule rule_{};
    interval over_{};
    bool ended_ = true;
  };

  cursor begin_cursor() { return {ranges::begin(records_), ranges::end(records_), rule_}; }

  Records records_{};
  Rule rule_{};

 public:
  grouped_view() = default;
  grouped_view(Records records, Rule rule) : records_{std::move(records)}, rule_{rule} {}
};

namespace detail {
struct steps_of_a_window {
  std::ptrdiff_t n = 1;
  void begin(step_record const&) {}
  bool holds(step_record const&, std::ptrdiff_t taken) const { return taken < n; }
};
struct steps_of_an_epoch {
  std::int64_t epoch = 0;
  void begin(step_record const& first) { epoch = first.epoch; }
  bool holds(step_record const& next, std::ptrdiff_t) const { return next.epoch == epoch; }
};

inline constexpr auto grouped = []<typename Records, typename Rule>(Records&& records, Rule rule) {
  return grouped_view<ranges::views::all_t<Records>, Rule>{ranges::views::all(std::forward<Records>(records)), rule};
};

template <typename Group>
concept summed = requires(Group const& group) {
  { group.sums() } -> std::convertible_to<interval>;
};
}  // namespace detail

// Consecutive groups of n steps; the last may be shorter. Throws precondition_error when n < 1.
inline auto windows(std::ptrdiff_t n) {
  if (n < 1) broken_precondition("windows", "at least 1 step", std::to_string(n));
  return ranges::make_view_closure(ranges::bind_back(detail::grouped, detail::steps_of_a_window{n}));
}

// Consecutive groups of one epoch each.
inline constexpr auto by_epoch =
    ranges::make_view_closure(ranges::bind_back(detail::grouped, detail::steps_of_an_epoch{}));

// The n records of the longest time, longest first, earlier ones before later of the same time. The
// choice is made at the first `begin`; the view then holds copies of the n. Untimed steps are not among them.
template <typename Records>
class slowest_view : public ranges::view_interface<slowest_view<Records>> {
 public:
  slowest_view() = default;
  slowest_view(Records records, std::size_t n) : records_{std::move(records)}, n_{n} {}

  auto begin() {
    choose();
    return chosen_.cbegin();
  }
  auto end() {
    choose();
    return chosen_.cend();
  }

 private:
  static bool before(step_record const& a, step_record const& b) {
    return a.time != b.time ? a.time > b.time : a.step < b.step;
  }
  // A heap of the slowest so far, the fastest of them on top: O(records · log n) time, n records of memory.
  void choose() {
    if (std::exchange(chose_, true) || n_ == 0) return;
    auto next = ranges::begin(records_);
    auto const last = ranges::end(records_);
    for (; next != last && chosen_.size() < n_; ++next) {
      if (auto&& record = *next; !record.untimed) chosen_.push_back(record);
    }
    std::ranges::make_heap(chosen_, before);
    for (; next != last; ++next) {
      auto&& record = *next;
      if (record.untimed || !before(record, chosen_.front())) continue;
      std::ranges::pop_heap(chosen_, before);
      chosen_.back() = record;
      std::ranges::push_heap(chosen_, before);
    }
    std::ranges::sort_heap(chosen_, before);
  }

  Records records_{};
  std::size_t n_ = 0;
  std::vector<step_record> chosen_{};
  bool chose_ = false;
};

// Throws precondition_error when n < 0.
inline auto slowest(std::ptrdiff_t n) {
  if (n < 0) broken_precondition("slowest", "a number of steps", std::to_string(n));
  return ranges::make_view_closure(ranges::bind_back(
      []<typename Records>(Records&& records, std::size_t count) {
        return slowest_view<ranges::views::all_t<Records>>{ranges::views::all(std::forward<Records>(records)), count};
      },
      static_cast<std::size_t>(n)));
}

namespace detail {
template <typename Range, typename Visit>
void visit_each(Range& range, Visit visit) {
  for (auto&& element : range) visit(element);
}
// What a filter without state lets through, not by its iterator: that one looks for the end twice at each element.
template <typename Base, typename Rule, typename Visit>
  requires std::is_empty_v<Rule> && std::default_initializable<Rule>
void visit_each(ranges::filter_view<Base, Rule>& kept, Visit visit) {
  for (auto&& element : kept.base()) {
    if (Rule{}(element)) visit(element);
  }
}
}  // namespace detail

// Σ tokens, Σ time and steps of a range of records, or of a range of sums; a group has its own already. A
// skipped step's time counts, its tokens do not.
inline constexpr auto sums = []<typename Records>(Records&& records) {
  if constexpr (detail::summed<Records>) {
    return records.sums();
  } else {
    interval over;
    detail::visit_each(records, [&](auto const& element) {
      if constexpr (std::convertible_to<decltype(element), interval const&>) over += element;
      else add(over, element);
    });
    return over;
  }
};

// The end of a pipeline: the calculator's value over records, or lazily over each group.
template <ranges::input_range Records, calculator Calculator>
auto operator|(Records&& records, calculation<Calculator> const& of) {
  if constexpr (std::convertible_to<ranges::range_reference_t<Records>, step_record const&>) {
    return of(sums(records));
  } else {
    return ranges::views::transform(ranges::views::all(std::forward<Records>(records)),
                                    [of](auto const& group) { return of(sums(group)); });
  }
}

}  // namespace kunmetrics
