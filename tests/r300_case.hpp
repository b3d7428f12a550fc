// FlagPerf's case of llama2-7b on one machine of eight Kunlunxin R300: twelve sequences of 512 tokens a rank.
#pragma once

#include <kunmetrics/devices.hpp>
#include <kunmetrics/models.hpp>
#include <kunmetrics/training_case.hpp>

inline constexpr kunmetrics::training_case r300_case{
    .model = kunmetrics::models::llama2_7b,
    .processor = kunmetrics::devices::kunlunxin_r300,
    .precision = kunmetrics::fp16,
    .cluster = {.per_node = 8 * kunmetrics::units::processor / kunmetrics::units::node},
    .micro_batch_size = 12 * kunmetrics::units::sample / (kunmetrics::units::replica * kunmetrics::units::micro_step),
    .sequence_length = 512 * kunmetrics::units::token / kunmetrics::units::sample};
