// A whole training, and all it leaves behind, for comparison to the bit.
//
// How ranks are run is a template parameter: something that is called with the number of ranks and a body,
// and calls the body with a communicator for every rank that this process has. What the ranks hold is put
// together by their own all_gather, so that threads, processes and hosts are compared alike.
#pragma once

#include "observed_communicator.hpp"
#include "thread_communicator.hpp"
#include "zero3.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>
#include <span>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace trainer {

// Sizes that no world size divides; hidden differs from heads * head_size.
inline constexpr llama_shape tiny_llama{.layers = 4, .hidden = 15, .heads = 2, .kv_heads = 1,
                                        .head_size = 6, .ffn = 23, .vocabulary = 53};

inline const zero3_settings tiny_settings{.samples = 2, .sequence_length = 7, .seed = 5};

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
  std::vector<double> losses, norms, scales;                 // a scale of 0: losses are not scaled
  std::int64_t applied = 0;
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
  return same_bits(a.losses, b.losses) && same_bits(a.norms, b.norms) && same_bits(a.scales, b.scales) &&
         a.applied == b.applied &&
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

// Waits a random while before every collective, differently on every rank.
inline auto random_delays(unsigned seed) {
  return [seed](int rank, std::string_view, std::size_t) {
    thread_local std::mt19937 random;
    thread_local auto seeded = false;
    if (!std::exchange(seeded, true)) random.seed(seed + static_cast<unsigned>(rank));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
  };
}

// Every rank's `mine`, in rank order.
template <class T, communicator Communicator>
std::vector<T> gathered(std::vector<T> const& mine, Communicator& ranks) {
  std::vector<T> all(mine.size() * static_cast<std::size_t>(ranks.size()));
  ranks.all_gather(std::as_bytes(std::span{mine}), std::as_writable_bytes(std::span{all}));
  return all;
}

// Parameters, m and v of every unit, whole, on every rank.
template <class Engine, communicator Communicator, class Real>
void assemble(Engine const& engine, Communicator& ranks, training<Real>& into) {
  for (std::size_t unit = 0; unit < engine.units().size(); ++unit) {
    auto const& cut = engine.unit_cuts()[unit];
    auto const whole = [&](std::span<Real const> share) {
      std::vector<Real> padded(static_cast<std::size_t>(cut.shard));
      std::ranges::copy(share, padded.begin());
      auto all = gathered(padded, ranks);
      all.resize(static_cast<std::size_t>(cut.numel));
      return all;
    };
    auto const shard = engine.shard(unit);
    into.parameters.push_back(whole(shard.parameters));
    into.m.push_back(whole(shard.m));
    into.v.push_back(whole(shard.v));
  }
}

// Ranks that are threads of this process; the first of them tells what became of the training.
struct thread_ranks {
  template <class Body>
  void operator()(int world, Body&& body) const {
    run_ranks(world, body);
  }
  static bool tells(int rank) { return rank == 0; }
};

// One rank's part of a training, and what all ranks are left with.
template <class Backend, communicator Communicator>
training<arithmetic<typename Backend::real>> trained_rank(run_plan const& plan, Communicator& transport) {
  training<arithmetic<typename Backend::real>> result;
  auto const rank = transport.rank();
  observed_communicator ranks{transport, [&](std::string_view operation, std::size_t bytes) {
                                plan.observe(rank, operation, bytes);
                              }};
  zero3<Backend, decltype(ranks)> engine{plan.shape, plan.settings, ranks};
  auto const tokens = [&](int step) {
    return tokens_of_rank(plan.same_tokens ? 0 : step, rank, plan.world, plan.settings,
                          plan.shape.vocabulary);
  };
  for (int step = 0; step < plan.steps; ++step) {
    auto const done = engine.step(tokens(step), plan.learning_rate, false);
    result.losses.push_back(done.loss);
    result.norms.push_back(done.grad_norm);
    result.scales.push_back(done.loss_scale.value_or(0));
  }
  result.applied = engine.applied_steps();
  result.live = gathered(std::vector{engine.memory().live()}, transport);
  result.peak = gathered(std::vector{engine.memory().peak()}, transport);
  result.evaluated = engine.loss(tokens(plan.steps));  // has buffers of its own, which no step has
  assemble(engine, transport, result);
  return result;
}

// Trains on plan.world ranks and returns what is left.
template <class Backend, class Ranks = thread_ranks>
training<arithmetic<typename Backend::real>> trained(run_plan const& plan, Ranks const& run = {}) {
  training<arithmetic<typename Backend::real>> result;
  run(plan.world, [&](auto& transport) {
    auto mine = trained_rank<Backend>(plan, transport);
    if (run.tells(transport.rank())) result = std::move(mine);
  });
  return result;
}

}  // namespace trainer
