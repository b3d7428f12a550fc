// Cambricon, Iluvatar, MetaX, Moore Threads, Hygon and Biren, and a card that FlagPerf names only.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device cambricon_mlu370_x8{
    .name = "Cambricon MLU370-X8",
    .peaks = detail::dense("guangxilong.com/c/032129635H022.html (2022-03-21 launch)", {{fp32, 24}, {fp16, 96}, {bf16, 96}, {int8, 256}}),
    .memory = 48 * units::GiB / units::processor,
    .memory_bandwidth = 614.4 * detail::gigabyte_rate,
    .link_bandwidth = 200 * detail::gigabyte_rate,
    .aliases = {"MLU370-X8"}};

inline constexpr device cambricon_mlu370_x4{
    .name = "Cambricon MLU370-X4",
    .peaks = detail::dense("seed script with per-chip source URLs", {{fp32, 24}, {fp16, 96}, {bf16, 96}, {int8, 256}}),
    .memory = 24 * units::GiB / units::processor,
    .memory_bandwidth = 307.2 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"MLU370-X4"}};

inline constexpr device cambricon_mlu590{
    .name = "Cambricon MLU590",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp32, 80}, {fp16, 314}, {bf16, 314}, {int8, 628}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2000 * detail::gigabyte_rate,
    .link_bandwidth = 372 * detail::gigabyte_rate,
    .aliases = {"MLU590"}};

inline constexpr device iluvatar_bi_v100{
    .name = "Iluvatar BI-V100",
    .peaks = detail::dense("FlagOpen/FlagPerf:training/iluvatar/README.md (147 TFLOPS FP16/BF16)", {{fp32, 37}, {fp16, 147}, {bf16, 147}, {int8, 295}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 1200 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"BI-V100 (Tiangai 100)", "BI-V100", "Tiangai 100"}};

inline constexpr device iluvatar_bi_v150{
    .name = "Iluvatar BI-V150",
    .is = "card of two devices",
    .peaks = detail::dense("FlagOpen/FlagPerf:training/iluvatar configs (192e12; one config 198e12)", {{fp16, 192}, {bf16, 192}}),
    .memory = 64 * units::GiB / units::processor,
    .aliases = {"BI-V150"},
    .alternatives = {peak_rate{fp32, 38.72 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-*/iluvatar/BI150/README.md:36; measured"},
                     peak_rate{fp16, 196.47 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-*/iluvatar/BI150/README.md:36; measured"},
                     peak_rate{bf16, 196.77 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-*/iluvatar/BI150/README.md:36; measured"}}};

inline constexpr device metax_c500_pcie{
    .name = "MetaX C500 PCIe",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 240}, {bf16, 240}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1800 * detail::gigabyte_rate,
    .link_bandwidth = 800 * detail::gigabyte_rate,
    .aliases = {"C500 (PCIe 350W)", "C500 PCIe", "C500"}};

inline constexpr device metax_c500_oam{
    .name = "MetaX C500 OAM",
    .peaks = detail::dense("seed script with per-chip source URLs", {{fp32, 36}, {tf32, 140}, {fp16, 280}, {bf16, 280}, {int8, 560}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1800 * detail::gigabyte_rate,
    .link_bandwidth = 896 * detail::gigabyte_rate,
    .aliases = {"C500 (OAM 450W)", "C500 OAM"}};

inline constexpr device metax_c550{
    .name = "MetaX C550",
    .memory = 64 * units::GiB / units::processor,
    .aliases = {"C550 (OAM)", "C550"}};

inline constexpr device moore_threads_mtt_s4000{
    .name = "Moore Threads MTT S4000",
    .peaks = detail::dense("seed script with per-chip source URLs", {{fp16, 100}, {bf16, 100}, {int8, 200}}),
    .memory = 48 * units::GiB / units::processor,
    .memory_bandwidth = 768 * detail::gigabyte_rate,
    .link_bandwidth = 240 * detail::gigabyte_rate,
    .aliases = {"MTT S4000", "S4000"}};

inline constexpr device hygon_dcu_k100_ai{
    .name = "Hygon DCU K100_AI",
    .peaks = detail::dense("seed script with per-chip source URLs", {{fp32, 49}, {tf32, 96}, {fp16, 192}, {bf16, 192}, {int8, 392}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 896 * detail::gigabyte_rate,
    .link_bandwidth = 184 * detail::gigabyte_rate,
    .aliases = {"DCU K100_AI", "K100_AI"}};

inline constexpr device hygon_dcu_z100{
    .name = "Hygon DCU Z100",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 180}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 1000 * detail::gigabyte_rate,
    .link_bandwidth = 184 * detail::gigabyte_rate,
    .aliases = {"DCU Z100", "Z100"}};

inline constexpr device hygon_dcu_k100_64g{
    .name = "Hygon DCU K100 64G",
    .memory = 64 * units::GiB / units::processor,
    .aliases = {"DCU K100 64G", "K100 64G"}};

inline constexpr device flagperf_tg_v200{
    .name = "TG-V200",
    .alternatives = {peak_rate{bf16, 340 * detail::tera, "FlagOpen/FlagPerf:config theoryflops; 340e12 in FlagPerf config, vendor page not found"}}};

inline constexpr device biren_br100{
    .name = "Biren BR100",
    .peaks = detail::dense("seed script with per-chip source URLs", {{bf16, 1024}, {int8, 2048}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 2300 * detail::gigabyte_rate,
    .link_bandwidth = 448 * detail::gigabyte_rate,
    .aliases = {"BR100"}};

}  // namespace kunmetrics::devices
