// How a rank computes: on how many threads. What is computed has the same bits whatever it says.
#pragma once

namespace trainer {

struct compute_settings {
  int threads = 1;  // that share a rank's operators
};

}  // namespace trainer
