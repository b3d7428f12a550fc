// A whole training on thread ranks, and all it leaves behind, for comparison to the bit.
#pragma once

#include "observed_communicator.hpp"
#include "thread_communicator.hpp"
#include "zero3.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace trainer {

// Sizes that no world size divides; hidden differs from heads * head_size.
inline constexpr llama_shape tiny_llama{.layers = 4, .hidden = 15, .heads = 2, .kv_heads = 1,
                                        .head_size = 6, .ffn = 23, .vocabulary = 53};

inline constexpr zero3_settings tiny_settings{.samples = 2, .sequence_length = 7, .seed = 5};

// Tokens of micro-batch j of a step: a function of the two alone, not of the number of ranks.
inline std::vector<std::int32_t> tokens_of(std::int64_t step, std::int64_t j, std::int64_t size,
                                           std::int64_t vocabulary) {
  std::mt19937_64 random(static_cast<std::uint64_t>(step * 1000 + j));
  std::vector<std::int32_t> tokens(static_cast<std::size_t>(size));
  for (auto& token : tokens) {
    token = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(vocabulary));
  }
  return tokens;
}

// What a rank passes to step(): micro-batches j = k N + r for k = 0, 1, ...
inline std::vector<std::int32_t> tokens_of_rank(std::int64_t step, int rank, int world,
                                                zero3_settings const& settings,
                                                std::int64_t vocabulary) {
  std::vector<std::int32_t> all;
  for (std::int64_t k = 0; k < settings.gradient_accumulation_steps; ++k) {
    auto const one = tokens_of(step, k * world + rank, settings.micro_batch_tokens(), vocabulary);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

template <class Real>
struct training {
  std::vector<double> losses, norms;
  double evaluated = 0;                                      // loss() after the last step
  std::vector<std::vector<Real>> parameters, m, v;           // by unit, whole, without padding
  std::vector<bytes_by_part> live, peak;                     // by rank
};

template <class T>
bool same_bits(std::vector<T> const& a, std::vector<T> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
bool same_bits(std::vector<std::vector<T>> const& a, std::vector<std::vector<T>> const& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_bits(a[i], b[i])) return false;
  }
  return true;
}

// Whether two trainings left the same bits behind.
template <class Real>
bool same_bits(training<Real> const& a, training<Real> const& b) {
  return same_bits(a.losses, b.losses) && same_bits(a.norms, b.norms) &&
         same_bits(std::vector{a.evaluated}, std::vector{b.evaluated}) &&
         same_bits(a.parameters, b.parameters) && same_bits(a.m, b.m) && same_bits(a.v, b.v);
}

struct run_plan {
  int world = 1;
  int steps = 20;
  zero3_settings settings = tiny_settings;
  llama_shape shape = tiny_llama;
  double learning_rate = 1e-2;
  bool same_tokens = false;  // every step sees the batch of step 0
  // Told of every collective, with the rank; may wait or throw.
  std::function<void(int, std::string_view, std::size_t)> observe =
      [](int, std::string_view, std::size_t) {};
};

// Puts a rank's shards at their places in the whole vectors; ranks write disjoint ranges.
template <class Engine, class Real>
void assemble(Engine const& engine, int rank, training<Real>& into) {
  for (std::size_t unit = 0; unit < engine.units().size(); ++unit) {
    auto const first = engine.unit_cuts()[unit].first(rank);
    auto const shard = engine.shard(unit);
    auto const put = [&](std::span<Real const> from, std::vector<Real>& to) {
      std::ranges::copy(from, to.begin() + (from.empty() ? 0 : first));
    };
    put(shard.parameters, into.parameters[unit]);
    put(shard.m, into.m[unit]);
    put(shard.v, into.v[unit]);
  }
}

// Trains on `world` thread ranks and returns what is left, assembled from all shards.
template <class Backend>
training<arithmetic<typename Backend::real>> trained(run_plan const& plan) {
  using real = arithmetic<typename Backend::real>;  // of the master copy
  training<real> result;
  for (auto const& unit : llama_units(plan.shape)) {
    for (auto* whole : {&result.parameters, &result.m, &result.v}) {
      whole->emplace_back(static_cast<std::size_t>(unit.numel));
    }
  }
  result.live.resize(static_cast<std::size_t>(plan.world));
  result.peak.resize(static_cast<std::size_t>(plan.world));
  run_ranks(plan.world, [&](thread_communicator& threads) {
    auto const rank = threads.rank();
    observed_communicator ranks{threads, [&](std::string_view operation, std::size_t bytes) {
                                  plan.observe(rank, operation, bytes);
                                }};
    zero3<Backend, decltype(ranks)> engine{plan.shape, plan.settings, ranks};
    auto const tokens = [&](int step) {
      return tokens_of_rank(plan.same_tokens ? 0 : step, rank, plan.world, plan.settings,
                            plan.shape.vocabulary);
    };
    for (int step = 0; step < plan.steps; ++step) {
      auto const done = engine.step(tokens(step), plan.learning_rate, false);
      if (rank == 0) result.losses.push_back(done.loss);
      if (rank == 0) result.norms.push_back(done.grad_norm);
    }
    result.live[static_cast<std::size_t>(rank)] = engine.memory().live();
    result.peak[static_cast<std::size_t>(rank)] = engine.memory().peak();
    auto const evaluated = engine.loss(tokens(plan.steps));
    if (rank == 0) result.evaluated = evaluated;
    assemble(engine, rank, result);
  });
  return result;
}

}  // namespace trainer
