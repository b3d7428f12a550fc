// NVIDIA cards from V100 to Ada and the RTX line. Consumer cards: the rate that accumulates in fp32 is used, the
// one that accumulates in fp16 stands beside.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published nvidia_v100_sxm2_32gb_published[]{
    {.origin = origin::framework, .source = from::composer, .remark = "no bf16/tf32/fp8",
     .rates = {{fp64, 7.8}, {fp32, 15.7}, {fp16, 125, fp32}}, .memory = detail::gib(32), .memory_type = "HBM2",
     .memory_source = from::llm_cal, .memory_bandwidth = detail::gb_s(900), .link_type = "NVLink 2",
     .link_bandwidth = detail::gb_s(300)}};
inline constexpr device nvidia_v100_sxm2_32gb =
    detail::device_of("NVIDIA V100-SXM2-32GB", "card", nvidia_v100_sxm2_32gb_published,
                      {"V100-SXM2-32GB", "Tesla V100-SXM2-32GB", "V100 SXM", "V100"});

inline constexpr published nvidia_v100_sxm2_16gb_published[]{
    {.origin = origin::framework, .source = from::composer,
     .remark = "llm-analysis file v100-sxm-16gb.json wrongly says mem 32",
     .rates = {{fp64, 7.8}, {fp32, 15.7}, {fp16, 125, fp32}}, .memory = detail::gib(16), .memory_type = "HBM2",
     .memory_source = "cli99/llm-analysis@d841e40aec8c84b9e76ba9cfbce67418adb172bd:llm_analysis/gpu_configs/v100-sxm-16gb.json",
     .memory_bandwidth = detail::gb_s(900), .link_type = "NVLink 2", .link_bandwidth = detail::gb_s(300)}};
inline constexpr device nvidia_v100_sxm2_16gb =
    detail::device_of("NVIDIA V100-SXM2-16GB", "card", nvidia_v100_sxm2_16gb_published,
                      {"V100-SXM2-16GB", "Tesla V100-SXM2-16GB"});

inline constexpr published nvidia_v100_sxm3_32gb_published[]{
    {.origin = origin::maker, .source = from::tensorrt_llm,
     .also = "NVIDIA DGX-2: 2 petaFLOPS fp16 of 16 such cards, 2018",
     .remark = "its V100-SXM-32GB, which is any SXM card of that size: the card of the DGX-2, not of the faster DGX-2H",
     .rates = {{fp16, 125, fp32}}, .memory = detail::gib(32), .memory_type = "HBM2",
     .memory_bandwidth = detail::gb_s(900), .link_type = "NVLink 2", .link_bandwidth = detail::gb_s(300)}};
inline constexpr device nvidia_v100_sxm3_32gb =
    detail::device_of("NVIDIA V100-SXM3-32GB", "card", nvidia_v100_sxm3_32gb_published,
                      {"V100-SXM3-32GB", "Tesla V100-SXM3-32GB"});

inline constexpr published nvidia_v100_pcie_32gb_published[]{
    {.origin = origin::framework, .source = from::composer, .remark = "112 not 125; llm.c lists 125 for PCIe",
     .rates = {{fp64, 7}, {fp32, 14}, {fp16, 112, fp32}}, .memory = detail::gib(32), .memory_type = "HBM2",
     .memory_source = from::llm_cal, .memory_bandwidth = detail::gb_s(900), .link_type = "PCIe 3 x16",
     .link_bandwidth = detail::gb_s(32)}};
inline constexpr device nvidia_v100_pcie_32gb =
    detail::device_of("NVIDIA V100-PCIe-32GB", "card", nvidia_v100_pcie_32gb_published,
                      {"V100-PCIe-32GB", "Tesla V100-PCIE-32GB", "V100 PCIe"});

inline constexpr published nvidia_v100s_pcie_published[]{
    {.origin = origin::framework, .source = from::composer, .rates = {{fp64, 8.2}, {fp32, 16.4}, {fp16, 130}}}};
inline constexpr device nvidia_v100s_pcie =
    detail::device_of("NVIDIA V100S-PCIe", "card", nvidia_v100s_pcie_published,
                      {"V100S-PCIe", "Tesla V100S-PCIE-32GB"});

