// AdamW of flat fp32 tensors on a device: one kernel where libtorch has it, else operators on whole tensors.
//
// adamw.hpp has the formula, and the trainer's own loop over host memory; these differ from it in last bits. The fused
// kernel reads and writes each number once, the operators ten times.
#pragma once

#include "../adamw.hpp"

#include <kunmetrics/torch/features.hpp>

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace trainer {

// Of one unit, each [n] in fp32 on one device.
struct device_adamw_state {
  at::Tensor master, m, v;
};

// One step of all units, as adamw_step takes it.
struct device_adamw_step {
  adamw_settings settings;
  double learning_rate, gradient_scale;
  std::int64_t applied;  // t >= 1
};

// `gradient` [n] in fp32 may be overwritten, here and below.
inline void adamw_by_operators(device_adamw_step const& step, device_adamw_state& of, at::Tensor gradient) {
  at::NoGradGuard const no_grad;
  auto const& a = step.settings;
  auto const t = static_cast<double>(step.applied);
  gradient.mul_(step.gradient_scale);
  of.m.mul_(a.beta1).add_(gradient, 1 - a.beta1);
  of.v.mul_(a.beta2).addcmul_(gradient, gradient, 1 - a.beta2);
  auto const root = (of.v / (1 - std::pow(a.beta2, t))).sqrt_().add_(a.epsilon);
  of.master.mul_(1 - step.learning_rate * a.weight_decay)
      .addcdiv_(of.m, root, -step.learning_rate / (1 - std::pow(a.beta1, t)));
}

#if KUNMETRICS_TORCH_HAS_FUSED_ADAMW
inline void adamw_fused(device_adamw_step const& step, device_adamw_state& of, at::Tensor const& gradient) {
  at::NoGradGuard const no_grad;
  auto const& a = step.settings;
  auto const number = [&](double value) { return at::full({}, value, of.master.options()); };
  std::vector<at::Tensor> const parameters{of.master}, gradients{gradient}, m{of.m}, v{of.v};
  at::_fused_adamw_(parameters, gradients, m, v, /*max_exp_avg_sqs=*/{}, {number(static_cast<double>(step.applied))},
                    step.learning_rate, a.beta1, a.beta2, a.weight_decay, a.epsilon, /*amsgrad=*/false,
                    /*maximize=*/false, /*grad_scale=*/number(1 / step.gradient_scale));  // it divides by that
}
#endif

inline void device_adamw(device_adamw_step const& step, device_adamw_state& of, at::Tensor const& gradient) {
#if KUNMETRICS_TORCH_HAS_FUSED_ADAMW
  adamw_fused(step, of, gradient);
#else
  adamw_by_operators(step, of, gradient);
#endif
}

}  // namespace trainer
