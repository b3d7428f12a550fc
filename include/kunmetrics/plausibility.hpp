// Which known trap is likely behind a utilization that cannot be, or behind a peak that is not the device's.
//
//   the peak     held against the device's own at that precision: half or twice of it (sparse and dense
//                mixed, or a die and its card), another precision's, another device's, a value published
//                but not used
//   the rate     above 100 % only: the traps of rate_traps.hpp
// A trap of the rate is named when its factor brings the utilization to 100 % or below; the factor is a
// fact, that it was this trap is not. mfu<> and hfu<> of a run refuse by themselves, in a word; of a bare
// model and peak they refuse nothing: whoever prints such a number asks here.
#pragma once

#include <kunmetrics/devices.hpp>
#include <kunmetrics/rate_traps.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

// A trap, what it multiplies the utilization by, and what it would be without.
struct likely_trap {
  std::string name;
  double factor = 1;
  std::string explanation;
};

// A utilization that no processor can have; the likeliest trap first, none when nothing known fits.
struct implausible_utilization {
  double ratio = 0;
  std::vector<likely_trap> traps;

  // One line, without a full stop: "utilization: needed at most 100 %, received 190.0 %; likely ...".
  std::string reason() const;
};

namespace detail {
inline std::string percent_text(double ratio) {
  char text[32];
  static_cast<void>(std::snprintf(text, sizeof text, "%.1f %%", 100 * ratio));
  return text;
}

inline bool same_rate(double lhs, double rhs) { return std::abs(lhs - rhs) <= 1e-3 * rhs; }

// A processor of which its card, board or wafer holds two: "card of two dies".
inline bool of_two(device const& d) { return d.is.find(" of two ") != std::string_view::npos; }

inline std::string described(device const& d) { return std::string{d.name} + ", a " + std::string{d.is}; }

// Devices other than `d` whose used peak at a precision is `rate`, three at most.
inline std::string others_with(device const& d, precision at, double rate) {
  std::string names;
  int count = 0;
  for (device const* other : devices::all) {
    auto const limit = peak(*other, at);
    if (!limit || other->name == d.name || !same_rate(rate, limit->rate.coherent())) continue;
    if (++count > 3) break;
    names += (names.empty() ? "" : ", or of ") + described(*other);
  }
  return names;
}

// What a peak that is not the device's own is; `own` is the device's at the same precision, if known.
inline std::vector<likely_trap> peak_suspicions(peak_rate const& given, device const& d, maybe<peak_rate> const& own) {
  std::vector<likely_trap> found;
  auto const rate = given.rate.coherent();
  auto const add = [&](std::string name, std::string explanation) {
    found.push_back({std::move(name), own ? own->rate.coherent() / rate : 1, std::move(explanation)});
  };
  auto const at = std::string{name_of(given.at)};
  // What the table knows of this very value says more than its factor.
  auto const published = std::ranges::find_if(d.alternatives, [&](auto const& other) {
    return other && other->at == given.at && same_rate(rate, other->rate.coherent());
  });
  bool const listed = published != d.alternatives.end();
  if (listed) {
    auto const& beside = **published;
    bool const sparse = beside.remark.find("spars") != std::string_view::npos;
    add(sparse ? "sparse peak" : "peak that is not used",
        "the peak is published by " + std::string{beside.source} + ", but not used: " + std::string{beside.remark});
  }
  if (own && same_rate(2 * rate, own->rate.coherent())) {
    if (of_two(d)) add("die for card", "the peak is half of the " + at + " rate of this " + std::string{d.is});
    add("peak halved twice", "the peak is half of the device's dense " + at + " rate: halved as if that were sparse");
  }
  if (own && same_rate(rate, 2 * own->rate.coherent())) {
    if (d.is == "die") add("card for die", "the peak is twice the die's " + at + " rate: its card's");
    if (!listed) add("sparse peak", "the peak is twice the device's dense " + at + " rate");
  }
  for (auto const& other : d.peaks) {
    if (other && other->at != given.at && same_rate(rate, other->rate.coherent())) {
      add("peak of another precision",
          "the peak is the device's " + std::string{name_of(other->at)} + " rate, not its " + at + " rate");
    }
  }
  if (auto const names = others_with(d, given.at, rate); !names.empty()) {
    add("peak of another device", "the peak is the " + at + " rate of " + names);
  }
  return found;
}

// What makes a rate too high, or the work that it stands for: those that explain the ratio, the likeliest first.
inline std::vector<likely_trap> rate_suspicions(double ratio, peak_rate const& given, device const& d,
                                                cluster const& size) {
  std::vector<likely_trap> found;
  for (auto const& trap : rate_traps(given, d, size)) {
    if (!explains(trap, ratio)) continue;
    auto why = std::string{trap.explanation()};
    if (trap.work_in) {
      why = "products in " + std::string{name_of(*trap.work_in)} + " held against the " +
            std::string{name_of(given.at)} + " peak";
    }
    found.push_back({std::string{trap.name}, trap.factor, std::move(why)});
  }
  auto const off_the_middle = [&](likely_trap const& trap) { return std::abs(std::log(ratio / trap.factor / 0.45)); };
  std::ranges::stable_sort(found, {}, off_the_middle);
  return found;
}
}  // namespace detail

