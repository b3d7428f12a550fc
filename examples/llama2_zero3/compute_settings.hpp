// How a rank computes: on how many threads, which change no bit, and by which kernels, which may.
#pragma once

#include "fc_plan.hpp"
#include "operator_profile.hpp"

#include <optional>

namespace trainer {

struct compute_settings {
  int threads = 1;  // that share a rank's operators
  fc_plan fc{};  // the same on all ranks
  operator_profile* profile = nullptr;  // to fill, by one rank alone
  std::optional<int> card{};  // of CUDA, for libtorch; empty: the CPU
};

}  // namespace trainer
