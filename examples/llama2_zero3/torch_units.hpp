// What the units of a llama compute, by at::Tensor and autograd, on any device that libtorch has.
//
//   layer   y = a + swiglu(norm(a) ...) Wdown^T of a = x + attention(rope(norm(x) ...)) Wo^T     [T, h]
//   head    mean cross-entropy over the samples * (S - 1) predictions, by chunks of rows: logits [T, V] never exist
// Weights are in the order of the unit's slots (unit.hpp). Attention is libtorch's scaled_dot_product_attention
// where there is one (2.x), the plain square before. Norms, softmax and cross-entropy are in fp32, or fp64 for a
// model of that.
#pragma once

#include "shape.hpp"

#include <kunmetrics/torch/features.hpp>

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

namespace trainer::torch_units {
using at::Tensor;

inline at::ScalarType wide(at::ScalarType type) { return type == at::kDouble ? at::kDouble : at::kFloat; }

inline Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  auto const exact = x.to(wide(x.scalar_type()));
  return (exact * at::rsqrt(exact.square().mean(-1, true) + epsilon)).to(x.scalar_type()) * weight.view({-1});
}

// Half-rotation of Hugging Face's llama: element i of a head with element i + d/2. x [B, heads, S, d].
inline Tensor rotated(Tensor const& x, Tensor const& cosines, Tensor const& sines) {
  auto const halves = x.chunk(2, -1);
  return at::cat({halves[0] * cosines - halves[1] * sines, halves[1] * cosines + halves[0] * sines}, -1);
}

inline Tensor causal_attention(Tensor const& q, Tensor const& k, Tensor const& v) {
#if KUNMETRICS_TORCH_HAS_ATTENTION
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, /*is_causal=*/true);
#else
  auto const length = q.size(2);
  auto const later = at::ones({length, length}, q.options().dtype(at::kBool)).triu(1);
  auto const scores = q.matmul(k.transpose(2, 3)) / std::sqrt(static_cast<double>(q.size(3)));
  auto const p = scores.masked_fill(later, -std::numeric_limits<double>::infinity()).softmax(-1, wide(q.scalar_type()));
  return p.to(q.scalar_type()).matmul(v);
#endif
}

// One micro-batch shape on one device at one precision.
class llama_units {
 public:
  llama_units(llama_shape const& shape, micro_batch const& batch, at::Device device, at::ScalarType type)
      : shape_(valid_shape(shape)), batch_(valid_batch(batch)), type_(type) {
    auto const exact = at::TensorOptions{at::kDouble};
    auto const pairs = shape.head_size / 2;
    auto const frequencies = at::pow(shape.rope_theta, -at::arange(pairs, exact) / static_cast<double>(pairs));
    auto const angles = at::outer(at::arange(batch.positions, exact), frequencies);
    cosines_ = angles.cos().to(device, type);
    sines_ = angles.sin().to(device, type);
  }

  // Predictions in one chunk of the head: as many as 32 MiB of logits hold.
  static std::int64_t chunk_rows(llama_shape const& shape, micro_batch const& batch) {
    constexpr std::int64_t logits = (std::int64_t{32} << 20) / std::int64_t{sizeof(float)};
    return std::clamp<std::int64_t>(logits / shape.vocabulary, 1, batch.predictions());
  }

  // y [T, h] of x [T, h].
  Tensor layer(Tensor const& x, std::vector<Tensor> const& w) const {
    auto const [attention_norm, wq, wk, wv, wo, ffn_norm, w_gate, w_up, w_down] =
        std::tie(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]);
    auto const heads = [&](Tensor const& rows, std::int64_t count) {
      return rows.view({batch_.samples, batch_.positions, count, shape_.head_size}).transpose(1, 2);
    };
    auto const normed = rms_norm(x, attention_norm, shape_.rms_epsilon);
    auto const q = rotated(heads(at::linear(normed, wq), shape_.heads), cosines_, sines_);
    auto k = rotated(heads(at::linear(normed, wk), shape_.kv_heads), cosines_, sines_);
    auto v = heads(at::linear(normed, wv), shape_.kv_heads);
    if (auto const group = shape_.heads / shape_.kv_heads; group > 1) {
      k = k.repeat_interleave(group, 1);
      v = v.repeat_interleave(group, 1);
    }
    auto const attended = causal_attention(q, k, v).transpose(1, 2).reshape({batch_.rows(), -1});
    auto const middle = x + at::linear(attended, wo);
    auto const ffn_normed = rms_norm(middle, ffn_norm, shape_.rms_epsilon);
    return middle + at::linear(at::silu(at::linear(ffn_normed, w_gate)) * at::linear(ffn_normed, w_up), w_down);
  }

  struct head_result {
    double loss = 0;
    std::vector<Tensor> gradients;  // of norm and output product, summed in `wide`
    Tensor dx;                      // [T, h], in `wide`
  };

  // For x [T, h], the head's weights and tokens [T] of int64; gradients are of `loss_scale` times the loss.
  head_result head(Tensor const& x, std::vector<Tensor> const& weights, Tensor const& tokens, double loss_scale) const {
    at::AutoGradMode const grad{true};
    std::vector<Tensor> wanted;
    for (auto const& each : weights) wanted.push_back(each.detach().requires_grad_());
    wanted.push_back(x.detach().requires_grad_());
    head_result result;
    result.loss = for_each_share(wanted, tokens, [&](Tensor const& share) {
      auto const gradients = torch::autograd::grad({share * loss_scale}, wanted);
      if (result.gradients.empty()) result.gradients.resize(gradients.size());
      for (std::size_t i = 0; i < gradients.size(); ++i) {
        auto const exact = gradients[i].to(wide(type_));
        result.gradients[i] = result.gradients[i].defined() ? result.gradients[i].add_(exact) : exact.clone();
      }
    });
    result.dx = std::move(result.gradients.back());
    result.gradients.pop_back();
    return result;
  }

  double head_loss(Tensor const& x, std::vector<Tensor> const& weights, Tensor const& tokens) const {
    at::NoGradGuard const no_grad;
    return for_each_share({weights[0], weights[1], x}, tokens, [](Tensor const&) {});
  }

 private:
  // Calls visit(share of the mean loss) chunk by chunk; gives their sum. given: norm, output product, x.
  template <class Visit>
  double for_each_share(std::vector<Tensor> const& given, Tensor const& tokens, Visit visit) const {
    auto const last = batch_.positions - 1;
    auto const next = tokens.view({batch_.samples, batch_.positions}).narrow(1, 1, last).reshape({-1});
    auto const x = given[2].view({batch_.samples, batch_.positions, shape_.hidden}).narrow(1, 0, last).reshape({-1, shape_.hidden});
    auto const rows = chunk_rows(shape_, batch_);
    double loss = 0;
    for (std::int64_t first = 0; first < batch_.predictions(); first += rows) {
      auto const count = std::min(rows, batch_.predictions() - first);
      auto const normed = rms_norm(x.narrow(0, first, count), given[0], shape_.rms_epsilon);
      auto const logits = at::linear(normed, given[1]).to(wide(type_));
      auto const sum = at::cross_entropy_loss(logits, next.narrow(0, first, count), {}, at::Reduction::Sum);
      auto const share = sum / static_cast<double>(batch_.predictions());
      loss += share.item<double>();
      visit(share);
    }
    return loss;
  }

  llama_shape shape_;
  micro_batch batch_;
  at::ScalarType type_;
  Tensor cosines_, sines_;  // [S, d/2]
};

}  // namespace trainer::torch_units
