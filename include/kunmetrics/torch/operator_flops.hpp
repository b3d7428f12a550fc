// FLOP of one call of a libtorch operator, from its inputs: 2 for each multiply-add of a matrix product.
//
//   mm, addmm, _scaled_mm, _int_mm        2·n·k·m          [n, k] x [k, m]
//   bmm, baddbmm, addbmm                  2·b·n·k·m
//   mv, addmv, dot, vdot                  2·n·k, 2·n
//   convolution                           2·batch·positions·weights, the same for each gradient asked for
//   fused attention                       2·B·H·Sq·Sk·(q + v); backward twice that, and the scores once more,
//                                         which the kernels compute again
// Composite operators (matmul, linear, einsum, unfused attention) are counted by the parts that they call.
// Operators that do products but have no formula here are known by name, so that a counter can list them.
// Left out: element-wise work. Names and argument orders: ATen's native_functions.yaml, 1.13 to 2.9.
#pragma once

#include <ATen/core/ivalue.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace kunmetrics::torch_operators {

using inputs = c10::ArrayRef<const c10::IValue>;

struct operator_flop {
  std::int64_t flop = 0;
  std::int64_t masked = 0;      // of `flop`, pairs above the diagonal where attention was told to be causal: half
  std::int64_t recomputed = 0;  // not in `flop`: forward products that a fused backward runs again
};
using formula = operator_flop (*)(inputs);  // throws where the inputs have no such sizes

namespace parts {
inline bool is_tensor(inputs in, std::size_t i) { return i < in.size() && in[i].isTensor() && in[i].toTensor().defined(); }
inline std::int64_t size(inputs in, std::size_t i, std::int64_t dimension) { return in[i].toTensor().size(dimension); }

// [n, k] x [k, m] of the inputs First and First + 1.
template <std::size_t First>
operator_flop product(inputs in) {
  return {2 * size(in, First, 0) * size(in, First, 1) * size(in, First + 1, 1)};
}
template <std::size_t First>
operator_flop batched_product(inputs in) {
  return {2 * size(in, First, 0) * size(in, First, 1) * size(in, First, 2) * size(in, First + 1, 2)};
}
template <std::size_t First>
operator_flop by_elements(inputs in) {
  return {2 * in[First].toTensor().numel()};
}

// Positions that a filter is applied at, of all samples together.
inline std::int64_t filter_positions(at::Tensor const& input, at::Tensor const& weight, inputs in, std::size_t stride) {
  auto const strides = in[stride].toIntVector();
  auto const padding = in[stride + 1].toIntVector();
  auto const dilation = in[stride + 2].toIntVector();
  bool const transposed = in[stride + 3].toBool();
  auto const of = [](std::vector<std::int64_t> const& each, std::size_t i) { return each.at(each.size() == 1 ? 0 : i); };
  std::int64_t positions = input.size(0);
  for (std::int64_t axis = 2; axis < input.dim(); ++axis) {
    auto const i = static_cast<std::size_t>(axis - 2);
    if (of(strides, i) <= 0) throw std::invalid_argument{"a convolution's stride"};
    auto const reach = of(dilation, i) * (weight.size(axis) - 1) + 1;
    positions *= transposed ? input.size(axis) : (input.size(axis) + 2 * of(padding, i) - reach) / of(strides, i) + 1;
  }
  return positions;
}
// (input, weight, bias, stride, padding, dilation, transposed, ...)
inline operator_flop convolution(inputs in) {
  auto const& input = in[0].toTensor();
  auto const& weight = in[1].toTensor();
  return {2 * filter_positions(input, weight, in, 3) * weight.numel()};
}
// (grad_output, input, weight, bias_sizes, stride, padding, dilation, transposed, output_padding, groups, output_mask)
inline operator_flop convolution_backward(inputs in) {
  auto const& input = in[1].toTensor();
  auto const& weight = in[2].toTensor();
  auto const wanted = in[10].toBoolList();
  auto const gradients = (wanted.get(0) ? 1 : 0) + (wanted.get(1) ? 1 : 0);
  return {2 * gradients * filter_positions(input, weight, in, 4) * weight.numel()};
}

// Whether the n-th flag among the inputs is set: places differ between versions, the order does not.
inline bool flag(inputs in, int n) {
  for (auto const& value : in) {
    if (value.isBool() && n-- == 0) return value.toBool();
  }
  return false;
}

struct attention_sizes {
  std::int64_t pairs, query, value;  // B·H·Sq·Sk, and the sizes of a query's and a value's head
};
// query [B, H, Sq, q], key [B, H', Sk, q], value [B, H', Sk, v], from the input First on.
inline attention_sizes attended(inputs in, std::size_t first) {
  return {size(in, first, 0) * size(in, first, 1) * size(in, first, 2) * size(in, first + 1, 2), size(in, first, 3),
          size(in, first + 2, 3)};
}
template <int CausalFlag>
operator_flop attention(inputs in) {
  auto const a = attended(in, 0);
  auto const flop = 2 * a.pairs * (a.query + a.value);
  return {flop, flag(in, CausalFlag) ? flop / 2 : 0};
}
template <int CausalFlag>
operator_flop attention_backward(inputs in) {
  auto const a = attended(in, 1);
  auto const flop = 4 * a.pairs * (a.query + a.value);
  return {flop, flag(in, CausalFlag) ? flop / 2 : 0, 2 * a.pairs * a.query};
}
}  // namespace parts

