// Numbers as training programs print them, each with the unit of its last digit.
//
//   1072.7   529,882   1.073e+04   14.2K   -100.0%   '2.6031'   567.6/568.0 (the first)
// A number that runs into something that cannot follow a number (a date, the bracket of another
// rank's line) was cut, and is none. nan and inf are none either: no statistic can hold them.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kunmetrics::logs {

struct printed {
  double value = 0;
  double resolution = 0;  // one unit of the last printed digit
};

constexpr printed operator*(printed number, double scale) {
  return {number.value * scale, number.resolution * std::abs(scale)};
}

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Those that a double holds exactly.
inline constexpr std::array<double, 23> powers_of_ten{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline double power_of_ten(int exponent) {
  if (exponent >= 0 && exponent < 23) return powers_of_ten[static_cast<std::size_t>(exponent)];
  if (exponent < 0 && exponent > -23) return 1 / powers_of_ten[static_cast<std::size_t>(-exponent)];
  return std::pow(10.0, exponent);
}

// What may stand behind a number: nothing, a blank, punctuation, a unit. A point only as a full stop.
constexpr bool ends_a_number(std::string_view rest) {
  if (rest.empty()) return true;
  char const next = rest.front();
  if (next == '.') return rest.size() == 1 || is_blank(rest[1]);
  return !is_digit(next) && next != '[' && next != ':' && next != '-' && next != '+' && next != '_';
}

// What may stand between a name and its number.
constexpr bool leads_to_a_number(char c) {
  return is_blank(c) || c == ':' || c == '=' || c == '|' || c == '\'' || c == '"';
}

namespace parts {
// A sign, digits with or without thousands separators, a fraction, an exponent.
class scanned_number {
 public:
  explicit scanned_number(std::string_view text) : text_{text} {
    negative_ = at(0) == '-';
    if (negative_ || at(0) == '+') end_ = 1;
    take_digits();
    while (digits_ > 0 && separator()) {
      ++end_;
      take_digits();
    }
    if (at(end_) == '.' && (is_digit(at(end_ + 1)) || digits_ > 0) && at(end_ + 1) != '.') fraction();
    if (digits_ > 0 && (at(end_) == 'e' || at(end_) == 'E')) exponent();
  }

  bool valid() const { return digits_ > 0; }
  std::size_t size() const { return end_; }
  int last_digit() const { return exponent_ - decimals_; }

  double value() const {
    auto const power = last_digit();
    // Both factors are exact doubles, so the one operation rounds once.
    if (digits_ <= 18 && mantissa_ < 1'000'000'000'000'000 && power > -23 && power < 23) {
      auto const whole = static_cast<double>(mantissa_);
      auto const size = power < 0 ? whole / power_of_ten(-power) : whole * power_of_ten(power);
      return negative_ ? -size : size;
    }
    return read_slowly();
  }

 private:
  char at(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }

  // More than 18 digits may wrap the mantissa; `value` then has no use for it.
  void take_digits() {
    auto end = end_;
    auto mantissa = mantissa_;
    for (; end < text_.size() && is_digit(text_[end]); ++end) {
      mantissa = mantissa * 10 + static_cast<std::uint64_t>(text_[end] - '0');
    }
    digits_ += end - end_;
    end_ = end;
    mantissa_ = mantissa;
  }
  // A comma with three digits behind it, and no fourth, groups thousands.
  bool separator() const {
    return at(end_) == ',' && is_digit(at(end_ + 1)) && is_digit(at(end_ + 2)) && is_digit(at(end_ + 3)) &&
           !is_digit(at(end_ + 4));
  }
  void fraction() {
    auto const begin = ++end_;
    take_digits();
    decimals_ = static_cast<int>(std::min<std::size_t>(end_ - begin, 1000));
  }
  void exponent() {
    auto const sign = at(end_ + 1) == '-' || at(end_ + 1) == '+' ? 1U : 0U;
    if (!is_digit(at(end_ + 1 + sign))) return;
    bool const below = at(end_ + 1) == '-';
    end_ += 1 + sign;
    while (is_digit(at(end_))) {
      if (exponent_ < 1000) exponent_ = exponent_ * 10 + (at(end_) - '0');
      ++end_;
    }
    if (below) exponent_ = -exponent_;
  }
  // Without the separators, which from_chars does not know.
  double read_slowly() const {
    std::string plain{text_.substr(text_.front() == '+' ? 1 : 0, end_ - (text_.front() == '+' ? 1 : 0))};
    std::erase(plain, ',');
    double read = std::nan("");
    std::from_chars(plain.data(), plain.data() + plain.size(), read);
    return read;
  }

  std::string_view text_;
  std::size_t end_ = 0;
  std::size_t digits_ = 0;
  std::uint64_t mantissa_ = 0;
  int decimals_ = 0;
  int exponent_ = 0;
  bool negative_ = false;
};
}  // namespace parts

// The number that `text` begins with, behind blanks, quotes and the signs between a name and its
// value; `text` is then what follows it. Nothing when there is none, or it was cut.
inline std::optional<printed> take_number(std::string_view& text) {
  std::size_t begin = 0;
  while (begin < text.size() && leads_to_a_number(text[begin])) ++begin;
  if (begin == text.size()) return std::nullopt;
  parts::scanned_number const number{text.substr(begin)};
  auto const rest = text.substr(begin + number.size());
  if (!number.valid() || !ends_a_number(rest)) return std::nullopt;
  auto const value = number.value();
  if (!std::isfinite(value)) return std::nullopt;
  text = rest;
  return printed{value, power_of_ten(number.last_digit())};
}

inline std::optional<printed> number_in(std::string_view text) { return take_number(text); }

// The number with its suffix: 14.2K, 1.6M, 480B, 1.04G, 6.738 billion, 63.1TFLOPS.
inline std::optional<printed> human_number_in(std::string_view text) {
  auto number = take_number(text);
  if (!number) return number;
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  if (text.starts_with("billion")) return *number * 1e9;
  if (text.starts_with("million")) return *number * 1e6;
  switch (text.empty() ? ' ' : text.front()) {
    case 'K':
    case 'k': return *number * 1e3;
    case 'M': return *number * 1e6;
    case 'B':
    case 'G': return *number * 1e9;
    case 'T': return *number * 1e12;
    case 'P': return *number * 1e15;
    default: return number;
  }
}

// Text behind the first `key`; nothing when the line has no such key.
inline std::optional<std::string_view> text_after(std::string_view line, std::string_view key) {
  auto const at = line.find(key);
  return at == std::string_view::npos ? std::nullopt : std::optional{line.substr(at + key.size())};
}

inline std::optional<printed> number_after(std::string_view line, std::string_view key) {
  auto const text = text_after(line, key);
  return text ? number_in(*text) : std::nullopt;
}

inline std::optional<printed> human_number_after(std::string_view line, std::string_view key) {
  auto const text = text_after(line, key);
  return text ? human_number_in(*text) : std::nullopt;
}

// A whole number that a count can be.
inline std::optional<std::int64_t> count_of(double number) {
  if (!(number >= 0 && number <= 9e15 && number == std::floor(number))) return std::nullopt;
  return static_cast<std::int64_t>(number);
}
inline std::optional<std::int64_t> count_of(std::optional<printed> const& number) {
  return number ? count_of(number->value) : std::nullopt;
}

// Text without the blanks around it.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace kunmetrics::logs
