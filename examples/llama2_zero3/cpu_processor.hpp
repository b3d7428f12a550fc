// The processor that a rank on this machine is: a share of its cores and memory, with a measured peak.
//
//   peak of a rank = rate of the best matrix product on all threads / ranks      FLOP/(processor s)
// As the framework sees it a processor is one rank, and all ranks share the machine evenly.
#pragma once

#include "gemm_peak.hpp"

#include <kunmetrics/devices.hpp>
#include <kunmetrics/io/text.hpp>

#include <cstdint>
#include <string>

namespace trainer {

// Owns the text that its device refers to.
class cpu_processor {
 public:
  // `memory` is what all ranks together may take, in bytes, 0 where it is not known; `precision` the run's.
  cpu_processor(gemm_peak const& peak, int ranks, std::int64_t memory,
                kunmetrics::precision precision = kunmetrics::fp32)
      : source_{described(peak, ranks, precision)},
        precision_{precision},
        rate_{peak.flop_per_second / ranks * kunmetrics::units::flop /
              (kunmetrics::units::processor * kunmetrics::units::second)},
        memory_{memory / ranks} {}

  kunmetrics::device device() const& {
    return {.name = "cpu",
            .is = "a rank's share of the machine",
            .peaks = {kunmetrics::peak_rate{precision_, rate_, source_}},
            .memory = memory_ * kunmetrics::units::byte / kunmetrics::units::processor};
  }
  kunmetrics::device device() && = delete;

 private:
  static std::string described(gemm_peak const& peak, int ranks, kunmetrics::precision precision) {
    using kunmetrics::significant;
    std::string const size = std::to_string(peak.size);
    std::string const in{name_of(peak.multiplied)};
    std::string const run{name_of(precision)};
    std::string const whose = peak.kernel == fc_kernel::gemm ? "oneDNN" : "the trainer's own";
    auto const as = peak.multiplied == precision ? std::string{} : ", as which this CPU multiplies " + run + ",";
    return "measured at the start of the run: " + whose + " " + in + " products of " + size + " x " + size + " x " + size +
           as + " on " + std::to_string(peak.threads) + (peak.threads == 1 ? " thread, " : " threads, ") +
           significant(peak.flop_per_second / 1e9, 4) + " GFLOP/s, shared by " + std::to_string(ranks) +
           (ranks == 1 ? " rank" : " ranks");
  }

  std::string source_;
  kunmetrics::precision precision_;
  kunmetrics::flop_rate rate_;
  std::int64_t memory_;
};

}  // namespace trainer
