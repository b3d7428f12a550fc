// NVIDIA cards from V100 to GB300. Consumer cards: the rate that accumulates in fp32.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device nvidia_v100_sxm2_32gb{
    .name = "NVIDIA V100-SXM2-32GB",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp64, 7.8}, {fp32, 15.7}, {fp16, 125}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 900 * detail::gigabyte_rate,
    .link_bandwidth = 300 * detail::gigabyte_rate,
    .aliases = {"V100-SXM2-32GB", "Tesla V100-SXM2-32GB", "V100 SXM", "V100"}};

inline constexpr device nvidia_v100_sxm2_16gb{
    .name = "NVIDIA V100-SXM2-16GB",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp64, 7.8}, {fp32, 15.7}, {fp16, 125}}),
    .memory = 16 * units::GiB / units::processor,
    .memory_bandwidth = 900 * detail::gigabyte_rate,
    .link_bandwidth = 300 * detail::gigabyte_rate,
    .aliases = {"V100-SXM2-16GB", "Tesla V100-SXM2-16GB"}};

inline constexpr device nvidia_v100_pcie_32gb{
    .name = "NVIDIA V100-PCIe-32GB",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp64, 7}, {fp32, 14}, {fp16, 112}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 900 * detail::gigabyte_rate,
    .link_bandwidth = 32 * detail::gigabyte_rate,
    .aliases = {"V100-PCIe-32GB", "Tesla V100-PCIE-32GB", "V100 PCIe"}};

inline constexpr device nvidia_v100s_pcie{
    .name = "NVIDIA V100S-PCIe",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp64, 8.2}, {fp32, 16.4}, {fp16, 130}}),
    .aliases = {"V100S-PCIe"}};

inline constexpr device nvidia_a100_sxm4_40gb{
    .name = "NVIDIA A100-SXM4-40GB",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp64, 19.5}, {fp32, 19.5}, {tf32, 156}, {fp16, 312}, {bf16, 312}, {int8, 624}}),
    .memory = 40 * units::GiB / units::processor,
    .memory_bandwidth = 1555 * detail::gigabyte_rate,
    .link_bandwidth = 600 * detail::gigabyte_rate,
    .aliases = {"A100-SXM4-40GB", "A100 40GB", "A100-SXM-40GB"}};

inline constexpr device nvidia_a100_80gb{
    .name = "NVIDIA A100-SXM4-80GB",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp64, 19.5}, {fp32, 19.5}, {tf32, 156}, {fp16, 312}, {bf16, 312}, {int8, 624}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2039 * detail::gigabyte_rate,
    .link_bandwidth = 600 * detail::gigabyte_rate,
    .aliases = {"A100-SXM4-80GB", "A100", "A100 80GB", "A100-SXM-80GB", "A100 SXM"}};

inline constexpr device nvidia_a100_pcie_80gb{
    .name = "NVIDIA A100-PCIe-80GB",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 19.5}, {tf32, 156}, {fp16, 312}, {bf16, 312}, {int8, 624}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 1940 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"A100-PCIe-80GB", "A100 80GB PCIe", "NVIDIA A100 80GB PCIe", "A100 PCIe"}};

inline constexpr device nvidia_a800_80gb{
    .name = "NVIDIA A800-SXM4-80GB",
    .peaks = detail::dense("NVIDIA data sheet, dense tensor rate", {{fp16, 312}, {bf16, 312}, {int8, 624}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2039 * detail::gigabyte_rate,
    .link_bandwidth = 400 * detail::gigabyte_rate,
    .aliases = {"A800-SXM4-80GB", "A800", "A800 80GB"}};

inline constexpr device nvidia_a40{
    .name = "NVIDIA A40",
    .peaks = detail::dense("Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS", {{fp32, 37.4}, {tf32, 74.8}, {fp16, 149.7}, {bf16, 149.7}, {int8, 299.3}}),
    .memory = 48 * units::GiB / units::processor,
    .memory_bandwidth = 696 * detail::gigabyte_rate,
    .link_bandwidth = 112 * detail::gigabyte_rate,
    .aliases = {"A40"}};

inline constexpr device nvidia_a10{
    .name = "NVIDIA A10",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp32, 31.2}, {tf32, 62.5}, {fp16, 125}, {bf16, 125}, {int8, 250}}),
    .memory = 24 * units::GiB / units::processor,
    .memory_bandwidth = 600 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"A10"}};

