// A step allocates nothing once the first are over: on several ranks, at every precision, with and without prefetch.
#include "cpu_backend.hpp"
#include "thread_communicator.hpp"
#include "training_run.hpp"
#include "zero3.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

namespace {
std::atomic<long> allocations{0};
std::atomic<bool> counted{false};

void* counted_memory(std::size_t size) {
  if (counted) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
}  // namespace

// Every allocation by new of this program and of the libraries it calls; what oneDNN takes from malloc is not seen.
void* operator new(std::size_t size) { return counted_memory(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {
using namespace trainer;

template <class Number>
long allocations_of_steps(int world, bool prefetch) {
  auto settings = tiny_settings;
  settings.prefetch = prefetch;
  settings.gradient_accumulation_steps = 2;
  if constexpr (std::is_same_v<Number, float16>) settings.loss_scale = loss_scale_settings{.initial = 1024};
  allocations = 0;
  run_ranks(world, [&](thread_communicator& ranks) {
    omp_set_num_threads(1);
    zero3<cpu_backend<Number>, thread_communicator> engine{tiny_llama, settings, ranks};
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(settings.micro_batch_tokens() * 2));
    for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<std::int32_t>(i * 7 % static_cast<std::size_t>(tiny_llama.vocabulary));
    for (int step = 0; step < 3; ++step) engine.step(tokens, 1e-3, false);
    barrier(ranks);
    if (ranks.rank() == 0) counted = true;
    barrier(ranks);
    for (int step = 0; step < 4; ++step) engine.step(tokens, 1e-3, false);
    barrier(ranks);
    if (ranks.rank() == 0) counted = false;
    barrier(ranks);
  }, rank_limits{});
  return allocations;
}
}  // namespace

TEST_CASE("the counter sees an allocation") {
  allocations = 0;
  counted = true;
  std::vector<int> const one(100);
  counted = false;
  CHECK(one.size() == 100);
  CHECK(allocations == 1);
}

TEST_CASE("steps after the third allocate nothing") {
  for (int const world : {1, 3}) {
    for (bool const prefetch : {false, true}) {
      CAPTURE(world);
      CAPTURE(prefetch);
      CHECK(allocations_of_steps<float>(world, prefetch) == 0);
      CHECK(allocations_of_steps<bfloat16>(world, prefetch) == 0);
      CHECK(allocations_of_steps<float16>(world, prefetch) == 0);
    }
  }
}
