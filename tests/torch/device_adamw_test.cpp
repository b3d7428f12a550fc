// Updates by libtorch held against the trainer's own, over steps and under a loss scale.
#include "gpu/device_adamw.hpp"

#include <doctest/doctest.h>

#include <span>
#include <vector>

using namespace trainer;

namespace {
constexpr std::int64_t size = 1000;

std::span<float> elements(at::Tensor const& t) { return {t.data_ptr<float>(), static_cast<std::size_t>(t.numel())}; }

void check_update(void (*update)(device_adamw_step const&, device_adamw_state&, at::Tensor const&)) {
  at::manual_seed(3);
  auto const start = at::randn({size});
  device_adamw_state torchs{start.clone(), at::zeros({size}), at::zeros({size})};
  auto const ours = start.clone(), m = at::zeros({size}), v = at::zeros({size});
  for (std::int64_t t = 1; t <= 20; ++t) {
    auto const gradient = at::randn({size}) * 1024;
    device_adamw_step const step{adamw_settings{}, 1e-2, 0.7 / 1024, t};
    adamw_update<float>({step.settings, step.learning_rate, step.gradient_scale, t}, elements(ours), elements(gradient),
                        elements(m), elements(v));
    update(step, torchs, gradient.clone());
  }
  auto const distance = [](at::Tensor const& a, at::Tensor const& b) { return ((a - b).norm() / b.norm()).item<double>(); };
  CHECK(distance(torchs.master, ours) < 1e-6);
  CHECK(distance(torchs.m, m) < 1e-6);
  CHECK(distance(torchs.v, v) < 1e-6);
  CHECK(distance(ours, start) > 0.01);
}
}  // namespace

TEST_CASE("by operators and, where libtorch has it, by one kernel, an update is that of the formula") {
  check_update([](device_adamw_step const& step, device_adamw_state& of, at::Tensor const& gradient) {
    adamw_by_operators(step, of, gradient);
  });
#if KUNMETRICS_TORCH_HAS_FUSED_ADAMW
  check_update(adamw_fused);
#endif
  check_update(device_adamw);
}
