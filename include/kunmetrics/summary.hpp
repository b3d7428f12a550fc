// What a run amounts to: a Hana Struct that every writer can walk.
//
// Batch sizes come from the case, sums and step times from the meter, and `results` are the
// values of the meter's calculators in their order. `loss` is the mean over the last ten kept steps
// that have one. Percentiles are by nearest rank over all steps after warm-up: exact while all of them are
// kept, else within 0.8 % (duration_sketch.hpp); the longest is exact always.
#pragma once

#include <kunmetrics/meter.hpp>
#include <kunmetrics/utilization.hpp>

#include <boost/hana/at.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

namespace kunmetrics {

struct step_time_percentiles {
  quantity_of<units::second> p50, p90, p99, max;

  using hana_accessors_impl = fields<
      field<"p50", &step_time_percentiles::p50>, field<"p90", &step_time_percentiles::p90>,
      field<"p99", &step_time_percentiles::p99>, field<"max", &step_time_percentiles::max>>;
};

template <calculator... Calculators>
struct summary {
  // The calculators' names: results[i] is written under result_names[i].
  static constexpr std::array<std::string_view, sizeof...(Calculators)> result_names{Calculators::name...};

  std::string_view model;
  std::string_view processor;
  std::string_view precision;
  micro_batch_size_t micro_batch_size;
  gradient_accumulation_t gradient_accumulation_steps;
  count_of<units::replica> data_parallel_size;
  global_batch_size_t global_batch_size;
  sequence_length_t sequence_length;
  tokens_per_step_t tokens_per_step;
  count_of<units::processor> processors;
  count_of<units::step> warm_up_steps;  // left out of what follows
  count_of<units::step> steps;
  count_of<units::token> tokens;
  quantity_of<units::second> time;
  maybe<double> loss;
  maybe<step_time_percentiles> step_time;
  phase_times phases;                                      // Σ
  quantity_of<units::second> overlapped_communication;     // Σ, in no phase
  count_of<units::step> slow_steps;
  count_of<units::step> skipped_steps;
  count_of<units::step> untimed_steps;                     // the clock went backwards in these
  count_of<units::step> losses_not_finite;                 // steps whose loss was NaN or infinite
  count_of<units::token> tokens_trained;                   // warm-up and earlier starts included
  kunmetrics::goodput goodput;
  maybe<quantity_of<units::one>> goodput_ratio;
  maybe<rate_interval> rate;                               // of tokens/p/s, with its 95 % interval
  maybe<peak_rate> peak;
  boost::hana::tuple<std::invoke_result_t<Calculators const&, training_case const&, interval const&>...> results;

  using hana_accessors_impl = fields<
      field<"model", &summary::model>, field<"processor", &summary::processor>,
      field<"precision", &summary::precision>, field<"micro_batch_size", &summary::micro_batch_size>,
      field<"gradient_accumulation_steps", &summary::gradient_accumulation_steps>,
      field<"data_parallel_size", &summary::data_parallel_size>,
      field<"global_batch_size", &summary::global_batch_size>, field<"sequence_length", &summary::sequence_length>,
      field<"tokens_per_step", &summary::tokens_per_step>, field<"processors", &summary::processors>,
      field<"warm_up_steps", &summary::warm_up_steps>, field<"steps", &summary::steps>,
      field<"tokens", &summary::tokens>, field<"time", &summary::time>, field<"loss", &summary::loss>,
      field<"step_time", &summary::step_time>, field<"phases", &summary::phases>,
      field<"overlapped_communication", &summary::overlapped_communication>, field<"slow_steps", &summary::slow_steps>,
      field<"skipped_steps", &summary::skipped_steps>, field<"untimed_steps", &summary::untimed_steps>,
      field<"losses_not_finite", &summary::losses_not_finite>, field<"tokens_trained", &summary::tokens_trained>,
      field<"goodput", &summary::goodput>, field<"goodput_ratio", &summary::goodput_ratio>,
      field<"rate", &summary::rate>, field<"peak", &summary::peak>, field<"results", &summary::results>>;
};

// Calls visit(name, result) for each result, in the order of the meter's calculators.
template <calculator... Calculators, typename Visit>
constexpr void for_each_result(summary<Calculators...> const& run, Visit&& visit) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (visit(run.result_names[I], boost::hana::at_c<I>(run.results)), ...);
  }(std::index_sequence_for<Calculators...>{});
}

namespace detail {
inline step_time_percentiles exact_percentiles(std::span<step_record const> records) {
  std::vector<quantity_of<units::second>> times;
  for (step_record const& record : records) {
    if (!record.warm_up && !record.untimed) times.push_back(record.time);
  }
  std::ranges::sort(times);
  auto const rank = [&](std::size_t percent) { return times[(times.size() * percent + 99) / 100 - 1]; };
  return {.p50 = rank(50), .p90 = rank(90), .p99 = rank(99), .max = times.back()};
}

template <typename Meter>
maybe<step_time_percentiles> percentiles(Meter const& meter) {
  meter_snapshot const& totals = meter.totals();
  if (totals.measured.steps.coherent() == 0) return absent{"no step has been measured after warm-up"};
  auto const records = meter.records();
  if (records.size() == static_cast<std::size_t>(totals.steps.coherent())) return exact_percentiles(records);
  auto const times = meter.step_times();
  auto const longest = totals.longest_step;
  auto const at = [&](double percent) { return std::min(times.percentile(percent), longest); };
  return step_time_percentiles{.p50 = at(50), .p90 = at(90), .p99 = at(99), .max = longest};
}

inline maybe<double> recent_loss(std::span<step_record const> records) {
  double sum = 0;
  int count = 0;
  for (auto record = records.rbegin(); record != records.rend() && count < 10; ++record) {
    if (!record->loss) continue;
    sum += *record->loss;
    ++count;
  }
  if (count == 0) return absent{"no step reported a finite loss"};
  return sum / count;
}
}  // namespace detail

// The summary of a meter's run so far.
template <typename Clock, calculator... Calculators>
auto summary_of(basic_meter<Clock, Calculators...> const& meter) {
  training_case const& run = meter.run();
  meter_snapshot const& totals = meter.totals();
  auto const steps = totals.measured.steps;
  return summary<Calculators...>{.model = run.model.name,
                                .processor = run.processor.name,
                                .precision = name_of(run.precision),
                                .micro_batch_size = run.micro_batch_size,
                                .gradient_accumulation_steps = run.gradient_accumulation_steps,
                                .data_parallel_size = replicas(run.cluster),
                                .global_batch_size = global_batch_size(run),
                                .sequence_length = run.sequence_length,
                                .tokens_per_step = tokens_per_step(run),
                                .processors = processors(run.cluster),
                                .warm_up_steps = totals.warm_up_steps,
                                .steps = steps,
                                .tokens = totals.measured.tokens,
                                .time = totals.measured.time,
                                .loss = detail::recent_loss(meter.records()),
                                .step_time = detail::percentiles(meter),
                                .phases = totals.phases,
                                .overlapped_communication = totals.overlapped_communication,
                                .slow_steps = totals.slow_steps,
                                .skipped_steps = totals.skipped_steps,
                                .untimed_steps = totals.untimed_steps,
                                .losses_not_finite = totals.losses_not_finite,
                                .tokens_trained = totals.tokens_trained,
                                .goodput = totals.goodput,
                                .goodput_ratio = totals.goodput.ratio(),
                                .rate = meter.rate(),
                                .peak = peak(run.processor, run.precision),
                                .results = meter.results()};
}

}  // namespace kunmetrics