inline constexpr published nvidia_a100_sxm4_40gb_published[]{
    {.origin = origin::framework, .source = from::composer,
     .remark = "composer prints fp64=19.5 which is the tensor-core figure (9.7 non-tensor)",
     .rates = {{fp64, 19.5}, {fp32, 19.5}, {tf32, 156}, {fp16, 312, fp32}, {bf16, 312, fp32},
               {.at = int8, .tera = 624, .source = from::ml_engineering}},
     .memory = detail::gib(40), .memory_type = "HBM2", .memory_source = from::llm_cal,
     .memory_bandwidth = detail::gb_s(1555), .link_type = "NVLink 3", .link_bandwidth = detail::gb_s(600)}};
inline constexpr device nvidia_a100_sxm4_40gb =
    detail::device_of("NVIDIA A100-SXM4-40GB", "card", nvidia_a100_sxm4_40gb_published,
                      {"A100-SXM4-40GB", "A100 40GB", "A100-SXM-40GB"});

inline constexpr published nvidia_a100_80gb_published[]{
    {.origin = origin::framework, .source = from::composer,
     .rates = {{fp64, 19.5}, {fp32, 19.5}, {tf32, 156}, {fp16, 312, fp32}, {bf16, 312, fp32},
               {.at = int8, .tera = 624, .source = from::ml_engineering}},
     .memory = detail::gib(80), .memory_type = "HBM2e", .memory_source = from::llm_cal,
     .memory_bandwidth = detail::gb_s(2039), .link_type = "NVLink 3", .link_bandwidth = detail::gb_s(600)}};
inline constexpr device nvidia_a100_80gb =
    detail::device_of("NVIDIA A100-SXM4-80GB", "card", nvidia_a100_80gb_published,
                      {"A100-SXM4-80GB", "A100", "A100 80GB", "A100-SXM-80GB", "A100 SXM"});

inline constexpr published nvidia_a100_pcie_40gb_published[]{
    {.origin = origin::maker, .source = from::tensorrt_llm,
     .also = "cli99/llm-analysis@b60b392f747850d198145889205d8a3586d00282:llm_analysis/gpu_configs/a100-pcie-40gb.json",
     .rates = {{tf32, 156}, {fp16, 312, fp32}, {bf16, 312, fp32}, {int8, 624}}, .memory = detail::gib(40),
     .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(1555),
     .link_type = "PCIe 4 (NVLink bridge optional)", .link_bandwidth = detail::gb_s(64)}};
inline constexpr device nvidia_a100_pcie_40gb =
    detail::device_of("NVIDIA A100-PCIe-40GB", "card", nvidia_a100_pcie_40gb_published, {"A100-PCIe-40GB"});

inline constexpr published nvidia_a100_pcie_80gb_published[]{
    {.origin = origin::framework, .source = from::ml_engineering, .remark = "llm-analysis says 1935 GB/s",
     .rates = {{fp32, 19.5}, {tf32, 156}, {fp16, 312, fp32}, {bf16, 312, fp32}, {int8, 624}},
     .memory = detail::gib(80), .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(1940),
     .link_type = "PCIe 4 (NVLink bridge optional)", .link_bandwidth = detail::gb_s(64)}};
inline constexpr device nvidia_a100_pcie_80gb =
    detail::device_of("NVIDIA A100-PCIe-80GB", "card", nvidia_a100_pcie_80gb_published,
                      {"A100-PCIe-80GB", "A100 80GB PCIe", "NVIDIA A100 80GB PCIe", "A100 PCIe"});

inline constexpr published nvidia_a800_80gb_published[]{
    {.origin = origin::framework, .source = from::llm_viewer,
     .remark = "compute identical to A100; SimAI models 8 links x 20 GB/s per direction",
     .rates = {{.at = fp16, .tera = 312, .source = from::nvidia_sheet},
               {.at = bf16, .tera = 312, .source = from::nvidia_sheet},
               {.at = int8, .tera = 624, .source = from::nvidia_sheet}},
     .memory = detail::gib(80), .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(2039),
     .link_type = "NVLink 3 (8 of 12 links)", .link_bandwidth = detail::gb_s(400), .link_source = from::simai}};