// An operator by its name; without a formula it is one whose products cannot be told from its inputs.
struct known_operator {
  std::string_view name;
  formula flop = nullptr;
  std::size_t tensor = 0;  // an input that must be a tensor for the formula to hold
};

inline constexpr std::array known_operators{
    known_operator{"aten::mm", parts::product<0>},
    known_operator{"aten::addmm", parts::product<1>, 1},
    known_operator{"aten::addmm_", parts::product<1>, 1},
    known_operator{"aten::_addmm_activation", parts::product<1>, 1},
    known_operator{"aten::_scaled_mm", parts::product<0>},
    known_operator{"aten::_int_mm", parts::product<0>},
    known_operator{"aten::bmm", parts::batched_product<0>},
    known_operator{"aten::baddbmm", parts::batched_product<1>, 1},
    known_operator{"aten::baddbmm_", parts::batched_product<1>, 1},
    known_operator{"aten::addbmm", parts::batched_product<1>, 1},
    known_operator{"aten::mv", parts::by_elements<0>},
    known_operator{"aten::addmv", parts::by_elements<1>, 1},
    known_operator{"aten::addmv_", parts::by_elements<1>, 1},
    known_operator{"aten::dot", parts::by_elements<0>},
    known_operator{"aten::vdot", parts::by_elements<0>},
    known_operator{"aten::convolution", parts::convolution},
    known_operator{"aten::_convolution", parts::convolution},
    known_operator{"aten::convolution_backward", parts::convolution_backward, 1},
    known_operator{"aten::_scaled_dot_product_flash_attention", parts::attention<0>},
    known_operator{"aten::_scaled_dot_product_flash_attention_for_cpu", parts::attention<0>},
    known_operator{"aten::_scaled_dot_product_efficient_attention", parts::attention<1>},
    known_operator{"aten::_scaled_dot_product_cudnn_attention", parts::attention<1>},
    known_operator{"aten::_scaled_dot_product_flash_attention_backward", parts::attention_backward<0>, 1},
    known_operator{"aten::_scaled_dot_product_flash_attention_for_cpu_backward", parts::attention_backward<0>, 1},
    known_operator{"aten::_scaled_dot_product_efficient_attention_backward", parts::attention_backward<0>, 1},
    known_operator{"aten::_scaled_dot_product_cudnn_attention_backward", parts::attention_backward<0>, 1},
    // products whose sizes the inputs do not tell, or decompositions
    known_operator{"aten::_flash_attention_forward"},
    known_operator{"aten::_flash_attention_backward"},
    known_operator{"aten::_efficient_attention_forward"},
    known_operator{"aten::_efficient_attention_backward"},
    known_operator{"aten::_grouped_mm"},
    known_operator{"aten::_scaled_grouped_mm"},
    known_operator{"aten::_weight_int4pack_mm"},
    known_operator{"aten::_weight_int8pack_mm"},
    known_operator{"aten::mkldnn_linear"},
    known_operator{"aten::mkldnn_rnn_layer"},
    known_operator{"aten::_cudnn_rnn"},
    known_operator{"aten::_cudnn_rnn_backward"},
    known_operator{"aten::_trilinear"},
    known_operator{"aten::_cdist_forward"},
    known_operator{"aten::_cdist_backward"},
    known_operator{"aten::_fft_c2c"},
    known_operator{"aten::_fft_r2c"},
    known_operator{"aten::_fft_c2r"},
    known_operator{"aten::_linalg_svd"},
    known_operator{"aten::_linalg_eigh"},
    known_operator{"aten::_linalg_solve_ex"},
    known_operator{"aten::linalg_cholesky_ex"},
    known_operator{"aten::linalg_inv_ex"},
    known_operator{"aten::linalg_qr"},
    known_operator{"aten::linalg_lu_factor_ex"},
};

// Null for an operator that does no products, as far as is known.
constexpr known_operator const* known(std::string_view name) {
  auto const* const found = std::ranges::find(known_operators, name, &known_operator::name);
  return found == known_operators.end() ? nullptr : found;
}
static_assert(known("aten::bmm")->name == "aten::bmm" && known("aten::add") == nullptr);

// An operator of another library: what it computes is not known.
constexpr bool is_foreign(std::string_view name) {
  auto const library = name.substr(0, name.find("::"));
  return library != "aten" && library != "prim" && library != "prims" && library != "autograd" && library != "torch" &&
         library != "profiler" && library != "c10d" && library != "inductor";
}

}  // namespace kunmetrics::torch_operators
