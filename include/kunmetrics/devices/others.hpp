// Graphcore and Cerebras.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device graphcore_colossus_mk2_gc200{
    .name = "Graphcore Colossus MK2 GC200",
    .is = "chip",
    .peaks = detail::dense("cambrian-ai.com/could-graphcores-second-chip-challenge-nvidia", {{fp32, 62.5}, {fp16, 250}}),
    .memory = 922 * units::MiB / units::processor,
    .aliases = {"Colossus MK2 GC200", "GC200"}};

inline constexpr device graphcore_bow_ipu{
    .name = "Graphcore Bow IPU",
    .is = "chip",
    .memory = 922 * units::MiB / units::processor,
    .aliases = {"Bow IPU"},
    .alternatives = {peak_rate{fp16, 350 * detail::tera, "unverified: (no page found); UNVERIFIED: from memory, no source found in the corpus"}}};

inline constexpr device cerebras_wse_3{
    .name = "Cerebras WSE-3",
    .is = "wafer",
    .memory = 44 * units::GiB / units::processor,
    .memory_bandwidth = 21000000 * detail::gigabyte_rate,
    .aliases = {"WSE-3 (CS-3)", "WSE-3", "CS-3"},
    .alternatives = {peak_rate{fp16, 125000 * detail::tera, "the sparse rate; a dense one is not published"}}};

inline constexpr device cerebras_wse_2{
    .name = "Cerebras WSE-2",
    .is = "wafer",
    .memory = 40 * units::GiB / units::processor,
    .memory_bandwidth = 20000000 * detail::gigabyte_rate,
    .aliases = {"WSE-2 (CS-2)", "WSE-2", "CS-2"}};

}  // namespace kunmetrics::devices
