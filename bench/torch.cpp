// A training step of a small libtorch model under the FLOP counter, and without it: the two alternate, step by
// step, so that the machine's mood falls on both.
#include "../tests/torch/llama_module.hpp"

#include <kunmetrics/torch.hpp>

#include <benchmark/benchmark.h>

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

template <bool Counted>
void step(benchmark::State& state) {
  tiny_training training;
  for (int i = 0; i < 5; ++i) training.step();
  for (auto _ : state) {
    std::optional<kunmetrics::flop_counter> counter;
    if constexpr (Counted) counter.emplace();
    training.step();
  }
}
void torch_step(benchmark::State& state) { step<false>(state); }
void torch_step_counted(benchmark::State& state) {
  step<true>(state);
  state.SetLabel("over torch_step");
}
BENCHMARK(torch_step)->Unit(benchmark::kMicrosecond);
BENCHMARK(torch_step_counted)->Unit(benchmark::kMicrosecond);
}  // namespace
