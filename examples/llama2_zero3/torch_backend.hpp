// The units of a llama over libtorch, on any device it has: what cpu_backend computes, by at::Tensor and autograd.
//
// The caller's spans are host memory. On the CPU they are the tensors, without a copy; elsewhere a unit is sent
// to the device before it computes and its gradients come back. Autograd works within one unit: a layer's graph
// lives from its forward call, or its recomputation, to its backward call. Attention is libtorch's
// scaled_dot_product_attention where there is one (2.x: cuDNN, flash, efficient, in that order), the plain
// square before. Norms, softmax and cross-entropy are in fp32; the head goes by chunks of rows, so that logits
// [T, V] never exist. Number is float, double, bfloat16 or float16. Left out: fp16 on a CPU, whose libtorch
// 1.13 has no fp16 product.
#pragma once

#include "operators/number_formats.hpp"
#include "shape.hpp"
#include "unit.hpp"

#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace trainer {

template <class Number>
constexpr at::ScalarType torch_type() {
  if constexpr (std::same_as<Number, double>) return at::kDouble;
  if constexpr (std::same_as<Number, bfloat16>) return at::kBFloat16;
  if constexpr (std::same_as<Number, float16>) return at::kHalf;
  return at::kFloat;
}

namespace torch_units {
using at::Tensor;

// The tensor of host memory, there or on its way to the device. It may be written to only where Number is not const.
template <class Number>
Tensor tensor_of(std::span<Number> elements, at::IntArrayRef sizes, at::Device device) {
  using plain = std::remove_const_t<Number>;
  auto* const data = const_cast<plain*>(elements.data());  // from_blob knows no const
  return at::from_blob(data, sizes, at::TensorOptions{torch_type<plain>()}).to(device);
}

// Sums and the root in fp32, or fp64 for a model of that.
inline Tensor rms_norm(Tensor const& x, Tensor const& weight, double epsilon) {
  auto const wide = x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
  return (wide * at::rsqrt(wide.square().mean(-1, true) + epsilon)).to(x.scalar_type()) * weight;
}

// Half-rotation of Hugging Face's llama: element i of a head with element i + d/2. x [B, heads, S, d].
inline Tensor rotated(Tensor const& x, Tensor const& cosines, Tensor const& sines) {
  auto const halves = x.chunk(2, -1);
  return at::cat({halves[0] * cosines - halves[1] * sines, halves[1] * cosines + halves[0] * sines}, -1);
}

inline Tensor causal_attention(Tensor const& q, Tensor const& k, Tensor const& v) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, /*is_causal=*/true);
#else
  auto const length = q.size(2);
  auto const later = at::ones({length, length}, q.options().dtype(at::kBool)).triu(1);
  auto const scores = q.matmul(k.transpose(2, 3)) / std::sqrt(static_cast<double>(q.size(3)));
  auto const wide = scores.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  auto const p = scores.masked_fill(later, -std::numeric_limits<double>::infinity()).softmax(-1, wide);
  return p.to(q.scalar_type()).matmul(v);
#endif
}
}  // namespace torch_units

template <class Number>
class torch_backend {
  using Tensor = at::Tensor;

 public:
  using real = Number;

  // A layer's graph, between its forward and its backward.
  struct layer_activations {
    Tensor x, y;
    std::vector<Tensor> weights;
  };

  // Throws std::invalid_argument for what valid_shape or valid_batch refuses and for a device that is not there.
  torch_backend(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length,
                at::Device device = at::kCPU)
      : shape_(valid_shape(shape)),
        batch_(valid_batch({samples, sequence_length})),
        device_(present(device)),
        embedding_unit_(embedding_unit(shape)),
        layer_unit_(layer_unit(shape, "layer")),
        head_unit_(head_unit(shape)) {
    auto const wide = torch_type<Number>() == at::kDouble ? at::kDouble : at::kFloat;
    auto const on = at::TensorOptions{at::kDouble}.device(at::kCPU);
    auto const pairs = shape.head_size / 2;
    auto const frequencies = at::pow(shape.rope_theta, -at::arange(pairs, on) / static_cast<double>(pairs));
    auto const angles = at::outer(at::arange(sequence_length, on), frequencies);
    cosines_ = angles.cos().to(wide).to(device_, torch_type<Number>());
    sines_ = angles.sin().to(wide).to(device_, torch_type<Number>());
  }

  std::int64_t hidden_elements() const noexcept { return batch_.rows() * shape_.hidden; }
  layer_activations make_activations() const { return {}; }

  // What autograd keeps of one layer: its tensors of a row, and of a score where the square is plain.
  static std::int64_t activation_bytes(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length) {
    auto const rows = samples * sequence_length;
    auto const of_row = 8 * shape.hidden + 3 * qkv_width(shape) + 2 * attention_width(shape) + 5 * shape.ffn;
    auto const of_score = TORCH_VERSION_MAJOR >= 2 ? std::int64_t{0} : 2 * shape.heads * sequence_length;
    return rows * (of_row + of_score) * static_cast<std::int64_t>(sizeof(Number));
  }
  static std::int64_t scratch_bytes(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length) {
    micro_batch const batch{samples, sequence_length};
    return 3 * chunk_rows(shape, batch) * shape.vocabulary * static_cast<std::int64_t>(sizeof(arithmetic<Number>));
  }

