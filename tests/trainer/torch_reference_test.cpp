// Against PyTorch: the same tiny model, weights, data and hyper-parameters, by an autograd and an AdamW that
// share no line with ours. Left out, with a message, where Debian's python3-torch is not installed.
#include "program.hpp"
#include "scratch_folder.hpp"
#include "training_run.hpp"

#include "cpu_backend.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#ifndef TORCH_REFERENCE_SCRIPT
#error "TORCH_REFERENCE_SCRIPT must name tests/trainer/torch_reference.py"
#endif

using namespace trainer;
using trainer_test::content;
using trainer_test::run_program;
using trainer_test::scratch_folder;

namespace {

std::string const python = "/usr/bin/python3";  // the distribution's, which its packages are for
constexpr int steps = 50, world = 2, micro_batches = 4;

// Of the R300 case, but for a rate at which 50 steps learn something.
run_plan plan_of(int count) {
  run_plan plan{.world = world, .steps = count, .learning_rate = 1e-3};
  plan.settings.gradient_accumulation_steps = micro_batches / world;
  return plan;
}

template <class T>
std::string bytes_of(std::vector<T> const& values) {
  return {reinterpret_cast<char const*>(values.data()), values.size() * sizeof(T)};
}

template <class T>
std::vector<T> values_in(std::filesystem::path const& file) {
  auto const bytes = content(file);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

// job.json, parameters and tokens.
void write_job(scratch_folder const& folder) {
  auto const plan = plan_of(steps);
  auto const& shape = plan.shape;
  auto const& s = plan.settings;
  auto job = nlohmann::json{
      {"steps", steps}, {"micro_batches", micro_batches}, {"samples", s.samples}, {"positions", s.sequence_length},
      {"learning_rate", plan.learning_rate}, {"clip", s.clip},
      {"adamw", {{"beta1", s.adamw.beta1}, {"beta2", s.adamw.beta2}, {"epsilon", s.adamw.epsilon},
                 {"weight_decay", s.adamw.weight_decay}}},
      {"shape", {{"layers", shape.layers}, {"heads", shape.heads}, {"kv_heads", shape.kv_heads},
                 {"head_size", shape.head_size}, {"vocabulary", shape.vocabulary}, {"rms_epsilon", shape.rms_epsilon},
                 {"rope_theta", shape.rope_theta}}},
      {"tensors", nlohmann::json::array()}};
  std::string parameters, tokens;
  auto const units = llama_units(shape);
  for (std::size_t u = 0; u < units.size(); ++u) {
    for (auto const& tensor : units[u].tensors) {
      job["tensors"].push_back(
          {{"unit", units[u].name}, {"name", tensor.name}, {"rows", tensor.rows}, {"columns", tensor.columns}});
    }
    std::vector<float> values(static_cast<std::size_t>(units[u].numel));
    initialise<float>(units[u], s.seed, u, 0, values);
    parameters += bytes_of(values);
  }
  for (int step = 0; step < steps; ++step) {
    for (int j = 0; j < micro_batches; ++j)
      tokens += bytes_of(tokens_of(step, j, s.micro_batch_tokens(), shape.vocabulary));
  }
  folder.file("job.json", job.dump());
  folder.file("parameters.f32", parameters);
  folder.file("tokens.i32", tokens);
}

// Mean gradients of the first step: with beta1 = 0 and no clipping m is the gradient itself.
std::vector<std::vector<float>> first_gradients() {
  auto plan = plan_of(1);
  plan.settings.adamw.beta1 = 0;
  plan.settings.clip = 0;
  return trained<cpu_backend<float>>(plan).m;
}

double relative_distance(float const* a, float const* b, std::int64_t size) {
  double difference = 0, norm = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    norm += static_cast<double>(b[i]) * b[i];
  }
  return std::sqrt(difference / norm);
}

}  // namespace

TEST_CASE("50 losses and all gradients of the first step agree with PyTorch") {
  scratch_folder const folder;
  if (run_program(folder, python, {"-c", "import torch"}).code != 0) {
    MESSAGE("left out: python3-torch is not installed (KUNMETRICS_WITH_TORCH=1 tests/run.sh installs it)");
    return;
  }
  write_job(folder);
  auto const reference = run_program(folder, python, {TORCH_REFERENCE_SCRIPT, "."});
  INFO(reference.err);
  REQUIRE(reference.code == 0);

  auto const losses = values_in<double>(folder / "losses.f64");
  auto const ours = trained<cpu_backend<float>>(plan_of(steps));
  REQUIRE(losses.size() == steps);
  double worst = 0;
  for (std::size_t step = 0; step < losses.size(); ++step) {
    worst = std::max(worst, std::abs(ours.losses[step] - losses[step]) / losses[step]);
  }
  CHECK(worst < 1e-5);
  CHECK(losses.back() != doctest::Approx(losses.front()).epsilon(1e-3));  // it is a training
  MESSAGE("largest relative difference of a loss: " << worst);

  auto const gradients = values_in<float>(folder / "gradients.f32");
  auto const mine = first_gradients();
  auto const units = llama_units(tiny_llama);
  std::int64_t first = 0;
  worst = 0;
  for (std::size_t u = 0; u < units.size(); ++u) {
    for (auto const& tensor : units[u].tensors) {
      CAPTURE(units[u].name);
      CAPTURE(std::string(tensor.name));
      auto const distance = relative_distance(mine[u].data() + tensor.offset, gradients.data() + first, tensor.numel());
      CHECK(distance < 1e-5);
      worst = std::max(worst, distance);
      first += tensor.numel();
    }
  }
  CHECK(first == static_cast<std::int64_t>(gradients.size()));
  MESSAGE("largest relative distance of a gradient: " << worst);
}