inline constexpr device nvidia_a10g{
    .name = "NVIDIA A10G",
    .memory = 24 * units::GiB / units::processor,
    .aliases = {"A10G"},
    .alternatives = {peak_rate{fp16, 70 * detail::tera, "cli99/llm-analysis:llm_analysis/gpu_configs/a10g-pcie-24gb.json; conflict: Lightning and llm-cal say 125 for A10G, llm-analysis 70"},
                     peak_rate{int8, 140 * detail::tera, "cli99/llm-analysis:llm_analysis/gpu_configs/a10g-pcie-24gb.json; conflict: Lightning and llm-cal say 125 for A10G, llm-analysis 70"}}};

inline constexpr device nvidia_t4{
    .name = "NVIDIA T4",
    .peaks = detail::dense("mosaicml/composer:composer/callbacks/speed_monitor.py", {{fp32, 8.1}, {fp16, 65}, {int8, 130}}),
    .memory = 16 * units::GiB / units::processor,
    .memory_bandwidth = 320 * detail::gigabyte_rate,
    .link_bandwidth = 32 * detail::gigabyte_rate,
    .aliases = {"T4", "Tesla T4"}};

inline constexpr device nvidia_l4{
    .name = "NVIDIA L4",
    .peaks = detail::dense("Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS", {{fp32, 30.3}, {tf32, 60}, {fp16, 121}, {bf16, 121}, {int8, 242}}),
    .memory = 24 * units::GiB / units::processor,
    .memory_bandwidth = 300 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"L4"}};

inline constexpr device nvidia_l40{
    .name = "NVIDIA L40",
    .peaks = detail::dense("Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS", {{fp32, 90.5}, {tf32, 90.5}, {fp16, 181}, {bf16, 181}, {int8, 362}}),
    .memory = 48 * units::GiB / units::processor,
    .memory_bandwidth = 864 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"L40"}};

inline constexpr device nvidia_l40s{
    .name = "NVIDIA L40S",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 91.6}, {tf32, 183}, {fp16, 362}, {bf16, 362}, {fp8, 733}, {int8, 733}}),
    .memory = 48 * units::GiB / units::processor,
    .memory_bandwidth = 864 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"L40S"}};

inline constexpr device nvidia_rtx_4090{
    .name = "NVIDIA RTX 4090",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{fp32, 82.6}, {tf32, 82.6}, {fp16, 165.2}, {bf16, 165.2}, {fp8, 330.3}, {int8, 660.6}}),
    .memory = 24 * units::GiB / units::processor,
    .memory_bandwidth = 1008 * detail::gigabyte_rate,
    .link_bandwidth = 64 * detail::gigabyte_rate,
    .aliases = {"RTX 4090", "GeForce RTX 4090", "NVIDIA GeForce RTX 4090", "4090"},
    .alternatives = {peak_rate{fp16, 82.6 * detail::tera, "Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS; Lightning lists the shader rate 82.6 for bf16/fp16: half of the tensor"},
                     peak_rate{bf16, 82.6 * detail::tera, "Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS; Lightning lists the shader rate 82.6 for bf16/fp16: half of the tensor"},
                     peak_rate{fp16, 330.3 * detail::tera, "accumulated in fp16"}}};

inline constexpr device nvidia_rtx_3090{
    .name = "NVIDIA RTX 3090",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{fp16, 71}, {bf16, 71}}),
    .memory_bandwidth = 936 * detail::gigabyte_rate,
    .aliases = {"RTX 3090", "GeForce RTX 3090", "NVIDIA GeForce RTX 3090", "3090"}};

inline constexpr device nvidia_rtx_5090{
    .name = "NVIDIA RTX 5090",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{fp16, 209.5}, {bf16, 209.5}}),
    .memory_bandwidth = 1790 * detail::gigabyte_rate,
    .aliases = {"RTX 5090", "GeForce RTX 5090", "NVIDIA GeForce RTX 5090", "5090"}};

inline constexpr device nvidia_rtx_a6000{
    .name = "NVIDIA RTX A6000",
    .peaks = detail::dense("pytorch/torchtitan:torchtitan/tools/utils.py get_peak_flops", {{fp16, 154.85}, {bf16, 154.85}}),
    .memory = 48 * units::GiB / units::processor,
    .memory_bandwidth = 768 * detail::gigabyte_rate,
    .aliases = {"RTX A6000", "A6000"}};

