// Intel Gaudi and GPU Max.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published intel_gaudi2_published[]{
    {.origin = origin::framework, .source = from::ml_engineering, .also = from::survey,
     .remark = "llm-cal prints 2400 for the interconnect (Gb/s one way, unit slip); 24x100GbE = 300 GB/s per "
        "direction",
     .rates = {{bf16, 432}, {fp8, 865}}, .memory = detail::gib(96), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(2460), .link_type = "24x100GbE RoCE", .link_bandwidth = detail::gb_s(600)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal,
     .remark = "Gb/s one way printed as GB/s", .link_bandwidth = detail::gb_s(2400)}};
inline constexpr device intel_gaudi2 =
    detail::device_of("Intel Gaudi2", "card", intel_gaudi2_published, {"Gaudi2", "HL-225"});

inline constexpr published intel_gaudi3_published[]{
    {.origin = origin::third_party, .source = from::survey,
     .remark = "white paper MME value; stas prints 1677. 600 GB/s per direction; used: the maker's white "
        "paper, later than the launch",
     .rates = {{fp32, 229}, {tf32, 459}, {fp16, 459}, {bf16, 1678}, {fp8, 1678}}, .memory = detail::gib(128),
     .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(3700), .link_type = "24x200GbE RoCE",
     .link_bandwidth = detail::gb_s(1200)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal,
     .remark = "launch figure 1835 still widely quoted; some tables label it \"sparse\", which is wrong",
     .rates = {{bf16, 1835}}, .memory = detail::gib(128), .memory_bandwidth = detail::gb_s(3700),
     .link_bandwidth = detail::gb_s(1200)}};
inline constexpr device intel_gaudi3 =
    detail::device_of("Intel Gaudi3", "card", intel_gaudi3_published, {"Gaudi3 (OAM)", "Gaudi3"});

inline constexpr published intel_gpu_max_1550_published[]{
    {.origin = origin::third_party, .source = from::survey,
     .remark = "torchtitan computes 512*CUs*1.3GHz = 340.8 (512 CUs) per device/stack", .rates = {{bf16, 839}},
     .memory = detail::gib(128), .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(3200),
     .link_type = "Xe Link", .link_bandwidth = detail::gb_s(636)}};
inline constexpr device intel_gpu_max_1550 =
    detail::device_of("Intel GPU Max 1550", "card of two stacks", intel_gpu_max_1550_published,
                      {"GPU Max 1550 (PVC)", "GPU Max 1550", "Intel Max 1550"});

}  // namespace kunmetrics::devices
