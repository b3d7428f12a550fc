// What must hold of any shape, length, cluster and rate: identities between conventions, monotonicity in
// every size, units there and back, invariance of scale. rapidcheck draws the cases and shrinks what fails.
#include <kunmetrics/communication.hpp>
#include <kunmetrics/conventions.hpp>
#include <kunmetrics/fine_tuning.hpp>
#include <kunmetrics/memory.hpp>
#include <kunmetrics/mixed_precision.hpp>
#include <kunmetrics/multi_token_prediction.hpp>
#include <kunmetrics/packed.hpp>
#include <kunmetrics/projection.hpp>
#include <kunmetrics/utilization.hpp>

#include "properties/drawn.hpp"

#include <vector>

using namespace drawn;

TEST_CASE("identities between conventions") {
  holds("attention of causal is half of palm's where there is no window", [] {
    auto model = any_shape();
    model.windowed = {};
    auto const s = any_length();
    auto const whole = of<flops::palm>(model, s) - of<flops::six_n_matmul>(model, s);
    RC_ASSERT(near(of<flops::causal>(model, s) - of<flops::six_n_matmul>(model, s), whole / 2));
    RC_ASSERT(near(of<flops::causal_half_window>(model, s), of<flops::causal>(model, s)));
  });
  holds("every convention's layers and attention are parts of it", [] {
    auto const model = any_shape();
    auto const s = any_length();
    flops::for_each_convention([&]<typename Convention>(Convention) {
      if constexpr (layered_convention<Convention>) {
        auto const attention = Convention::attention_per_token(model, s),
                   layers = Convention::layers_per_token(model, s);
        RC_ASSERT(attention.coherent() >= 0);
        RC_ASSERT(attention <= layers);
        RC_ASSERT(layers <= Convention::per_token(model, s));
      }
    });
  });
  holds("weights that are left out are what the names say", [] {
    auto const model = any_shape();
    auto const s = any_length();
    auto const counts = parameters(model);
    auto const look_ups = counts.positions + (model.tied_embedding ? 0 : counts.embedding);
    RC_ASSERT(of<flops::six_n>(model, s) - of<flops::six_n_no_embedding>(model, s) ==
              6.0 * static_cast<double>(look_ups));
    RC_ASSERT(near(of<flops::causal>(model, s) - of<flops::causal_no_router>(model, s),
                   6.0 * static_cast<double>(counts.router)));
    RC_ASSERT(of<flops::palm_n_total>(model, s) - of<flops::six_n>(model, s) ==
              of<flops::palm>(model, s) - of<flops::six_n_matmul>(model, s));
  });
  holds("parts of a model are at most the whole, and in a dense one all are met", [] {
    auto const dense = any_dense();
    RC_ASSERT(parameters(dense).active == parameters(dense).total);
    auto const counts = parameters(any_shape());
    RC_ASSERT(counts.active <= counts.total);
    RC_ASSERT(counts.router <= counts.matmul);
  });
  holds("recomputation: none, attention, layers, all, each at least the one before and at most 4/3", [] {
    auto const model = any_shape();
    auto const s = any_length();
    auto const none = of<hardware_work<flops::palm, recompute::none>>(model, s);
    auto const selective = of<hardware_work<flops::palm, recompute::selective>>(model, s);
    auto const layers = of<hardware_work<flops::palm, recompute::layers>>(model, s);
    auto const all = of<hardware_work<flops::palm, recompute::all>>(model, s);
    RC_ASSERT(none == of<flops::palm>(model, s));
    RC_ASSERT((none <= selective && selective <= layers && layers <= all));
    RC_ASSERT(near(all * 3, none * 4));
  });
  holds("frozen weights: attention whole, two thirds of the rest; adapters add six each", [] {
    auto const model = any_dense();
    auto const s = any_length();
    auto const attention = flops::palm::attention_per_token(model, s).coherent();
    auto const frozen = of<flops::frozen<flops::palm>>(model, s);
    RC_ASSERT(near((frozen - attention) * 3, (of<flops::palm>(model, s) - attention) * 2));
    constexpr low_rank_adapters adapters{.rank = 4};
    auto const with_adapters = of<flops::low_rank<flops::palm, adapters>>(model, s);
    RC_ASSERT(near(with_adapters - frozen, 6.0 * static_cast<double>(trained_parameters(model, adapters))));
  });
  holds("prediction layers add evenly, and none adds nothing", [] {
    auto model = any_shape();
    auto const s = any_length();
    using mtp = flops::with_prediction_layers<flops::causal>;
    auto const base = of<mtp>(model, s);
    RC_ASSERT(base == of<flops::causal>(model, s));
    model.prediction_layers = 1;
    auto const one_more = of<mtp>(model, s) - base;
    model.prediction_layers = size(2, 5);
    RC_ASSERT(near(of<mtp>(model, s) - base, static_cast<double>(model.prediction_layers) * one_more));
  });
}

