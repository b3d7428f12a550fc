// The fifteen traps of the field, each as a number that goes wrong and the library's that does not.
// Sources of each: the issues named in its title's comment, collected with the project's research.
#include "hand_clock.hpp"

#include <kunmetrics/audit.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/summary.hpp>

#include <doctest/doctest.h>

#include <chrono>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto per_processor = token / (processor * second);
constexpr auto s4096 = 4096 * token / sample;

template <typename Convention>
constexpr double giga(transformer const& model, std::int64_t length) {
  return Convention::per_token(model, length * token / sample).in(gigaflop / token);
}

using rate_meter = basic_meter<hand_clock, tokens_per_processor_second_t>;

constexpr training_case two_processors{.model = models::llama2_7b,
                                       .processor = devices::nvidia_a800_80gb,
                                       .precision = fp16,
                                       .cluster = {.per_node = 2 * processor / node},
                                       .micro_batch_size = 1 * sample / (replica * micro_step),
                                       .sequence_length = s4096};

void one_step(rate_meter& meter, int milliseconds, std::int64_t tokens) {
  auto running = meter.start();
  hand_clock::at += std::chrono::milliseconds{milliseconds};
  running.finish({.tokens = tokens * token});
}
}  // namespace

// FlagPerf l.141, DeepSpeed#2036
TEST_CASE("trap 1: a / b * c for a / (b * c) is off by nodes squared") {
  auto const rate = 57'024.0 * token / second;
  constexpr auto per_node = 8 * processor / node;
  constexpr auto nodes = 2 * node;
  auto const wrong = rate / per_node * nodes;  // its type says so: token node^2/(processor s)
  CHECK(unit_text<decltype(wrong)> == "token node^2/(processor s)");
  token_rate_t const right = rate / (per_node * nodes);
  CHECK(wrong.coherent() / right.coherent() == 4.0);
}

// FlagPerf#471
TEST_CASE("trap 2: the nominal size without attention flatters at short sequences and hides at long ones") {
  CHECK(giga<flops::flagperf_nominal>(models::llama2_7b, 512) / giga<flops::palm>(models::llama2_7b, 512) ==
        doctest::Approx(1.038).epsilon(1e-3));
  CHECK(giga<flops::flagperf_nominal>(models::llama2_7b, 4096) / giga<flops::palm>(models::llama2_7b, 4096) ==
        doctest::Approx(0.911).epsilon(1e-3));
}

// DeepSpeed#2498, bionemo-recipes#1548
TEST_CASE("trap 3: a micro-batch is no global batch, and the identity is checked") {
  auto const micro = 3 * sample / (replica * micro_step);
  auto const accumulation = 4 * micro_step / step;
  CHECK(global_batch_size(micro, accumulation, 8 * replica) == 96 * sample / step);
  CHECK_THROWS_WITH_AS(require_global_batch_size(24 * sample / step, micro, accumulation, 8 * replica),
                       "global_batch_size: needed LBS * GAS * DP = 3 * 4 * 8 = 96 sample/step, received 24",
                       precondition_error);
  static_assert(!std::is_convertible_v<micro_batch_size_t, global_batch_size_t>);
}

// torchtitan#4779 (152 %), Primus#772 (563 %), llm.c#796 (-100 %)
TEST_CASE("trap 4: an unknown device has no peak, and no other device's") {
  auto run = two_processors;
  run.processor = device_named("NVIDIA GeForce RTX 6090").value_or(device{.name = "NVIDIA GeForce RTX 6090"});
  auto const none = mfu<flops::palm>(run, 1000.0 * per_processor);
  CHECK_FALSE(none);
  CHECK(none.reason() == "no peak is known for this device at this precision");
  run.processor.peaks[0] = peak_rate{fp16, -1.0 * flop / (processor * second), "config"};
  CHECK(mfu<flops::palm>(run, 1000.0 * per_processor).reason() == "the peak of this device is confidential");
}

// Lightning#21677, Megatron-LM#1276, OLMo-core#614
TEST_CASE("trap 5: peaks are dense") {
  CHECK(peak(*device_named("H200"), bf16)->rate == 989e12 * flop / (processor * second));
  CHECK(peak(*device_named("L4"), bf16)->rate == 121e12 * flop / (processor * second));
  CHECK(peak(*device_named("A100"), bf16)->rate == 312e12 * flop / (processor * second));
}

// Lightning, Ray PR 64315, nanochat, KempnerForge
TEST_CASE("trap 6: a device is found by its whole name") {
  CHECK(device_named("L40S")->name == "NVIDIA L40S");
  CHECK_FALSE(device_named("A4000"));
  CHECK(peak(*device_named("H100 PCIe"), bf16)->rate.coherent() == 756e12);
}

// FlagPerf PRs 348, 462, 509; llm.c PR 486; VeOmni#986
TEST_CASE("trap 7: the R300's four peaks stand side by side, one of them used, each with its source") {
  CHECK(peak(devices::kunlunxin_r300, fp16)->rate.coherent() == 128e12);
  for (double const other : {256e12, 495e12, 989e12, 999e12}) {
    CHECK(std::ranges::any_of(devices::kunlunxin_r300.alternatives,
                              [&](auto const& rate) { return rate && rate->rate.coherent() == other; }));
  }
  CHECK_FALSE(peak(devices::kunlunxin_r300, bf16));  // another precision's is not borrowed
}

