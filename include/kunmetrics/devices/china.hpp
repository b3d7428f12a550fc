// Cambricon, Iluvatar, MetaX, Moore Threads, Hygon and Biren, and a card that FlagPerf names only.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published cambricon_mlu370_x8_published[]{
    {.origin = origin::third_party, .source = "guangxilong.com/c/032129635H022.html (2022-03-21 launch)",
     .also = "cronfeed.work quoting cambricon.com",
     .remark = "launch article prints FP32 32, vendor page 24; llm-cal prints FP16 48 and a blog 256: both "
        "wrong",
     .rates = {{fp32, 24}, {fp16, 96}, {bf16, 96}, {int8, 256}}, .memory = detail::gib(48), .memory_type = "LPDDR5",
     .memory_bandwidth = detail::gb_s(614.4), .link_type = "MLU-Link", .link_bandwidth = detail::gb_s(200)},
    {.as = standing::alternative, .origin = origin::third_party,
     .source = "guangxilong.com/c/032129635H022.html (2022-03-21 launch)", .remark = "the maker's page prints 24",
     .rates = {{fp32, 32}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal, .remark = "wrong: half",
     .rates = {{fp16, 48}}},
    {.as = standing::alternative, .origin = origin::third_party, .source = "a blog, place not recorded",
     .remark = "the int8 rate", .rates = {{fp16, 256}}}};
inline constexpr device cambricon_mlu370_x8 =
    detail::device_of("Cambricon MLU370-X8", "card", cambricon_mlu370_x8_published, {"MLU370-X8"});

inline constexpr published cambricon_mlu370_x4_published[]{
    {.origin = origin::third_party,
     .source = "quoted in public text, place not recorded (seed script with per-chip source URLs) citing "
        "cloudhin.com product page",
     .rates = {{fp32, 24}, {fp16, 96}, {bf16, 96}, {int8, 256}}, .memory = detail::gib(24), .memory_type = "LPDDR5",
     .memory_bandwidth = detail::gb_s(307.2), .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)}};
inline constexpr device cambricon_mlu370_x4 =
    detail::device_of("Cambricon MLU370-X4", "card", cambricon_mlu370_x4_published, {"MLU370-X4"});

inline constexpr published cambricon_mlu590_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "UNVERIFIED spread: 300-345 TFLOPS, 64/80/96 GB, 2.0-2.76 TB/s (ids 59309463097, 62099382301, "
        "66895403960); no public datasheet",
     .rates = {{fp32, 80}, {fp16, 314}, {bf16, 314}, {int8, 628}}, .memory = detail::gib(80), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(2000), .link_type = "MLU-Link", .link_bandwidth = detail::gb_s(372)}};
inline constexpr device cambricon_mlu590 =
    detail::device_of("Cambricon MLU590", "card", cambricon_mlu590_published, {"MLU590"});

inline constexpr published iluvatar_bi_v100_published[]{
    {.origin = origin::maker,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/iluvatar/README.md (147 "
        "TFLOPS FP16/BF16)",
     .also = from::chip_seed_script, .rates = {{fp32, 37}, {fp16, 147}, {bf16, 147}, {int8, 295}},
     .memory = detail::gib(32), .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(1200),
     .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)}};
inline constexpr device iluvatar_bi_v100 =
    detail::device_of("Iluvatar BI-V100", "card", iluvatar_bi_v100_published,
                      {"BI-V100 (Tiangai 100)", "BI-V100", "Tiangai 100"});

inline constexpr published iluvatar_bi_v150_published[]{
    {.origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/iluvatar configs (192e12; "
        "one config 198e12)",
     .also = "operation/benchmarks SPECTFLOPS 192",
     .remark = "NOT a datasheet value: FlagPerf measured 196.77 (BF16) and 196.47 (FP16) TFLOPS, i.e. above "
        "the 192 used as peak; blog prints 256",
     .rates = {{fp16, 192}, {bf16, 192}}, .memory = detail::gib(64), .memory_type = "HBM2e"},
    {.as = standing::measured, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:base/benchmarks/computation-*/iluvatar/BI150/README.md:36",
     .remark = "measured; OS sees two 32GB devices per card", .rates = {{fp32, 38.72}, {fp16, 196.47}, {bf16, 196.77}},
     .memory = detail::mib(65188), .memory_bandwidth = detail::gb_s(590.01), .link_type = "intra-server MPI",
     .link_bandwidth = detail::gb_s(92.48)},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2: one config of training/iluvatar",
     .remark = "all others use 192", .rates = {{bf16, 198}}},
    {.as = standing::alternative, .origin = origin::third_party, .source = "a blog, place not recorded",
     .remark = "no data sheet tells which is right", .rates = {{bf16, 256}}}};
inline constexpr device iluvatar_bi_v150 =
    detail::device_of("Iluvatar BI-V150", "card of two devices", iluvatar_bi_v150_published, {"BI-V150", "BI150"});

inline constexpr published metax_c500_pcie_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "240 agrees with the peak implied by the redacted FlagPerf chatglm3 row (2382.5 tok/s, 35.7% -> "
        "240.3T)",
     .rates = {{fp16, 240}, {bf16, 240}}, .memory = detail::gib(64), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(1800), .link_type = "MetaXLink", .link_bandwidth = detail::gb_s(800),
     .power = detail::watts(350)}};
