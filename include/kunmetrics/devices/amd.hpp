// AMD Instinct. An MI250 or MI250X is two devices to the operating system: card and die stand apart.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published amd_mi100_published[]{
    {.origin = origin::framework,
     .source = "cli99/llm-analysis@d841e40aec8c84b9e76ba9cfbce67418adb172bd:llm_analysis/gpu_configs/mi100-32gb.json",
     .remark = "llm-analysis int8 369.2 is 2x fp16; AMD int8 = fp16 rate 184.6",
     .rates = {{fp16, 184.6}, {int8, 369.2}}, .memory = detail::gib(32), .memory_type = "HBM2",
     .memory_bandwidth = detail::gb_s(1228.8)}};
inline constexpr device amd_mi100 =
    detail::device_of("AMD MI100", "card", amd_mi100_published, {"MI100", "AMD Instinct MI100"});

inline constexpr published amd_mi210_published[]{
    {.origin = origin::framework,
     .source = "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml "
        "/ cli99/llm-analysis@d841e40aec8c84b9e76ba9cfbce67418adb172bd:llm_analysis/gpu_configs/mi210-64gb.json",
     .remark = "llm-cal bandwidth 1600", .rates = {{fp16, 181}, {bf16, 181}}, .memory = detail::gib(64),
     .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(1638), .link_type = "Infinity Fabric",
     .link_bandwidth = detail::gb_s(300)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal, .remark = "rounded",
     .memory_bandwidth = detail::gb_s(1600)}};
inline constexpr device amd_mi210 =
    detail::device_of("AMD MI210", "card", amd_mi210_published, {"MI210", "AMD Instinct MI210"});

inline constexpr published amd_mi250_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .rates = {{fp32, 45.3}, {fp16, 362.1}, {bf16, 362.1}, {int8, 362.1}}, .memory = detail::gib(128),
     .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(3280), .link_type = "Infinity Fabric",
     .link_bandwidth = detail::gb_s(800)}};
inline constexpr device amd_mi250 =
    detail::device_of("AMD MI250", "card of two dies", amd_mi250_published, {"MI250 (2 GCD)", "MI250"});

inline constexpr published amd_mi250x_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "each GCD is a separate device to the OS: 191.5 TFLOPS, 64 GB (torchtitan get_peak_flops "
        "returns 191.5)",
     .rates = {{fp32, 47.9}, {fp16, 383}, {bf16, 383}, {int8, 383}}, .memory = detail::gib(128),
     .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(3280), .link_type = "Infinity Fabric",
     .link_bandwidth = detail::gb_s(800)}};
inline constexpr device amd_mi250x =
    detail::device_of("AMD MI250X", "card of two dies", amd_mi250x_published, {"MI250X (2 GCD)", "MI250X"});

inline constexpr published amd_mi250x_gcd_published[]{
    {.origin = origin::framework, .source = from::torchtitan, .remark = "half of the package",
     .rates = {{bf16, 191.5}}, .memory = detail::gib(64), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(1640)}};
inline constexpr device amd_mi250x_gcd =
    detail::device_of("AMD MI250X GCD", "die", amd_mi250x_gcd_published, {"MI250X (per GCD)", "MI250X GCD"});

inline constexpr published amd_mi300a_published[]{
    {.origin = origin::framework, .source = from::nanochat, .rates = {{bf16, 980.6}}, .memory = detail::gib(128),
     .memory_type = "HBM3", .memory_bandwidth = detail::gb_s(5300)}};
inline constexpr device amd_mi300a =
    detail::device_of("AMD MI300A", "APU", amd_mi300a_published, {"MI300A", "AMD Instinct MI300A"});