// maxtext#1972, Megatron-LM#831
TEST_CASE("trap 8: the causal half is part of a result's type") {
  static_assert(!std::is_convertible_v<utilization<model_work<flops::palm>>, utilization<model_work<flops::causal>>>);
  CHECK(giga<flops::palm>(models::llama2_7b, 2048) ==
        giga<flops::causal>(models::llama2_7b, 4096));  // and numbers alone would not tell
}

// torchtitan#452, trl#6708
TEST_CASE("trap 9: the output product counts whether or not its weights are the embedding's") {
  auto tied = models::llama2_7b;
  tied.tied_embedding = true;
  CHECK(giga<flops::palm>(tied, 512) == giga<flops::palm>(models::llama2_7b, 512));
  CHECK(parameters(models::llama2_7b).total - parameters(tied).total == 131'072'000);
}

// NeMo-RL#2736 (1.84 times)
TEST_CASE("trap 10: head size, gate and FFN width are the model's own") {
  transformer qwen{.layers = 28,
                   .hidden = 1024,
                   .heads = 16,
                   .kv_heads = 8,
                   .head_size = 128,
                   .ffn = 3072,
                   .vocabulary = 151936,
                   .tied_embedding = true};
  auto guessed = qwen;
  guessed.head_size = qwen.hidden / qwen.heads;
  auto const attention = [](transformer const& model) {
    return flops::palm::attention_per_token(model, s4096).coherent();
  };
  CHECK(attention(qwen) / attention(guessed) == 2.0);
  auto plain = qwen;
  plain.gated_ffn = false;
  CHECK(layers_matmul_parameters(qwen) - layers_matmul_parameters(plain) == 28LL * 1024 * 3072);
}

// prime-rl#778, maxtext#678
TEST_CASE("trap 11: of a mixture of experts only the chosen ones work") {
  auto const counts = parameters(models::mixtral_8x7b);
  CHECK(counts.total == 46'702'792'704);
  CHECK(counts.active == 12'879'925'248);
  CHECK(giga<flops::six_n>(models::mixtral_8x7b, 1) == doctest::Approx(6 * 12.879925248));
}

// Megatron-LM#1725, torchtitan PR 4300
TEST_CASE("trap 12: a window is at most the sequence") {
  CHECK(keys_per_query(attention_span::exact, 64, 128) * 64 == 2080);
  CHECK(giga<flops::causal>(models::mistral_7b, 2048) == giga<flops::causal>(
                                                             [] {
                                                               auto m = models::mistral_7b;
                                                               m.windowed = {};
                                                               return m;
                                                             }(),
                                                             2048));
  CHECK(giga<flops::causal>(models::mistral_7b, 32768) < giga<flops::causal>(
                                                             [] {
                                                               auto m = models::mistral_7b;
                                                               m.windowed = {};
                                                               return m;
                                                             }(),
                                                             32768));
}

// trl#7100, torchtitan#2983
TEST_CASE("trap 13: ranks that share tokens are one replica") {
  cluster const shared{
      .nodes = 2 * node, .per_node = 8 * processor / node, .tensor_parallel = 2, .context_parallel = 2};
  CHECK(processors(shared) == 16 * processor);
  CHECK(replicas(shared) == 4 * replica);
  auto const batch = global_batch_size(1 * sample / (replica * micro_step), 1 * micro_step / step, replicas(shared));
  CHECK(tokens_per_step(batch, s4096) == 4 * 4096 * token / step);
}

// nanoGPT PR 527, transformers#40560, Primus#842, open-instruct#1032
TEST_CASE("trap 14: a rate is the ratio of sums, warm-up out, time between steps in") {
  hand_clock::at = {};
  rate_meter meter{two_processors, {.warm_up = 1 * step}, {}};
  one_step(meter, 60'000, 1000);  // compiles
  one_step(meter, 1000, 1000);
  one_step(meter, 3000, 1000);
  hand_clock::at += std::chrono::seconds{1};  // a loader between two steps
  one_step(meter, 1000, 1000);
  auto const rate = *meter(tokens_per_processor_second);
  CHECK(rate.coherent() == 3000.0 / 6.0 / 2);                             // 250
  CHECK(rate.coherent() < (1000.0 / 1 + 1000.0 / 3 + 1000.0 / 1) / 3 / 2);  // 389: the mean of rates
}

// Automodel#786, torchtitan#560
TEST_CASE("trap 15: recomputed work is HFU's, and the output product is not computed again") {
  auto const model = model_work<flops::palm>::per_token(models::llama2_7b, s4096).coherent();
  auto const layers = hardware_work<flops::palm, recompute::layers>::per_token(models::llama2_7b, s4096).coherent();
  auto const all = hardware_work<flops::palm, recompute::all>::per_token(models::llama2_7b, s4096).coherent();
  CHECK(all / model == doctest::Approx(4.0 / 3));
  CHECK(all - layers == 2 * 131'072'000.0);
  static_assert(!std::is_convertible_v<utilization<hardware_work<flops::palm, recompute::layers>>,
                                       utilization<model_work<flops::palm>>>);
}
