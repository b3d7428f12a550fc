// A case before it is run: what a processor holds, sends and computes in a step, by the library's calculators.
//
// ZeRO's stage is that of the case's ds_config, 3 where there is none, as in the trainer. State of a 16-bit run is 2 + 2 + 12
// bytes a parameter, of an fp32 run 4 + 4 + 8. Everything here is a projection, and is told as one.
#pragma once

#include "command.hpp"

#include <kunmetrics/io/case_file.hpp>
#include <kunmetrics/projection.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace tool {

using memory_of_processor = km::rank_memory;

struct planned_memory {
  memory_of_processor weights, gradients, optimizer;
  km::maybe<memory_of_processor> activations;       // kept from forward to backward
  km::maybe<memory_of_processor> recomputed_layer;  // what one layer keeps while it is computed again
  km::maybe<memory_of_processor> output;            // logits and what goes with them
  km::maybe<memory_of_processor> capacity;

  km::maybe<memory_of_processor> total() const {
    if (!activations) return km::absent{activations.reason()};
    return weights + gradients + optimizer + *activations + *recomputed_layer + *output;
  }
  // Whether these parts fit; empty where they or the capacity are not known.
  std::optional<bool> fits() const {
    auto const all = total();
    if (!all || !capacity) return std::nullopt;
    return *all <= *capacity;
  }
};

inline constexpr std::string_view memory_left_out =
    "left out: gathered units of ZeRO-3, communication and other buffers, fragmentation";

class planned_case {
 public:
  // `device` in place of the case's processor, if it is not empty. Throws input_error.
  planned_case(std::string const& path, std::string const& device)
      : what_(km::read_case(path)), processor_(device.empty() ? what_.processor : std::optional{device_of("--device", device)}),
        run_(what_.run(processor_.value_or(km::device{.name = "cpu"}))) {}
  planned_case(planned_case const&) = delete;  // run_ refers to what_
  planned_case& operator=(planned_case const&) = delete;

  km::case_file const& what() const { return what_; }
  km::training_case const& run() const { return run_; }
  km::zero_stage stage() const { return static_cast<km::zero_stage>(what_.deepspeed ? what_.deepspeed->zero.stage : 3); }
  km::state_bytes state() const {
    return what_.precision == km::fp32 ? km::state_bytes{.weight = 4, .gradient = 4, .optimizer = 8} : km::mixed_precision_adam;
  }
  // Of a model spread evenly over tensor and pipeline ranks.
  std::int64_t parameters_of_processor() const {
    auto const split = what_.cluster.tensor_parallel * what_.cluster.pipeline_parallel;
    return (km::parameters(run_.model).total + split - 1) / split;
  }

  // Absent, with the reason, for a processor of no known peak.
  km::maybe<km::peak_rate> peak() const {
    if (!processor_) return km::absent{"the case's processor is this machine, whose peak a run measures"};
    return km::peak(run_.processor, what_.precision);
  }

  planned_memory memory() const {
    auto const part = [&](km::state_bytes const& bytes) {
      return km::model_state_memory(parameters_of_processor(), bytes, stage(), km::replicas(run_.cluster));
    };
    auto const all = state();
    km::absent const of_16_bits{"the formula is of 16-bit activations"};
    planned_memory memory{.weights = part({all.weight, 0, 0}), .gradients = part({0, all.gradient, 0}), .optimizer = part({0, 0, all.optimizer}),
                          .activations = of_16_bits, .recomputed_layer = of_16_bits, .output = of_16_bits,
                          .capacity = km::absent{"the device's memory is not known"}};
    if (what_.precision != km::fp32) {
      // flash attention keeps no scores, which is what selective recomputation leaves out
      auto const whole_layer = what_.attention == km::attention_kind::eager ? km::recompute::none : km::recompute::selective;
      auto one = run_.model;
      one.layers = 1;
      bool const again = what_.recompute == km::recompute::layers || what_.recompute == km::recompute::all;
      memory.activations = activations_of(run_.model, what_.recompute == km::recompute::none ? whole_layer : what_.recompute);
      memory.recomputed_layer = again ? activations_of(one, whole_layer) : memory_of_processor{};
      memory.output = km::output_memory(run_.model, run_.sequence_length, run_.micro_batch_size, what_.cluster.tensor_parallel);
    }
    if (!processor_) {
      memory.capacity = km::absent{"the case's processor is this machine"};
    } else if (processor_->memory.coherent() > 0) {
      memory.capacity = 1.0 * processor_->memory;
    }
    return memory;
  }

  // FLOP of a token that is computed, by PaLM's convention and with what the case recomputes.
  km::flop_per_token_t executed() const {
    auto const of = [&]<km::recompute Recompute>() {
      return km::hardware_work<km::flops::palm, Recompute>::per_token(run_.model, run_.sequence_length);
    };
    switch (what_.recompute) {
      case km::recompute::selective: return of.template operator()<km::recompute::selective>();
      case km::recompute::layers: return of.template operator()<km::recompute::layers>();
      case km::recompute::all: return of.template operator()<km::recompute::all>();
      case km::recompute::none: break;
    }
    return of.template operator()<km::recompute::none>();
  }

  km::data_parallel_traffic traffic() const {
    auto const replicas = km::replicas(run_.cluster).coherent();
    auto const often = stage() >= km::zero_stage::gradients ? km::gradient_reduction::each_micro_step : km::gradient_reduction::each_step;
    return km::zero_traffic(parameters_of_processor(), state(), stage(), replicas * km::units::processor,
                            run_.gradient_accumulation_steps, often);
  }

  km::maybe<km::projected<km::step_bound>> bound() const {
    auto const limit = peak();
    if (!limit) return km::absent{limit.reason()};
    auto const split = what_.cluster.tensor_parallel * what_.cluster.pipeline_parallel;
    auto bound = km::bound_of_step(run_, executed(), *limit, traffic());
    if (split > 1) bound.value.communication = km::absent{"traffic of tensor and pipeline parallelism is not in the calculators"};
    return bound;
  }

 private:
  memory_of_processor activations_of(km::transformer const& model, km::recompute recomputed) const {
    return km::activation_memory(model, run_.sequence_length, run_.micro_batch_size,
                                 {.tensor = what_.cluster.tensor_parallel, .pipeline = what_.cluster.pipeline_parallel}, recomputed);
  }

  km::case_file what_;
  std::optional<km::device> processor_;
  km::training_case run_;
};

// The options that name the case.
struct case_options {
  std::string path, device;

  void add_to(CLI::App& app) {
    app.add_option("--case", path, "the case, a JSON file")->required();
    app.add_option("--device", device, "a device of the table in place of the case's processor");
  }
  planned_case read() const { return {path, device}; }
};

}  // namespace tool
