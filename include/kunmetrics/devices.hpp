// Processors: dense peak rates by precision, memory, links, and the source of each number.
//
// A processor is what the training framework sees as one device; `is` says what that is (a card, a
// die, a chip). Rates are dense and for the precision of the product's inputs, in FLOP/s of one
// processor. Published values that conflict stand side by side as alternatives. Look-up is exact
// on normalised names and known aliases: a device that is not here has no peak, and so no MFU.
#pragma once

#include <kunmetrics/quantity.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>

namespace kunmetrics {

enum class precision { fp64, fp32, tf32, bf16, fp16, fp8, int8 };
using enum precision;

inline constexpr std::array<std::string_view, 7> precision_names{"fp64", "fp32", "tf32", "bf16", "fp16", "fp8", "int8"};
constexpr std::string_view name_of(precision p) { return precision_names.at(static_cast<std::size_t>(p)); }
constexpr std::optional<precision> precision_named(std::string_view name) {
  for (std::size_t i = 0; i < precision_names.size(); ++i) {
    if (precision_names.at(i) == name) return static_cast<precision>(i);
  }
  return std::nullopt;
}

using flop_rate = quantity_of<units::flop / (units::processor * units::second)>;

// A peak always travels with where it came from.
struct peak_rate {
  precision at = fp32;
  flop_rate rate{};
  std::string_view source{};
};

// Other names of a device, at most six.
class name_list {
 public:
  constexpr name_list() = default;
  template <typename... Names>
    requires(sizeof...(Names) <= 6 && (std::convertible_to<Names, std::string_view> && ...))
  constexpr name_list(Names... names) : size_{sizeof...(Names)}, names_{std::string_view{names}...} {}

  constexpr std::string_view const* begin() const { return names_.data(); }
  constexpr std::string_view const* end() const { return names_.data() + size_; }