inline constexpr device nvidia_h100_sxm{
    .name = "NVIDIA H100-SXM5-80GB",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 67}, {tf32, 494.5}, {fp16, 989}, {bf16, 989}, {fp8, 1979}, {int8, 1979}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 3350 * detail::gigabyte_rate,
    .link_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"H100-SXM5-80GB", "H100", "H100 SXM", "NVIDIA H100 80GB HBM3", "H100 80GB", "H100 SXM5"},
    .alternatives = {peak_rate{fp16, 989.5 * detail::tera, "mosaicml/composer:composer/callbacks/speed_monitor.py; value that reproduces all 300 llm-foundry rows"},
                     peak_rate{bf16, 989.5 * detail::tera, "mosaicml/composer:composer/callbacks/speed_monitor.py; value that reproduces all 300 llm-foundry rows"},
                     peak_rate{fp16, 989.5 * detail::tera, "hahnyuan/LLM-Viewer:hardwares/hardware_params.py; LLM-Viewer bandwidth 3072 conflicts with 3350"},
                     peak_rate{bf16, 988.84 * detail::tera, "karpathy/llm.c:llmc/mfu.h; llm.c scales the PCIe figure: 756*528/456*1830/1620 = 988.84 (entry 'H"}}};

inline constexpr device nvidia_h100_pcie{
    .name = "NVIDIA H100-PCIe-80GB",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 51}, {tf32, 378}, {fp16, 756}, {bf16, 756}, {fp8, 1513}, {int8, 1513}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 2000 * detail::gigabyte_rate,
    .link_bandwidth = 128 * detail::gigabyte_rate,
    .aliases = {"H100-PCIe-80GB", "H100 PCIe", "NVIDIA H100 PCIe"}};

inline constexpr device nvidia_h100_nvl_94gb{
    .name = "NVIDIA H100-NVL-94GB",
    .peaks = detail::dense("Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS", {{fp32, 60}, {tf32, 417.5}, {fp16, 835.5}, {bf16, 835.5}, {fp8, 1671}, {int8, 1670.5}}),
    .memory = 94 * units::GiB / units::processor,
    .memory_bandwidth = 3900 * detail::gigabyte_rate,
    .link_bandwidth = 600 * detail::gigabyte_rate,
    .aliases = {"H100-NVL-94GB", "H100 NVL", "NVIDIA H100 NVL"}};

inline constexpr device nvidia_h100_96gb_hbm2e_500w{
    .name = "NVIDIA H100-96GB HBM2e 500W",
    .memory = 96 * units::GiB / units::processor,
    .aliases = {"H100-96GB HBM2e 500W"},
    .alternatives = {peak_rate{bf16, 989 * detail::tera, "pytorch/torchtitan:torchtitan/tools/utils.py get_peak_flops benchmarks docs; Meta variant in torchtitan tables"}}};

inline constexpr device nvidia_h800_sxm{
    .name = "NVIDIA H800-SXM5-80GB",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 989}, {bf16, 989}, {fp8, 1979}}),
    .memory = 80 * units::GiB / units::processor,
    .memory_bandwidth = 3350 * detail::gigabyte_rate,
    .link_bandwidth = 400 * detail::gigabyte_rate,
    .aliases = {"H800-SXM5-80GB", "H800", "H800 SXM", "NVIDIA H800"},
    .alternatives = {peak_rate{bf16, 756 * detail::tera, "karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables); nanochat: plain 'h800' = 756 (PCIe figure), 'h800 nvl' = 989"}}};

inline constexpr device nvidia_h20_96gb{
    .name = "NVIDIA H20-96GB",
    .peaks = detail::dense("FlyTOmeLight/llm-cal:src/llm_cal/hardware/gpu_database.yaml", {{fp16, 148}, {bf16, 148}}),
    .memory = 96 * units::GiB / units::processor,
    .memory_bandwidth = 4000 * detail::gigabyte_rate,
    .link_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"H20-96GB", "H20", "NVIDIA H20"},
    .alternatives = {peak_rate{bf16, 296 * detail::tera, "blog table, third party; blog prints the sparse figures as BF16/FP8: factor 2 error"},
                     peak_rate{fp8, 592 * detail::tera, "blog table, third party; blog prints the sparse figures as BF16/FP8: factor 2 error"}}};

