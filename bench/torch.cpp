// A training step of a small libtorch model under the FLOP counter, and without it: the two alternate, step by
// step, so that the machine's mood falls on both.
#include "../tests/torch/llama_module.hpp"

#include <kunmetrics/torch.hpp>

#include <benchmark/benchmark.h>

#include <chrono>
#include <optional>

namespace {
constexpr kunmetrics::transformer tiny{.name = "tiny", .layers = 4, .hidden = 128, .heads = 4, .kv_heads = 4,
                                       .head_size = 32, .ffn = 344, .vocabulary = 1000};

class tiny_training {
 public:
  tiny_training() : optimizer_{decoder_.parameters(), torch::optim::AdamWOptions{1e-4}} { at::set_num_threads(1); }
  void step() {
    optimizer_.zero_grad();
    decoder_.loss(tokens_).backward();
    optimizer_.step();
  }

 private:
  model::decoder decoder_{tiny};
  torch::Tensor tokens_ = model::random_tokens(tiny, 2, 64);
  torch::optim::AdamW optimizer_;
};

// One step of each kind, in turns first; the kind that is asked for is timed.
template <bool Counted>
void step(benchmark::State& state) {
  tiny_training training;
  for (int i = 0; i < 5; ++i) training.step();
  bool counts = false;
  for (auto _ : state) {
    for (int i = 0; i < 2; ++i) {
      auto const begun = std::chrono::steady_clock::now();
      {
        std::optional<kunmetrics::flop_counter> counter;
        if (counts) counter.emplace();
        training.step();
      }
      std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begun;
      if (counts == Counted) state.SetIterationTime(took.count());
      if (i == 0) counts = !counts;
    }
  }
}
void torch_step(benchmark::State& state) { step<false>(state); }
void torch_step_counted(benchmark::State& state) {
  step<true>(state);
  state.SetLabel("over torch_step");
}
BENCHMARK(torch_step)->Unit(benchmark::kMicrosecond)->UseManualTime();
BENCHMARK(torch_step_counted)->Unit(benchmark::kMicrosecond)->UseManualTime();
}  // namespace
