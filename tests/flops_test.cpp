// FLOP per token of llama2-7b under every convention: GFLOP at S = 512, 2048, 4096 as published to
// six decimals, and the exact integers worked out by hand from the formulas.
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

template <typename Work>
constexpr double of(std::int64_t sequence_length, transformer const& model = models::llama2_7b) {
  return Work::per_token(model, sequence_length * token / sample).in(flop / token);
}
constexpr bool near(double flop, double giga) {
  double const difference = flop - giga * 1e9;
  return (difference < 0 ? -difference : difference) <= 500.5;  // half of the sixth decimal of a GFLOP
}
template <typename Work>
constexpr bool row(double s512, double s2048, double s4096) {
  return near(of<Work>(512), s512) && near(of<Work>(2048), s2048) && near(of<Work>(4096), s4096);
}
template <typename Convention>
using layers = hardware_work<Convention, recompute::layers>;
template <typename Convention>
using everything = hardware_work<Convention, recompute::all>;

static_assert(row<flops::flagperf_nominal>(42.000000, 42.000000, 42.000000));
static_assert(row<flops::six_n>(40.430494, 40.430494, 40.430494));
static_assert(row<flops::six_n_matmul>(39.642464, 39.642464, 39.642464));
static_assert(row<flops::palm>(40.447771, 42.863690, 46.084915));
static_assert(row<flops::palm_n_total>(41.235800, 43.651719, 46.872945));
static_assert(row<flops::causal>(40.045117, 41.253077, 42.863690));
static_assert(row<flops::causal_exact>(40.045904, 41.253863, 42.864476));
static_assert(row<flops::lingua>(40.113824, 41.523110, 43.402158));
static_assert(row<everything<flops::palm>>(53.930361, 57.151586, 61.446554));
static_assert(row<layers<flops::palm>>(53.668217, 56.889442, 61.184410));
static_assert(row<layers<flops::causal>>(53.131346, 54.741959, 56.889442));

// Exact: 6 * 6 607 077 376 + 12 * 32 * 32 * 128 * S, and so on.
static_assert(of<flops::palm>(4096) == 6 * 6'607'077'376 + 12LL * 32 * 32 * 128 * 4096);
static_assert(of<flops::six_n>(1) == 6 * 6'738'415'616);
static_assert(of<flops::causal_exact>(512) - of<flops::causal>(512) == 6 * 32 * 4096);
static_assert(of<hardware_work<flops::palm, recompute::selective>>(512) - of<flops::palm>(512) ==
              4LL * 32 * 4096 * 512);
static_assert(of<hardware_work<flops::palm, recompute::none>>(512) == of<flops::palm>(512));
static_assert(of<flops::palm>(2048) == of<flops::causal>(4096), "half the attention of twice the length");

// A third of the work of training is forward, two thirds backward: 2 of 6·N, 4 of 12·L·h·S.
static_assert(flops::flop_per_weight * flops::training_over_forward == 6);
template <typename Convention>
constexpr double forward(std::int64_t s) {
  return of<hardware_work<Convention, recompute::all>>(s) - of<Convention>(s);
}
static_assert(forward<flops::palm>(4096) * flops::training_over_forward == of<flops::palm>(4096));
static_assert(forward<flops::six_n_matmul>(1) == 2 * 6'607'077'376);
static_assert(forward<flops::palm>(4096) == 2 * 6'607'077'376 + 4LL * 32 * 4096 * 4096);
static_assert(of<flops::palm>(4096) - forward<flops::palm>(4096) ==
              flops::backward_over_forward * forward<flops::palm>(4096));
static_assert(of<flops::megatron_model>(1) == 72.0 * 32 * 4096 * 4096 + 12 * 32 * 4096 + 6 * 32000 * 4096);

// The attention term uses heads times head size, which need not be the hidden size (trap 10).
constexpr transformer wide_heads = [] {
  transformer model = models::llama2_7b;
  model.head_size = 256;
  return model;
}();
static_assert(of<flops::palm>(512, wide_heads) - of<flops::six_n_matmul>(512, wide_heads) ==
              2 * (of<flops::palm>(512) - of<flops::six_n_matmul>(512)));

// A convention that does not tell the layers' share has no HFU of layer recomputation.
template <typename Convention>
concept has_layer_recomputation = requires { typename hardware_work<Convention, recompute::layers>; };
static_assert(has_layer_recomputation<flops::palm>);
static_assert(!has_layer_recomputation<flops::lingua>);
static_assert(!has_layer_recomputation<flops::flagperf_nominal>);
}  // namespace

TEST_CASE("the nominal convention needs an advertised size") {
  transformer unnamed = models::llama2_7b;
  unnamed.name = "mine";
  unnamed.nominal_parameters = 0;
  CHECK_THROWS_WITH_AS(flops::flagperf_nominal::per_token(unnamed, 512 * token / sample),
                       "flagperf_nominal: needed a model with an advertised size, received mine", precondition_error);
}

TEST_CASE("conventions are ordered as their terms are, at every length") {
  for (std::int64_t s : {1, 64, 512, 8192, 1 << 20}) {
    CAPTURE(s);
    CHECK(of<flops::six_n_matmul>(s) < of<flops::causal>(s));
    CHECK(of<flops::causal>(s) < of<flops::causal_exact>(s));
    CHECK(of<flops::causal_exact>(s) <= of<flops::palm>(s));
    CHECK(of<flops::palm>(s) < of<flops::palm_n_total>(s));
    CHECK(of<flops::palm>(s) < of<layers<flops::palm>>(s));
    CHECK(of<layers<flops::palm>>(s) < of<everything<flops::palm>>(s));
  }
}
