// Kunlunxin. No product page of the R300 states its peak: its board's divided by eight is used,
// the other values found for it stand beside.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr std::string_view r480_sheet =
    "Kunlunxin R480-X8: 1 Peta Ops fp16 for 8 cards, as FlagPerf's R300 llama2_7b config (PR 348)";

inline constexpr published kunlunxin_k200_published[]{
    {.origin = origin::third_party, .source = from::kunlunxin_note, .rates = {{fp32, 16}, {fp16, 64}, {int8, 256}},
     .memory = detail::gib(16), .memory_type = "HBM", .memory_bandwidth = detail::gb_s(512), .link_type = "PCIe 4 x8",
     .link_bandwidth = detail::gb_s(32)}};
inline constexpr device kunlunxin_k200 =
    detail::device_of("Kunlunxin K200", "card", kunlunxin_k200_published, {"K200 (gen 1)", "K200"});

inline constexpr published kunlunxin_r200_published[]{
    {.origin = origin::third_party, .source = from::kunlunxin_note, .remark = "quotes kunlunxin.com/product/274",
     .rates = {{fp32, 32}, {fp16, 128}, {int8, 256}}, .memory = detail::gib(16), .memory_type = "GDDR6",
     .memory_bandwidth = detail::gb_s(512), .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)}};
inline constexpr device kunlunxin_r200 =
    detail::device_of("Kunlunxin R200", "card", kunlunxin_r200_published, {"R200 (gen 2)", "R200"});

inline constexpr published kunlunxin_r200_8f_published[]{
    {.origin = origin::third_party, .source = from::kunlunxin_note, .rates = {{fp32, 32}, {fp16, 128}, {int8, 256}},
     .memory = detail::gib(32), .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(512),
     .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)}};
inline constexpr device kunlunxin_r200_8f =
    detail::device_of("Kunlunxin R200-8F", "card", kunlunxin_r200_8f_published, {"R200-8F (gen 2)", "R200-8F"});

inline constexpr published kunlunxin_r300_published[]{
    {.origin = origin::maker,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/kunlunxin/README.md:5 "
        "(R480-X8: 1 Peta Ops FP16, 256G, 200GB/s for 8 R300)",
     .also = from::kunlunxin_note,
     .remark = "per-card values derived by /8 (1 PFLOPS -> 125-128); no R300 product page; bandwidth taken "
        "from R200; used: the maker's figure of the board, by card",
     .rates = {{.at = fp16, .tera = 128, .source = r480_sheet}, {.at = int8, .tera = 256, .source = from::kunlunxin_note}},
     .memory = detail::gib(32), .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(512),
     .link_type = "R480 board, 2 rings", .link_bandwidth = detail::gb_s(200)},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "FlagPerf llama2_70B and baichuan2 configs", .remark = "the int8 figure",
     .rates = {{fp16, 256}}},
    {.as = standing::alternative, .origin = origin::framework, .source = "FlagPerf PR 462",
     .remark = "questioned in its review", .rates = {{fp16, 495}}},
    {.as = standing::alternative, .origin = origin::framework, .source = "FlagPerf PR 509",
     .remark = "questioned in its review", .rates = {{fp16, 989}}},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "FlagPerf llama3_8B and chatglm3 configs of the R300p", .remark = "a placeholder, and of another card",
     .rates = {{fp16, 999}}},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/kunlunxin/*/config/config_R300*.py "
        "theoryflops",
     .remark = "FlagPerf config uses 256e12 (the INT8 TOPS figure, i.e. 2x the FP16 peak), others 999e12 or "
        "1.0 placeholders: any MFU from these configs is meaningless",
     .rates = {{bf16, 256}}}};
inline constexpr device kunlunxin_r300 =
    detail::device_of("Kunlunxin R300", "card", kunlunxin_r300_published, {"R300 OAM (gen 2)", "R300", "R300 OAM"});

inline constexpr published kunlunxin_r480_x8_published[]{
    {.origin = origin::maker,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/kunlunxin/README.md:4-5",
     .also = from::kunlunxin_note, .remark = "whole board", .rates = {{fp16, 1000}, {int8, 2000}},
     .memory = detail::gib(256), .memory_type = "GDDR6", .link_type = "on-board ring",
     .link_bandwidth = detail::gb_s(200)}};
inline constexpr device kunlunxin_r480_x8 =
    detail::device_of("Kunlunxin R480-X8", "board of eight cards", kunlunxin_r480_x8_published,
                      {"R480-X8 (8x R300)", "R480-X8", "R480"});

inline constexpr published kunlunxin_p800_published[]{
    {.origin = origin::third_party, .source = from::kunlunxin_note,
     .remark = "NO vendor datasheet: 345 TFLOPS / 4 TB/s are analyst figures; llm-cal prints 2000 GB/s; 8-card "
        "server advertised at 2 PFLOPS FP16 (=250/card) in id 59921146951: conflict",
     .rates = {{fp16, 345}, {bf16, 345}}, .memory = detail::gib(96), .memory_type = "HBM3",
     .memory_bandwidth = detail::gb_s(4000)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal,
     .remark = "same peak, bandwidth 2000 and interconnect 400", .rates = {{fp16, 345}}, .memory = detail::gib(96),
     .memory_bandwidth = detail::gb_s(2000), .link_bandwidth = detail::gb_s(400)},
    {.as = standing::alternative, .origin = origin::third_party,
     .source = "advertisement of a server: 2 PFLOP/s fp16 for 8 cards", .remark = "no data sheet tells which is right",
     .rates = {{fp16, 250}}}};
inline constexpr device kunlunxin_p800 =
    detail::device_of("Kunlunxin P800", "card", kunlunxin_p800_published, {"P800 (gen 3)", "P800"});

}  // namespace kunmetrics::devices