  // The arguments, results and errors of the rest are those of cpu_backend.

  void embedding_forward(std::span<Number const> parameters, std::span<std::int32_t const> tokens, std::span<Number> y) {
    at::NoGradGuard const no_grad;
    auto const table = weight(parameters, embedding_unit_, "embedding");
    copy_to(y, table.index_select(0, ids(tokens)));
  }

  void embedding_backward(std::span<std::int32_t const> tokens, std::span<Number const> dy, std::span<Number> d_parameters) {
    at::NoGradGuard const no_grad;
    auto const wide = torch_type<Number>() == at::kDouble ? at::kDouble : at::kFloat;
    auto gradient = at::zeros({shape_.vocabulary, shape_.hidden}, at::TensorOptions{wide}.device(device_));
    gradient.index_add_(0, ids(tokens), hidden(dy).to(wide));
    copy_to(d_parameters, gradient);
  }

  void layer_forward(std::span<Number const> parameters, std::span<Number const> x, std::span<Number> y,
                     layer_activations& saved) {
    at::AutoGradMode const grad{true};
    saved = {leaf(hidden(x)), {}, leaves(parameters, layer_unit_)};
    saved.y = layer(saved.x, saved.weights);
    at::NoGradGuard const no_grad;
    copy_to(y, saved.y);
  }

  void layer_backward(std::span<Number const>, std::span<Number const>, layer_activations& saved,
                      std::span<Number> dy_to_dx, std::span<Number> d_parameters) {
    if (!saved.y.defined()) throw std::logic_error("torch_backend: layer_backward needed a layer_forward before it");
    auto wanted = saved.weights;
    wanted.push_back(saved.x);
    auto const gradients = torch::autograd::grad({saved.y}, wanted, {hidden(std::span<Number const>{dy_to_dx})});
    saved = {};
    write(gradients, d_parameters, layer_unit_);
    copy_to(dy_to_dx, gradients.back());
  }

  double head_forward_backward(std::span<Number const> parameters, std::span<Number const> x,
                               std::span<std::int32_t const> tokens, std::span<Number> dx, std::span<Number> d_parameters,
                               double loss_scale = 1.0) {
    at::AutoGradMode const grad{true};
    auto wanted = leaves(parameters, head_unit_);
    wanted.push_back(leaf(hidden(x)));
    std::vector<Tensor> sums;
    double const loss = for_each_chunk(wanted, tokens, [&](Tensor const& chunk_loss) {
      auto const scaled = chunk_loss * loss_scale;
      auto const gradients = torch::autograd::grad({scaled}, wanted, {}, false);
      if (sums.empty()) sums.assign(gradients.size(), {});
      for (std::size_t i = 0; i < sums.size(); ++i) {
        auto const wide = gradients[i].to(torch_type<Number>() == at::kDouble ? at::kDouble : at::kFloat);
        sums[i] = sums[i].defined() ? sums[i] + wide : wide;
      }
    });
    write(sums, d_parameters, head_unit_);
    copy_to(dx, sums.back());
    return loss;
  }

  double head_forward(std::span<Number const> parameters, std::span<Number const> x, std::span<std::int32_t const> tokens) {
    at::NoGradGuard const no_grad;
    auto weights = leaves(parameters, head_unit_);
    weights.push_back(hidden(x));
    return for_each_chunk(weights, tokens, [](Tensor const&) {});
  }

 private:
  static at::Device present(at::Device device) {
    auto const cards = static_cast<int>(torch::cuda::device_count());
    if (device.is_cpu() || (device.is_cuda() && (device.has_index() ? device.index() < cards : cards > 0))) return device;
    throw std::invalid_argument("torch_backend: a device of this machine needed (cpu" +
                                (cards > 0 ? ", cuda:0 to cuda:" + std::to_string(cards - 1) : std::string{}) +
                                "), received " + device.str());
  }

  static std::int64_t chunk_rows(llama_shape const& shape, micro_batch const& batch) {
    constexpr std::int64_t logits_bytes = std::int64_t{32} << 20;
    auto const fit = logits_bytes / (shape.vocabulary * static_cast<std::int64_t>(sizeof(arithmetic<Number>)));
    return std::clamp<std::int64_t>(fit, 1, batch.predictions());
  }

