// Every processor of the table, and the look-up by name.
//
// Look-up is exact on normalised names and known aliases, never by substring: a device that is not
// here has no peak, and so no MFU; a name that two devices share is refused with both. The entries
// stand by maker in devices/.
#pragma once

#include <kunmetrics/devices/amd.hpp>
#include <kunmetrics/devices/china.hpp>
#include <kunmetrics/devices/cloud.hpp>
#include <kunmetrics/devices/device.hpp>
#include <kunmetrics/devices/huawei.hpp>
#include <kunmetrics/devices/intel.hpp>
#include <kunmetrics/devices/kunlunxin.hpp>
#include <kunmetrics/devices/nvidia.hpp>
#include <kunmetrics/devices/nvidia_hopper.hpp>
#include <kunmetrics/devices/others.hpp>
#include <kunmetrics/devices/published.hpp>

namespace kunmetrics {

namespace devices {
inline constexpr std::array<device const*, 91> all{
    &nvidia_v100_sxm2_32gb, &nvidia_v100_sxm2_16gb, &nvidia_v100_sxm3_32gb, &nvidia_v100_pcie_32gb,
    &nvidia_v100s_pcie, &nvidia_a100_sxm4_40gb, &nvidia_a100_80gb, &nvidia_a100_pcie_40gb,
    &nvidia_a100_pcie_80gb, &nvidia_a800_80gb, &nvidia_a40, &nvidia_a30, &nvidia_a10, &nvidia_a10g,
    &nvidia_t4, &nvidia_l4, &nvidia_l40, &nvidia_l40s, &nvidia_rtx_4090, &nvidia_rtx_4090_d, &nvidia_rtx_3090,
    &nvidia_rtx_5090, &nvidia_rtx_a6000, &nvidia_h100_sxm, &nvidia_h100_pcie, &nvidia_h100_nvl_94gb,
    &nvidia_h100_96gb_hbm2e_500w, &nvidia_h800_sxm, &nvidia_h20_96gb, &nvidia_h200_sxm, &nvidia_h200_nvl,
    &nvidia_gh200, &nvidia_b200_sxm, &nvidia_gb200, &nvidia_b300_sxm, &nvidia_gb300, &nvidia_b100, &amd_mi100,
    &amd_mi210, &amd_mi250, &amd_mi250x, &amd_mi250x_gcd, &amd_mi300a, &amd_mi300x, &amd_mi325x, &amd_mi350x,
    &amd_mi355x, &google_tpu_v2, &google_tpu_v3, &google_tpu_v4, &google_tpu_v5e, &google_tpu_v5p,
    &google_tpu_v6e, &google_tpu7x, &aws_trainium1, &aws_trainium2, &aws_trainium3, &intel_gaudi2,
    &intel_gaudi3, &intel_gpu_max_1550, &kunlunxin_k200, &kunlunxin_r200, &kunlunxin_r200_8f, &kunlunxin_r300,
    &kunlunxin_r480_x8, &kunlunxin_p800, &huawei_ascend_910a, &huawei_ascend_910b1, &huawei_ascend_910b2,
    &huawei_ascend_910b3, &huawei_ascend_910b4, &huawei_atlas_800t_a2, &huawei_ascend_910c,
    &cambricon_mlu370_x8, &cambricon_mlu370_x4, &cambricon_mlu590, &iluvatar_bi_v100, &iluvatar_bi_v150,
    &metax_c500_pcie, &metax_c500_oam, &metax_c550, &moore_threads_mtt_s4000, &hygon_dcu_k100_ai,
    &hygon_dcu_z100, &hygon_dcu_k100_64g, &flagperf_tg_v200, &biren_br100, &graphcore_colossus_mk2_gc200,
    &graphcore_bow_ipu, &cerebras_wse_3, &cerebras_wse_2};
}  // namespace devices

namespace detail {
// Upper and lower case, spaces, hyphens and underscores do not tell devices apart.
constexpr bool same_device_name(std::string_view lhs, std::string_view rhs) {
  auto const next = [](std::string_view text, std::size_t& at) -> char {
    while (at < text.size() && (text[at] == ' ' || text[at] == '-' || text[at] == '_')) ++at;
    if (at == text.size()) return '\0';
    char const c = text[at++];
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::size_t i = 0;
  std::size_t j = 0;
  while (true) {
    char const a = next(lhs, i);
    if (a != next(rhs, j)) return false;
    if (a == '\0') return true;
  }
}
}  // namespace detail

namespace devices {
// Names in use that do not say which device is meant, and what would say it, or of what no peak is published.
struct ambiguous_name {
  std::string_view name;
  std::string_view reason;
};
inline constexpr std::array<ambiguous_name, 9> ambiguous{{
    {"CPU", "a CPU's peak is measured where it runs, not published: llama2_zero3 does so at its start and reports it"},
    {"AMD Instinct MI250X", "each die reports the name of its card: MI250X is the card, MI250X GCD the die"},
    {"AMD Instinct MI250X/MI250", "the dies of two kinds of card report this name: say MI250X GCD, MI250X or MI250"},
    {"AMD Instinct MI250", "each die reports the name of its card: MI250 is the card of two dies"},
    {"Ascend 910B", "a family: say 910B1, 910B2, 910B3 or 910B4"},
    {"Huawei Ascend 910B", "a family: say 910B1, 910B2, 910B3 or 910B4"},
    {"910B", "a family: say 910B1, 910B2, 910B3 or 910B4"},
    {"MLU370", "a family: say MLU370-X4 or MLU370-X8"},
    {"Gaudi", "a family: say Gaudi2 or Gaudi3"}}};
}  // namespace devices

// Exact look-up by name or alias: "L4" is not found in "L40S". Absent, with the reason, when no device
// has the name or more than one might.
constexpr maybe<device> device_named(std::string_view name) {
  if (detail::same_device_name(name, "")) return absent{"an empty name names no device"};
  for (device const* d : devices::all) {
    if (detail::same_device_name(d->name, name)) return *d;
    for (std::string_view alias : d->aliases) {
      if (detail::same_device_name(alias, name)) return *d;
    }
  }
  for (auto const& shared : devices::ambiguous) {
    if (detail::same_device_name(shared.name, name)) return absent{shared.reason};
  }
  return absent{"no device of the table has this name"};
}

}  // namespace kunmetrics
