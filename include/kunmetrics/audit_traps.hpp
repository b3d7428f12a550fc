// The known ways to be wrong, each recognised by the factor it puts on a number.
//
//   nodes²                 a rate divided by processors a node and multiplied by nodes
//   micro-batch size       samples counted as if a batch were one: LBS twice, or left out
//   accumulation steps     GAS left out, or counted twice
//   processors             a rank's rate called the job's, or the job's a rank's
//   tensor/context degree  tokens counted once for each rank that shares them
//   2, 1/2                 the sparse peak for the dense one, or a peak halved twice
//   4/3 and near           recomputation folded into the model's FLOP
// A factor of 1 explains nothing and is never named. A peak that is exactly another device's names
// that device. A trap that several devices or conventions explain is named once, with all of them. Sources: the fifteen traps of the field, each with its issue, in the project's tests.
#pragma once

#include <kunmetrics/audit_facts.hpp>
#include <kunmetrics/conventions.hpp>
#include <kunmetrics/utilization.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kunmetrics {

namespace detail {
struct candidate {
  std::string trap;
  double factor;
  std::string explanation;
  int number;
  std::string of{};  // a device or a convention, of which several may fit: stands after the explanation
};

inline void add_factor(std::vector<candidate>& all, std::string trap, std::optional<std::int64_t> size, double power,
                       std::string explanation, int number) {
  if (size && *size > 1) {
    all.push_back({std::move(trap), std::pow(static_cast<double>(*size), power), std::move(explanation), number});
  }
}

// What a rate or a count of tokens may be wrong by.
inline std::vector<candidate> counting_traps(audit_facts const& facts) {
  std::vector<candidate> all;
  add_factor(all, "nodes squared", facts.nodes, 2, "divided by processors a node and multiplied by nodes", 1);
  add_factor(all, "micro-batch counted twice", facts.micro_batch_size, 1,
             "the batch already holds the micro-batch size", 3);
  add_factor(all, "micro-batch left out", facts.micro_batch_size, -1, "a micro-batch counted as one sample", 3);
  add_factor(all, "gradient accumulation counted twice", facts.gradient_accumulation_steps, 1,
             "the batch already holds the accumulation steps", 3);
  add_factor(all, "gradient accumulation left out", facts.gradient_accumulation_steps, -1,
             "a micro-step counted as a step", 3);
  add_factor(all, "one rank's rate", facts.processors, -1, "one rank counted for the whole job", 13);
  add_factor(all, "whole job's rate", facts.processors, 1, "the job's rate called one processor's", 13);
  add_factor(all, "tokens of shared ranks", facts.context_parallel, 1,
             "tokens counted once for each context-parallel rank", 13);
  add_factor(all, "tokens of shared ranks", facts.tensor_parallel, 1,
             "tokens counted once for each tensor-parallel rank", 13);
  add_factor(all, "tokens of shared ranks", facts.pipeline_parallel, 1,
             "tokens counted once for each pipeline stage", 13);
  add_factor(all, "divided by shared ranks twice", facts.context_parallel, -1,
             "divided by the context-parallel degree twice", 13);
  add_factor(all, "divided by shared ranks twice", facts.tensor_parallel, -1,
             "divided by the tensor-parallel degree twice", 13);
  add_factor(all, "divided by shared ranks twice", facts.pipeline_parallel, -1,
             "divided by the pipeline-parallel degree twice", 13);
  return all;
}

// What the identity of the batch may be wrong by, beside what a rate may.
inline std::vector<candidate> batch_traps(audit_facts const& facts) {
  auto all = counting_traps(facts);
  auto const replicas = facts.processors.value_or(1) / ranks_of_a_replica(facts);
  add_factor(all, "replicas left out", replicas, -1, "one replica's batch counted for the whole job", 3);
  add_factor(all, "replicas counted twice", replicas, 1, "the batch already holds the replicas", 3);
  auto const of_one = facts.micro_batch_size.value_or(1) * facts.gradient_accumulation_steps.value_or(1);
  add_factor(all, "micro-batch and accumulation left out", of_one, -1, "a step of one replica counted as a sample", 3);
  add_factor(all, "micro-batch and accumulation counted twice", of_one, 1, "the batch already holds both", 3);
  return all;
}

// What a whole factor means where the sizes that would confirm it are not known.
inline std::vector<candidate> unconfirmed_traps(double ratio, trap_family family, audit_facts const& facts) {
  std::vector<candidate> all;
  auto const whole = std::round(ratio > 1 ? ratio : 1 / ratio);
  if (whole < 2 || whole > 65536) return all;
  auto const text = std::to_string(static_cast<std::int64_t>(whole));
  bool const power_of_two = (static_cast<std::int64_t>(whole) & (static_cast<std::int64_t>(whole) - 1)) == 0;
  if (family == trap_family::tokens && ratio > 1 && power_of_two && !facts.context_parallel && !facts.tensor_parallel) {
    all.push_back(
        {"tokens of shared ranks", whole,
         "tokens counted once for each rank that shares them, if " + text + " do (context or tensor parallel)", 13});
  }
  if (family == trap_family::rate && ratio < 1 && !facts.processors) {
    all.push_back(
        {"one rank's rate", 1 / whole, "one rank counted for the whole job, if it ran on " + text + " processors", 13});
  }
  auto const nodes = std::round(std::sqrt(whole));
  if (family == trap_family::processor_rate && ratio > 1 && !facts.nodes && facts.processors && nodes > 1 &&
      std::fmod(static_cast<double>(*facts.processors), nodes) == 0) {
    auto const count = std::to_string(static_cast<std::int64_t>(nodes));
    all.push_back({"nodes squared", nodes * nodes,
                   "divided by processors a node and multiplied by nodes, if it ran on " + count + " nodes", 1});
  }
  return all;
}

// The other devices whose peak at some precision a ratio leads to.
inline std::vector<candidate> peak_traps(audit_facts const& facts) {
  std::vector<candidate> all{{"sparse peak", 2.0, "the sparse rate taken for the dense one", 5},
                             {"peak halved twice", 0.5, "half of a rate that is dense already", 5}};
  if (!facts.peak) return all;
  for (device const* other : devices::all) {
    for (precision const p : {fp16, bf16, fp8}) {
      auto const limit = peak(*other, p);
      if (!limit) continue;
      auto const factor = limit->rate.coherent() / *facts.peak;
      all.push_back({"peak of another device", factor, "the peak is that of", 4,
                     std::string{other->name} + " at " + std::string{name_of(p)}});
      break;  // fp16 and bf16 are the same rate almost everywhere
    }
  }
  return all;
}

// FLOP per token of other conventions, over PaLM's.
inline std::vector<candidate> work_traps(audit_facts const& facts) {
  std::vector<candidate> all;
  if (!facts.model || !facts.sequence_length) return all;
  auto const& model = *facts.model;
  auto const length = *facts.sequence_length * units::token / units::sample;
  auto const base = flops::palm::per_token(model, length).coherent();
  auto const add = [&](std::string trap, double work, std::string explanation, int number) {
    all.push_back({std::move(trap), work / base, std::move(explanation), number});
  };
  auto const counts = parameters(model);
  add("attention left out", flops::six_n_no_embedding::per_token(model, length).coherent(),
      "6 N without embedding and attention", 2);
  add("recomputation folded in", hardware_work<flops::palm, recompute::all>::per_token(model, length).coherent(),
      "4/3 of the model's FLOP", 15);
  add("recomputation folded in", 8.0 * static_cast<double>(counts.active), "8 N: recomputation in, attention out", 15);
  add("recomputation folded in", 8.0 * static_cast<double>(counts.active - counts.embedding - counts.output),
      "8 N without embedding: recomputation in, attention and logits out", 15);
  if (model.moe.layers > 0) {
    add("total instead of active experts", flops::detail::six(counts.total).coherent(), "6 N of all experts", 11);
    auto one = model;
    one.moe.active = 1;
    add("chosen experts left out", flops::palm::per_token(one, length).coherent(),
        "one expert counted where several are chosen", 11);
  }
  if (model.kv_heads < model.heads) {
    auto all_heads = model;
    all_heads.kv_heads = model.heads;
    add("grouped-query attention ignored", flops::palm::per_token(all_heads, length).coherent(),
        "as many key and value heads as query heads", 10);
  }
  auto wrong_heads = model;
  wrong_heads.head_size = std::max<std::int64_t>(1, model.hidden / model.heads);
  if (wrong_heads.head_size != model.head_size && model.latent.kv_rank == 0) {
    add("head size taken as hidden / heads", flops::palm::per_token(wrong_heads, length).coherent(),
        "head_dim of the model is another", 10);
  }
  auto ffn = model;
  ffn.gated_ffn = !model.gated_ffn;
  add(model.gated_ffn ? "gate of the ffn left out" : "a gate that the ffn has not",
      flops::palm::per_token(ffn, length).coherent(), "two matrices or three", 10);
  if (model.tied_embedding) {
    add("tied embedding counted twice", base + flops::detail::six(counts.embedding).coherent(),
        "the input look-up is no product", 9);
  } else {
    add("output product left out", base - flops::detail::six(counts.output).coherent(),
        "the vocabulary product is the model's work", 9);
  }
  return all;
}

// Work that is known only through an MFU and its peak: a peak too high makes both too low. Every
// convention may stand behind it, so only the peaks that programs fall back to are tried, not all.
inline std::vector<candidate> work_through_peak_traps(audit_facts const& facts) {
  std::vector<candidate> all;
  if (!facts.model || !facts.sequence_length || !facts.peak) return all;
  auto const length = *facts.sequence_length * units::token / units::sample;
  auto const base = flops::palm::per_token(*facts.model, length).coherent();
  auto const add = [&]<typename Convention>(Convention) {
    auto const work = Convention::per_token(*facts.model, length).coherent() / base;
    std::string const under{Convention::name};
    all.push_back({"sparse peak", work / 2, "the sparse rate taken for the dense one, under", 5, under});
    all.push_back({"peak halved twice", work * 2, "half of a rate that is dense already, under", 5, under});
    for (device const* fallback : {&devices::nvidia_a100_80gb, &devices::nvidia_h100_sxm}) {
      all.push_back({"peak of another device", work * *facts.peak / peak(*fallback, bf16)->rate.coherent(),
                     "the peak is that of " + std::string{fallback->name} + ", under", 4, under});
    }
  };
  add(flops::palm{}), add(flops::palm_n_total{}), add(flops::palm_no_embedding{});
  add(flops::causal{}), add(flops::causal_n_total{}), add(flops::causal_no_embedding{});
  return all;
}

// A miscounted batch or rank in the time or the tokens behind the work, under the conventions most used.
inline std::vector<candidate> work_through_counting_traps(audit_facts const& facts) {
  std::vector<candidate> all;
  if (!facts.model || !facts.sequence_length) return all;
  auto const length = *facts.sequence_length * units::token / units::sample;
  auto const base = flops::palm::per_token(*facts.model, length).coherent();
  auto const counting = counting_traps(facts);
  auto const add = [&]<typename Convention>(Convention) {
    auto const work = Convention::per_token(*facts.model, length).coherent() / base;
    for (auto const& trap : counting) {
      all.push_back({trap.trap, trap.factor * work, trap.explanation + ", under", trap.number,
                     std::string{Convention::name}});
    }
  };
  add(flops::palm{}), add(flops::palm_n_total{}), add(flops::causal{}), add(flops::six_n{}), add(flops::megatron_model{});
  return all;
}

inline std::vector<candidate> candidates_of(trap_family family, audit_facts const& facts) {
  switch (family) {
    case trap_family::tokens:
    case trap_family::rate:
    case trap_family::processor_rate: return counting_traps(facts);
    case trap_family::batch: return batch_traps(facts);
    case trap_family::peak: return peak_traps(facts);
    case trap_family::work:
    case trap_family::work_or_peak: break;
  }
  auto all = work_traps(facts);
  std::ranges::move(work_through_counting_traps(facts), std::back_inserter(all));
  if (family == trap_family::work_or_peak) {
    std::ranges::move(work_through_peak_traps(facts), std::back_inserter(all));
  }
  return all;
}

// Devices or conventions of one trap: "palm", "palm or causal", three at most and "others".
inline void join(std::string& names, std::string const& one, std::size_t known) {
  if (known < 3) names.append(names.empty() ? "" : " or ").append(one);
  if (known == 3) names.append(" or others");
}
}  // namespace detail

