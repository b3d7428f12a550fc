// Korthikanti et al.'s figures and DeepSpeed's estimates, by the closed formulas of memory.hpp.
#include "exceptions.hpp"
#include "shapes.hpp"

#include <kunmetrics/memory.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
struct paper_model {
  transformer sizes;
  layer_parallelism parallel;
};

// Korthikanti et al. 2022, table 3.
paper_model model_of(std::string const& name) {
  if (name == "megatron-22B") return {truth::gpt(48, 6144, 64, 51200), {.tensor = 8}};
  if (name == "gpt3-175B") {
    return {*truth::shape_named("gpt3-175b-51200"), {.tensor = 8, .pipeline = 8, .interleaved = 3}};
  }
  if (name == "turing-530B") {
    return {*truth::shape_named("turing-530b"), {.tensor = 8, .pipeline = 35, .interleaved = 3}};
  }
  return {*truth::shape_named("megatron-1t"), {.tensor = 8, .pipeline = 64}};
}

rank_memory activations(paper_model model, bool sequence, recompute recomputed) {
  model.parallel.sequence = sequence;
  return activation_memory(model.sizes, 2048 * token / sample, 1 * sample / (replica * micro_step), model.parallel,
                           recomputed);
}

double paper(truth::csv_row const& row) {
  auto const model = model_of(row.at("model"));
  auto const& what = row.at("quantity");
  auto const baseline = activations(model, false, recompute::none);
  auto const share = [&](bool sequence, recompute recomputed) {
    return (activations(model, sequence, recomputed) / baseline).in(percent);
  };
  if (what == "params+grads+optimizer") {  // of the layers' matrices alone
    auto const split = model.parallel.tensor * model.parallel.pipeline;
    return model_state_memory(layers_matmul_parameters(model.sizes), fp32_gradient_adam, zero_stage::none, 1 * replica)
               .in(GiB / processor) /
           static_cast<double>(split);
  }
  if (what == "activations, tensor parallel baseline") return baseline.in(GiB / processor);
  if (what == "activations, sequence parallel + selective recompute") {
    return activations(model, true, recompute::selective).in(GiB / processor);
  }
  if (what == "full recompute") return share(false, recompute::layers);
  if (what == "sequence parallel") return share(true, recompute::none);
  if (what == "selective recompute") return share(false, recompute::selective);
  return share(true, recompute::selective);
}

double deepspeed(truth::csv_row const& row) {
  using namespace deepspeed_estimate;
  constexpr setup t5_3b{.parameters = 2'851'000'000, .largest_layer = 32'000'000, .per_node = 8 * processor / node};
  constexpr setup t5_large{.parameters = 737'670'000, .largest_layer = 32'900'000, .per_node = 4 * processor / node};
  auto const& what = row.at("quantity");
  if (what == "ZeRO-2 per GPU, no offload") return zero2(t5_3b, offload::none).in(GiB / processor);
  if (what == "ZeRO-2 per GPU, optimizer on CPU") return zero2(t5_3b, offload::optimizer).in(GiB / processor);
  if (what == "ZeRO-2 per CPU") return zero2_cpu(t5_3b, offload::optimizer).in(GiB / node);
  if (what == "ZeRO-3 per GPU, optimizer on CPU") return zero3(t5_3b, offload::optimizer).in(GiB / processor);
  if (what == "ZeRO-3 per CPU, all on CPU, zero_init") {
    return zero3_cpu(t5_3b, offload::optimizer_and_parameters, true).in(GiB / node);
  }
  if (what == "ZeRO-3 per CPU, optimizer on CPU, zero_init") {
    return zero3_cpu(t5_3b, offload::optimizer, true).in(GiB / node);
  }
  return std::floor(zero3(t5_large, offload::none).in(MiB / processor));  // printed by >> 20
}
}  // namespace

TEST_CASE("every row of memory.csv") {
  truth::exceptions known{"memory.csv"};
  for (auto const& row : truth::read_csv("memory.csv")) {
    auto const value = row.at("group").starts_with("DeepSpeed") ? deepspeed(row) : paper(row);
    CAPTURE(row.at("quantity"));
    CAPTURE(value);
    known.expect(row.at("line"), truth::within_rounding(value, row.at("published"), 0));
    if (row.at("group") == "Korthikanti2022-Fig7") {
      CHECK(std::abs(value - *truth::number(row.at("published"))) < 0.14);  // of the chart
    }
  }
}
