// How a rank computes: on how many threads, which change no bit, and by which kernels, which may.
#pragma once

#include "operator_profile.hpp"
#include "untuned_fc_plan.hpp"

namespace trainer {

struct compute_settings {
  int threads = 1;  // that share a rank's operators
  fc_plan fc = untuned_fc_plan();  // the same on all ranks
  operator_profile* profile = nullptr;  // to fill, by one rank alone
};

}  // namespace trainer
