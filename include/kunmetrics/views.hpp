// range-v3 pipelines over step records; the only header that includes range-v3.
//
//   meter.records() | km::drop_warmup | km::windows(50) | rv::transform(km::sums)
//
// Views are lazy and compose left to right. A window's rate is the ratio of its sums.
#pragma once

#include <kunmetrics/requirements.hpp>
#include <kunmetrics/step_record.hpp>

#include <range/v3/view/chunk.hpp>
#include <range/v3/view/filter.hpp>

namespace kunmetrics {

// The records that count: those after warm-up.
inline constexpr auto drop_warmup = ranges::views::filter([](step_record const& record) { return !record.warm_up; });

// Consecutive groups of n steps; the last may be shorter. Throws precondition_error when n < 1.
inline auto windows(std::ptrdiff_t n) {
  if (n < 1) broken_precondition("windows", "at least 1 step", std::to_string(n));
  return ranges::views::chunk(n);
}

// Σ tokens, Σ time and steps of a range of records. A skipped step's time counts, its tokens do not.
inline constexpr auto sums = [](auto&& records) {
  interval over;
  for (step_record const& record : records) {
    if (!record.skipped) over.tokens += record.tokens;
    over.time += record.time;
    over.steps += 1 * units::step;
  }
  return over;
};

}  // namespace kunmetrics
