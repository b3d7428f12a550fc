// Huawei Ascend. Makers publish little: clock-derived and measured rates stand beside those used.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device huawei_ascend_910a{
    .name = "Huawei Ascend 910A",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 256}, {int8, 512}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 1200 * detail::gigabyte_rate,
    .link_bandwidth = 240 * detail::gigabyte_rate,
    .aliases = {"Ascend 910A", "Ascend 910", "910A"}};

inline constexpr device huawei_ascend_910b1{
    .name = "Huawei Ascend 910B1",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 414}, {bf16, 414}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1600 * detail::gigabyte_rate,
    .link_bandwidth = 392 * detail::gigabyte_rate,
    .aliases = {"Ascend 910B1", "910B1"},
    .alternatives = {peak_rate{fp16, 378.88 * detail::tera, "MFU reference table; clock-derived table"},
                     peak_rate{bf16, 378.88 * detail::tera, "MFU reference table; clock-derived table"}}};

inline constexpr device huawei_ascend_910b2{
    .name = "Huawei Ascend 910B2",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 376}, {bf16, 376}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1600 * detail::gigabyte_rate,
    .link_bandwidth = 392 * detail::gigabyte_rate,
    .aliases = {"Ascend 910B2", "910B2"},
    .alternatives = {peak_rate{fp16, 353.89 * detail::tera, "quoted in public text, place not recorded"},
                     peak_rate{bf16, 353.89 * detail::tera, "quoted in public text, place not recorded"}}};

inline constexpr device huawei_ascend_910b3{
    .name = "Huawei Ascend 910B3",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 313}, {bf16, 313}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 1600 * detail::gigabyte_rate,
    .link_bandwidth = 392 * detail::gigabyte_rate,
    .aliases = {"Ascend 910B3", "910B3"},
    .alternatives = {peak_rate{fp16, 294.91 * detail::tera, "quoted in public text, place not recorded"},
                     peak_rate{bf16, 294.91 * detail::tera, "quoted in public text, place not recorded"}}};

inline constexpr device huawei_ascend_910b4{
    .name = "Huawei Ascend 910B4",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 280}, {bf16, 280}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 800 * detail::gigabyte_rate,
    .aliases = {"Ascend 910B4", "910B4"},
    .alternatives = {peak_rate{fp16, 270 * detail::tera, "quoted in public text, place not recorded"},
                     peak_rate{bf16, 270 * detail::tera, "quoted in public text, place not recorded"}}};

inline constexpr device huawei_atlas_800t_a2{
    .name = "Huawei Atlas 800T A2",
    .is = "card of an eight-card server",
    .memory = 61768 * units::MiB / units::processor,
    .aliases = {"Atlas 800T A2 (910B)", "Atlas 800T A2"},
    .alternatives = {peak_rate{fp32, 82.92 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-BF16/ascend/README.md:32, computation-FP16, FP32, INT8, main_mem; MEASURED matmul throughput. FlagPerf uses the measured 304.277e12 as t"},
                     peak_rate{fp16, 313.182 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-BF16/ascend/README.md:32, computation-FP16, FP32, INT8, main_mem; MEASURED matmul throughput. FlagPerf uses the measured 304.277e12 as t"},
                     peak_rate{bf16, 304.277 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-BF16/ascend/README.md:32, computation-FP16, FP32, INT8, main_mem; MEASURED matmul throughput. FlagPerf uses the measured 304.277e12 as t"},
                     peak_rate{int8, 608.554 * detail::tera, "measured: FlagOpen/FlagPerf:base/benchmarks/computation-BF16/ascend/README.md:32, computation-FP16, FP32, INT8, main_mem; MEASURED matmul throughput. FlagPerf uses the measured 304.277e12 as t"}}};

inline constexpr device huawei_ascend_910c{
    .name = "Huawei Ascend 910C",
    .is = "card of two dies",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 780}, {bf16, 780}}),
    .memory = 64 * units::GiB / units::processor,
    .memory_bandwidth = 3200 * detail::gigabyte_rate,
    .aliases = {"Ascend 910C (2 dies)", "Ascend 910C", "910C"}};

}  // namespace kunmetrics::devices