// The traps whose factor is the ratio, the nearest first, each explanation once. A ratio near 1 has none; a
// loose tolerance is for the relation, not for the trap: that is 5 % off at most.
inline std::vector<audit_finding> traps_of(double ratio, double tolerance, trap_family family,
                                           audit_facts const& facts) {
  auto fits = detail::candidates_of(family, facts);
  std::ranges::move(detail::unconfirmed_traps(ratio, family, facts), std::back_inserter(fits));
  auto const near = std::min(tolerance, 0.05);
  auto const distance = [&](detail::candidate const& c) { return std::abs(ratio / c.factor - 1); };
  std::erase_if(fits, [&](auto const& c) {
    return !(c.factor > 0) || std::abs(c.factor - 1) <= tolerance || distance(c) > near;
  });
  std::ranges::stable_sort(fits, {}, distance);
  std::vector<audit_finding> findings;
  for (auto fit = fits.begin(); fit != fits.end(); ++fit) {
    auto const same = [&](auto const& other) { return other.trap == fit->trap && other.explanation == fit->explanation; };
    if (std::any_of(fits.begin(), fit, same)) continue;
    std::string names;
    std::size_t known = 0;
    for (auto of = fit; of != fits.end(); ++of) {
      if (same(*of) && !of->of.empty()) detail::join(names, of->of, known++);
    }
    findings.push_back({fit->trap, ratio, fit->explanation + (names.empty() ? "" : " " + names), fit->number});
  }
  return findings;
}

}  // namespace kunmetrics
