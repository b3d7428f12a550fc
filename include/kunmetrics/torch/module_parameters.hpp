// Parameters of any torch::nn::Module, exact.
//
//   total       each weight once, however many modules share it (a tied output, a shared layer)
//   trainable   those that ask for a gradient; frozen: the others
//   embedding   weights of torch::nn::Embedding, a look-up's, that no other kind of module shares
//   active      met by one token: total, with an expert's weights at chosen/experts
// Buffers are no parameters. Sizes are of the whole tensor: a shard counts as what it is.
#pragma once

#include <kunmetrics/checked.hpp>
#include <kunmetrics/error.hpp>

#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <tuple>

namespace kunmetrics {

struct module_parameters {
  std::int64_t total = 0;
  std::int64_t trainable = 0;
  std::int64_t frozen = 0;
  std::int64_t embedding = 0;
  std::int64_t expert = 0;
  std::int64_t active = 0;
};

// Which parameters are experts', by their dotted names ("layers.3.experts.7.w1"), and how many of the
// experts of a layer a token meets.
struct expert_rule {
  std::function<bool(std::string const& name)> is_expert{};
  std::int64_t experts = 1;
  std::int64_t chosen = 1;
};

namespace detail {
// Two handles on the same memory are one parameter; a tensor without memory is known by its own address.
using parameter_identity = std::tuple<void const*, std::int64_t, std::int64_t>;
inline parameter_identity identity_of(at::Tensor const& t) {
  if (!t.has_storage()) return {t.unsafeGetTensorImpl(), 0, t.numel()};
  return {t.storage().unsafeGetStorageImpl(), t.storage_offset(), t.numel()};
}
}  // namespace detail

// Throws precondition_error when no expert, or more than there are, is chosen, and when the experts' parameters
// are not a multiple of the experts.
inline module_parameters parameters_of(torch::nn::Module const& module, expert_rule const& rule = {}) {
  if (rule.experts < 1 || rule.chosen < 1 || rule.chosen > rule.experts) {
    broken_precondition("expert_rule", "1 to " + std::to_string(rule.experts) + " experts chosen",
                        std::to_string(rule.chosen));
  }
  std::map<detail::parameter_identity, bool> only_looked_up;
  auto const note_users = [&](torch::nn::Module const& user) {
    bool const looks_up = dynamic_cast<torch::nn::EmbeddingImpl const*>(&user) != nullptr;
    for (auto const& weight : user.parameters(/*recurse=*/false)) {
      auto const [at, added] = only_looked_up.try_emplace(detail::identity_of(weight), looks_up);
      if (!added) at->second = at->second && looks_up;
    }
  };
  note_users(module);  // by itself, as libtorch lists only modules held by a shared_ptr
  for (auto const& each : module.modules(/*include_self=*/false)) note_users(*each);
  module_parameters counts;
  std::map<detail::parameter_identity, bool> seen;
  for (auto const& parameter : module.named_parameters()) {
    auto const& weight = parameter.value();
    auto const identity = detail::identity_of(weight);
    if (!seen.try_emplace(identity, true).second) continue;
    auto const size = weight.numel();
    counts.total += size;
    (weight.requires_grad() ? counts.trainable : counts.frozen) += size;
    if (only_looked_up.at(identity)) counts.embedding += size;
    if (rule.is_expert && rule.is_expert(parameter.key())) counts.expert += size;
  }
  if (counts.expert % rule.experts != 0) {
    broken_precondition("expert_rule", "parameters of " + std::to_string(rule.experts) + " equal experts",
                        std::to_string(counts.expert) + " of them");
  }
  counts.active = counts.total - counts.expert + (checked{counts.expert / rule.experts} * rule.chosen).value();
  return counts;
}

}  // namespace kunmetrics
