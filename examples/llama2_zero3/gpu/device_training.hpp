// A llama trained whole on one device over libtorch: ZeRO's units without ranks, in 16-bit mixed precision.
//
//   weights      [unit] 16 bit, flat      gradients   the same, written by the backward pass of each unit
//   master, m, v [unit] fp32, flat        inputs      of every layer, 16 bit; a layer is recomputed in backward
// One micro-batch a step. The norm is that of the whole gradient; where it is not finite the step is skipped and
// the loss scale, which only fp16 has, moves as loss_scaler.hpp says. AdamW is device_adamw's, unit by
// unit. Bytes by part: device_bytes.
#pragma once

#include "../loss_scaler.hpp"
#include "../torch_backend.hpp"
#include "device_adamw.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace trainer {

struct device_part {
  std::string_view name;
  std::int64_t bytes;
};

// What a training holds on its device, without what libtorch's kernels take for themselves.
inline std::vector<device_part> device_bytes(llama_shape const& shape, micro_batch const& batch, bool recompute) {
  std::int64_t elements = 0;
  for (auto const& unit : llama_units(shape)) elements += unit.numel;
  auto const rows = batch.rows();
  auto const layer = torch_backend<bfloat16>::activation_bytes(shape, batch.samples, batch.positions);
  return {{"weights", 2 * elements},
          {"master", 4 * elements},
          {"m and v", 8 * elements},
          {"gradients", 2 * elements},
          {"layer inputs", 2 * rows * shape.hidden * (shape.layers + 1)},
          {"activations", layer * (recompute ? 1 : shape.layers)},
          {"logits", torch_backend<bfloat16>::scratch_bytes(shape, batch.samples, batch.positions)}};
}

class device_training {
 public:
  struct step_result {
    double loss = 0, grad_norm = 0;
    bool skipped = false;
  };

  // Throws c10::Error when the device has not the room; device_bytes tells what is needed.
  device_training(llama_shape const& shape, micro_batch const& batch, at::Device device, at::ScalarType type,
                  bool recompute, std::uint64_t seed)
      : units_(llama_units(shape)), compute_{shape, batch, device, type}, recompute_(recompute) {
    if (type == at::kHalf) scaler_.emplace(loss_scale_settings{});
    at::manual_seed(seed);
    auto const on = at::TensorOptions{}.device(device);
    for (auto const& unit : units_) {
      auto master = at::empty({unit.numel}, on.dtype(at::kFloat));
      for (auto const& slot : unit.tensors) {
        auto part = master.narrow(0, slot.offset, slot.numel());
        slot.initial_deviation == 0.0 ? part.fill_(1) : part.normal_(0, slot.initial_deviation);
      }
      weights_.push_back(master.to(type));
      gradients_.push_back(at::empty({unit.numel}, on.dtype(type)));
      auto const zeros = [&] { return at::zeros({unit.numel}, on.dtype(at::kFloat)); };
      state_.push_back({std::move(master), zeros(), zeros()});
    }
  }

  // tokens [samples, S] on the device, int64.
  step_result step(at::Tensor const& tokens, double learning_rate, double clip = 1.0) {
    auto const scale = scaler_ ? scaler_->scale() : 1.0;
    auto const loss = forward_backward(tokens, scale);
    at::NoGradGuard const no_grad;
    std::vector<at::Tensor> norms;
    for (auto const& gradient : gradients_) norms.push_back(gradient.norm(2, at::kFloat));
    auto const norm = at::stack(norms).norm().item<double>() / scale;
    bool const overflow = !std::isfinite(norm);
    if (overflow && !scaler_) throw std::runtime_error("device_training: a finite gradient needed, received another at step " + std::to_string(applied_ + 1));
    if (scaler_ && scaler_->after(overflow) == scale_change::exhausted) {
      throw std::runtime_error("device_training: finite gradients at the smallest loss scale needed, received others");
    }
    if (overflow) return {loss, norm, true};
    ++applied_;
    auto const gradient_scale = std::min(1.0, clip / (norm + 1e-6)) / scale;
    device_adamw_step const update{adamw_settings{}, learning_rate, gradient_scale, applied_};
    for (std::size_t u = 0; u < units_.size(); ++u) {
      device_adamw(update, state_[u], gradients_[u].to(at::kFloat));
      weights_[u].copy_(state_[u].master);
    }
    return {loss, norm, false};
  }

 private:
  using Tensor = at::Tensor;

  // A unit's tensors as views of its flat one, in the order of its slots.
  std::vector<Tensor> views(std::vector<Tensor> const& flat, std::size_t unit) const {
    std::vector<Tensor> all;
    for (auto const& slot : units_[unit].tensors) {
      all.push_back(flat[unit].narrow(0, slot.offset, slot.numel()).view({slot.rows, slot.columns}));
    }
    return all;
  }
  std::vector<Tensor> leaves(std::size_t unit) const {
    auto all = views(weights_, unit);
    for (auto& each : all) each = each.detach().requires_grad_();
    return all;
  }
  void keep(std::size_t unit, std::vector<Tensor> const& gradients) {
    auto const to = views(gradients_, unit);
    for (std::size_t i = 0; i < to.size(); ++i) Tensor{to[i]}.copy_(gradients[i]);
  }

  double forward_backward(Tensor const& tokens, double scale) {
    auto const layers = units_.size() - 2;
    std::vector<Tensor> inputs, outputs;
    std::vector<std::vector<Tensor>> kept;
    auto const rows = tokens.view({-1});
    {
      at::NoGradGuard const no_grad;
      inputs.push_back(views(weights_, 0)[0].index_select(0, rows));
    }
    for (std::size_t l = 0; l < layers; ++l) {
      auto const x = inputs.back();
      if (recompute_) {
        at::NoGradGuard const no_grad;
        inputs.push_back(compute_.layer(x, views(weights_, l + 1)));
      } else {
        inputs.back() = x.detach().requires_grad_();
        kept.push_back(leaves(l + 1));
        outputs.push_back(compute_.layer(inputs.back(), kept.back()));
        inputs.push_back(outputs.back().detach());
      }
    }
    auto const head = compute_.head(inputs.back(), views(weights_, layers + 1), rows, scale);
    keep(layers + 1, head.gradients);
    auto running = head.dx.to(weights_[0].scalar_type());
    inputs.pop_back();
    for (auto l = layers; l-- > 0;) {
      auto weights = recompute_ ? leaves(l + 1) : std::move(kept[l]);
      auto const x = recompute_ ? inputs[l].detach().requires_grad_() : inputs[l];
      auto const y = recompute_ ? compute_.layer(x, weights) : std::exchange(outputs[l], {});
      weights.push_back(x);
      auto gradients = torch::autograd::grad({y}, weights, {running});
      running = std::move(gradients.back());
      keep(l + 1, gradients);
      inputs.pop_back();
    }
    at::NoGradGuard const no_grad;
    gradients_[0].zero_();
    views(gradients_, 0)[0].index_add_(0, rows, running);
    return head.loss;
  }

  std::vector<unit_layout> units_;
  torch_units::llama_units compute_;
  bool recompute_;
  std::optional<loss_scaler> scaler_;
  std::int64_t applied_ = 0;
  std::vector<Tensor> weights_, gradients_;
  std::vector<device_adamw_state> state_;
};

}  // namespace trainer
