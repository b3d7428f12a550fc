// Numbers as people read them, and the line that a running job shows.
//
//   formatted(rate, token / (processor * second), 1)   "3564.0"                 the column says the unit
//   formatted(rate, 1)                                 "3564.0 token/(processor s)"
//   gibibytes(29 * GiB)                                "29.00 GiB"
//   step 12/200  loss 5.2731  3564.0 token/(processor s)  MFU(palm) 52.64 % of 312 TFLOP/s fp16  1.149 s/step
// The C locale never matters. What is absent, or not finite, is "-".
#pragma once

#include <kunmetrics/step_record.hpp>
#include <kunmetrics/utilization.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>

namespace kunmetrics {

// Fixed notation with `digits` (at most 17) decimals.
inline std::string formatted(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  std::array<char, 352> characters{};  // 309 digits, a sign, a point and the decimals
  auto const end = std::to_chars(characters.data(), characters.data() + characters.size(), value,
                                 std::chars_format::fixed, std::clamp(digits, 0, 17));
  return {characters.data(), end.ptr};
}

namespace detail {
// The power of ten of the first of `digits` digits, once rounded to them: 9.9996 is 10.00.
inline int rounded_magnitude(double value, int digits) {
  std::array<char, 32> characters{};
  auto const end = std::to_chars(characters.data(), characters.data() + characters.size(), value,
                                 std::chars_format::scientific, std::clamp(digits - 1, 0, 17)).ptr;
  auto exponent = std::find(characters.data(), end, 'e') + 1;
  if (*exponent == '+') ++exponent;  // from_chars takes no plus
  int magnitude = 0;
  std::from_chars(exponent, end, magnitude);
  return magnitude;
}
}  // namespace detail

// Fixed notation with `digits` significant digits, at least: the whole part is never rounded away.
inline std::string significant(double value, int digits) {
  if (value == 0 || !std::isfinite(value)) return formatted(value, 0);
  return formatted(value, std::max(0, digits - 1 - detail::rounded_magnitude(value, digits)));
}

// The number of `Unit`s.
template <typename Dimension, typename Rep, typename Scale>
std::string formatted(quantity<Dimension, Rep> const& q, unit<Dimension, Scale> in, int digits) {
  return formatted(static_cast<double>(q.in(in)), digits);
}

// The number with its coherent unit.
template <typename Dimension, typename Rep>
std::string formatted(quantity<Dimension, Rep> const& q, int digits) {
  return formatted(static_cast<double>(q.coherent()), digits) + ' ' + std::string{unit_text<Dimension>};
}

// A count, every digit of it, with its unit.
template <typename Dimension>
std::string formatted(quantity<Dimension, std::int64_t> const& q) {
  return std::to_string(q.coherent()) + ' ' + std::string{unit_text<Dimension>};
}

inline std::string gibibytes(quantity_of<units::byte> size) { return formatted(size, units::GiB, 2) + " GiB"; }

// "312 TFLOP", "21.3 GFLOP": at most `digits` significant digits, under a prefix that leaves a whole part.
inline std::string flop_text(double flop, int digits) {
  struct prefix { double scale; std::string_view name; };
  constexpr std::array<prefix, 3> prefixes{{{1e12, " TFLOP"}, {1e9, " GFLOP"}, {1e6, " MFLOP"}}};
  auto const fits = std::ranges::find_if(prefixes, [&](prefix p) { return std::abs(flop) >= p.scale; });
  auto const [scale, name] = fits != prefixes.end() ? *fits : prefix{1, " FLOP"};
  auto number = significant(flop / scale, digits);
  // Peaks and FLOP counts are stated, not measured: zeros at the end would claim digits nobody gave.
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  return number + std::string{name};
}

// "312 TFLOP/s fp16": a processor's peak; its source is not said here.
inline std::string formatted(peak_rate const& peak) {
  return flop_text(peak.rate.coherent(), 4) + "/s " + std::string{name_of(peak.at)};
}

// "52.64 %"
inline std::string percentage(quantity_of<units::one> ratio) {
  return significant(ratio.in(units::percent), 4) + " %";
}

// "MFU(palm)", "HFU(palm, layers)": a utilization's name with all that it depends on.
template <typename Work>
std::string utilization_name() {
  std::string name{Work::name};
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  name += '(' + std::string{Work::convention::name};
  if constexpr (requires { Work::recomputed; }) name += ", " + std::string{name_of(Work::recomputed)};
  return name + ')';
}

// One line on a finished step, without a newline. `rate` and `use` are over an interval of the
// caller's choice (a meter gives all steps after warm-up); the last number is this step's time.
template <typename Work>
std::string live_line(step_record const& record, count_of<units::step> total, maybe<token_rate_t> const& rate,
                      maybe<utilization<Work>> const& use) {
  auto line = "step " + std::to_string(record.step.coherent()) + '/' + std::to_string(total.coherent());
  line += "  loss " + (record.loss ? formatted(*record.loss, 4) : "-");
  line += "  " + (rate ? significant(rate->coherent(), 5) : "-") + ' ' + std::string{unit_text<token_rate_t>};
  line += "  " + utilization_name<Work>() + ' ' + (use ? percentage(use->ratio) + " of " + formatted(use->peak) : "-");
  return line + "  " + formatted(record.time, 3) + "/step" + (record.skipped ? "  skipped" : "");
}

}  // namespace kunmetrics
