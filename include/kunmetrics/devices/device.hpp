// What is known of a processor: dense peak rates by precision, memory, links, power, and where each is from.
//
// A processor is what the training framework sees as one device; `is` says what that is (a card, a
// die, a chip). Rates are dense, for the precision of the product's inputs, accumulated in fp32 where
// the maker tells rates apart, in FLOP/s of one processor. Published values that conflict stand side
// by side as alternatives, each saying why it is not the one used. `published` keeps every source's
// statement whole (published.hpp), memory and links that conflict too.
#pragma once

#include <kunmetrics/quantity.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace kunmetrics {

enum class precision { fp64, fp32, tf32, bf16, fp16, fp8, int8, fp4 };
using enum precision;

inline constexpr std::array<std::string_view, 8> precision_names{"fp64", "fp32", "tf32", "bf16",
                                                                 "fp16", "fp8",  "int8", "fp4"};
constexpr std::string_view name_of(precision p) { return precision_names.at(static_cast<std::size_t>(p)); }
constexpr std::optional<precision> precision_named(std::string_view name) {
  for (std::size_t i = 0; i < precision_names.size(); ++i) {
    if (precision_names.at(i) == name) return static_cast<precision>(i);
  }
  return std::nullopt;
}

using flop_rate = quantity_of<units::flop / (units::processor * units::second)>;
using byte_rate = quantity_of<units::byte / (units::processor * units::second)>;
using device_memory = count_of<units::byte / units::processor>;
using device_power = quantity_of<units::watt / units::processor>;

// A peak always travels with where it came from.
struct peak_rate {
  precision at = fp32;
  flop_rate rate{};
  std::string_view source{};
  std::optional<precision> accumulated_in{};  // where a source says
  std::string_view remark{};                  // what the source's reader should know: why it is or is not used
};

// Other names of a device, at most eight.
class name_list {
 public:
  constexpr name_list() = default;
  template <typename... Names>
    requires(sizeof...(Names) <= 8 && (std::convertible_to<Names, std::string_view> && ...))
  constexpr name_list(Names... names) : size_{sizeof...(Names)}, names_{std::string_view{names}...} {}

  constexpr std::string_view const* begin() const { return names_.data(); }
  constexpr std::string_view const* end() const { return names_.data() + size_; }

 private:
  std::size_t size_ = 0;
  std::array<std::string_view, 8> names_{};
};

struct published;

struct device {
  std::string_view name{};
  std::string_view is = "card";
  std::array<std::optional<peak_rate>, 8> peaks{};
  device_memory memory{};  // 0: not known, and so below
  byte_rate memory_bandwidth{};
  byte_rate link_bandwidth{};  // both directions together
  name_list aliases{};
  std::array<std::optional<peak_rate>, 8> alternatives{};  // published, conflicting, not used
  std::optional<device_power> power{};
  std::span<published const> published_by{};  // each source's statement, those used first
};

// The dense peak at a precision; absent, with the reason, when none is known or the value is not
// positive (FlagPerf's way of saying that a vendor keeps it confidential).
constexpr maybe<peak_rate> peak(device const& d, precision p) {
  for (auto const& candidate : d.peaks) {
    if (!candidate || candidate->at != p) continue;
    if (!(candidate->rate.coherent() > 0)) return absent{"the peak of this device is confidential"};
    return *candidate;
  }
  return absent{"no peak is known for this device at this precision"};
}

}  // namespace kunmetrics
