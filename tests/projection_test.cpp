#include <kunmetrics/projection.hpp>

#include <doctest/doctest.h>

#include <concepts>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto model = models::llama2_7b;
constexpr auto length = 4096 * token / sample;
constexpr peak_rate a100{.at = bf16, .rate = 312e12 * flop / (processor * second), .source = "a test"};

constexpr training_case on_a100s(count_of<node> nodes) {
  return {.model = model,
          .processor = *device_named("A100-SXM4-80GB"),
          .precision = bf16,
          .cluster = {.nodes = nodes, .per_node = 8 * processor / node},
          .micro_batch_size = 1 * sample / (replica * micro_step),
          .gradient_accumulation_steps = 4 * micro_step / step,
          .sequence_length = length};
}
}  // namespace

TEST_CASE("a rate at an MFU is the inverse of the MFU of a rate") {
  auto const rate = rate_at_mfu<flops::palm>(model, length, a100, 0.5 * one).value;
  CHECK(mfu<flops::palm>(model, length, rate, a100).ratio.coherent() == doctest::Approx(0.5).epsilon(1e-15));
  CHECK_THROWS_WITH(rate_at_mfu<flops::palm>(model, length, a100, 1.1 * one), doctest::Contains("an MFU in (0, 1]"));
  CHECK_THROWS_WITH(rate_at_mfu<flops::palm>(model, length, a100, 0.0 * one), doctest::Contains("an MFU in (0, 1]"));
}

TEST_CASE("llama 2's 2 T tokens in its 184 320 GPU hours are a rate of 3014 tokens/p/s") {
  // Touvron et al., Llama 2 (2307.09288), table 2: 184320 hours of A100-80GB for 7B, 2.0 T tokens
  constexpr auto rate = 2e12 * token / (184'320 * 3600.0 * second * processor);
  auto const time = training_time(2e12 * token, rate, 1024 * processor);
  CHECK(time.value.in(hour) == doctest::Approx(180.0));
  CHECK(processor_time(time, 1024 * processor).value.coherent() / 3600 == doctest::Approx(184'320.0));
  CHECK(processors_needed(2e12 * token, rate, time.value).value == 1024 * processor);
  CHECK(processors_needed(2e12 * token, rate, time.value * 0.999).value == 1026 * processor);
  CHECK(energy_at_rated_power(time, 1024 * processor, 400.0 * watt / processor).value.coherent() == doctest::Approx(184'320 * 3600.0 * 400));
}

TEST_CASE("a projection is no measurement: it does not become one by itself") {
  static_assert(!std::convertible_to<projected<token_rate_t>, token_rate_t>);
  static_assert(!std::convertible_to<projected<step_bound>, step_bound>);
}

TEST_CASE("a step is bound by what is slower, its products or its traffic") {
  auto const run = on_a100s(1 * node);
  auto const executed = hardware_work<flops::palm, recompute::layers>::per_token(model, length);
  auto const count = parameters(model).total;
  auto const traffic = [&](training_case const& of) {
    return zero_traffic(count, mixed_precision_adam, zero_stage::parameters, processors(of.cluster),
                        of.gradient_accumulation_steps, gradient_reduction::each_micro_step);
  };
  auto const bound = bound_of_step(run, executed, a100, traffic(run)).value;
  // 4 micro-batches of 4096 tokens a processor
  CHECK(bound.computation.coherent() == doctest::Approx(16'384 * executed.coherent() / 312e12));
  // (4 · 2 gathers + 4 reductions) of 7/8 of 13.5 GB, sent and received over 600 GB/s
  CHECK(bound.communication->coherent() == doctest::Approx(2 * 12 * 0.875 * 2.0 * static_cast<double>(count) / 600e9));
  CHECK(!bound.is_of_communication());
  CHECK(bound.whole() == bound.computation);
  // at the bound HFU is 1, and MFU what recomputation leaves of it
  auto const ceiling = mfu_at<flops::palm>(run, a100, bound.whole()).value.coherent();
  CHECK(ceiling == doctest::Approx(flops::palm::per_token(model, length).coherent() / executed.coherent()));

  auto short_samples = run;
  short_samples.sequence_length = 128 * token / sample;
  auto const of_traffic = bound_of_step(short_samples, executed, a100, traffic(short_samples)).value;
  CHECK(of_traffic.is_of_communication());
  CHECK(of_traffic.whole() == *of_traffic.communication);
  auto unknown = run;
  unknown.processor.link_bandwidth = {};
  auto const half = bound_of_step(unknown, executed, a100, traffic(unknown)).value;
  CHECK(half.communication.reason() == "no link bandwidth is known for this device");
  CHECK(half.whole() == half.computation);
}

TEST_CASE("what is not positive is refused with its value") {
  CHECK_THROWS_WITH(training_time(0.0 * token, 1.0 * token / (processor * second), 1 * processor), doctest::Contains("a positive number of token"));
  CHECK_THROWS_WITH(processors_needed(1.0 * token, 1.0 * token / (processor * second), 0.0 * second), doctest::Contains("a positive number of s"));
  CHECK_THROWS_WITH(processors_needed(1e30 * token, 1e-3 * token / (processor * second), 1.0 * second), doctest::Contains("fewer than 9e15"));
}
