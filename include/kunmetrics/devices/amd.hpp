// AMD Instinct. An MI250 or MI250X is two devices to the operating system: card and die stand apart.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device amd_mi100{
    .name = "AMD MI100",
    .peaks = detail::dense("cli99/llm-analysis:llm_analysis/gpu_configs/mi100-32gb.json", {{fp16, 184.6}, {int8, 369.2}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 1228.8 * detail::gigabyte_rate,
    .aliases = {"MI100", "AMD Instinct MI100"}};

inline constexpr device amd_mi210{
    .name = "AMD MI210",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 181}, {bf16, 181}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1638 * detail::gigabyte_rate,
    .link_bandwidth = 300 * detail::gigabyte_rate,
    .aliases = {"MI210", "AMD Instinct MI210"}};

inline constexpr device amd_mi250{
    .name = "AMD MI250",
    .is = "card of two dies",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 45.3}, {fp16, 362.1}, {bf16, 362.1}, {int8, 362.1}}),
    .memory = 128 * units::GiB / units::processor,
    .memory_bandwidth = 3280 * detail::gigabyte_rate,
    .link_bandwidth = 800 * detail::gigabyte_rate,
    .aliases = {"MI250 (2 GCD)", "MI250", "AMD Instinct MI250"}};

inline constexpr device amd_mi250x{
    .name = "AMD MI250X",
    .is = "card of two dies",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 47.9}, {fp16, 383}, {bf16, 383}, {int8, 383}}),
    .memory = 128 * units::GiB / units::processor,
    .memory_bandwidth = 3280 * detail::gigabyte_rate,
    .link_bandwidth = 800 * detail::gigabyte_rate,
    .aliases = {"MI250X (2 GCD)", "MI250X", "AMD Instinct MI250X"}};

inline constexpr device amd_mi250x_gcd{
    .name = "AMD MI250X GCD",
    .is = "die",
    .peaks = detail::dense("pytorch/torchtitan:torchtitan/tools/utils.py get_peak_flops", {{bf16, 191.5}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1640 * detail::gigabyte_rate,
    .aliases = {"MI250X (per GCD)", "MI250X GCD"}};

inline constexpr device amd_mi300a{
    .name = "AMD MI300A",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{bf16, 980.6}}),
    .memory = 128 * units::GiB / units::processor,
    .memory_bandwidth = 5300 * detail::gigabyte_rate,
    .aliases = {"MI300A"}};

inline constexpr device amd_mi300x{
    .name = "AMD MI300X",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{fp16, 1307.4}, {bf16, 1307.4}, {fp8, 2614}}),
    .memory = 192 * units::GiB / units::processor,
    .memory_bandwidth = 5300 * detail::gigabyte_rate,
    .link_bandwidth = 896 * detail::gigabyte_rate,
    .aliases = {"MI300X", "AMD Instinct MI300X"},
    .alternatives = {peak_rate{fp32, 163.4 * detail::tera, "stas00/ml-engineering:compute/accelerator/README.md:253-290"},
                     peak_rate{tf32, 653.7 * detail::tera, "stas00/ml-engineering:compute/accelerator/README.md:253-290"},
                     peak_rate{bf16, 1300 * detail::tera, "stas00/ml-engineering:compute/accelerator/README.md:253-290"},
                     peak_rate{fp8, 2610 * detail::tera, "stas00/ml-engineering:compute/accelerator/README.md:253-290"},
                     peak_rate{int8, 2600 * detail::tera, "stas00/ml-engineering:compute/accelerator/README.md:253-290"}}};

inline constexpr device amd_mi325x{
    .name = "AMD MI325X",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{fp16, 1307.4}, {bf16, 1307.4}, {fp8, 2614}}),
    .memory = 256 * units::GiB / units::processor,
    .memory_bandwidth = 6000 * detail::gigabyte_rate,
    .link_bandwidth = 896 * detail::gigabyte_rate,
    .aliases = {"MI325X", "AMD Instinct MI325X"}};

inline constexpr device amd_mi350x{
    .name = "AMD MI350X",
    .memory = 288 * units::GiB / units::processor,
    .aliases = {"MI350X", "AMD Instinct MI350X"},
    .alternatives = {peak_rate{bf16, 2300 * detail::tera, "blog table, third party"},
                     peak_rate{fp8, 4600 * detail::tera, "blog table, third party"}}};

inline constexpr device amd_mi355x{
    .name = "AMD MI355X",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 157.3}, {fp16, 2500}, {bf16, 2500}, {fp8, 5000}, {int8, 5000}, {fp4, 10100}}),
    .memory = 288 * units::GiB / units::processor,
    .memory_bandwidth = 8000 * detail::gigabyte_rate,
    .aliases = {"MI355X", "AMD Instinct MI355X"}};

}  // namespace kunmetrics::devices