inline constexpr device nvidia_a800_80gb =
    detail::device_of("NVIDIA A800-SXM4-80GB", "card", nvidia_a800_80gb_published,
                      {"A800-SXM4-80GB", "A800", "A800 80GB"});

inline constexpr published nvidia_a40_published[]{
    {.origin = origin::framework, .source = from::lightning,
     .rates = {{fp32, 37.4}, {tf32, 74.8}, {fp16, 149.7}, {bf16, 149.7}, {int8, 299.3}}, .memory = detail::gib(48),
     .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(696), .link_type = "NVLink bridge",
     .link_bandwidth = detail::gb_s(112)}};
inline constexpr device nvidia_a40 =
    detail::device_of("NVIDIA A40", "card", nvidia_a40_published, {"A40"});

inline constexpr published nvidia_a30_published[]{
    {.origin = origin::maker,
     .source = "NVIDIA A30 data sheet (a30-datasheet.pdf, March 2022), dense tensor rates, as "
        "NVIDIA/TensorRT-LLM@a17b14f6d89b5ac7d61152b17f727651a7bcc607:tensorrt_llm/auto_parallel/cluster_info.py reads "
        "it",
     .also = "facebookresearch/xformers@22d092e03fdf199f7cda288afcd210f9e1bdf2bb:xformers/profiler/device_limits.py",
     .rates = {{fp64, 10.3}, {fp32, 10.3}, {tf32, 82}, {fp16, 165}, {bf16, 165}, {int8, 330}},
     .memory = detail::gib(24), .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(933),
     .link_type = "PCIe 4 x16 (NVLink bridge 200)", .link_bandwidth = detail::gb_s(64), .power = detail::watts(165)}};
inline constexpr device nvidia_a30 =
    detail::device_of("NVIDIA A30", "card", nvidia_a30_published, {"A30"});

inline constexpr published nvidia_a10_published[]{
    {.origin = origin::framework, .source = from::composer,
     .remark = "llm-analysis file a10-pcie-28gb.json says 28 GB (wrong: datasheet 24)",
     .rates = {{fp32, 31.2}, {tf32, 62.5}, {fp16, 125}, {bf16, 125}, {int8, 250}}, .memory = detail::gib(24),
     .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(600), .link_type = "PCIe 4 x16",
     .link_bandwidth = detail::gb_s(64)}};
inline constexpr device nvidia_a10 =
    detail::device_of("NVIDIA A10", "card", nvidia_a10_published, {"A10"});

inline constexpr published nvidia_a10g_published[]{
    {.origin = origin::maker, .source = from::tensorrt_llm,
     .also = "NVIDIA_AWS_A10G_DataSheet_FINAL_02_17_2022.pdf",
     .remark = "used: the card's own data sheet, 70 dense and 140 sparse; 125 is the A10's",
     .rates = {{fp32, 35}, {tf32, 35}, {fp16, 70}, {bf16, 70}, {int8, 140}}, .memory = detail::gib(24),
     .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(600), .link_type = "PCIe 4 x16",
     .link_bandwidth = detail::gb_s(64)},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "cli99/llm-analysis@d841e40aec8c84b9e76ba9cfbce67418adb172bd:llm_analysis/gpu_configs/a10g-pcie-24gb.json",
     .remark = "conflict: Lightning and llm-cal say 125 for A10G, llm-analysis 70", .rates = {{fp16, 70}, {int8, 140}},
     .memory = detail::gib(24), .memory_bandwidth = detail::gb_s(600)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::lightning,
     .remark = "as llm-cal: the figure of the A10",
     .rates = {{fp16, 125}, {bf16, 125}}}};
inline constexpr device nvidia_a10g =
    detail::device_of("NVIDIA A10G", "card", nvidia_a10g_published, {"A10G"});

inline constexpr published nvidia_t4_published[]{
    {.origin = origin::framework, .source = from::composer, .remark = "no bf16",
     .rates = {{fp32, 8.1}, {fp16, 65}, {int8, 130}}, .memory = detail::gib(16), .memory_type = "GDDR6",
     .memory_source = from::llm_cal, .memory_bandwidth = detail::gb_s(320), .link_type = "PCIe 3 x16",
     .link_bandwidth = detail::gb_s(32)}};