 private:
  std::size_t size_ = 0;
  std::array<std::string_view, 6> names_{};
};

struct device {
  std::string_view name{};
  std::string_view is = "card";
  std::array<std::optional<peak_rate>, 4> peaks{};
  count_of<units::byte / units::processor> memory{};
  quantity_of<units::byte / (units::processor * units::second)> memory_bandwidth{};
  quantity_of<units::byte / (units::processor * units::second)> link_bandwidth{};  // both directions together
  name_list aliases{};
  std::array<std::optional<peak_rate>, 5> alternatives{};  // published, conflicting, not used
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

namespace devices {
namespace detail {
using namespace units;
inline constexpr auto tera = teraflop / (processor * second);
inline constexpr auto gigabyte_rate = GB / (processor * second);

inline constexpr std::string_view nvidia_sheet = "NVIDIA data sheet, dense tensor rate";
inline constexpr std::string_view r480_sheet = "Kunlunxin R480-X8: 1 Peta Ops fp16 for 8 cards, as FlagPerf's R300 llama2_7b config (PR 348)";
}  // namespace detail

inline constexpr device kunlunxin_r300{
    .name = "Kunlunxin R300",
    .peaks = {peak_rate{fp16, 128 * detail::tera, detail::r480_sheet}},
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 512 * detail::gigabyte_rate,
    .link_bandwidth = 200 * detail::gigabyte_rate,
    .aliases = {"R300", "R300 OAM"},
    .alternatives = {peak_rate{fp16, 256 * detail::tera, "FlagPerf llama2_70B and baichuan2 configs; the int8 figure"},
                     peak_rate{fp16, 495 * detail::tera, "FlagPerf PR 462, questioned in its review"},
                     peak_rate{fp16, 989 * detail::tera, "FlagPerf PR 509, questioned in its review"},
                     peak_rate{fp16, 999 * detail::tera, "FlagPerf llama3_8B and chatglm3 configs of the R300p"}}};

inline constexpr device nvidia_a100_80gb{
    .name = "NVIDIA A100-SXM4-80GB",
    .peaks = {peak_rate{fp16, 312 * detail::tera, detail::nvidia_sheet}, peak_rate{bf16, 312 * detail::tera, detail::nvidia_sheet},
              peak_rate{tf32, 156 * detail::tera, detail::nvidia_sheet}, peak_rate{fp32, 19.5 * detail::tera, "NVIDIA data sheet, CUDA cores"}},
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2039 * detail::gigabyte_rate,
    .link_bandwidth = 600 * detail::gigabyte_rate,
    .aliases = {"A100", "A100-SXM4-80GB", "A100 80GB"}};

inline constexpr device nvidia_a800_80gb{
    .name = "NVIDIA A800-SXM4-80GB",
    .peaks = {peak_rate{fp16, 312 * detail::tera, detail::nvidia_sheet}, peak_rate{bf16, 312 * detail::tera, detail::nvidia_sheet},
              peak_rate{tf32, 156 * detail::tera, detail::nvidia_sheet}, peak_rate{fp32, 19.5 * detail::tera, "NVIDIA data sheet, CUDA cores"}},
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2039 * detail::gigabyte_rate,
    .link_bandwidth = 400 * detail::gigabyte_rate,
    .aliases = {"A800", "A800-SXM4-80GB", "A800 80GB"}};

inline constexpr device nvidia_h100_sxm{
    .name = "NVIDIA H100-SXM5-80GB",
    .peaks = {peak_rate{fp16, 989 * detail::tera, detail::nvidia_sheet}, peak_rate{bf16, 989 * detail::tera, detail::nvidia_sheet},
              peak_rate{tf32, 494.5 * detail::tera, detail::nvidia_sheet}, peak_rate{fp32, 67 * detail::tera, "NVIDIA data sheet, CUDA cores"}},
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 3350 * detail::gigabyte_rate,
    .link_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"H100", "H100 SXM", "H100-SXM5-80GB", "NVIDIA H100 80GB HBM3"},
    .alternatives = {peak_rate{bf16, 989.5 * detail::tera, "half of the sparse 1979; llm-foundry, Lightning"}}};

inline constexpr device nvidia_h100_pcie{
    .name = "NVIDIA H100-PCIe-80GB",
    .peaks = {peak_rate{fp16, 756 * detail::tera, detail::nvidia_sheet}, peak_rate{bf16, 756 * detail::tera, detail::nvidia_sheet},
              peak_rate{tf32, 378 * detail::tera, detail::nvidia_sheet}, peak_rate{fp32, 51 * detail::tera, "NVIDIA data sheet, CUDA cores"}},
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2000 * detail::gigabyte_rate,
    .link_bandwidth = 128 * detail::gigabyte_rate,
    .aliases = {"H100 PCIe", "NVIDIA H100 PCIe", "H100-PCIe-80GB"}};

inline constexpr device nvidia_h800_sxm{
    .name = "NVIDIA H800-SXM5-80GB",
    .peaks = {peak_rate{fp16, 989 * detail::tera, detail::nvidia_sheet}, peak_rate{bf16, 989 * detail::tera, detail::nvidia_sheet}},
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 3350 * detail::gigabyte_rate,
    .link_bandwidth = 400 * detail::gigabyte_rate,
    .aliases = {"H800", "H800 SXM", "H800-SXM5-80GB"},
    .alternatives = {peak_rate{bf16, 756 * detail::tera, "nanochat's entry for a plain H800, the PCIe figure"}}};

inline constexpr device nvidia_h200_sxm{
    .name = "NVIDIA H200-SXM-141GB",
    .peaks = {peak_rate{fp16, 989 * detail::tera, detail::nvidia_sheet}, peak_rate{bf16, 989 * detail::tera, detail::nvidia_sheet},
              peak_rate{tf32, 494.5 * detail::tera, detail::nvidia_sheet}, peak_rate{fp32, 67 * detail::tera, "NVIDIA data sheet, CUDA cores"}},
    .memory = 141 * units::GB / units::processor,
    .memory_bandwidth = 4800 * detail::gigabyte_rate,
    .link_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"H200", "NVIDIA H200", "H200 SXM"},
    .alternatives = {peak_rate{bf16, 1979 * detail::tera, "the sparse rate, found in tables for dense work"}}};

inline constexpr std::array all{&kunlunxin_r300,   &nvidia_a100_80gb, &nvidia_a800_80gb, &nvidia_h100_sxm,
                                &nvidia_h100_pcie, &nvidia_h800_sxm,  &nvidia_h200_sxm};
}  // namespace devices

namespace detail {
// Upper and lower case, spaces, hyphens and underscores do not tell devices apart.
constexpr bool same_device_name(std::string_view lhs, std::string_view rhs) {
  auto const next = [](std::string_view text, std::size_t& at) -> char {
    while (at < text.size() && (text[at] == ' ' || text[at] == '-' || text[at] == '_')) ++at;
    if (at == text.size()) return '\0';
    char const c = text[at++];
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::size_t i = 0;
  std::size_t j = 0;
  while (true) {
    char const a = next(lhs, i);
    if (a != next(rhs, j)) return false;
    if (a == '\0') return true;
  }
}
}  // namespace detail

// Exact look-up by name or alias, never by substring: "L4" is not found in "L40S".
constexpr std::optional<device> device_named(std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (device const* d : devices::all) {
    if (detail::same_device_name(d->name, name)) return *d;
    for (std::string_view alias : d->aliases) {
      if (detail::same_device_name(alias, name)) return *d;
    }
  }
  return std::nullopt;
}

}  // namespace kunmetrics