  // y [T, h] of x [T, h]; weights in the order of the unit's tensors.
  Tensor layer(Tensor const& x, std::vector<Tensor> const& w) const {
    auto const [attention_norm, wq, wk, wv, wo, ffn_norm, w_gate, w_up, w_down] =
        std::tie(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]);
    auto const heads = [&](Tensor const& rows, std::int64_t count) {
      return rows.view({batch_.samples, batch_.positions, count, shape_.head_size}).transpose(1, 2);
    };
    auto const normed = torch_units::rms_norm(x, attention_norm.view({-1}), shape_.rms_epsilon);
    auto const q = torch_units::rotated(heads(at::linear(normed, wq), shape_.heads), cosines_, sines_);
    auto k = torch_units::rotated(heads(at::linear(normed, wk), shape_.kv_heads), cosines_, sines_);
    auto v = heads(at::linear(normed, wv), shape_.kv_heads);
    if (shape_.kv_heads != shape_.heads) {
      k = k.repeat_interleave(shape_.heads / shape_.kv_heads, 1);
      v = v.repeat_interleave(shape_.heads / shape_.kv_heads, 1);
    }
    auto const attended = torch_units::causal_attention(q, k, v).transpose(1, 2).reshape({batch_.rows(), -1});
    auto const middle = x + at::linear(attended, wo);
    auto const ffn_normed = torch_units::rms_norm(middle, ffn_norm.view({-1}), shape_.rms_epsilon);
    return middle + at::linear(at::silu(at::linear(ffn_normed, w_gate)) * at::linear(ffn_normed, w_up), w_down);
  }

  // Calls visit(loss) for the share that each chunk of predictions has of the mean loss; gives their sum.
  // weights: norm, output product, and the input x.
  template <class Visit>
  double for_each_chunk(std::vector<Tensor> const& weights, std::span<std::int32_t const> tokens, Visit visit) {
    auto const next = ids(tokens).view({batch_.samples, batch_.positions}).narrow(1, 1, batch_.positions - 1).reshape({-1});
    auto const predicting = weights[2].view({batch_.samples, batch_.positions, shape_.hidden})
                                .narrow(1, 0, batch_.positions - 1).reshape({-1, shape_.hidden});
    auto const rows = chunk_rows(shape_, batch_);
    auto const wide = torch_type<Number>() == at::kDouble ? at::kDouble : at::kFloat;
    double loss = 0;
    for (std::int64_t first = 0; first < batch_.predictions(); first += rows) {
      auto const count = std::min(rows, batch_.predictions() - first);
      auto const normed = torch_units::rms_norm(first == 0 && count == batch_.predictions() ? predicting : predicting.narrow(0, first, count),
                                                weights[0].view({-1}), shape_.rms_epsilon);
      auto const logits = at::linear(normed, weights[1]).to(wide);
      auto const sum = at::cross_entropy_loss(logits, next.narrow(0, first, count), {}, at::Reduction::Sum);
      auto const share = sum / static_cast<double>(batch_.predictions());
      loss += share.template item<double>();
      visit(share);
    }
    return loss;
  }

  Tensor weight(std::span<Number const> elements, unit_layout const& unit, std::string_view name) const {
    auto const& slot = unit.slot(name);
    require(elements.size(), unit.numel);
    return torch_units::tensor_of(elements.subspan(static_cast<std::size_t>(slot.offset), static_cast<std::size_t>(slot.numel())),
                                  {slot.rows, slot.columns}, device_);
  }
  std::vector<Tensor> leaves(std::span<Number const> parameters, unit_layout const& unit) const {
    std::vector<Tensor> all;
    for (auto const& slot : unit.tensors) all.push_back(leaf(weight(parameters, unit, slot.name)));
    return all;
  }
  static Tensor leaf(Tensor const& t) { return t.detach().requires_grad_(); }

  Tensor hidden(std::span<Number const> elements) const {
    require(elements.size(), hidden_elements());
    return torch_units::tensor_of(elements, {batch_.rows(), shape_.hidden}, device_);
  }

  Tensor ids(std::span<std::int32_t const> tokens) const {
    require(tokens.size(), batch_.rows());
    for (auto const id : tokens) {
      if (id >= 0 && id < shape_.vocabulary) continue;
      throw std::invalid_argument("torch_backend: tokens below " + std::to_string(shape_.vocabulary) + " needed, received " + std::to_string(id));
    }
    auto* const data = const_cast<std::int32_t*>(tokens.data());
    return at::from_blob(data, {batch_.rows()}, at::TensorOptions{at::kInt}).to(device_, at::kLong);
  }

  // The tensors, in the order of the unit's slots, one after the other.
  static void write(std::vector<Tensor> const& tensors, std::span<Number> to, unit_layout const& unit) {
    require(to.size(), unit.numel);
    for (std::size_t i = 0; i < unit.tensors.size(); ++i) {
      auto const& slot = unit.tensors[i];
      copy_to(to.subspan(static_cast<std::size_t>(slot.offset), static_cast<std::size_t>(slot.numel())), tensors[i]);
    }
  }
  static void copy_to(std::span<Number> to, Tensor const& from) {
    require(to.size(), from.numel());
    at::NoGradGuard const no_grad;
    torch_units::tensor_of(to.first(static_cast<std::size_t>(from.numel())), {from.numel()}, at::kCPU).copy_(from.reshape({-1}));
  }
  static void require(std::size_t received, std::int64_t needed) {
    if (received >= static_cast<std::size_t>(needed)) return;
    throw std::invalid_argument("torch_backend: " + std::to_string(needed) + " elements needed, received " + std::to_string(received));
  }

  llama_shape shape_;
  micro_batch batch_;
  at::Device device_;
  unit_layout embedding_unit_, layer_unit_, head_unit_;
  Tensor cosines_, sines_;  // [S, d/2]
};

}  // namespace trainer
