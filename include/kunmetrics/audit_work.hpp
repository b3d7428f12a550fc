// Which conventions a FLOP per token is of: the model's under each, and with the recomputation in.
#pragma once

#include <kunmetrics/audit_facts.hpp>
#include <kunmetrics/conventions.hpp>
#include <kunmetrics/utilization.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace kunmetrics {

// A convention, or a convention with recomputation, by its FLOP per token.
struct named_work {
  std::string name;
  double flop_per_token = 0;
  double model_flop_per_token = 0;  // without the recomputation
  bool recomputed() const { return flop_per_token > model_flop_per_token; }
};

// Of a run's facts: of the model under each convention; of a number of parameters alone 6 N.
inline std::map<std::string, double> works_of(audit_facts const& facts) {
  std::map<std::string, double> works;
  if (facts.model && facts.sequence_length) {
    auto const length = *facts.sequence_length * units::token / units::sample;
    flops::for_each_flop_per_token(*facts.model, length, [&](std::string_view name, flop_per_token_t work) {
      works.emplace(name, work.coherent());
    });
  } else if (!facts.model && facts.parameters) {
    works.emplace(flops::six_n::name, static_cast<double>(flops::flop_per_weight * flops::training_over_forward) * *facts.parameters);
  }
  return works;
}

namespace detail {
// A convention's work with the layers recomputed, or all of it. 8 N without attention is an old shortcut and
// no convention of the hardware's work.
inline std::vector<named_work> recomputed_works(audit_facts const& facts, std::map<std::string, double> const& plain) {
  std::vector<named_work> all;
  if (!facts.model || !facts.sequence_length) return all;
  auto const length = *facts.sequence_length * units::token / units::sample;
  flops::for_each_convention([&]<typename Convention>(Convention) {
    if constexpr (layered_convention<Convention>) {
      auto const known = plain.find(std::string{Convention::name});
      if (known == plain.end() || !(Convention::attention_per_token(*facts.model, length).coherent() > 0)) return;
      auto const& [name, work] = *known;
      all.push_back({"hfu " + name + ", layers recomputed",
                     hardware_work<Convention, recompute::layers>::per_token(*facts.model, length).coherent(), work});
      all.push_back({"hfu " + name + ", all recomputed",
                     hardware_work<Convention, recompute::all>::per_token(*facts.model, length).coherent(), work});
    }
  });
  return all;
}
}  // namespace detail

// Those within `tolerance` of `implied` FLOP per token, the nearest first: plain conventions where one fits,
// else those with the recomputation in.
inline std::vector<named_work> fitting_works(double implied, double tolerance, audit_facts const& facts,
                                             std::map<std::string, double> const& plain) {
  std::vector<named_work> fits;
  auto const distance = [&](named_work const& each) { return std::abs(implied / each.flop_per_token - 1); };
  auto const keep = [&](named_work const& each) {
    if (distance(each) <= tolerance) fits.push_back(each);
  };
  for (auto const& [name, work] : plain) keep({name, work, work});
  if (fits.empty()) std::ranges::for_each(detail::recomputed_works(facts, plain), keep);
  std::ranges::stable_sort(fits, {}, distance);
  return fits;
}

}  // namespace kunmetrics
