// Google TPU and AWS Trainium, by the chip.
#pragma once

#include <kunmetrics/devices/published.hpp>
#include <kunmetrics/devices/sources.hpp>

namespace kunmetrics::devices {

inline constexpr published google_tpu_v2_published[]{
    {.as = standing::unverified, .origin = origin::third_party,
     .source = "levanter docs (v3 figures only); Google page not found in the corpus",
     .remark = "UNVERIFIED: 45-46 TFLOPS/chip from memory of the Google docs; no source page found",
     .rates = {{bf16, 46}}, .memory = detail::gib(16), .memory_type = "HBM", .memory_bandwidth = detail::gb_s(700)}};
inline constexpr device google_tpu_v2 =
    detail::device_of("Google TPU v2", "chip of two cores", google_tpu_v2_published, {"TPU v2"});

inline constexpr published google_tpu_v3_published[]{
    {.origin = origin::maker, .source = "cloud.google.com / docs.cloud.google.com TPU docs: /tpu/docs/v3",
     .remark = "per chip; per core 61.5 (levanter table). scaling-book lists 1.4e14 for v3 (conflict); used: "
        "the maker's page",
     .rates = {{bf16, 123}}, .memory = detail::gib(32), .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(900),
     .link_type = "ICI 2D torus"},
    {.as = standing::alternative, .origin = origin::third_party, .source = "jax-ml/scaling-book",
     .remark = "conflicts with the maker's page", .rates = {{bf16, 140}}}};
inline constexpr device google_tpu_v3 =
    detail::device_of("Google TPU v3", "chip of two cores", google_tpu_v3_published,
                      {"TPU v3 (chip, 2 cores)", "TPU v3"});

inline constexpr published google_tpu_v4_published[]{
    {.origin = origin::maker, .source = "cloud.google.com / docs.cloud.google.com TPU docs: /tpu/docs/v4",
     .remark = "ICI 45 GB/s per link one way x6 (scaling-book tpus.md:190)", .rates = {{bf16, 275}, {int8, 275}},
     .memory = detail::gib(32), .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(1200),
     .link_type = "ICI 3D torus", .link_bandwidth = detail::gb_s(270)}};
inline constexpr device google_tpu_v4 =
    detail::device_of("Google TPU v4", "chip", google_tpu_v4_published, {"TPU v4"});

inline constexpr published google_tpu_v5e_published[]{
    {.origin = origin::maker, .source = "cloud.google.com / docs.cloud.google.com TPU docs: /tpu/docs/v5e",
     .remark = "int8 393 vs 394 between pages", .rates = {{bf16, 197}, {int8, 393}}, .memory = detail::gib(16),
     .memory_type = "HBM2", .memory_bandwidth = detail::gb_s(819), .link_type = "ICI 2D torus",
     .link_bandwidth = detail::gb_s(400)},
    {.as = standing::alternative, .origin = origin::maker, .source = "cloud.google.com, another page",
     .remark = "twice 197; the pages differ", .rates = {{int8, 394}}}};
inline constexpr device google_tpu_v5e =
    detail::device_of("Google TPU v5e", "chip", google_tpu_v5e_published, {"TPU v5e", "TPU v5 lite"});

inline constexpr published google_tpu_v5p_published[]{
    {.origin = origin::maker, .source = "cloud.google.com / docs.cloud.google.com TPU docs: /tpu/docs/v5p-training",
     .remark = "int8 from stas/scaling-book", .rates = {{bf16, 459}, {fp8, 459}, {int8, 918}},
     .memory = detail::gib(95), .memory_type = "HBM2e", .memory_bandwidth = detail::gb_s(2765),
     .link_type = "ICI 3D torus", .link_bandwidth = detail::gb_s(1200)}};
inline constexpr device google_tpu_v5p =
    detail::device_of("Google TPU v5p", "chip", google_tpu_v5p_published, {"TPU v5p", "TPU v5"});

inline constexpr published google_tpu_v6e_published[]{
    {.origin = origin::maker, .source = "cloud.google.com / docs.cloud.google.com TPU docs: /tpu/docs/v6e",
     .remark = "scaling-book rounds to 9.2e14", .rates = {{bf16, 918}, {fp8, 918}, {int8, 1836}},
     .memory = detail::gib(32), .memory_type = "HBM", .memory_bandwidth = detail::gb_s(1638),
     .link_type = "ICI 2D torus", .link_bandwidth = detail::gb_s(800)}};
inline constexpr device google_tpu_v6e =
    detail::device_of("Google TPU v6e", "chip", google_tpu_v6e_published,
                      {"TPU v6e (Trillium)", "TPU v6e", "Trillium", "TPU v6 lite"});

inline constexpr published google_tpu7x_published[]{
    {.origin = origin::maker, .source = "cloud.google.com / docs.cloud.google.com TPU docs: /tpu/docs/tpu7x",
     .remark = "bandwidth/ICI from third-party tables (ids 66895403960, 59309463097); two TensorCores appear "
        "as two devices (torchtitan returns 1153.5). Blog 66895403960 prints 4614 as BF16: factor 2 error.",
     .rates = {{bf16, 2307}, {fp8, 4614}}, .memory = detail::gib(192), .memory_type = "HBM3e",
     .memory_bandwidth = detail::gb_s(7200), .link_type = "ICI 3D torus", .link_bandwidth = detail::gb_s(1200)},
    {.as = standing::alternative, .origin = origin::third_party, .source = from::blog_table,
     .remark = "the fp8 rate printed as bf16", .rates = {{bf16, 4614}}}};
inline constexpr device google_tpu7x =
    detail::device_of("Google TPU7x", "chip of two devices", google_tpu7x_published,
                      {"TPU7x (Ironwood)", "TPU7x", "TPU v7", "Ironwood"});

inline constexpr published aws_trainium1_published[]{
    {.origin = origin::maker, .source = "awsdocs-neuron.readthedocs-hosted.com: trainium.html",
     .remark = "older doc revision v2.9.1 said 420 INT8 TOPS; composer halves per core (95); torchtitan uses "
        "90 per core",
     .rates = {{fp32, 47.5}, {tf32, 190}, {fp16, 190}, {bf16, 190}, {fp8, 190}, {int8, 380}},
     .memory = detail::gib(32), .memory_bandwidth = detail::gb_s(820 * 1.073741824), .link_type = "NeuronLink-v2"},
    {.as = standing::alternative, .origin = origin::maker, .source = "awsdocs-neuron v2.9.1",
     .remark = "an older revision of the same page", .rates = {{int8, 420}}}};
inline constexpr device aws_trainium1 =
    detail::device_of("AWS Trainium1", "chip of two cores", aws_trainium1_published,
                      {"Trainium1 (chip, 2 cores)", "Trainium1", "Trainium", "trn1"});

inline constexpr published aws_trainium2_published[]{
    {.origin = origin::maker, .source = "awsdocs-neuron.readthedocs-hosted.com: trainium2.rst v2.29.0",
     .remark = "2563 is the 4:1 sparse figure; bandwidth 2.9 or 3 TB/s by doc revision; torchtitan 79/core x "
        "LNC2=158 per logical core",
     .rates = {{fp32, 181}, {tf32, 667}, {fp16, 667}, {bf16, 667}, {fp8, 1299}}, .memory = detail::gib(96),
     .memory_bandwidth = detail::gb_s(2900), .link_type = "NeuronLink-v3"},
    {.as = standing::alternative, .origin = origin::maker,
     .source = "awsdocs-neuron.readthedocs-hosted.com: trainium2.rst v2.29.0", .remark = "the 4:1 sparse rate",
     .rates = {{fp8, 2563}}}};
inline constexpr device aws_trainium2 =
    detail::device_of("AWS Trainium2", "chip of eight cores", aws_trainium2_published,
                      {"Trainium2 (chip, 8 cores)", "Trainium2", "trn2"});

inline constexpr published aws_trainium3_published[]{
    {.origin = origin::maker, .source = "awsdocs-neuron.readthedocs-hosted.com: trainium3.rst v2.29.1",
     .rates = {{fp32, 183}, {bf16, 671}, {fp8, 2517}, {fp4, 2517}}, .memory = detail::gib(144),
     .memory_bandwidth = detail::gb_s(4900), .link_type = "NeuronLink-v4", .link_bandwidth = detail::gb_s(2560)}};
inline constexpr device aws_trainium3 =
    detail::device_of("AWS Trainium3", "chip", aws_trainium3_published, {"Trainium3", "trn3"});

}  // namespace kunmetrics::devices
