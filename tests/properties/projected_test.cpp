// Laws of what is computed before a run, and of what is suspected of a number after it: memory, traffic,
// projections, adapters, clusters, mixed precision, packs, further tokens, traps.
#include <kunmetrics/fine_tuning.hpp>
#include <kunmetrics/mixed_precision.hpp>
#include <kunmetrics/multi_token_prediction.hpp>
#include <kunmetrics/packed.hpp>
#include <kunmetrics/plausibility.hpp>
#include <kunmetrics/projection.hpp>

#include "drawn.hpp"

#include <span>
#include <vector>

using namespace drawn;

namespace {
state_bytes any_bytes() { return {.weight = size(1, 4), .gradient = size(1, 4), .optimizer = size(0, 12)}; }
zero_stage any_stage() {
  return *rc::gen::element(zero_stage::none, zero_stage::optimizer, zero_stage::gradients, zero_stage::parameters);
}
micro_batch_size_t any_micro_batch() { return size(1, 64) * sample / (replica * micro_step); }

training_case any_run() {
  auto run = training_case{.model = any_dense(),
                           .precision = bf16,
                           .cluster = any_cluster(),
                           .micro_batch_size = any_micro_batch(),
                           .gradient_accumulation_steps = size(1, 32) * micro_step / step,
                           .sequence_length = any_length()};
  run.processor.link_bandwidth = static_cast<double>(size(1, 900)) * GB / (processor * second);
  return run;
}

device const& any_device() {
  return *devices::all.at(static_cast<std::size_t>(size(0, static_cast<std::int64_t>(devices::all.size()) - 1)));
}

low_rank_adapters any_adapters(std::int64_t rank) {
  return {.rank = rank,
          .query = coin(),
          .key = coin(),
          .value = coin(),
          .output = coin(),
          .gate = coin(),
          .up = coin(),
          .down = coin(),
          .fused = coin()};
}
}  // namespace

