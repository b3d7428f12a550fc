// What a device says of itself at a moment: memory, power, temperature, utilisation; of one card, and of all.
//
//   37C 74W 0MiB 32768MiB 0%        a card in FlagPerf's monitor log (kunlunxin_monitor.log and its like)
// A line is words of a number and its unit, in any order: C; W; MiB, GiB, MB, GB or B, first what is in use,
// then what there is; %. A slash between two is passed over, and a second W is the card's limit. A line with
// any other word is none of a card: FlagPerf's time stamps, errors of the tool, column heads.
// Source: FlagPerf training/kunlunxin/kunlunxin_monitor.py; other vendors' monitors there print the same words.
#pragma once

#include <kunmetrics/fields.hpp>
#include <kunmetrics/quantity.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace kunmetrics {

struct device_reading {
  std::optional<count_of<units::byte>> memory_used{};
  std::optional<count_of<units::byte>> memory_peak{};  // where the source keeps a high-water mark itself
  std::optional<count_of<units::byte>> memory_total{};
  std::optional<quantity_of<units::watt>> power{};
  std::optional<double> temperature_celsius{};
  std::optional<quantity_of<units::one>> utilization{};
};

// All cards together: of the card that says most (memory, temperature), summed (power), the mean (utilization).
struct device_sample {
  std::int64_t cards = 0;
  std::optional<count_of<units::byte>> memory_used{};
  std::optional<count_of<units::byte>> memory_peak{};
  std::optional<count_of<units::byte>> memory_total{};
  std::optional<quantity_of<units::watt>> power{};
  std::optional<double> temperature_celsius{};
  std::optional<quantity_of<units::one>> utilization{};

  using hana_accessors_impl = fields<
      field<"cards", &device_sample::cards>, field<"memory_used", &device_sample::memory_used>,
      field<"memory_peak", &device_sample::memory_peak>, field<"memory_total", &device_sample::memory_total>,
      field<"power", &device_sample::power>, field<"temperature_celsius", &device_sample::temperature_celsius>,
      field<"utilization", &device_sample::utilization>>;
};

namespace detail {
template <typename T>
void keep_larger(std::optional<T>& largest, std::optional<T> const& value) {
  if (value && (!largest || *largest < *value)) largest = value;
}

// "32768MiB": the number and what follows it; empty for a word that is not so made.
struct measured_word {
  double number;
  std::string_view unit;
};
inline std::optional<measured_word> measured_word_in(std::string_view word) {
  double number = 0;
  auto const [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || !std::isfinite(number)) return std::nullopt;
  return measured_word{number, word.substr(static_cast<std::size_t>(end - word.data()))};
}

inline std::optional<double> bytes_of_unit(std::string_view unit) {
  struct scale { std::string_view name; double bytes; };
  static constexpr std::array<scale, 7> scales{
      {{"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}};
  auto const at = std::ranges::find(scales, unit, &scale::name);
  return at == scales.end() ? std::nullopt : std::optional{at->bytes};
}

// Whether the word belongs to a card's line.
inline bool take_word(device_reading& reading, std::string_view word) {
  using namespace units;
  if (word == "/") return true;
  auto const found = measured_word_in(word);
  if (!found) return false;
  auto const [number, unit] = *found;
  if (unit == "C" || unit == "\u00b0C") {
    if (!reading.temperature_celsius) reading.temperature_celsius = number;
  } else if (unit == "W") {
    if (!reading.power) reading.power = number * watt;
  } else if (unit == "%") {
    if (!reading.utilization) reading.utilization = number * percent;
  } else if (auto const scale = bytes_of_unit(unit); scale && std::abs(number * *scale) < 9e18) {
    auto const size = std::llround(number * *scale) * byte;
    (reading.memory_used ? reading.memory_total : reading.memory_used) = size;
  } else {
    return false;
  }
  return true;
}
}  // namespace detail

// Empty when the line is no card's.
inline std::optional<device_reading> device_reading_in(std::string_view line) {
  device_reading reading;
  bool any = false;
  while (true) {
    auto const begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) break;
    line.remove_prefix(begin);
    auto const end = std::min(line.find_first_of(" \t\r"), line.size());
    if (!detail::take_word(reading, line.substr(0, end))) return std::nullopt;
    any = true;
    line.remove_prefix(end);
  }
  return any ? std::optional{reading} : std::nullopt;
}

// The cards of the last block of lines in a text that another may still be writing: lines of cards without
// another line between them. A last line without its end is not looked at.
inline std::vector<device_reading> last_device_readings(std::string_view text) {
  std::vector<device_reading> block, before;
  bool ended = false;
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    auto const reading = device_reading_in(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!reading) {
      ended = true;
      continue;
    }
    if (ended) before = std::exchange(block, {});
    ended = false;
    block.push_back(*reading);
  }
  // a block with fewer cards than the last one, and nothing after it, is still being written
  return !ended && block.size() < before.size() ? before : block;
}

inline device_sample device_sample_of(std::span<device_reading const> cards) {
  device_sample sample{.cards = static_cast<std::int64_t>(cards.size())};
  double use = 0;
  std::int64_t users = 0;
  for (auto const& card : cards) {
    detail::keep_larger(sample.memory_used, card.memory_used);
    detail::keep_larger(sample.memory_peak, card.memory_peak);
    detail::keep_larger(sample.memory_total, card.memory_total);
    detail::keep_larger(sample.temperature_celsius, card.temperature_celsius);
    if (card.power) sample.power = sample.power ? *sample.power + *card.power : *card.power;
    if (!card.utilization) continue;
    use += card.utilization->coherent();
    ++users;
  }
  if (users > 0) sample.utilization = use / static_cast<double>(users) * units::one;
  return sample;
}

}  // namespace kunmetrics