inline std::string implausible_utilization::reason() const {
  std::string text = ratio > 1 ? "utilization: needed at most 100 %" : "utilization: needed a number of at least 0 %";
  text += ", received " + detail::percent_text(ratio);
  if (traps.empty()) return text + "; no known trap fits";
  auto const& first = traps.front();
  text += "; likely " + first.name + ": " + first.explanation;
  if (first.factor > 1) text += " (without it " + detail::percent_text(ratio / first.factor) + ")";
  return text;
}

// The traps that a utilization, the peak that it is of and the processor hint at, the likeliest first.
// Empty for a utilization of 0 to 1 over the device's own peak.
inline std::vector<likely_trap> likely_traps(quantity_of<units::one> ratio, peak_rate const& of,
                                             device const& processor, cluster const& size = {}) {
  auto const own = peak(processor, of.at);
  bool const given = of.rate.coherent() > 0;
  std::vector<likely_trap> suspected;
  if (given && !(own && detail::same_rate(of.rate.coherent(), own->rate.coherent()))) {
    suspected = detail::peak_suspicions(of, processor, own);
  }
  if (!given || !(ratio.coherent() > 1)) return suspected;
  // A wrong peak that brings the ratio down far enough explains it by itself: those first, what is left of
  // the peak's last.
  std::vector<likely_trap> found;
  auto const explains = [&](likely_trap const& trap) { return ratio.coherent() / trap.factor <= 1; };
  std::ranges::copy_if(suspected, std::back_inserter(found), explains);
  std::ranges::move(detail::rate_suspicions(ratio.coherent(), of, processor, size), std::back_inserter(found));
  std::ranges::copy_if(suspected, std::back_inserter(found), std::not_fn(explains));
  return found;
}

// The refusal of a utilization above 100 %, below 0 or not a number; empty when it is possible.
inline std::optional<implausible_utilization> implausible(quantity_of<units::one> ratio, peak_rate const& of,
                                                          device const& processor, cluster const& size = {}) {
  if (ratio.coherent() >= 0 && ratio.coherent() <= 1) return std::nullopt;
  return implausible_utilization{ratio.coherent(), likely_traps(ratio, of, processor, size)};
}

// Of the result of mfu<> or hfu<>, which carries its peak.
template <typename Utilization>
  requires requires(Utilization const& use) { use.ratio; use.peak; }
std::optional<implausible_utilization> implausible(Utilization const& use, device const& processor,
                                                   cluster const& size = {}) {
  return implausible(use.ratio, use.peak, processor, size);
}

}  // namespace kunmetrics
