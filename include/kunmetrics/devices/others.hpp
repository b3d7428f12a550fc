// Graphcore and Cerebras.
#pragma once

#include <kunmetrics/devices/published.hpp>

namespace kunmetrics::devices {

inline constexpr published graphcore_colossus_mk2_gc200_published[]{
    {.origin = origin::third_party, .source = "cambrian-ai.com/could-graphcores-second-chip-challenge-nvidia",
     .also = "projects-raspberry.com/graphcore-launches-7nm-ai-processor",
     .remark = "250 = FP16.16; no separate sparse figure; IPU-Machine M2000 (4 chips) 1 PFLOPS, fabric 2.8 Tb/s",
     .rates = {{fp32, 62.5}, {fp16, 250, fp16}}, .memory = detail::mib(922), .memory_type = "SRAM"}};
inline constexpr device graphcore_colossus_mk2_gc200 =
    detail::device_of("Graphcore Colossus MK2 GC200", "chip", graphcore_colossus_mk2_gc200_published,
                      {"Colossus MK2 GC200", "GC200"});

inline constexpr published graphcore_bow_ipu_published[]{
    {.as = standing::unverified, .origin = origin::third_party, .source = "(no page found)",
     .remark = "UNVERIFIED: from memory, no source found in the corpus", .rates = {{fp16, 350}},
     .memory = detail::mib(922), .memory_type = "SRAM"}};
inline constexpr device graphcore_bow_ipu =
    detail::device_of("Graphcore Bow IPU", "chip", graphcore_bow_ipu_published, {"Bow IPU"});

inline constexpr published cerebras_wse_3_published[]{
    {.as = standing::alternative, .origin = origin::third_party,
     .source = "tomshardware.com and yobitel.com/knowledge-base/cerebras-wse-3",
     .remark = "125 PFLOPS is the SPARSE FP16 figure (yobitel); dense peak not published; one page mislabels "
        "it FP8",
     .rates = {{fp16, 125000}}, .memory = detail::gib(44), .memory_type = "SRAM",
     .memory_bandwidth = detail::gb_s(21000000)}};
inline constexpr device cerebras_wse_3 =
    detail::device_of("Cerebras WSE-3", "wafer", cerebras_wse_3_published, {"WSE-3 (CS-3)", "WSE-3", "CS-3"});

inline constexpr published cerebras_wse_2_published[]{
    {.origin = origin::third_party, .source = "aiwiki.ai/wiki/cerebras_wse_3",
     .remark = "dense peak not published; WSE-3 is stated to be 2x", .memory = detail::gib(40), .memory_type = "SRAM",
     .memory_bandwidth = detail::gb_s(20000000)}};
inline constexpr device cerebras_wse_2 =
    detail::device_of("Cerebras WSE-2", "wafer", cerebras_wse_2_published, {"WSE-2 (CS-2)", "WSE-2", "CS-2"});

}  // namespace kunmetrics::devices
