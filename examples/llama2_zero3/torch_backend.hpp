// The units of a llama over libtorch, on any device it has: what cpu_backend computes, by at::Tensor and autograd.
//
// The caller's spans are host memory. On the CPU they are the tensors, without a copy; elsewhere a unit is sent
// to the device before it computes and its gradients come back. Autograd works within one unit: a layer's graph
// lives from its forward call, or its recomputation, to its backward call. torch_units.hpp has what is computed.
// Number is float, double, bfloat16 or float16. Left out: fp16 on a CPU, whose libtorch 1.13 has no fp16 product.
#pragma once

#include "compute_settings.hpp"
#include "operators/number_formats.hpp"
#include "shape.hpp"
#include "torch_units.hpp"
#include "unit.hpp"

#include <kunmetrics/torch/features.hpp>

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
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

// A card of CUDA, or the CPU where none is named.
inline at::Device device_of_card(std::optional<int> card) {
  return card ? at::Device{at::kCUDA, static_cast<at::DeviceIndex>(*card)} : at::Device{at::kCPU};
}

// Host memory as a tensor, there or sent to the device. It may be written to only where Number is not const.
template <class Number>
at::Tensor tensor_of(std::span<Number> elements, at::IntArrayRef sizes, at::Device device) {
  using plain = std::remove_const_t<Number>;
  auto* const data = const_cast<plain*>(elements.data());  // from_blob knows no const
  return at::from_blob(data, sizes, at::TensorOptions{torch_type<plain>()}).to(device);
}

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
        head_unit_(head_unit(shape)),
        units_(shape_, batch_, device_, torch_type<Number>()) {}

  // On the card that is named, else on the CPU; libtorch has its own threads.
  torch_backend(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length, compute_settings const& compute)
      : torch_backend(shape, samples, sequence_length, device_of_card(compute.card)) {}

  std::int64_t hidden_elements() const noexcept { return batch_.rows() * shape_.hidden; }
  layer_activations make_activations() const { return {}; }

  // What autograd keeps of one layer: its tensors of a row, and of a score where the square is plain.
  static std::int64_t activation_bytes(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length) {
    auto const rows = samples * sequence_length;
    auto const of_row = 8 * shape.hidden + 3 * qkv_width(shape) + 2 * attention_width(shape) + 5 * shape.ffn;
    auto const of_score = KUNMETRICS_TORCH_HAS_ATTENTION ? std::int64_t{0} : 2 * shape.heads * sequence_length;
    return rows * (of_row + of_score) * static_cast<std::int64_t>(sizeof(Number));
  }
  static std::int64_t scratch_bytes(llama_shape const& shape, std::int64_t samples, std::int64_t sequence_length,
                                    compute_settings const& = {}) {
    micro_batch const batch{samples, sequence_length};
    return 3 * torch_units::llama_units::chunk_rows(shape, batch) * shape.vocabulary * static_cast<std::int64_t>(sizeof(arithmetic<Number>));
  }

  // The arguments, results and errors of the rest are those of cpu_backend.

  void embedding_forward(std::span<Number const> parameters, std::span<std::int32_t const> tokens, std::span<Number> y) {
    at::NoGradGuard const no_grad;
    auto const table = weight(parameters, embedding_unit_, "embedding");
    copy_to(y, table.index_select(0, ids(tokens)));
  }

  void embedding_backward(std::span<std::int32_t const> tokens, std::span<Number const> dy, std::span<Number> d_parameters) {
    at::NoGradGuard const no_grad;
    auto const wide = torch_units::wide(torch_type<Number>());
    auto gradient = at::zeros({shape_.vocabulary, shape_.hidden}, at::TensorOptions{wide}.device(device_));
    gradient.index_add_(0, ids(tokens), hidden(dy).to(wide));
    copy_to(d_parameters, gradient);
  }

  void layer_forward(std::span<Number const> parameters, std::span<Number const> x, std::span<Number> y,
                     layer_activations& saved) {
    at::AutoGradMode const grad{true};
    saved = {leaf(hidden(x)), {}, leaves(parameters, layer_unit_)};
    saved.y = units_.layer(saved.x, saved.weights);
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
    auto const result = units_.head(hidden(x), weights(parameters, head_unit_), ids(tokens), loss_scale);
    write(result.gradients, d_parameters, head_unit_);
    copy_to(dx, result.dx);
    return result.loss;
  }

  double head_forward(std::span<Number const> parameters, std::span<Number const> x, std::span<std::int32_t const> tokens) {
    return units_.head_loss(hidden(x), weights(parameters, head_unit_), ids(tokens));
  }

 private:
  static at::Device present(at::Device device) {
    auto const cards = static_cast<int>(torch::cuda::device_count());
    if (device.is_cpu() || (device.is_cuda() && (device.has_index() ? device.index() < cards : cards > 0))) return device;
    throw std::invalid_argument("torch_backend: a device of this machine needed (cpu" +
                                (cards > 0 ? ", cuda:0 to cuda:" + std::to_string(cards - 1) : std::string{}) +
                                "), received " + device.str());
  }

  Tensor weight(std::span<Number const> elements, unit_layout const& unit, std::string_view name) const {
    auto const& slot = unit.slot(name);
    require(elements.size(), unit.numel);
    return tensor_of(elements.subspan(static_cast<std::size_t>(slot.offset), static_cast<std::size_t>(slot.numel())),
                                  {slot.rows, slot.columns}, device_);
  }
  std::vector<Tensor> weights(std::span<Number const> parameters, unit_layout const& unit) const {
    std::vector<Tensor> all;
    for (auto const& slot : unit.tensors) all.push_back(weight(parameters, unit, slot.name));
    return all;
  }
  std::vector<Tensor> leaves(std::span<Number const> parameters, unit_layout const& unit) const {
    auto all = weights(parameters, unit);
    for (auto& each : all) each = leaf(each);
    return all;
  }
  static Tensor leaf(Tensor const& t) { return t.detach().requires_grad_(); }

  Tensor hidden(std::span<Number const> elements) const {
    require(elements.size(), hidden_elements());
    return tensor_of(elements, {batch_.rows(), shape_.hidden}, device_);
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
    tensor_of(to.first(static_cast<std::size_t>(from.numel())), {from.numel()}, at::kCPU).copy_(from.reshape({-1}));
  }
  static void require(std::size_t received, std::int64_t needed) {
    if (received >= static_cast<std::size_t>(needed)) return;
    throw std::invalid_argument("torch_backend: " + std::to_string(needed) + " elements needed, received " + std::to_string(received));
  }

  llama_shape shape_;
  micro_batch batch_;
  at::Device device_;
  unit_layout embedding_unit_, layer_unit_, head_unit_;
  torch_units::llama_units units_;
};

}  // namespace trainer
