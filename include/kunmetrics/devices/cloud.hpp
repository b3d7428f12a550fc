// Google TPU and AWS Trainium, by the chip.
#pragma once

#include <kunmetrics/devices/device.hpp>

namespace kunmetrics::devices {

inline constexpr device google_tpu_v2{
    .name = "Google TPU v2",
    .is = "chip",
    .memory = 16 * units::GiB / units::processor,
    .aliases = {"TPU v2"},
    .alternatives = {peak_rate{bf16, 46 * detail::tera, "unverified: levanter docs (v3 figures only); Google page not found in the corpus; UNVERIFIED: 45-46 TFLOPS/chip from memory of the Google docs"}}};

inline constexpr device google_tpu_v3{
    .name = "Google TPU v3",
    .is = "chip of two cores",
    .peaks = detail::dense("cloud.google.com", {{bf16, 123}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 900 * detail::gigabyte_rate,
    .aliases = {"TPU v3 (chip, 2 cores)", "TPU v3"}};

inline constexpr device google_tpu_v4{
    .name = "Google TPU v4",
    .is = "chip",
    .peaks = detail::dense("cloud.google.com", {{bf16, 275}, {int8, 275}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 1200 * detail::gigabyte_rate,
    .link_bandwidth = 270 * detail::gigabyte_rate,
    .aliases = {"TPU v4"}};

inline constexpr device google_tpu_v5e{
    .name = "Google TPU v5e",
    .is = "chip",
    .peaks = detail::dense("cloud.google.com", {{bf16, 197}, {int8, 393}}),
    .memory = 16 * units::GiB / units::processor,
    .memory_bandwidth = 819 * detail::gigabyte_rate,
    .link_bandwidth = 400 * detail::gigabyte_rate,
    .aliases = {"TPU v5e", "TPU v5 lite"}};

inline constexpr device google_tpu_v5p{
    .name = "Google TPU v5p",
    .is = "chip",
    .peaks = detail::dense("cloud.google.com", {{bf16, 459}, {fp8, 459}, {int8, 918}}),
    .memory = 95 * units::GiB / units::processor,
    .memory_bandwidth = 2765 * detail::gigabyte_rate,
    .link_bandwidth = 1200 * detail::gigabyte_rate,
    .aliases = {"TPU v5p"}};

inline constexpr device google_tpu_v6e{
    .name = "Google TPU v6e",
    .is = "chip",
    .peaks = detail::dense("cloud.google.com", {{bf16, 918}, {fp8, 918}, {int8, 1836}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 1638 * detail::gigabyte_rate,
    .link_bandwidth = 800 * detail::gigabyte_rate,
    .aliases = {"TPU v6e (Trillium)", "TPU v6e", "Trillium", "TPU v6 lite"}};

inline constexpr device google_tpu7x{
    .name = "Google TPU7x",
    .is = "chip",
    .peaks = detail::dense("cloud.google.com", {{bf16, 2307}, {fp8, 4614}}),
    .memory = 192 * units::GiB / units::processor,
    .memory_bandwidth = 7200 * detail::gigabyte_rate,
    .link_bandwidth = 1200 * detail::gigabyte_rate,
    .aliases = {"TPU7x (Ironwood)", "TPU7x", "TPU v7", "Ironwood"}};

inline constexpr device aws_trainium1{
    .name = "AWS Trainium1",
    .is = "chip of two cores",
    .peaks = detail::dense("awsdocs-neuron.readthedocs-hosted.com: trainium.html", {{fp32, 47.5}, {tf32, 190}, {fp16, 190}, {bf16, 190}, {fp8, 190}, {int8, 380}}),
    .memory = 32 * units::GiB / units::processor,
    .memory_bandwidth = 880.468 * detail::gigabyte_rate,
    .aliases = {"Trainium1 (chip, 2 cores)", "Trainium1", "Trainium", "trn1"}};

inline constexpr device aws_trainium2{
    .name = "AWS Trainium2",
    .is = "chip of eight cores",
    .peaks = detail::dense("awsdocs-neuron.readthedocs-hosted.com: trainium2.rst v2.29.0", {{fp32, 181}, {tf32, 667}, {fp16, 667}, {bf16, 667}, {fp8, 1299}}),
    .memory = 96 * units::GiB / units::processor,
    .memory_bandwidth = 2900 * detail::gigabyte_rate,
    .aliases = {"Trainium2 (chip, 8 cores)", "Trainium2", "trn2"}};

inline constexpr device aws_trainium3{
    .name = "AWS Trainium3",
    .is = "chip",
    .peaks = detail::dense("awsdocs-neuron.readthedocs-hosted.com: trainium3.rst v2.29.1", {{fp32, 183}, {bf16, 671}, {fp8, 2517}, {fp4, 2517}}),
    .memory = 144 * units::GiB / units::processor,
    .memory_bandwidth = 4900 * detail::gigabyte_rate,
    .link_bandwidth = 2560 * detail::gigabyte_rate,
    .aliases = {"Trainium3", "trn3"}};

}  // namespace kunmetrics::devices
