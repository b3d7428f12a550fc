// NVIDIA cards of Hopper and Blackwell, H100 to GB300. Dense rates: data sheets print the sparse ones, twice as high.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published nvidia_h100_sxm_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "989 vs 989.4 vs 989.5 (=1979/2) all in use: composer/Lightning/LLM-Viewer 989.5, "
        "torchtitan/stas/FlagPerf/llm-foundry README prose 989; used: the rounded dense figure of torchtitan, "
        "ml-engineering and FlagPerf",
     .rates = {{fp32, 67}, {tf32, 494.5}, {fp16, 989, fp32}, {bf16, 989, fp32}, {fp8, 1979, fp32}, {int8, 1979}},
     .memory = detail::gib(80), .memory_type = "HBM3", .memory_bandwidth = detail::gb_s(3350), .link_type = "NVLink 4",
     .link_bandwidth = detail::gb_s(900), .link_source = from::llm_cal},
    {.as = standing::alternative, .origin = origin::framework, .source = from::composer,
     .remark = "value that reproduces all 300 llm-foundry rows",
     .rates = {{fp32, 67}, {tf32, 494.5}, {fp16, 989.5}, {bf16, 989.5}, {fp8, 1979}, {int8, 1979}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_viewer,
     .remark = "LLM-Viewer bandwidth 3072 conflicts with 3350", .rates = {{fp16, 989.5}, {int8, 1979}},
     .memory_bandwidth = detail::gb_s(3072)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_c,
     .remark = "llm.c scales the PCIe figure: 756*528/456*1830/1620 = 988.84 (entry \"H100 80GB HBM3\")",
     .rates = {{bf16, 988.84}}},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "NVIDIA/Megatron-LM issue 1276, foundation-model-stack/fms-fsdp issue 89", .remark = "the sparse rate",
     .rates = {{bf16, 1979}}}};
inline constexpr device nvidia_h100_sxm =
    detail::device_of("NVIDIA H100-SXM5-80GB", "card", nvidia_h100_sxm_published,
                      {"H100-SXM5-80GB", "H100", "H100 SXM", "NVIDIA H100 80GB HBM3", "H100 80GB", "H100 SXM5"});

inline constexpr published nvidia_h100_pcie_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "composer 756.5; stas lists memory type HBM3 (datasheet HBM2e)",
     .rates = {{fp32, 51}, {tf32, 378}, {fp16, 756, fp32}, {bf16, 756, fp32}, {fp8, 1513, fp32}, {int8, 1513}},
     .memory = detail::gib(80), .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(2000),
     .link_type = "PCIe 5 (NVLink bridge 600)", .link_bandwidth = detail::gb_s(128)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::composer, .remark = "1513 / 2",
     .rates = {{fp16, 756.5}, {bf16, 756.5}}},
    {.as = standing::alternative, .origin = origin::framework, .source = "KempnerInstitute/KempnerForge@5666d0d",
     .remark = "the SXM rate: \"H100\" is matched first", .rates = {{bf16, 989}}}};
inline constexpr device nvidia_h100_pcie =
    detail::device_of("NVIDIA H100-PCIe-80GB", "card", nvidia_h100_pcie_published,
                      {"H100-PCIe-80GB", "H100 PCIe", "NVIDIA H100 PCIe"});

inline constexpr published nvidia_h100_nvl_94gb_published[]{
    {.origin = origin::framework,
     .source = "Lightning-AI/pytorch-lightning@7f0c3436cd3f6ad3753125672024fc415cbcb414:src/lightning/fabric/utilities/throughput.py "
        "_CUDA_FLOPS (datasheet links in comments) / "
        "pytorch/torchtitan@b5bcd76c66d0acb1a08b176d9639425bc55e0b2a:torchtitan/tools/utils.py get_peak_flops",
     .remark = "torchtitan 835",
     .rates = {{fp32, 60}, {tf32, 417.5}, {fp16, 835.5}, {bf16, 835.5}, {fp8, 1671}, {int8, 1670.5}},
     .memory = detail::gib(94), .memory_type = "HBM3", .memory_bandwidth = detail::gb_s(3900),
     .link_type = "NVLink bridge", .link_bandwidth = detail::gb_s(600)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::torchtitan, .remark = "rounded",
     .rates = {{bf16, 835}}}};
inline constexpr device nvidia_h100_nvl_94gb =
    detail::device_of("NVIDIA H100-NVL-94GB", "card", nvidia_h100_nvl_94gb_published,
                      {"H100-NVL-94GB", "H100 NVL", "NVIDIA H100 NVL"});

inline constexpr published nvidia_h100_96gb_hbm2e_500w_published[]{
    {.as = standing::alternative, .origin = origin::framework,
     .source = "pytorch/torchtitan@b5bcd76c66d0acb1a08b176d9639425bc55e0b2a:torchtitan/tools/utils.py "
        "get_peak_flops benchmarks docs",
     .remark = "Meta variant in torchtitan tables; the SXM peak is used as denominator; NVML reports 95.0 GiB",
     .rates = {{bf16, 989}}, .memory = detail::gib(96), .memory_type = "HBM2e", .power = detail::watts(500)}};
