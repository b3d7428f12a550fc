// Huawei Ascend. Makers publish little: clock-derived and measured rates stand beside those used.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published huawei_ascend_910a_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .also = "press: pureai.com 2019-09-03 (256 TFLOPS FP16, 512 TOPS INT8), linleygroup 2019-10-08 (32GB HBM2)",
     .remark = "interconnect 240 Gbps/GB/s wording varies; no bf16 on 910A; other third parties print 280 or "
        "320",
     .rates = {{fp16, 256}, {int8, 512}}, .memory = detail::gib(32), .memory_type = "HBM2",
     .memory_bandwidth = detail::gb_s(1200), .link_type = "HCCS", .link_bandwidth = detail::gb_s(240)},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded,
     .remark = "other third parties; the press at the launch said 256", .rates = {{fp16, 280}}},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded,
     .remark = "other third parties; the press at the launch said 256", .rates = {{fp16, 320}}}};
inline constexpr device huawei_ascend_910a =
    detail::device_of("Huawei Ascend 910A", "card", huawei_ascend_910a_published,
                      {"Ascend 910A", "Ascend 910", "910A"});

inline constexpr published huawei_ascend_910b1_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "conflict: id 62155670149 gives 378.88; used: the nominal rate; the conflicting one is derived "
        "from a clock",
     .rates = {{fp16, 414}, {bf16, 414}}, .memory = detail::gib(64), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(1600), .link_type = "HCCS", .link_bandwidth = detail::gb_s(392)},
    {.as = standing::alternative, .origin = origin::third_party,
     .source = "quoted in public text, place not recorded (MFU reference table)", .remark = "clock-derived table",
     .rates = {{fp16, 378.88}, {bf16, 378.88}}}};
inline constexpr device huawei_ascend_910b1 =
    detail::device_of("Huawei Ascend 910B1", "card", huawei_ascend_910b1_published, {"Ascend 910B1", "910B1"});

inline constexpr published huawei_ascend_910b2_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "id 18658349524 also 376; used: the nominal rate; the conflicting one is of another table",
     .rates = {{fp16, 376}, {bf16, 376}}, .memory = detail::gib(64), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(1600), .link_type = "HCCS", .link_bandwidth = detail::gb_s(392)},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded,
     .remark = "another table, its derivation not told", .rates = {{fp16, 353.89}, {bf16, 353.89}}}};
inline constexpr device huawei_ascend_910b2 =
    detail::device_of("Huawei Ascend 910B2", "card", huawei_ascend_910b2_published, {"Ascend 910B2", "910B2"});

inline constexpr published huawei_ascend_910b3_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "used: the nominal rate; the conflicting one is of another table", .rates = {{fp16, 313}, {bf16, 313}},
     .memory = detail::gib(64), .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(1600), .link_type = "HCCS",
     .link_bandwidth = detail::gb_s(392)},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded,
     .remark = "another table, its derivation not told", .rates = {{fp16, 294.91}, {bf16, 294.91}}}};
inline constexpr device huawei_ascend_910b3 =
    detail::device_of("Huawei Ascend 910B3", "card", huawei_ascend_910b3_published, {"Ascend 910B3", "910B3"});

inline constexpr published huawei_ascend_910b4_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "ai.gitee.com/docs prints FP16 280 for a 64GB \"910B\"; used: the nominal rate; the conflicting "
        "one is of another table",
     .rates = {{fp16, 280}, {bf16, 280}}, .memory = detail::gib(32), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(800), .link_type = "HCCS"},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded,
     .remark = "another table, its derivation not told", .rates = {{fp16, 270}, {bf16, 270}}}};
inline constexpr device huawei_ascend_910b4 =
    detail::device_of("Huawei Ascend 910B4", "card", huawei_ascend_910b4_published, {"Ascend 910B4", "910B4"});

inline constexpr published huawei_atlas_800t_a2_published[]{
    {.as = standing::measured, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:base/benchmarks/computation-BF16/ascend/README.md:32, "
        "computation-FP16, FP32, INT8, main_memory-capacity",
     .remark = "MEASURED matmul throughput. FlagPerf uses the measured 304.277e12 as theoryflops for its "
        "Ascend training rows, so those \"MFU\" are relative to achieved matmul, not to peak",
     .rates = {{fp32, 82.920}, {fp16, 313.182}, {bf16, 304.277}, {int8, 608.554}}, .memory = detail::mib(61768)}};
inline constexpr device huawei_atlas_800t_a2 =
    detail::device_of("Huawei Atlas 800T A2", "card of an eight-card server", huawei_atlas_800t_a2_published,
                      {"Atlas 800T A2 (910B)", "Atlas 800T A2"});

inline constexpr published huawei_ascend_910c_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "800 elsewhere; 384 cards = 300 PFLOPS (781/card) per Huawei 2025-09 keynote",
     .rates = {{fp16, 780}, {bf16, 780}}, .memory = detail::gib(128), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(3200), .link_type = "HCCS"},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded, .remark = "rounded",
     .rates = {{fp16, 800}}},
    {.as = standing::alternative, .origin = origin::maker,
     .source = "Huawei keynote of 2025-09: 300 PFLOP/s for 384 cards", .remark = "from the cluster's figure, rounded",
     .rates = {{fp16, 781}}}};
inline constexpr device huawei_ascend_910c =
    detail::device_of("Huawei Ascend 910C", "card of two dies", huawei_ascend_910c_published,
                      {"Ascend 910C (2 dies)", "Ascend 910C", "910C"});

}  // namespace kunmetrics::devices
