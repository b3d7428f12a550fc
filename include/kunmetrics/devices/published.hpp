// What one source publishes of a device, kept whole, and the device that such statements make.
//
// Of the statements that are used come peaks, memory, bandwidths and power; rates of the others that
// differ from those used become the device's alternatives. Makers' GB of memory are read as GiB, as the
// cards report them: an A100-80GB has 81920 MiB, an R300 32768 MiB.
#pragma once

#include <kunmetrics/devices/device.hpp>

#include <algorithm>

namespace kunmetrics {

// How far a statement is relied on. An alternative conflicts with what is used, or is all there is but
// not good enough to divide by; `measured` is achieved, not a peak; `unverified` has no source page.
enum class standing { used, alternative, measured, unverified };
inline constexpr std::array<std::string_view, 4> standing_names{"used", "alternative", "measured", "unverified"};
constexpr std::string_view name_of(standing s) { return standing_names.at(static_cast<std::size_t>(s)); }

// Who says it: the device's maker, the code or reports of a framework or benchmark, or neither.
enum class origin { maker, framework, third_party };
inline constexpr std::array<std::string_view, 3> origin_names{"maker", "framework", "third party"};
constexpr std::string_view name_of(origin o) { return origin_names.at(static_cast<std::size_t>(o)); }

// A dense rate in TFLOP/s as printed; its source is the statement's where it names none.
struct printed_rate {
  precision at = fp32;
  double tera = 0;
  std::optional<precision> accumulated_in{};
  std::string_view source{};
};

struct published {
  standing as = standing::used;
  kunmetrics::origin origin = origin::third_party;
  std::string_view source{};  // of all that names none of its own
  std::string_view also{};    // more sources of the same values
  std::string_view remark{};  // conflicts, and why it is used or not
  printed_rate rates[8]{};    // up to the first of 0
  device_memory memory{};  // 0: not stated, and so below
  std::string_view memory_type{};
  std::string_view memory_source{};
  byte_rate memory_bandwidth{};
  std::string_view link_type{};
  byte_rate link_bandwidth{};
  std::string_view link_source{};
  device_power power{};
};

// A printed rate as a peak with its source.
constexpr peak_rate peak_of(published const& from, printed_rate const& printed) {
  return {.at = printed.at,
          .rate = flop_rate::from_coherent(printed.tera * 1e12),
          .source = printed.source.empty() ? from.source : printed.source,
          .accumulated_in = printed.accumulated_in,
          .remark = from.remark};
}

// The rate that a source prints at a precision.
constexpr std::optional<peak_rate> rate_of(published const& from, precision p) {
  for (printed_rate const& printed : from.rates) {
    if (printed.tera > 0 && printed.at == p) return peak_of(from, printed);
  }
  return std::nullopt;
}

namespace devices::detail {
constexpr device_memory gib(std::int64_t size) { return size * units::GiB / units::processor; }
constexpr device_memory mib(std::int64_t size) { return size * units::MiB / units::processor; }
constexpr byte_rate gb_s(double rate) { return byte_rate::from_coherent(rate * 1e9); }
constexpr device_power watts(double power) { return device_power::from_coherent(power); }

constexpr std::optional<peak_rate> rate_at(published const& from, std::size_t i) {
  if (!(from.rates[i].tera > 0)) return std::nullopt;
  return peak_of(from, from.rates[i]);
}
constexpr std::array<std::optional<peak_rate>, 8> rates_of(published const& from) {
  if (from.as != standing::used) return {};
  return {rate_at(from, 0), rate_at(from, 1), rate_at(from, 2), rate_at(from, 3),
          rate_at(from, 4), rate_at(from, 5), rate_at(from, 6), rate_at(from, 7)};
}

// Adds the rates that no statement before says: a second source that is used fills what the first leaves open.
constexpr void add_peaks(device& to, published const& from) {
  for (printed_rate const& printed : from.rates) {
    if (!(printed.tera > 0)) return;
    if (peak(to, printed.at)) continue;
    *std::ranges::find(to.peaks, false, &std::optional<peak_rate>::has_value) = peak_of(from, printed);
  }
}

// Adds the rates that differ from the one used, from the first free place on.
constexpr void add_alternatives(device& to, published const& from, std::size_t& free) {
  for (printed_rate const& printed : from.rates) {
    if (!(printed.tera > 0)) return;
    auto const rate = peak_of(from, printed);
    if (auto const used = peak(to, rate.at); !used || used->rate != rate.rate) to.alternatives.at(free++) = rate;
  }
}

// For a device of which no statement is used: memory and bandwidth are taken of alternatives, of what
// was measured the memory alone, of what is not verified nothing.
constexpr void add_memory(device& to, published const& from) {
  auto const add = [](auto& known, auto const& stated) {
    if (known.coherent() == 0) known = stated;
  };
  if (from.as == standing::unverified) return;
  add(to.memory, from.memory);
  if (from.as == standing::measured) return;
  add(to.memory_bandwidth, from.memory_bandwidth);
  add(to.link_bandwidth, from.link_bandwidth);
}

// The statements that are used, if any is, stand first; memory, bandwidths and power are the first one's.
template <std::size_t N>
constexpr device device_of(std::string_view name, std::string_view is, published const (&statements)[N],
                           name_list aliases) {
  published const& first = statements[0];
  bool const known = first.as == standing::used;
  device made{.name = name,
              .is = is,
              .peaks = rates_of(first),
              .memory = known ? first.memory : device_memory{},
              .memory_bandwidth = known ? first.memory_bandwidth : byte_rate{},
              .link_bandwidth = known ? first.link_bandwidth : byte_rate{},
              .aliases = aliases,
              .published_by = statements};
  if (first.power.coherent() > 0) made.power = first.power;
  std::size_t free = 0;
  for (published const& each : made.published_by.subspan(known ? 1 : 0)) {
    if (each.as == standing::used) {
      add_peaks(made, each);
      continue;
    }
    add_alternatives(made, each, free);
    if (!known) add_memory(made, each);
  }
  return made;
}
}  // namespace devices::detail

}  // namespace kunmetrics