inline constexpr device nvidia_h100_96gb_hbm2e_500w =
    detail::device_of("NVIDIA H100-96GB HBM2e 500W", "card", nvidia_h100_96gb_hbm2e_500w_published,
                      {"H100-96GB HBM2e 500W"});

inline constexpr published nvidia_h800_sxm_published[]{
    {.origin = origin::framework, .source = from::llm_cal,
     .also = "FlagOpen/FlagPerf@1b5a030398ab719e406f77877eb34c9599b17fd2:training/nvidia/*/config_H800*.py",
     .remark = "FlagPerf theoryflops 989e12; one llama2-70B fp32 row uses 495e12 (TF32)",
     .rates = {{fp16, 989}, {bf16, 989}, {fp8, 1979}}, .memory = detail::gib(80), .memory_type = "HBM3",
     .memory_bandwidth = detail::gb_s(3350), .link_type = "NVLink 4 (8 of 18 links)",
     .link_bandwidth = detail::gb_s(400), .link_source = from::simai},
    {.as = standing::alternative, .origin = origin::framework, .source = from::nanochat,
     .remark = "nanochat: plain \"h800\" = 756 (PCIe figure), \"h800 nvl\" = 989", .rates = {{bf16, 756}}}};
inline constexpr device nvidia_h800_sxm =
    detail::device_of("NVIDIA H800-SXM5-80GB", "card", nvidia_h800_sxm_published,
                      {"H800-SXM5-80GB", "H800", "H800 SXM", "NVIDIA H800"});

inline constexpr published nvidia_h20_96gb_published[]{
    {.origin = origin::framework,
     .source = "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml "
        "/ pytorch/torchtitan@b5bcd76c66d0acb1a08b176d9639425bc55e0b2a:torchtitan/tools/utils.py get_peak_flops",
     .remark = "from press reports; sparse figure is 296", .rates = {{fp16, 148}, {bf16, 148}},
     .memory = detail::gib(96), .memory_type = "HBM3", .memory_bandwidth = detail::gb_s(4000), .link_type = "NVLink 4",
     .link_bandwidth = detail::gb_s(900)},
    {.origin = origin::third_party,
     .source = "twice the used 148 of fp16, as of every Hopper card; the figure in use for the H20's fp8 and int8 "
        "(willitrunai.com/es/gpus/h20-96gb)",
     .also = "NVIDIA/TensorRT-LLM@a17b14f6d89b5ac7d61152b17f727651a7bcc607:tensorrt_llm/auto_parallel/cluster_info.py "
        "prints 293 beside 147",
     .remark = "dense; the same figure is the sparse rate of fp16", .rates = {{fp8, 296}, {int8, 296}}},
    {.as = standing::alternative, .origin = origin::maker, .source = from::tensorrt_llm,
     .remark = "of a slightly lower clock than the 148 of the other sources",
     .rates = {{tf32, 74}, {fp16, 147}, {bf16, 147}, {fp8, 293}, {int8, 293}}},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::blog_table,
     .remark = "blog prints the sparse figures as BF16/FP8: factor 2 error", .rates = {{bf16, 296}, {fp8, 592}},
     .memory = detail::gib(96), .memory_bandwidth = detail::gb_s(4000)}};
inline constexpr device nvidia_h20_96gb =
    detail::device_of("NVIDIA H20-96GB", "card", nvidia_h20_96gb_published, {"H20-96GB", "H20", "NVIDIA H20"});

inline constexpr published nvidia_h200_sxm_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "used: the dense rate, as ml-engineering reads it from the data sheet",
     .rates = {{fp32, 67}, {tf32, 494.5}, {fp16, 989}, {bf16, 989}, {fp8, 1979}, {int8, 1979}},
     .memory = detail::gib(141), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(4800),
     .link_type = "NVLink 4", .link_bandwidth = detail::gb_s(900)},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "IST-DASLab/llmq@b77d969, Lightning-AI/pytorch-lightning before PR 21743", .remark = "the sparse rate",
     .rates = {{bf16, 1979}}},
    {.as = standing::alternative, .origin = origin::framework, .source = "allenai/OLMo-core@fa6c5014",
     .remark = "the A100's rate, a fallback for all but the H100", .rates = {{bf16, 312}}}};
inline constexpr device nvidia_h200_sxm =
    detail::device_of("NVIDIA H200-SXM-141GB", "card", nvidia_h200_sxm_published,
                      {"H200-SXM-141GB", "H200", "NVIDIA H200", "H200 SXM"});