TEST_CASE("memory") {
  holds("what a stage shards is whole over all ranks, what it does not is whole on each", [] {
    auto const n = size(1, 1'000'000'000);
    auto const bytes = any_bytes();
    auto const ranks = size(1, 4096);
    auto const state = [&](zero_stage stage, std::int64_t over) {
      return model_state_memory(n, bytes, stage, over * replica).coherent();
    };
    auto const d = static_cast<double>(ranks), count = static_cast<double>(n);
    auto const whole = count * static_cast<double>(bytes.weight + bytes.gradient + bytes.optimizer);
    RC_ASSERT(near(state(zero_stage::parameters, ranks) * d, whole));
    RC_ASSERT(near(state(zero_stage::none, ranks), whole));
    RC_ASSERT(near(state(any_stage(), 1), whole));
    RC_ASSERT(
        near(state(zero_stage::optimizer, ranks) * d,
             count * (static_cast<double>(bytes.weight + bytes.gradient) * d + static_cast<double>(bytes.optimizer))));
  });
  holds("activations and output: in proportion to micro-batch and layers, sequence parallelism no more", [] {
    auto model = any_dense();
    auto const s = any_length();
    auto const micro = any_micro_batch();
    auto const k = size(1, 8);
    auto const recomputed = *rc::gen::element(recompute::none, recompute::selective, recompute::layers);
    layer_parallelism parallel{.tensor = size(1, 8), .pipeline = size(1, 8)};
    auto const kept = [&](auto batch) { return activation_memory(model, s, batch, parallel, recomputed).coherent(); };
    auto const whole = kept(micro);
    RC_ASSERT(near(kept(k * micro), static_cast<double>(k) * whole));
    auto const output = output_memory(model, s, micro).coherent();
    RC_ASSERT(near(output_memory(model, s, k * micro).coherent(), static_cast<double>(k) * output));
    RC_ASSERT(near(output_memory(model, s, micro, k).coherent() * static_cast<double>(k), output));
    parallel.interleaved = size(2, 4);
    RC_ASSERT(kept(micro) >= whole);
    parallel = {.tensor = parallel.tensor, .sequence = true};
    auto const in_sequence = kept(micro);
    RC_ASSERT(in_sequence <= whole * (1 + 1e-12));
    model.layers *= k;
    RC_ASSERT(near(kept(micro), static_cast<double>(k) * in_sequence));
  });
  holds("DeepSpeed's estimates fall with the world and with offload", [] {
    deepspeed_estimate::setup const small{.parameters = size(1, 1'000'000'000),
                                          .largest_layer = size(0, 1'000'000),
                                          .nodes = size(1, 16) * node,
                                          .per_node = size(1, 8) * processor / node};
    auto large = small;
    large.nodes = 2 * small.nodes;
    using deepspeed_estimate::offload;
    for (auto const to_cpu : {offload::none, offload::optimizer, offload::optimizer_and_parameters}) {
      RC_ASSERT(zero3(large, to_cpu) <= zero3(small, to_cpu));
      RC_ASSERT(zero2(large, to_cpu) <= zero2(small, to_cpu));
    }
    RC_ASSERT(zero3(small, offload::optimizer) < zero3(small, offload::none));
    RC_ASSERT(zero3(small, offload::optimizer_and_parameters) < zero3(small, offload::optimizer));
    RC_ASSERT(zero2(small, offload::optimizer) < zero2(small, offload::none));
  });
}

TEST_CASE("communication") {
  holds("alone nothing is sent, over more ranks more, never all; a reduction is a scatter and a gather", [] {
    auto const bytes = static_cast<double>(size(1, 1'000'000'000)) * byte;
    auto const n = size(1, 4096);
    RC_ASSERT(all_gather(bytes, 1 * processor).coherent() == 0);
    RC_ASSERT(all_gather(bytes, n * processor) < all_gather(bytes, (n + 1) * processor));
    RC_ASSERT(all_reduce(bytes, n * processor) ==
              reduce_scatter(bytes, n * processor) + all_gather(bytes, n * processor));
    // what all ranks send is what all ranks want and do not have
    RC_ASSERT(near(all_gather(bytes, n * processor).coherent() * static_cast<double>(n),
                   bytes.coherent() * static_cast<double>(n - 1)));
  });
  holds("traffic: in proportion to the parameters, ZeRO-3's to the micro-steps, the others' not", [] {
    auto const n = size(1, 1'000'000), k = size(1, 100), steps = size(1, 64);
    auto const bytes = any_bytes();
    auto const ranks = size(1, 1024) * processor;
    auto const sent = [&](std::int64_t parameters, zero_stage stage, std::int64_t micro_steps,
                          gradient_reduction when) {
      return zero_traffic(parameters, bytes, stage, ranks, micro_steps * micro_step / step, when).total().coherent();
    };
    using enum gradient_reduction;
    auto const stage = any_stage();
    RC_ASSERT(near(sent(k * n, stage, steps, each_step), static_cast<double>(k) * sent(n, stage, steps, each_step)));
    RC_ASSERT(near(sent(n, zero_stage::parameters, k * steps, each_micro_step),
                   static_cast<double>(k) * sent(n, zero_stage::parameters, steps, each_micro_step)));
    RC_ASSERT(sent(n, zero_stage::optimizer, k * steps, each_step) == sent(n, zero_stage::optimizer, steps, each_step));
    RC_ASSERT(sent(n, stage, steps, each_micro_step) >= sent(n, stage, steps, each_step));
  });
}

TEST_CASE("projection") {
  holds("the rate at an MFU has that MFU", [] {
    auto const model = any_shape();
    auto const s = any_length();
    auto const peak = any_peak();
    auto const use = static_cast<double>(size(1, 100)) / 100;
    auto const rate = rate_at_mfu<flops::palm>(model, s, peak, use * one).value;
    RC_ASSERT(near(mfu<flops::palm>(model, s, rate, peak).ratio.in(one), use));
  });
  holds("more processors take less time but as much processor time and energy; more tokens in proportion", [] {
    auto const tokens = static_cast<double>(size(1, 1'000'000'000)) * token;
    auto const rate = any_rate();
    auto const world = size(1, 4096) * processor;
    auto const k = size(2, 64);
    auto const few = training_time(tokens, rate, world), many = training_time(tokens, rate, k * world);
    RC_ASSERT(near(many.value.coherent() * static_cast<double>(k), few.value.coherent()));
    RC_ASSERT(near(processor_time(many, k * world).value.coherent(), processor_time(few, world).value.coherent()));
    auto const power = static_cast<double>(size(1, 1000)) * watt / processor;
    RC_ASSERT(near(energy_at_rated_power(many, k * world, power).value.coherent(),
                   energy_at_rated_power(few, world, power).value.coherent()));
    RC_ASSERT(near(training_time(static_cast<double>(k) * tokens, rate, world).value.coherent(),
                   static_cast<double>(k) * few.value.coherent()));
  });
  holds("no step is shorter than its work or its traffic, and at the work's time MFU is 100 %", [] {
    auto const run = any_run();
    auto const peak = any_peak();
    auto const work = flops::palm::per_token(run.model, run.sequence_length);
    auto const traffic = zero_traffic(parameters(run.model).total, any_bytes(), any_stage(), processors(run.cluster),
                                      run.gradient_accumulation_steps, gradient_reduction::each_step);
    auto const bound = bound_of_step(run, work, peak, traffic).value;
    RC_ASSERT((bound.whole() >= bound.computation && bound.whole() >= *bound.communication));
    RC_ASSERT((bound.whole() == bound.computation || bound.whole() == *bound.communication));
    RC_ASSERT(bound.is_of_communication() == (bound.whole() > bound.computation));
    RC_ASSERT(near(mfu_at<flops::palm>(run, peak, bound.computation).value.coherent(), 1));
    RC_ASSERT(mfu_at<flops::palm>(run, peak, bound.whole()).value.coherent() <= 1 + 1e-12);
    auto unlinked = run;
    unlinked.processor.link_bandwidth = {};
    RC_ASSERT(bound_of_step(unlinked, work, peak, traffic).value.whole() == bound.computation);
  });
}

TEST_CASE("batch and cluster") {
  holds("what the samples are made of does not matter to their number; twice the nodes, twice the samples", [] {
    auto run = any_run();
    auto const batch = global_batch_size(run);
    RC_ASSERT(tokens_per_step(run) == batch * run.sequence_length);
    auto exchanged = run;
    exchanged.micro_batch_size = run.gradient_accumulation_steps.coherent() * sample / (replica * micro_step);
    exchanged.gradient_accumulation_steps = run.micro_batch_size.coherent() * micro_step / step;
    RC_ASSERT(global_batch_size(exchanged) == batch);
    run.cluster.nodes = 2 * run.cluster.nodes;
    RC_ASSERT((global_batch_size(run) == 2 * batch && replicas(run.cluster) == 2 * replicas(exchanged.cluster)));
  });
  holds("a split that does not divide the world is refused", [] {
    auto c = any_cluster();
    c.context_parallel = processors(c).coherent() + size(1, 100);
    RC_ASSERT_THROWS_AS(replicas(c), precondition_error);
  });
}

TEST_CASE("frozen weights and adapters") {
  holds("adapters: in proportion to the rank, of two sets of matrices their sum, fused no more", [] {
    auto const model = any_dense();
    auto const rank = size(1, 64), k = size(1, 8);
    auto of_some = any_adapters(rank);
    auto const some = trained_parameters(model, of_some);
    of_some.rank = k * rank;
    RC_ASSERT(trained_parameters(model, of_some) == k * some);
    of_some.fused = false;
    auto const apart = trained_parameters(model, of_some);
    RC_ASSERT(k * some <= apart);
    auto of_others = of_some;
    for (bool low_rank_adapters::*matrix :
         {&low_rank_adapters::query, &low_rank_adapters::key, &low_rank_adapters::value, &low_rank_adapters::output,
          &low_rank_adapters::gate, &low_rank_adapters::up, &low_rank_adapters::down}) {
      of_others.*matrix = !(of_some.*matrix);
    }
    RC_ASSERT(apart + trained_parameters(model, of_others) == trained_parameters(model, {.rank = k * rank}));
  });
  holds("freezing saves at most a third; recomputation is what it was", [] {
    auto const model = any_shape();
    auto const s = any_length();
    using frozen = flops::frozen<flops::causal>;
    auto const whole = of<flops::causal>(model, s), left = of<frozen>(model, s);
    RC_ASSERT((left < whole && left * 3 >= whole * 2 * (1 - 1e-12)));
    RC_ASSERT(
        near(of<flops::frozen<flops::six_n_matmul>>(model, s), 4.0 * static_cast<double>(parameters(model).matmul)));
    auto const added = [&]<recompute Recompute>() {
      RC_ASSERT(near(of<hardware_work<frozen, Recompute>>(model, s) + whole,
                     of<hardware_work<flops::causal, Recompute>>(model, s) + left));
    };
    added.template operator()<recompute::selective>();
    added.template operator()<recompute::layers>();
    added.template operator()<recompute::all>();
  });
}

TEST_CASE("mixed precision, packs, further tokens") {
  holds("the order of the shares does not matter, nor whether those of one peak stand together", [] {
    std::vector<precision_share> shares(static_cast<std::size_t>(size(1, 6)));
    for (auto& each : shares)
      each = {flop_per_token_t::from_coherent(static_cast<double>(size(1, 1'000'000))), any_peak()};
    auto const rate = any_rate();
    auto const use = mixed_utilization(rate, shares).coherent();
    auto backwards = shares;
    std::ranges::reverse(backwards);
    RC_ASSERT(near(mixed_utilization(rate, backwards).coherent(), use));
    auto split = shares;
    auto const half = flop_per_token_t::from_coherent(split.front().work.coherent() / 2);
    split.front().work = half;
    split.push_back({half, split.front().peak});
    RC_ASSERT(near(mixed_utilization(rate, split).coherent(), use));
    RC_ASSERT(near(mixed_peak(split).coherent(), mixed_peak(shares).coherent()));
    shares.back().peak.rate = 0.5 * shares.back().peak.rate;
    RC_ASSERT(mixed_utilization(rate, shares).coherent() > use);
  });
  holds("a pack's order does not matter, nor how often it comes; two documents cost less than one of both", [] {
    auto const model = any_dense();
    std::vector<sequence_length_t> pack(static_cast<std::size_t>(size(2, 12)));
    for (auto& each : pack) each = any_length();
    auto const work = packed_per_token<flops::causal>(model, pack).coherent();
    auto twice = pack;
    twice.insert(twice.end(), pack.rbegin(), pack.rend());
    RC_ASSERT(near(packed_per_token<flops::causal>(model, twice).coherent(), work));
    RC_ASSERT(near(mean_context(twice).coherent(), mean_context(pack).coherent()));
    auto joined = pack;
    joined[1] += joined[0];
    joined.erase(joined.begin());
    RC_ASSERT(work < packed_per_token<flops::causal>(model, joined).coherent());
    RC_ASSERT(mean_context(pack) < mean_context(joined));
  });
  holds("a layer that predicts a further token costs a layer and an output product at least", [] {
    auto model = any_shape();
    model.prediction_layers = 1;
    auto const s = any_length();
    using mtp = flops::with_prediction_layers<flops::six_n_matmul>;
    auto const added = of<mtp>(model, s) - of<flops::six_n_matmul>(model, s);
    auto const output = 6.0 * static_cast<double>(model.vocabulary) * static_cast<double>(model.hidden);
    auto const joined = 12.0 * static_cast<double>(model.hidden) * static_cast<double>(model.hidden);
    RC_ASSERT(added > output + joined);
    if (model.moe.layers > 0) return;
    auto const layers = 6.0 * static_cast<double>(layers_matmul_parameters(model));
    RC_ASSERT(near((added - output - joined) * static_cast<double>(model.layers), layers));
  });
}

TEST_CASE("traps") {
  holds("of its own peak no device is suspected at or below 100 %, and above it always refused", [] {
    auto const& d = any_device();
    for (auto const& own : d.peaks) {
      if (!own) continue;
      auto const ratio = static_cast<double>(size(0, 100)) / 100;
      RC_ASSERT(!implausible(ratio * one, *own, d));
      RC_ASSERT(likely_traps(ratio * one, *own, d).empty());
      auto const refused = implausible((ratio + 1.001) * one, *own, d);
      RC_ASSERT(refused.has_value());
      RC_ASSERT(refused->ratio == ratio + 1.001);
      for (auto const& trap : refused->traps) RC_ASSERT((trap.factor > 1 && (ratio + 1.001) / trap.factor <= 1));
    }
  });
  holds("the likeliest trap explains, and none that explains is nearer to 45 %", [] {
    auto const& d = any_device();
    if (!d.peaks.front()) return;
    auto const own = *d.peaks.front();
    auto const c = any_cluster();
    auto const ratio = 1 + static_cast<double>(size(1, 100'000)) / 100;
    auto const off = [&](double factor) { return std::abs(std::log(ratio / factor / 0.45)); };
    auto const likeliest = likely_rate_trap(ratio, own, d, c);
    bool any = false;
    for (auto const& trap : rate_traps(own, d, c)) {
      if (!explains(trap, ratio)) continue;
      any = true;
      RC_ASSERT(ratio / trap.factor <= 1);
      RC_ASSERT(off(likeliest->factor) <= off(trap.factor) + 1e-12);
    }
    RC_ASSERT(likeliest.has_value() == any);
  });
  holds("a rate taken wrongly is too high by the trap's factor, whatever rate it was", [] {
    auto const c = any_cluster();
    auto const tokens = static_cast<double>(size(1, 1'000'000)) * token;
    auto const time = static_cast<double>(size(1, 1000)) * second;
    auto const right = tokens_per_processor_second(tokens, time, processors(c)).coherent();
    auto const nodes = static_cast<double>(c.nodes.coherent());
    auto const wrong = (tokens / time).coherent() / static_cast<double>(c.per_node.coherent()) * nodes;
    auto const traps = rate_traps(any_peak(), devices::nvidia_h100_sxm, c);
    auto const factor = [&](std::string_view name) { return std::ranges::find(traps, name, &rate_trap::name)->factor; };
    RC_ASSERT(near(wrong, right * factor("nodes squared")));
    RC_ASSERT(near((tokens / time).coherent(), right * factor("whole job's rate")));
  });
  holds("suspicions of a peak do not depend on its unit of account: twice and half of it are found on any device", [] {
    auto const& d = any_device();
    for (auto const& own : d.peaks) {
      if (!own) continue;
      auto twice = *own, half = *own;
      twice.rate = 2.0 * own->rate;
      half.rate = 0.5 * own->rate;
      RC_ASSERT(!likely_traps(0.3 * one, twice, d).empty());
      RC_ASSERT(!likely_traps(0.3 * one, half, d).empty());
    }
  });
}
