// MFU and HFU against published rows.
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

#include <limits>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr auto per_processor = token / (processor * second);

constexpr training_case llama2_7b_on(device const& processor, std::int64_t sequence_length) {
  return {.model = models::llama2_7b, .processor = processor, .precision = fp16,
          .cluster = {.per_node = 8 * units::processor / node},
          .micro_batch_size = 1 * sample / (replica * micro_step), .sequence_length = sequence_length * token / sample};
}
constexpr bool rounds_to(double ratio, double published_percent) {
  double const difference = ratio * 100 - published_percent;
  return difference < 0.005 && difference > -0.005;
}
constexpr bool row(device const& processor, std::int64_t sequence_length, double rate, double flagperf, double palm,
                   double causal) {
  auto const run = llama2_7b_on(processor, sequence_length);
  return rounds_to(mfu<flops::flagperf_nominal>(run, rate * per_processor)->ratio.in(one), flagperf) &&
         rounds_to(mfu<flops::palm>(run, rate * per_processor)->ratio.in(one), palm) &&
         rounds_to(mfu<flops::causal>(run, rate * per_processor)->ratio.in(one), causal);
}

// FlagPerf's published rows, restated.
static_assert(row(devices::nvidia_a800_80gb, 4096, 3564, 47.98, 52.64, 48.96));
static_assert(row(devices::nvidia_a800_80gb, 2048, 3917, 52.73, 53.81, 51.79));
static_assert(row(devices::nvidia_a800_80gb, 2048, 4062, 54.68, 55.81, 53.71));
static_assert(row(devices::nvidia_h800_sxm, 4096, 7151, 30.37, 33.32, 30.99));

// PaLM 540B: 238.3e3 token/s on 6144 TPU v4 at 275e12, from 540.35 B parameters: 45.7 % without
// and 46.2 % with the attention term.
constexpr double palm_rate = 238.3e3 / 6144;
constexpr double palm_attention = 12.0 * 118 * 48 * 256 * 2048;
static_assert(palm_rate * 6 * 540.35e9 / 275e12 > 0.4565 && palm_rate * 6 * 540.35e9 / 275e12 < 0.4575);
static_assert(palm_rate * (6 * 540.35e9 + palm_attention) / 275e12 > 0.4615 &&
              palm_rate * (6 * 540.35e9 + palm_attention) / 275e12 < 0.4625);

// R300 at 1000 tokens/p/s under the four peaks that FlagPerf's configs state for it.
constexpr double at_peak(peak_rate const& peak) {
  return mfu<flops::palm>(models::llama2_7b, 512 * token / sample, 1000.0 * per_processor, peak).ratio.in(percent);
}
static_assert(at_peak(*peak(devices::kunlunxin_r300, fp16)) > 31.55 &&
              at_peak(*peak(devices::kunlunxin_r300, fp16)) < 31.65);
static_assert(at_peak(*devices::kunlunxin_r300.alternatives[0]) > 15.75 &&
              at_peak(*devices::kunlunxin_r300.alternatives[0]) < 15.85);
static_assert(at_peak(*devices::kunlunxin_r300.alternatives[1]) > 8.15 &&
              at_peak(*devices::kunlunxin_r300.alternatives[1]) < 8.25);
static_assert(at_peak(*devices::kunlunxin_r300.alternatives[2]) > 4.05 &&
              at_peak(*devices::kunlunxin_r300.alternatives[2]) < 4.15);

// Results of two conventions, and MFU and HFU, do not mix.
using palm_mfu = utilization<model_work<flops::palm>>;
static_assert(!std::is_convertible_v<palm_mfu, utilization<model_work<flops::causal>>>);
static_assert(!std::is_convertible_v<palm_mfu, utilization<hardware_work<flops::palm, recompute::layers>>>);
static_assert(std::is_convertible_v<palm_mfu, palm_mfu>);
static_assert(calculator<utilization_calculator<model_work<flops::palm>>>);
}  // namespace