inline constexpr device nvidia_h200_sxm{
    .name = "NVIDIA H200-SXM-141GB",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 67}, {tf32, 494.5}, {fp16, 989}, {bf16, 989}, {fp8, 1979}, {int8, 1979}}),
    .memory = 141 * units::GiB / units::processor,
    .memory_bandwidth = 4800 * detail::gigabyte_rate,
    .link_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"H200-SXM-141GB", "H200", "NVIDIA H200", "H200 SXM"}};

inline constexpr device nvidia_h200_nvl{
    .name = "NVIDIA H200-NVL",
    .peaks = detail::dense("Lightning-AI/pytorch-lightning:src/lightning/fabric/utilities/throughput.py _CUDA_FLOPS", {{fp32, 60}, {tf32, 420}, {fp16, 840}, {bf16, 840}, {int8, 1680}}),
    .memory = 141 * units::GiB / units::processor,
    .memory_bandwidth = 4800 * detail::gigabyte_rate,
    .aliases = {"H200-NVL"}};

inline constexpr device nvidia_gh200{
    .name = "NVIDIA GH200",
    .is = "GPU of a superchip",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 67}, {tf32, 494.5}, {fp16, 989}, {bf16, 989}, {fp8, 1979}, {int8, 1979}}),
    .memory = 96 * units::GiB / units::processor,
    .memory_bandwidth = 4000 * detail::gigabyte_rate,
    .link_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"GH200", "NVIDIA GH200 480GB"}};

inline constexpr device nvidia_b200_sxm{
    .name = "NVIDIA B200-SXM",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 80}, {tf32, 1125}, {fp16, 2250}, {bf16, 2250}, {fp8, 4500}, {int8, 4500}, {fp4, 9000}}),
    .memory = 180 * units::GiB / units::processor,
    .memory_bandwidth = 8000 * detail::gigabyte_rate,
    .link_bandwidth = 1800 * detail::gigabyte_rate,
    .aliases = {"B200-SXM", "B200", "NVIDIA B200"}};

inline constexpr device nvidia_gb200{
    .name = "NVIDIA GB200",
    .is = "GPU of a superchip",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 80}, {tf32, 1250}, {fp16, 2500}, {bf16, 2500}, {fp8, 5000}, {int8, 5000}, {fp4, 10000}}),
    .memory = 186 * units::GiB / units::processor,
    .memory_bandwidth = 8000 * detail::gigabyte_rate,
    .link_bandwidth = 1800 * detail::gigabyte_rate,
    .aliases = {"GB200 (per GPU)", "GB200"},
    .alternatives = {peak_rate{bf16, 2450 * detail::tera, "NVIDIA/dgxc-benchmarking README peak table; denominator of the dgxc tables"},
                     peak_rate{fp8, 4900 * detail::tera, "NVIDIA/dgxc-benchmarking README peak table; denominator of the dgxc tables"}}};

inline constexpr device nvidia_b300_sxm{
    .name = "NVIDIA B300-SXM",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 80}, {tf32, 1125}, {fp16, 2250}, {bf16, 2250}, {fp8, 4500}, {int8, 4500}, {fp4, 12600}}),
    .memory = 288 * units::GiB / units::processor,
    .memory_bandwidth = 8000 * detail::gigabyte_rate,
    .link_bandwidth = 1800 * detail::gigabyte_rate,
    .aliases = {"B300-SXM", "B300", "NVIDIA B300"}};

inline constexpr device nvidia_gb300{
    .name = "NVIDIA GB300",
    .is = "GPU of a superchip",
    .peaks = detail::dense("stas00/ml-engineering:compute/accelerator/README.md:253-290", {{fp32, 80}, {tf32, 1250}, {fp16, 2500}, {bf16, 2500}, {fp8, 5000}, {int8, 5000}, {fp4, 15000}}),
    .memory = 288 * units::GiB / units::processor,
    .memory_bandwidth = 8000 * detail::gigabyte_rate,
    .link_bandwidth = 1800 * detail::gigabyte_rate,
    .aliases = {"GB300 (per GPU)", "GB300"}};

inline constexpr device nvidia_b100{
    .name = "NVIDIA B100",
    .peaks = detail::dense("karpathy/nanochat:nanochat/common.py (peak flops and bandwidth tables)", {{bf16, 1800}}),
    .memory = 192 * units::GiB / units::processor,
    .memory_bandwidth = 8000 * detail::gigabyte_rate,
    .aliases = {"B100"}};

}  // namespace kunmetrics::devices