inline constexpr device nvidia_t4 =
    detail::device_of("NVIDIA T4", "card", nvidia_t4_published, {"T4", "Tesla T4"});

inline constexpr published nvidia_l4_published[]{
    {.origin = origin::framework, .source = from::lightning, .remark = "datasheet prints 242 sparse",
     .rates = {{fp32, 30.3}, {tf32, 60}, {fp16, 121}, {bf16, 121}, {int8, 242}}, .memory = detail::gib(24),
     .memory_type = "GDDR6", .memory_source = from::llm_cal, .memory_bandwidth = detail::gb_s(300),
     .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)},
    {.as = standing::alternative, .origin = origin::maker,
     .source = "NVIDIA data sheet, as the collected table quotes it", .remark = "the sparse rate",
     .rates = {{fp16, 242}, {bf16, 242}}}};
inline constexpr device nvidia_l4 =
    detail::device_of("NVIDIA L4", "card", nvidia_l4_published, {"L4"});

inline constexpr published nvidia_l40_published[]{
    {.origin = origin::framework, .source = from::lightning,
     .rates = {{fp32, 90.5}, {tf32, 90.5}, {fp16, 181}, {bf16, 181}, {int8, 362}}, .memory = detail::gib(48),
     .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(864), .link_type = "PCIe 4 x16",
     .link_bandwidth = detail::gb_s(64)}};
inline constexpr device nvidia_l40 =
    detail::device_of("NVIDIA L40", "card", nvidia_l40_published, {"L40"});

inline constexpr published nvidia_l40s_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "used: the dense rate, as ml-engineering reads it from the data sheet",
     .rates = {{fp32, 91.6}, {tf32, 183}, {fp16, 362}, {bf16, 362}, {fp8, 733}, {int8, 733}},
     .memory = detail::gib(48), .memory_type = "GDDR6", .memory_bandwidth = detail::gb_s(864),
     .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::torchtitan,
     .remark = "the A100's rate, a fallback for devices that the table lacks", .rates = {{bf16, 312}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::lightning,
     .remark = "the L4's rate: a name found by substring", .rates = {{bf16, 121}}},
    {.as = standing::alternative, .origin = origin::framework, .source = "ray-project/ray PR 64315",
     .remark = "the L40's rate: a name found by substring", .rates = {{bf16, 181}}}};
inline constexpr device nvidia_l40s =
    detail::device_of("NVIDIA L40S", "card", nvidia_l40s_published, {"L40S"});