TEST_CASE("an unknown or confidential peak gives no number but a reason") {
  auto run = llama2_7b_on(device{.name = "unheard of"}, 512);
  auto const none = mfu<flops::palm>(run, 1000.0 * per_processor);
  CHECK(!none);
  CHECK(none.reason() == "no peak is known for this device at this precision");
  run.processor.peaks[0] = peak_rate{fp16, -1.0 * flop / (processor * second), "config"};
  CHECK(mfu<flops::palm>(run, 1000.0 * per_processor).reason() == "the peak of this device is confidential");
  CHECK_THROWS_AS(mfu<flops::palm>(run.model, run.sequence_length, 1.0 * per_processor, *run.processor.peaks[0]),
                  precondition_error);
}

TEST_CASE("a result carries its peak, the peak's source and its work") {
  auto const run = llama2_7b_on(devices::kunlunxin_r300, 512);
  auto const value = hfu<flops::palm, recompute::layers>(run, 1000.0 * per_processor);
  REQUIRE(value);
  CHECK(value->peak.rate == 128e12 * flop / (processor * second));
  CHECK(value->peak.source.find("R480-X8") != std::string_view::npos);
  CHECK(value->flop_per_token == 53'668'216'832 * flop / token);
  CHECK(value->ratio.in(one) == doctest::Approx(1000.0 * 53'668'216'832.0 / 128e12).epsilon(1e-14));
}

TEST_CASE("an unnamed model has no nominal MFU, and an unmeasured run none at all") {
  auto run = llama2_7b_on(devices::kunlunxin_r300, 512);
  CHECK(mfu<flops::palm>(run, interval{}).reason() == "no step has been measured after warm-up");
  run.model.nominal_parameters = 0;
  CHECK(mfu<flops::flagperf_nominal>(run, 1.0 * per_processor).reason() == "this model has no advertised size");
}

TEST_CASE("more than 100 % of a run's own peak is refused, and the likely trap is named") {
  auto run = llama2_7b_on(devices::nvidia_a800_80gb, 4096);
  run.cluster.nodes = 2 * node;
  CHECK(mfu<flops::palm>(run, 4 * 3564.0 * per_processor).reason() ==
        "above 100 % of the peak; likely a rate divided by processors a node and multiplied by nodes");
  CHECK(mfu<flops::palm>(run, 16 * 3564.0 * per_processor).reason() ==
        "above 100 % of the peak; likely the job's rate called one processor's");
  CHECK(mfu<flops::palm>(run, 1e9 * per_processor).reason() == "above 100 % of the peak; no known trap fits");
  CHECK(mfu<flops::palm>(run, -1.0 * per_processor).reason() ==
        "a utilization of at least 0 % was needed, and a number");
  CHECK(mfu<flops::palm>(run, std::numeric_limits<double>::quiet_NaN() * per_processor).reason() ==
        "a utilization of at least 0 % was needed, and a number");

  auto fp8_work = llama2_7b_on(devices::nvidia_h100_sxm, 4096);
  fp8_work.precision = bf16;
  fp8_work.cluster.per_node = 1 * processor / node;
  CHECK(mfu<flops::causal>(fp8_work, 28'000.0 * per_processor).reason() ==
        "above 100 % of the peak; likely products in a faster precision than the peak's");
}

TEST_CASE("PaLM's attention may count more than is computed, a causal convention does not") {
  auto run = llama2_7b_on(devices::nvidia_a800_80gb, 131'072);
  run.cluster.per_node = 1 * processor / node;
  auto const rate = 1.2 * 312e12 / flops::palm::per_token(run.model, run.sequence_length).coherent() * per_processor;
  CHECK(mfu<flops::palm>(run, rate).reason() ==
        "above 100 % of the peak; likely a convention that counts the pairs a causal mask leaves out");
  REQUIRE(mfu<flops::causal>(run, rate));
  CHECK(mfu<flops::causal>(run, rate)->ratio < 0.8 * one);
}
