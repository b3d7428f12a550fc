// Sources that many devices share, each at the revision it was read at.
#pragma once

#include <string_view>

namespace kunmetrics::devices::from {

inline constexpr std::string_view composer =
    "mosaicml/composer@6405188805a0054b4551ec49e4919c54c971d0e8:composer/callbacks/speed_monitor.py (NVIDIA "
    "datasheet links in comments)";
inline constexpr std::string_view llm_cal =
    "FlyTOmeLight/llm-cal@ca137f6b71f05d02153111dc9db18d71c0934d47:src/llm_cal/hardware/gpu_database.yaml";
inline constexpr std::string_view ml_engineering =
    "stas00/ml-engineering@744d01e18b79512572f64a6bbd8b5f4a725203a7:compute/accelerator/README.md:253-290 (TFLOPS) "
    "and 466-498 (memory), vendor links in its notes";
inline constexpr std::string_view lightning =
    "Lightning-AI/pytorch-lightning@7f0c3436cd3f6ad3753125672024fc415cbcb414:src/lightning/fabric/utilities/throughput.py "
    "_CUDA_FLOPS (datasheet links in comments)";
inline constexpr std::string_view nanochat =
    "karpathy/nanochat@92d63d4e8bb4df75c3b71618f31ddde2378b2bcd:nanochat/common.py (peak flops and bandwidth "
    "tables)";
inline constexpr std::string_view torchtitan =
    "pytorch/torchtitan@b5bcd76c66d0acb1a08b176d9639425bc55e0b2a:torchtitan/tools/utils.py get_peak_flops";
inline constexpr std::string_view llm_c =
    "karpathy/llm.c@f1e2ace651495b74ae22d45d1723443fd00ecd3a:llmc/mfu.h";
inline constexpr std::string_view llm_viewer =
    "hahnyuan/LLM-Viewer@472f71f1a1807e80b573252e9185fd5e8d795e95:hardwares/hardware_params.py";
inline constexpr std::string_view simai =
    "aliyun/SimAI@cef83f9ddd96540e3e9f48934f11335d52d54fce:astra-sim-alibabacloud/astra-sim/system/calbusbw.h";
inline constexpr std::string_view blog_table =
    "quoted in public text, place not recorded (blog table, third party)";
inline constexpr std::string_view chip_seed_script =
    "quoted in public text, place not recorded (seed script with per-chip source URLs)";
inline constexpr std::string_view kunlunxin_note =
    "quoted in public text, place not recorded (research note quoting kunlunxin.com product pages "
    "272/274/686/687/2842 and the R480 PDF)";
inline constexpr std::string_view not_recorded =
    "quoted in public text, place not recorded";
inline constexpr std::string_view survey =
    "quoted in public text, place not recorded (Intel architecture survey citing the Gaudi 3 white paper)";
inline constexpr std::string_view tensorrt_llm =
    "NVIDIA/TensorRT-LLM@a17b14f6d89b5ac7d61152b17f727651a7bcc607:tensorrt_llm/auto_parallel/cluster_info.py (NVIDIA "
    "datasheet links in comments)";
inline constexpr std::string_view nvidia_sheet =
    "NVIDIA data sheet, dense tensor rate";

}  // namespace kunmetrics::devices::from
