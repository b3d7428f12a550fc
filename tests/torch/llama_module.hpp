// Decoder-only transformers as ordinary torch::nn modules, whose products are those of kunmetrics::transformer.
//
// [B, S] tokens -> [B, S, V] logits. Attention is unfused and computes the whole square, masked afterwards:
// what `palm` counts. RMS norms without biases throughout: they are element-wise, and no convention counts them.
#pragma once

#include <kunmetrics/transformer.hpp>

#include <torch/torch.h>

#include <cmath>
#include <utility>
#include <vector>

namespace model {

namespace nn = torch::nn;
using torch::Tensor;

inline nn::Linear product(std::int64_t in, std::int64_t out) { return nn::Linear{nn::LinearOptions(in, out).bias(false)}; }

struct rms_norm : nn::Module {
  explicit rms_norm(std::int64_t hidden) { weight = register_parameter("weight", torch::ones({hidden})); }
  Tensor forward(Tensor const& x) { return x * torch::rsqrt(x.pow(2).mean(-1, true) + 1e-5) * weight; }
  Tensor weight;
};

struct attention : nn::Module {
  explicit attention(kunmetrics::transformer const& of) : shape{of} {
    q = register_module("q", product(shape.hidden, shape.heads * shape.head_size));
    k = register_module("k", product(shape.hidden, shape.kv_heads * shape.head_size));
    v = register_module("v", product(shape.hidden, shape.kv_heads * shape.head_size));
    o = register_module("o", product(shape.heads * shape.head_size, shape.hidden));
  }
  Tensor forward(Tensor const& x) {
    auto const batch = x.size(0), length = x.size(1), group = shape.heads / shape.kv_heads;
    auto const heads = [&](Tensor const& of, std::int64_t count) {
      auto split = of.view({batch, length, count, shape.head_size}).transpose(1, 2);
      return count == shape.heads ? split : split.repeat_interleave(group, 1);
    };
    auto const keys = heads(k->forward(x), shape.kv_heads), values = heads(v->forward(x), shape.kv_heads);
    auto const scores = heads(q->forward(x), shape.heads).matmul(keys.transpose(2, 3)) / std::sqrt(shape.head_size);
    auto const masked = scores + torch::full({length, length}, -1e9).triu(1);
    return o->forward(masked.softmax(-1).matmul(values).transpose(1, 2).reshape({batch, length, -1}));
  }
  kunmetrics::transformer shape;
  nn::Linear q{nullptr}, k{nullptr}, v{nullptr}, o{nullptr};
};

struct ffn : nn::Module {
  ffn(std::int64_t hidden, std::int64_t width, bool gated) {
    if (gated) gate = register_module("gate", product(hidden, width));
    up = register_module("up", product(hidden, width));
    down = register_module("down", product(width, hidden));
  }
  Tensor forward(Tensor const& x) {
    return down->forward(gate ? torch::silu(gate->forward(x)) * up->forward(x) : torch::gelu(up->forward(x)));
  }
  nn::Linear gate{nullptr}, up{nullptr}, down{nullptr};
};

// Each token's `active` best experts, computed on the rows that chose them.
struct mixture : nn::Module {
  explicit mixture(kunmetrics::transformer const& shape) : active{shape.moe.active} {
    router = register_module("router", product(shape.hidden, shape.moe.experts));
    for (std::int64_t i = 0; i < shape.moe.experts; ++i) {
      experts.push_back(register_module("experts_" + std::to_string(i),
                                        std::make_shared<ffn>(shape.hidden, shape.moe.expert_ffn, shape.gated_ffn)));
    }
  }
  Tensor forward(Tensor const& x) {
    auto const rows = x.reshape({-1, x.size(-1)});
    auto const [weights, chosen] = router->forward(rows).softmax(-1).topk(active, -1);
    auto out = torch::zeros_like(rows);
    for (std::size_t i = 0; i < experts.size(); ++i) {
      auto const where = (chosen == static_cast<std::int64_t>(i)).nonzero();
      if (where.size(0) == 0) continue;
      auto const row = where.select(1, 0);
      auto const share = weights.index({row, where.select(1, 1)}).unsqueeze(1);
      out = out.index_add(0, row, experts[i]->forward(rows.index_select(0, row)) * share);
    }
    return out.view_as(x);
  }
  std::int64_t active;
  nn::Linear router{nullptr};
  std::vector<std::shared_ptr<ffn>> experts;
};

struct layer : nn::Module {
  explicit layer(kunmetrics::transformer const& shape) {
    attention_norm = register_module("attention_norm", std::make_shared<rms_norm>(shape.hidden));
    attend = register_module("attention", std::make_shared<attention>(shape));
    ffn_norm = register_module("ffn_norm", std::make_shared<rms_norm>(shape.hidden));
    if (shape.moe.layers > 0) {
      experts = register_module("mixture", std::make_shared<mixture>(shape));
    } else {
      dense = register_module("ffn", std::make_shared<ffn>(shape.hidden, shape.ffn, shape.gated_ffn));
    }
  }
  Tensor forward(Tensor const& x) {
    auto const attended = x + attend->forward(attention_norm->forward(x));
    auto const normed = ffn_norm->forward(attended);
    return attended + (experts ? experts->forward(normed) : dense->forward(normed));
  }
  std::shared_ptr<rms_norm> attention_norm, ffn_norm;
  std::shared_ptr<attention> attend;
  std::shared_ptr<ffn> dense;
  std::shared_ptr<mixture> experts;
};

// Runs a layer without keeping its activations, and again in the backward pass.
struct checkpointed : torch::autograd::Function<checkpointed> {
  static Tensor forward(torch::autograd::AutogradContext* context, Tensor const& x, layer* of) {
    context->save_for_backward({x});
    context->saved_data["layer"] = reinterpret_cast<std::int64_t>(of);
    return of->forward(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, torch::autograd::variable_list gradients) {
    auto const x = context->get_saved_variables()[0].detach().requires_grad_();
    auto* const of = reinterpret_cast<layer*>(context->saved_data["layer"].toInt());
    at::AutoGradMode const grad{true};
    auto const y = of->forward(x);
    torch::autograd::backward({y}, {gradients[0]});
    return {x.grad(), Tensor{}};
  }
};

// [hidden, vocabulary] with a weight of its own, or with the embedding's.
struct output_head : nn::Module {
  explicit output_head(Tensor const& shared) { weight = register_parameter("weight", shared); }
  Tensor forward(Tensor const& x) { return torch::linear(x, weight); }
  Tensor weight;
};

struct decoder : nn::Module {
  explicit decoder(kunmetrics::transformer const& shape, bool recompute_layers = false) : checkpointing{recompute_layers} {
    embedding = register_module("embedding", nn::Embedding{shape.vocabulary, shape.hidden});
    for (std::int64_t i = 0; i < shape.layers; ++i) {
      layers.push_back(register_module("layer" + std::to_string(i), std::make_shared<layer>(shape)));
    }
    norm = register_module("norm", std::make_shared<rms_norm>(shape.hidden));
    auto const own = [&] { return torch::randn({shape.vocabulary, shape.hidden}) * 0.02; };
    head = register_module("head", std::make_shared<output_head>(shape.tied_embedding ? embedding->weight : own()));
  }
  Tensor forward(Tensor const& tokens) {
    auto x = embedding->forward(tokens);
    for (auto const& each : layers) x = checkpointing ? checkpointed::apply(x, each.get()) : each->forward(x);
    return head->forward(norm->forward(x));
  }
  Tensor loss(Tensor const& tokens) {
    auto const logits = forward(tokens);
    return nn::functional::cross_entropy(logits.view({-1, logits.size(-1)}), tokens.view({-1}));
  }
  bool checkpointing;
  nn::Embedding embedding{nullptr};
  std::vector<std::shared_ptr<layer>> layers;
  std::shared_ptr<rms_norm> norm;
  std::shared_ptr<output_head> head;
};

inline constexpr kunmetrics::transformer small_llama{.name = "small-llama", .layers = 3, .hidden = 48, .heads = 6,
                                                     .kv_heads = 2, .head_size = 8, .ffn = 80, .vocabulary = 101};
inline constexpr kunmetrics::transformer small_gpt{.name = "small-gpt", .layers = 2, .hidden = 32, .heads = 4,
                                                   .kv_heads = 4, .head_size = 8, .ffn = 128, .vocabulary = 67,
                                                   .gated_ffn = false, .tied_embedding = true};
inline constexpr kunmetrics::transformer small_mixture{
    .name = "small-mixture", .layers = 2, .hidden = 32, .heads = 4, .kv_heads = 2, .head_size = 8, .ffn = 64,
    .vocabulary = 53, .moe = {.experts = 8, .active = 2, .expert_ffn = 24, .layers = 2}};

inline Tensor random_tokens(kunmetrics::transformer const& shape, std::int64_t batch, std::int64_t length) {
  return torch::randint(shape.vocabulary, {batch, length});
}

}  // namespace model
