// Kunlunxin. No product page of the R300 states its peak: its board's divided by eight is used,
// the other values found for it stand beside.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr std::string_view r480_sheet =
    "Kunlunxin R480-X8: 1 Peta Ops fp16 for 8 cards, as FlagPerf's R300 llama2_7b config (PR 348)";

inline constexpr device kunlunxin_k200{
    .name = "Kunlunxin K200",
    .peaks = detail::dense("research note quoting kunlunxin.com product pages 272/274/686/687/2842 and the R480 PDF", {{fp32, 16}, {fp16, 64}, {int8, 256}}),
    .memory = 16 * units::GiB / units::processor,
    .memory_bandwidth = 512 * detail::gigabyte_rate,
    .link_bandwidth = 32 * detail::gigabyte_rate,
    .aliases = {"K200 (gen 1)", "K200"}};

inline constexpr device kunlunxin_r200{
    .name = "Kunlunxin R200",
    .peaks = detail::dense("research note quoting kunlunxin.com product pages 272/274/686/687/2842 and the R480 PDF", {{fp32, 32}, {fp16, 128}, {int8, 256}}),
    .memory = 16 * units::GiB / units::processor,
    .memory_bandwidth = 512 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"R200 (gen 2)", "R200"}};

inline constexpr device kunlunxin_r200_8f{
    .name = "Kunlunxin R200-8F",
    .peaks = detail::dense("research note quoting kunlunxin.com product pages 272/274/686/687/2842 and the R480 PDF", {{fp32, 32}, {fp16, 128}, {int8, 256}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 512 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"R200-8F (gen 2)", "R200-8F"}};

inline constexpr device kunlunxin_r300{
    .name = "Kunlunxin R300",
    .peaks = detail::dense(r480_sheet, {{fp16, 128}, {int8, 256}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 512 * detail::gigabyte_rate,
    .link_bandwidth = 200 * detail::gigabyte_rate,
    .aliases = {"R300 OAM (gen 2)", "R300", "R300 OAM"},
    .alternatives = {peak_rate{fp16, 256 * detail::tera, "FlagPerf llama2_70B and baichuan2 configs; the int8 figure"},
                     peak_rate{fp16, 495 * detail::tera, "FlagPerf PR 462, questioned in its review"},
                     peak_rate{fp16, 989 * detail::tera, "FlagPerf PR 509, questioned in its review"},
                     peak_rate{fp16, 999 * detail::tera, "FlagPerf llama3_8B and chatglm3 configs of the R300p"},
                     peak_rate{bf16, 256 * detail::tera, "the same FlagPerf configs, which name no precision; the int8 figure"}}};

inline constexpr device kunlunxin_r480_x8{
    .name = "Kunlunxin R480-X8",
    .is = "board of eight cards",
    .peaks = detail::dense("FlagOpen/FlagPerf:training/kunlunxin/README.md:4-5", {{fp16, 1000}, {int8, 2000}}),
    .memory = 256 * units::GiB / units::processor,
    .link_bandwidth = 200 * detail::gigabyte_rate,
    .aliases = {"R480-X8 (8x R300)", "R480-X8", "R480"}};

inline constexpr device kunlunxin_p800{
    .name = "Kunlunxin P800",
    .peaks = detail::dense("research note quoting kunlunxin.com product pages 272/274/686/687/2842 and the R480 PDF", {{fp16, 345}, {bf16, 345}}),
    .memory = 96 * units::GiB / units::processor,
    .memory_bandwidth = 4000 * detail::gigabyte_rate,
    .aliases = {"P800 (gen 3)", "P800"}};

}  // namespace kunmetrics::devices