inline constexpr published nvidia_h200_nvl_published[]{
    {.origin = origin::framework, .source = from::lightning, .remark = "nanochat 836",
     .rates = {{fp32, 60}, {tf32, 420}, {fp16, 840}, {bf16, 840}, {int8, 1680}}, .memory = detail::gib(141),
     .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(4800)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::nanochat,
     .remark = "conflicts with 1680 / 2", .rates = {{bf16, 836}}}};
inline constexpr device nvidia_h200_nvl =
    detail::device_of("NVIDIA H200-NVL", "card", nvidia_h200_nvl_published, {"H200-NVL"});

inline constexpr published nvidia_gh200_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .rates = {{fp32, 67}, {tf32, 494.5}, {fp16, 989}, {bf16, 989}, {fp8, 1979}, {int8, 1979}},
     .memory = detail::gib(96), .memory_type = "HBM3/HBM3e", .memory_bandwidth = detail::gb_s(4000),
     .link_type = "NVLink 4 + C2C", .link_bandwidth = detail::gb_s(900)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::ml_engineering,
     .remark = "the variant with HBM3e; the rates are the same", .memory = detail::gib(141), .memory_type = "HBM3e",
     .memory_bandwidth = detail::gb_s(4800)}};
inline constexpr device nvidia_gh200 =
    detail::device_of("NVIDIA GH200", "GPU of a superchip", nvidia_gh200_published, {"GH200", "NVIDIA GH200 480GB"});

inline constexpr published nvidia_b200_sxm_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "memory printed as 180, 186 or 192 depending on page; bandwidth 7.7-8.0",
     .rates = {{fp32, 80}, {tf32, 1125}, {fp16, 2250}, {bf16, 2250}, {fp8, 4500}, {int8, 4500}, {fp4, 9000}},
     .memory = detail::gib(180), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000),
     .link_type = "NVLink 5", .link_bandwidth = detail::gb_s(1800)},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal, .remark = "nominal",
     .memory = detail::gib(192)}};
inline constexpr device nvidia_b200_sxm =
    detail::device_of("NVIDIA B200-SXM", "card", nvidia_b200_sxm_published, {"B200-SXM", "B200", "NVIDIA B200"});

inline constexpr published nvidia_gb200_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .remark = "dgxc-benchmarking uses 2450/4900; llm-cal 2250; used: the figure that ml-engineering reads "
        "from the data sheet",
     .rates = {{fp32, 80}, {tf32, 1250}, {fp16, 2500}, {bf16, 2500}, {fp8, 5000}, {int8, 5000}, {fp4, 10000}},
     .memory = detail::gib(186), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000),
     .link_type = "NVLink 5", .link_bandwidth = detail::gb_s(1800)},
    {.as = standing::alternative, .origin = origin::framework,
     .source = "NVIDIA/dgxc-benchmarking@841f5466cd86b66abd48049e839c563776f6d716 README peak table",
     .remark = "denominator of the dgxc tables", .rates = {{bf16, 2450}, {fp8, 4900}}},
    {.as = standing::alternative, .origin = origin::framework, .source = from::llm_cal, .remark = "equals the B200's",
     .rates = {{bf16, 2250}}}};
inline constexpr device nvidia_gb200 =
    detail::device_of("NVIDIA GB200", "GPU of a superchip", nvidia_gb200_published, {"GB200 (per GPU)", "GB200"});

inline constexpr published nvidia_b300_sxm_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .rates = {{fp32, 80}, {tf32, 1125}, {fp16, 2250}, {bf16, 2250}, {fp8, 4500}, {int8, 4500}, {fp4, 12600}},
     .memory = detail::gib(288), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000),
     .link_type = "NVLink 5", .link_bandwidth = detail::gb_s(1800)}};
inline constexpr device nvidia_b300_sxm =
    detail::device_of("NVIDIA B300-SXM", "card", nvidia_b300_sxm_published,
                      {"B300-SXM", "B300", "NVIDIA B300", "NVIDIA B300 SXM6 AC"});

inline constexpr published nvidia_gb300_published[]{
    {.origin = origin::framework, .source = from::ml_engineering,
     .rates = {{fp32, 80}, {tf32, 1250}, {fp16, 2500}, {bf16, 2500}, {fp8, 5000}, {int8, 5000}, {fp4, 15000}},
     .memory = detail::gib(288), .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000),
     .link_type = "NVLink 5", .link_bandwidth = detail::gb_s(1800)}};
inline constexpr device nvidia_gb300 =
    detail::device_of("NVIDIA GB300", "GPU of a superchip", nvidia_gb300_published, {"GB300 (per GPU)", "GB300"});

inline constexpr published nvidia_b100_published[]{
    {.origin = origin::framework, .source = from::nanochat, .rates = {{bf16, 1800}}, .memory = detail::gib(192),
     .memory_type = "HBM3e", .memory_bandwidth = detail::gb_s(8000)}};
inline constexpr device nvidia_b100 =
    detail::device_of("NVIDIA B100", "card", nvidia_b100_published, {"B100"});

}  // namespace kunmetrics::devices