TEST_CASE("monotonicity") {
  holds("FLOP per token grow with every size of the model", [] {
    auto const model = any_dense();
    auto const larger = enlarged(model);
    auto const s = any_length();
    RC_ASSERT(parameters(model).total < parameters(larger).total);
    RC_ASSERT(of<flops::palm>(model, s) < of<flops::palm>(larger, s));
    RC_ASSERT(of<flops::causal_exact>(model, s) < of<flops::causal_exact>(larger, s));
    RC_ASSERT(of<flops::six_n>(model, s) < of<flops::six_n>(larger, s));
    RC_ASSERT(of<flops::lingua>(model, s) <= of<flops::lingua>(larger, s));
  });
  holds("and never fall with the sequence length, whose keys a window bounds", [] {
    auto const model = any_shape();
    auto const s = any_length();
    auto const longer = s + size(1, 1000) * token / sample;
    flops::for_each_convention([&]<typename Convention>(Convention) {
      if constexpr (layered_convention<Convention>) {
        RC_ASSERT(of<Convention>(model, s) <= of<Convention>(model, longer));
      }
    });
    for (auto const span : {attention_span::every, attention_span::half, attention_span::exact}) {
      auto const window = size(1, 4096);
      RC_ASSERT(keys_per_query(span, s.coherent(), window) <= static_cast<double>(window));
      RC_ASSERT(keys_per_query(span, s.coherent(), window) <= keys_per_query(span, s.coherent()));
    }
  });
  holds("half of the square, the pairs of the mask, the square", [] {
    auto const s = size(1, 10'000), window = size(0, 10'000);
    auto const half = keys_per_query(attention_span::half, s, window),
               exact = keys_per_query(attention_span::exact, s, window);
    RC_ASSERT((half < exact && exact <= keys_per_query(attention_span::every, s, window)));
    RC_ASSERT(exact - half <= 0.5 + 1e-9);
  });
  holds("chosen experts cost, idle ones do not", [] {
    auto model = any_dense();
    model.moe = {.experts = size(3, 32), .active = 1, .expert_ffn = size(1, 512), .layers = model.layers};
    auto more_chosen = model, more_idle = model;
    ++more_chosen.moe.active;
    ++more_idle.moe.experts;
    auto const s = any_length();
    RC_ASSERT(of<flops::causal_no_router>(model, s) < of<flops::causal_no_router>(more_chosen, s));
    RC_ASSERT(of<flops::causal_no_router>(model, s) == of<flops::causal_no_router>(more_idle, s));
    RC_ASSERT(parameters(model).total < parameters(more_idle).total);
  });
  holds("memory falls with the stage and the ranks, activations with tensor parallelism and recomputation", [] {
    auto const n = size(1, 1'000'000'000);
    auto const ranks = size(2, 512) * replica;
    auto const state = [&](zero_stage stage) { return model_state_memory(n, mixed_precision_adam, stage, ranks); };
    RC_ASSERT((state(zero_stage::none) > state(zero_stage::optimizer) &&
               state(zero_stage::optimizer) > state(zero_stage::gradients) &&
               state(zero_stage::gradients) > state(zero_stage::parameters)));
    auto const model = any_dense();
    auto const s = any_length();
    auto const kept = [&](std::int64_t tensor, recompute recomputed) {
      return activation_memory(model, s, size(1, 1) * sample / (replica * micro_step), {.tensor = tensor}, recomputed);
    };
    auto const t = size(1, 8);
    RC_ASSERT(kept(t + 1, recompute::none) < kept(t, recompute::none));
    RC_ASSERT((kept(t, recompute::layers) < kept(t, recompute::selective) &&
               kept(t, recompute::selective) < kept(t, recompute::none)));
  });
  holds("a gather never sends all, a reduction twice as much; ZeRO-3 sends half more than ZeRO-2", [] {
    auto const n = size(1, 1'000'000'000);
    auto const ranks = size(2, 4096) * processor;
    auto const traffic = [&](zero_stage stage) {
      return zero_traffic(n, mixed_precision_adam, stage, ranks, 1 * micro_step / step, gradient_reduction::each_step)
          .total()
          .coherent();
    };
    RC_ASSERT(all_gather(2 * n * byte, ranks).coherent() < static_cast<double>(2 * n));
    RC_ASSERT(all_reduce(n * byte, ranks) == 2.0 * all_gather(n * byte, ranks));
    RC_ASSERT(near(traffic(zero_stage::parameters) * 2, traffic(zero_stage::gradients) * 3));
    RC_ASSERT(near(traffic(zero_stage::none), traffic(zero_stage::optimizer)));
  });
}

TEST_CASE("units there and back, and scale") {
  holds("a number of units is that number", [] {
    auto const whole = size(-1'000'000, 1'000'000);
    auto const x = static_cast<double>(whole);
    RC_ASSERT((whole * token).in(token) == whole);
    RC_ASSERT((whole * GiB).in(GiB) == x);
    RC_ASSERT(near((x * millisecond).in(millisecond), x));
    RC_ASSERT(near((x * percent).in(percent), x));
    RC_ASSERT(near((x * gigaflop).in(teraflop) * 1000, x));
    RC_ASSERT(near((x * hour).in(second), x * 3600));
    RC_ASSERT(near((x * token / (processor * second)).in(token / (processor * hour)) / 3600, x));
  });
  holds("throughput: twice the tokens in twice the time is the same rate, over twice the processors half", [] {
    auto const tokens = size(1, 1'000'000'000) * token;
    auto const time = static_cast<double>(size(1, 100'000)) * millisecond;
    auto const k = size(1, 100);
    auto const world = size(1, 4096) * processor;
    auto const rate = tokens_per_processor_second(tokens, time, world).coherent();
    RC_ASSERT(near(tokens_per_processor_second(k * tokens, static_cast<double>(k) * time, world).coherent(), rate));
    RC_ASSERT(near(tokens_per_processor_second(tokens, time, k * world).coherent() * static_cast<double>(k), rate));
    RC_ASSERT(
        near(tokens_per_processor_second(tokens, time, 1 * processor).coherent(), throughput(tokens, time).coherent()));
  });
  holds("utilization: in proportion to the rate, inversely to the peak, HFU at least MFU", [] {
    auto const model = any_shape();
    auto const s = any_length();
    auto const rate = any_rate();
    auto const peak = any_peak();
    auto const k = static_cast<double>(size(1, 64));
    auto faster = peak;
    faster.rate = k * peak.rate;
    auto const use = mfu<flops::palm>(model, s, rate, peak).ratio.in(one);
    RC_ASSERT(near(mfu<flops::palm>(model, s, k * rate, peak).ratio.in(one), k * use));
    RC_ASSERT(near(mfu<flops::palm>(model, s, k * rate, faster).ratio.in(one), use));
    auto const hardware = hfu<flops::palm, recompute::layers>(model, s, rate, peak).ratio.in(one);
    RC_ASSERT(hardware >= use);
  });
  holds("batch: world = replicas * TP * PP * CP, and the identity of the global batch", [] {
    auto const c = any_cluster();
    RC_ASSERT(replicas(c).coherent() * c.tensor_parallel * c.pipeline_parallel * c.context_parallel ==
              processors(c).coherent());
    auto const micro = size(1, 64) * sample / (replica * micro_step);
    auto const accumulation = size(1, 64) * micro_step / step;
    auto const batch = global_batch_size(micro, accumulation, replicas(c));
    require_global_batch_size(batch, micro, accumulation, replicas(c));
    RC_ASSERT_THROWS_AS(require_global_batch_size(batch + 1 * sample / step, micro, accumulation, replicas(c)),
                        precondition_error);
    RC_ASSERT(tokens_per_step(batch, any_length()).coherent() % batch.coherent() == 0);
  });
  holds("packs: of one length that length's work, of many no more than as one sequence", [] {
    auto const model = any_dense();
    auto const lengths = *rc::gen::resize(
        20, rc::gen::nonEmpty(rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(1, 4096))));
    std::vector<sequence_length_t> pack, same;
    sequence_length_t sum{};
    for (auto const length : lengths) {
      pack.push_back(length * token / sample);
      same.push_back(pack.front());
      sum += pack.back();
    }
    auto const work = packed_per_token<flops::causal>(model, pack).coherent();
    RC_ASSERT(near(packed_per_token<flops::causal>(model, same).coherent(), of<flops::causal>(model, pack.front())));
    RC_ASSERT(work <= of<flops::causal>(model, sum) * (1 + 1e-12));
    auto const context = mean_context(pack).coherent();
    auto const attention = flops::causal::attention_per_token(model, 1 * token / sample).coherent();
    RC_ASSERT(near(work, of<flops::six_n_matmul>(model, sum) + attention * context));
  });
  holds("mixed precision: between its peaks, the same as MFU when they are one", [] {
    auto const model = any_dense();
    auto const s = any_length();
    auto const rate = any_rate();
    auto slow = any_peak(), fast = any_peak();
    if (fast.rate < slow.rate) std::swap(slow, fast);
    auto const mixed = weights_and_attention<flops::causal>(model, s, fast, slow);
    auto const peak = mixed_peak(mixed).coherent();
    RC_ASSERT(peak >= slow.rate.coherent() * (1 - 1e-12));
    RC_ASSERT(peak <= fast.rate.coherent() * (1 + 1e-12));
    auto const alike = weights_and_attention<flops::causal>(model, s, fast, fast);
    RC_ASSERT(near(mixed_utilization(rate, alike).in(one), mfu<flops::causal>(model, s, rate, fast).ratio.in(one)));
  });
}

TEST_CASE("time, processors and tokens of a projection fit each other") {
  CHECK(rc::check("enough processors are enough, and one fewer are not", [] {
    auto const tokens = static_cast<double>(size(1, 1'000'000'000'000)) * token;
    auto const rate = static_cast<double>(size(1, 100'000)) * token / (processor * second);
    auto const time = static_cast<double>(size(1, 10'000'000)) * second;
    auto const needed = processors_needed(tokens, rate, time).value;
    RC_ASSERT(needed >= 1 * processor);
    RC_ASSERT(training_time(tokens, rate, needed).value.coherent() <= time.coherent() * (1 + 1e-12));
    if (needed == 1 * processor) return;
    RC_ASSERT(training_time(tokens, rate, needed - 1 * processor).value.coherent() > time.coherent() * (1 - 1e-12));
  }));
}