inline constexpr published amd_mi300x_published[]{
    {.origin = origin::framework,
     .source = "karpathy/nanochat@92d63d4e8bb4df75c3b71618f31ddde2378b2bcd:nanochat/common.py (peak flops and "
        "bandwidth tables) / "
        "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml",
     .remark = "1300 in torchtitan and stas, 1307 in llm-cal, 1307.4 in nanochat; used: the figure with the "
        "most digits",
     .rates = {{fp16, 1307.4}, {bf16, 1307.4}, {.at = fp8, .tera = 2614, .source = from::blog_table}},
     .memory = detail::gib(192), .memory_type = "HBM3", .memory_bandwidth = detail::gb_s(5300),
     .link_type = "Infinity Fabric", .link_bandwidth = detail::gb_s(896)},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "stas00/ml-engineering@744d01e18b79512572f64a6bbd8b5f4a725203a7:compute/accelerator/README.md:253-290 "
        "(TFLOPS) and 466-498 (memory), vendor links in its notes / "
        "pytorch/torchtitan@b5bcd76c66d0acb1a08b176d9639425bc55e0b2a:torchtitan/tools/utils.py get_peak_flops",
     .remark = "rounded rates", .rates = {{fp32, 163.4}, {tf32, 653.7}, {bf16, 1300}, {fp8, 2610}, {int8, 2600}},
     .memory = detail::gib(192), .memory_bandwidth = detail::gb_s(5300)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal, .remark = "rounded",
     .rates = {{fp16, 1307}, {bf16, 1307}}}};
inline constexpr device amd_mi300x =
    detail::device_of("AMD MI300X", "card", amd_mi300x_published,
                      {"MI300X", "AMD Instinct MI300X", "AMD Instinct MI300X OAM", "AMD Instinct MI300X VF"});

inline constexpr published amd_mi325x_published[]{
    {.origin = origin::framework,
     .source = "karpathy/nanochat@92d63d4e8bb4df75c3b71618f31ddde2378b2bcd:nanochat/common.py (peak flops and "
        "bandwidth tables) / "
        "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml",
     .remark = "torchtitan/stas 1300",
     .rates = {{fp16, 1307.4}, {bf16, 1307.4}, {.at = fp8, .tera = 2614, .source = from::blog_table}},
     .memory = detail::gib(256), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(6000),
     .link_type = "Infinity Fabric", .link_bandwidth = detail::gb_s(896)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::torchtitan,
     .remark = "rounded; ml-engineering prints it too", .rates = {{bf16, 1300}}}};
inline constexpr device amd_mi325x =
    detail::device_of("AMD MI325X", "card", amd_mi325x_published,
                      {"MI325X", "AMD Instinct MI325X", "AMD Instinct MI325X OAM"});

inline constexpr published amd_mi350x_published[]{
    {.origin = origin::framework,
     .source = "pytorch/torchtitan PR 4779 and AMD-AGI/Primus PR 772: 2.3 PFLOP/s of dense bf16, both of AMD's page "
        "(amd.com/en/products/accelerators/instinct/mi350/mi350x.html)",
     .remark = "AMD prints two digits: 256 CUs at 2.2 GHz doing 4096 FLOP a clock in bf16, 8192 in fp8, make 2306.9 "
        "and 4613.7; used: what AMD prints, as of the MI355X",
     .rates = {{fp16, 2300}, {bf16, 2300}, {.at = fp8, .tera = 4600, .source = from::blog_table}},
     .memory = detail::gib(288), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000)},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::blog_table,
     .remark = "the same rates", .rates = {{bf16, 2300}, {fp8, 4600}}, .memory = detail::gib(288),
     .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000)}};
inline constexpr device amd_mi350x =
    detail::device_of("AMD MI350X", "card", amd_mi350x_published,
                      {"MI350X", "AMD Instinct MI350X", "AMD Instinct MI350X OAM"});

inline constexpr published amd_mi355x_published[]{
    {.origin = origin::framework,
     .source = "stas00/ml-engineering@744d01e18b79512572f64a6bbd8b5f4a725203a7:compute/accelerator/README.md:253-290 "
        "(TFLOPS) and 466-498 (memory), vendor links in its notes / "
        "pytorch/torchtitan@b5bcd76c66d0acb1a08b176d9639425bc55e0b2a:torchtitan/tools/utils.py get_peak_flops",
     .remark = "older material says 2300 (dense)",
     .rates = {{fp32, 157.3}, {fp16, 2500}, {bf16, 2500}, {fp8, 5000}, {int8, 5000}, {fp4, 10100}},
     .memory = detail::gib(288), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000)},
    {.as = standing::alternative, .origin = origin::third_party,
     .source = "older material, as the collected table quotes it", .remark = "equals the MI350X's",
     .rates = {{bf16, 2300}}}};
inline constexpr device amd_mi355x =
    detail::device_of("AMD MI355X", "card", amd_mi355x_published,
                      {"MI355X", "AMD Instinct MI355X", "AMD Instinct MI355X OAM"});

}  // namespace kunmetrics::devices
