// The traps that put a rate, or the work it stands for, above 100 % of the right peak.
//
//   work of another precision   peak of a faster precision / peak     fp8 products over the bf16 peak
//   card for die                2                                     a card's rate over one die's peak
//   nodes squared               nodes²                                a / b * c for a / (b * c)
//   whole job's rate            nodes · processors a node             the job's rate called one processor's
// A factor is a fact of the run; that it was this trap is not. No allocation and no text made: a calculator
// may ask in every step. Wrong peaks are plausibility.hpp's.
#pragma once

#include <kunmetrics/training_case.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace kunmetrics {

// Multiplies a utilization by `factor`; 1 where the run leaves no room for the trap.
struct rate_trap {
  std::string_view name;
  double factor = 1;
  std::string_view refusal;  // why a calculator gives no number: "above 100 % of the peak; likely ..."
  std::optional<precision> work_in{};  // the faster one, where that is the trap

  constexpr std::string_view explanation() const { return refusal.substr(refusal.find("likely ") + 7); }
};

inline constexpr std::string_view no_rate_trap = "above 100 % of the peak; no known trap fits";

// The traps of a run; a trap's name may stand there more than once.
constexpr std::array<rate_trap, 11> rate_traps(peak_rate const& of, device const& processor, cluster const& size) {
  auto const nodes = static_cast<double>(size.nodes.coherent());
  std::array<rate_trap, 11> traps{{
      {"card for die", processor.is == "die" ? 2.0 : 1.0,
       "above 100 % of the peak; likely the rate of a card held against the peak of one of its two dies"},
      {"nodes squared", nodes * nodes,
       "above 100 % of the peak; likely a rate divided by processors a node and multiplied by nodes"},
      {"whole job's rate", nodes * static_cast<double>(size.per_node.coherent()),
       "above 100 % of the peak; likely the job's rate called one processor's"},
  }};
  std::size_t at = 3;
  for (auto const& other : processor.peaks) {
    bool const trained_in = other && other->at != int8 && other->at != of.at;
    bool const faster = trained_in && of.rate.coherent() > 0;
    traps.at(at++) = {"work of another precision", faster ? other->rate.coherent() / of.rate.coherent() : 1.0,
                      "above 100 % of the peak; likely products in a faster precision than the peak's",
                      faster ? std::optional{other->at} : std::nullopt};
  }
  return traps;
}

// Whether the ratio is one of a processor without the trap.
constexpr bool explains(rate_trap const& trap, double ratio) { return trap.factor > 1 && ratio / trap.factor <= 1; }

// The likeliest of those that explain a ratio above 1, `of_the_work` among them; none when none does. Trainings
// reach a quarter to two thirds of the peak: the trap that leads nearest to the middle is the likeliest.
constexpr std::optional<rate_trap> likely_rate_trap(double ratio, peak_rate const& of, device const& processor,
                                                    cluster const& size, rate_trap const& of_the_work = {}) {
  auto const off_the_middle = [ratio](rate_trap const& trap) {
    auto const middle = ratio / trap.factor / 0.45;
    return middle > 1 ? middle : 1 / middle;
  };
  std::optional<rate_trap> likeliest;
  if (explains(of_the_work, ratio)) likeliest = of_the_work;
  for (auto const& trap : rate_traps(of, processor, size)) {
    if (!explains(trap, ratio)) continue;
    if (!likeliest || off_the_middle(trap) < off_the_middle(*likeliest)) likeliest = trap;
  }
  return likeliest;
}

}  // namespace kunmetrics