inline constexpr published nvidia_rtx_4090_published[]{
    {.origin = origin::framework,
     .source = "karpathy/nanochat@92d63d4e8bb4df75c3b71618f31ddde2378b2bcd:nanochat/common.py (peak flops and "
        "bandwidth tables) / karpathy/llm.c@f1e2ace651495b74ae22d45d1723443fd00ecd3a:llmc/mfu.h",
     .remark = "fp16 with fp32 accumulate 165.2; with fp16 accumulate 330.3. llm.c fp8: 330.3 (fp32 acc) / "
        "660.6 (fp16 acc)",
     .rates = {{fp32, 82.6}, {tf32, 82.6}, {fp16, 165.2, fp32}, {bf16, 165.2, fp32}, {fp8, 330.3, fp32}, {int8, 660.6}},
     .memory = detail::gib(24), .memory_type = "GDDR6X", .memory_bandwidth = detail::gb_s(1008),
     .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::lightning,
     .remark = "Lightning lists the shader rate 82.6 for bf16/fp16: half of the tensor-core rate, doubles "
        "every MFU computed with it",
     .rates = {{fp32, 82.6}, {fp16, 82.6}, {bf16, 82.6}, {int8, 660.6}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_c,
     .remark = "accumulated in fp16; also in KempnerForge and autoresearch issue 270",
     .rates = {{fp16, 330.3, fp16}, {fp8, 660.6, fp16}}}};
inline constexpr device nvidia_rtx_4090 =
    detail::device_of("NVIDIA RTX 4090", "card", nvidia_rtx_4090_published,
                      {"RTX 4090", "GeForce RTX 4090", "NVIDIA GeForce RTX 4090", "4090"});

// Fewer cores than the 4090's at its clock: 14592 cores at 2.52 GHz do 4 FLOP a clock each in the tensor
// cores with fp32 sums (2 in the shaders, 8 in fp8), which for the 4090's 16384 is the published 165.2.
inline constexpr published nvidia_rtx_4090_d_published[]{
    {.origin = origin::third_party,
     .source = "derived: 14592 CUDA cores * 2.52 GHz boost (hmc-tech.com/gpu/nvidia-geforce-rtx-4090-d, which prints "
        "147.09) * 4 FLOP a clock, as of the RTX 4090",
     .also = "karpathy/llm.c@0e69e3ae466694915e9f7e5742b3c55edacc20fd:llmc/mfu.h, whose rule gives 165.2 * 456 / 512",
     .remark = "fp16 with fp32 accumulate 147.1; with fp16 accumulate 294.2",
     .rates = {{fp32, 73.5}, {tf32, 73.5}, {fp16, 147.1, fp32}, {bf16, 147.1, fp32}, {fp8, 294.2, fp32}, {int8, 588.3}},
     .memory = detail::gib(24), .memory_type = "GDDR6X", .memory_bandwidth = detail::gb_s(1008),
     .link_type = "PCIe 4 x16", .link_bandwidth = detail::gb_s(64), .power = detail::watts(425)},
    {.as = standing::alternative, .origin = origin::third_party, .source = "hmc-tech.com/gpu/nvidia-geforce-rtx-4090-d",
     .remark = "accumulated in fp16", .rates = {{fp16, 294.2, fp16}, {fp8, 588.4, fp16}}}};
inline constexpr device nvidia_rtx_4090_d =
    detail::device_of("NVIDIA RTX 4090 D", "card", nvidia_rtx_4090_d_published,
                      {"RTX 4090 D", "GeForce RTX 4090 D", "NVIDIA GeForce RTX 4090 D", "4090 D"});

inline constexpr published nvidia_rtx_3090_published[]{
    {.origin = origin::framework, .source = from::nanochat, .remark = "used: accumulated in fp32",
     .rates = {{fp16, 71, fp32}, {bf16, 71, fp32}}, .memory_bandwidth = detail::gb_s(936)},
    {.as = standing::alternative, .origin = origin::framework, .source = "KempnerInstitute/KempnerForge@5666d0d",
     .remark = "accumulated in fp16", .rates = {{fp16, 142, fp16}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::lightning,
     .remark = "the shader rate, not the tensor cores'", .rates = {{bf16, 35.6}}}};
inline constexpr device nvidia_rtx_3090 =
    detail::device_of("NVIDIA RTX 3090", "card", nvidia_rtx_3090_published,
                      {"RTX 3090", "GeForce RTX 3090", "NVIDIA GeForce RTX 3090", "3090"});

inline constexpr published nvidia_rtx_5090_published[]{
    {.origin = origin::framework, .source = from::nanochat, .rates = {{fp16, 209.5}, {bf16, 209.5}},
     .memory_bandwidth = detail::gb_s(1790)}};
inline constexpr device nvidia_rtx_5090 =
    detail::device_of("NVIDIA RTX 5090", "card", nvidia_rtx_5090_published,
                      {"RTX 5090", "GeForce RTX 5090", "NVIDIA GeForce RTX 5090", "5090"});

inline constexpr published nvidia_rtx_a6000_published[]{
    {.origin = origin::framework, .source = from::torchtitan,
     .remark = "309.7 is with sparsity; Lightning lists 38.7 (shader rate)",
     .rates = {{fp16, 154.85, fp32}, {bf16, 154.85, fp32}}, .memory = detail::gib(48), .memory_type = "GDDR6",
     .memory_bandwidth = detail::gb_s(768)},
    {.as = standing::alternative, .origin = origin::third_party, .source = "quoted by the collected table",
     .remark = "the rate with sparsity", .rates = {{bf16, 309.7}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::lightning, .remark = "the shader rate",
     .rates = {{bf16, 38.7}}}};
inline constexpr device nvidia_rtx_a6000 =
    detail::device_of("NVIDIA RTX A6000", "card", nvidia_rtx_a6000_published, {"RTX A6000", "A6000"});

}  // namespace kunmetrics::devices