inline constexpr device metax_c500_pcie =
    detail::device_of("MetaX C500 PCIe", "card", metax_c500_pcie_published,
                      {"C500 (PCIe 350W)", "C500 PCIe", "C500", "MXC500"});

inline constexpr published metax_c500_oam_published[]{
    {.origin = origin::third_party,
     .source = "quoted in public text, place not recorded (seed script with per-chip source URLs) citing "
        "ai.gitee.com/docs/compute/clusters_gpu/mx_gpu",
     .rates = {{fp32, 36}, {tf32, 140}, {fp16, 280}, {bf16, 280}, {int8, 560}}, .memory = detail::gib(64),
     .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(1800), .link_type = "MetaXLink",
     .link_bandwidth = detail::gb_s(896), .power = detail::watts(450)}};
inline constexpr device metax_c500_oam =
    detail::device_of("MetaX C500 OAM", "card", metax_c500_oam_published, {"C500 (OAM 450W)", "C500 OAM"});

inline constexpr published metax_c550_published[]{
    {.as = standing::measured, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:base/*/main_memory-bandwidth/metax/C550/README.md:30",
     .remark = "nominal 1.8 TB/s and 64 GiB printed in FlagPerf; computed peaks redacted", .memory = detail::gib(64),
     .memory_bandwidth = detail::gb_s(1495.7)}};
inline constexpr device metax_c550 =
    detail::device_of("MetaX C550", "card", metax_c550_published, {"C550 (OAM)", "C550"});

inline constexpr published moore_threads_mtt_s4000_published[]{
    {.origin = origin::third_party,
     .source = "quoted in public text, place not recorded (seed script with per-chip source URLs) / "
        "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml",
     .also = "id 52582634908 quoting docs.mthreads.com",
     .remark = "several third parties print 200 for FP16 (that is INT8)",
     .rates = {{fp16, 100}, {bf16, 100}, {int8, 200}}, .memory = detail::gib(48), .memory_type = "GDDR6",
     .memory_bandwidth = detail::gb_s(768), .link_type = "MTLink 1.0", .link_bandwidth = detail::gb_s(240)},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::not_recorded,
     .remark = "the int8 rate", .rates = {{fp16, 200}}}};
inline constexpr device moore_threads_mtt_s4000 =
    detail::device_of("Moore Threads MTT S4000", "card", moore_threads_mtt_s4000_published, {"MTT S4000", "S4000"});

inline constexpr published hygon_dcu_k100_ai_published[]{
    {.origin = origin::third_party,
     .source = "quoted in public text, place not recorded (seed script with per-chip source URLs) / "
        "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml",
     .remark = "low-confidence sources; 180-256 also printed",
     .rates = {{fp32, 49}, {tf32, 96}, {fp16, 192}, {bf16, 192}, {int8, 392}}, .memory = detail::gib(64),
     .memory_type = "GDDR6/HBM (sources differ)", .memory_bandwidth = detail::gb_s(896), .link_type = "xGMI",
     .link_bandwidth = detail::gb_s(184)}};
inline constexpr device hygon_dcu_k100_ai =
    detail::device_of("Hygon DCU K100_AI", "card", hygon_dcu_k100_ai_published, {"DCU K100_AI", "K100_AI"});

inline constexpr published hygon_dcu_z100_published[]{
    {.origin = origin::third_party, .source = from::llm_cal,
     .remark = "LOW CONFIDENCE: derived as 2x FP32 in the source", .rates = {{fp16, 180}}, .memory = detail::gib(32),
     .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(1000), .link_type = "xGMI",
     .link_bandwidth = detail::gb_s(184)}};
inline constexpr device hygon_dcu_z100 =
    detail::device_of("Hygon DCU Z100", "card", hygon_dcu_z100_published, {"DCU Z100", "Z100"});

inline constexpr published hygon_dcu_k100_64g_published[]{
    {.as = standing::measured, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/dcu/README.md",
     .remark = "FlagPerf lists K100 64G without peaks", .memory = detail::gib(64)}};
inline constexpr device hygon_dcu_k100_64g =
    detail::device_of("Hygon DCU K100 64G", "card", hygon_dcu_k100_64g_published, {"DCU K100 64G", "K100 64G"});

inline constexpr published flagperf_tg_v200_published[]{
    {.as = standing::alternative, .origin = origin::framework,
     .source = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:config theoryflops",
     .remark = "340e12 in FlagPerf config, vendor page not found", .rates = {{bf16, 340}}}};
inline constexpr device flagperf_tg_v200 =
    detail::device_of("TG-V200", "card", flagperf_tg_v200_published, {});

inline constexpr published biren_br100_published[]{
    {.origin = origin::third_party, .source = from::chip_seed_script, .remark = "llm-cal: 1640 GB/s, 512 GB/s",
     .rates = {{bf16, 1024}, {int8, 2048}}, .memory = detail::gib(64), .memory_type = "HBM2e",
     .memory_bandwidth = detail::gb_s(2300), .link_type = "BLink", .link_bandwidth = detail::gb_s(448)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal,
     .remark = "conflicts with the seed script; no data sheet", .memory_bandwidth = detail::gb_s(1640),
     .link_bandwidth = detail::gb_s(512)}};
inline constexpr device biren_br100 =
    detail::device_of("Biren BR100", "card", biren_br100_published, {"BR100"});

}  // namespace kunmetrics::devices
