// One run's description: the model, what it runs on, and the batch it is fed.
//
// Everything a calculator needs beside what is measured. All of it can be a constant expression,
// so that the numbers of a published case are checked by the compiler.
#pragma once

#include <kunmetrics/cluster.hpp>
#include <kunmetrics/devices.hpp>
#include <kunmetrics/models.hpp>

namespace kunmetrics {

using micro_batch_size_t = count_of<units::sample / (units::replica * units::micro_step)>;
using gradient_accumulation_t = count_of<units::micro_step / units::step>;
using sequence_length_t = count_of<units::token / units::sample>;

struct training_case {
  transformer model{};
  device processor{};
  kunmetrics::precision precision = fp16;
  kunmetrics::cluster cluster{};
  micro_batch_size_t micro_batch_size{};                                                       // LBS
  gradient_accumulation_t gradient_accumulation_steps = 1 * units::micro_step / units::step;  // GAS
  sequence_length_t sequence_length{};                                                         // MPE
};

}  // namespace kunmetrics
