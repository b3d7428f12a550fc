// Intel Gaudi and GPU Max.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device intel_gaudi2{
    .name = "Intel Gaudi2",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{bf16, 432}, {fp8, 865}}),
    .memory = 96 * units::GiB / units::processor,
    .memory_bandwidth = 2460 * detail::gigabyte_rate,
    .link_bandwidth = 600 * detail::gigabyte_rate,
    .aliases = {"Gaudi2", "HL-225"}};

inline constexpr device intel_gaudi3{
    .name = "Intel Gaudi3",
    .peaks = detail::dense("Intel architecture survey citing the Gaudi 3 white paper", {{fp32, 229}, {tf32, 459}, {fp16, 459}, {bf16, 1678}, {fp8, 1678}}),
    .memory = 128 * units::GiB / units::processor,
    .memory_bandwidth = 3700 * detail::gigabyte_rate,
    .link_bandwidth = 1200 * detail::gigabyte_rate,
    .aliases = {"Gaudi3 (OAM)", "Gaudi3"},
    .alternatives = {peak_rate{bf16, 1835 * detail::tera, "FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml; launch figure 1835 still widely quoted"}}};

inline constexpr device intel_gpu_max_1550{
    .name = "Intel GPU Max 1550",
    .peaks = detail::dense("Intel architecture survey citing the Gaudi 3 white paper", {{bf16, 839}}),
    .memory = 128 * units::GiB / units::processor,
    .memory_bandwidth = 3200 * detail::gigabyte_rate,
    .link_bandwidth = 636 * detail::gigabyte_rate,
    .aliases = {"GPU Max 1550 (PVC)", "GPU Max 1550", "Intel Max 1550", "Ponte Vecchio"}};

}  // namespace kunmetrics::devices
