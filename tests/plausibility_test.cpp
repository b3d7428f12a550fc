#include <kunmetrics/plausibility.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto tera = teraflop / (processor * second);

peak_rate given(precision at, double rate) { return {.at = at, .rate = rate * tera, .source = "a configuration"}; }

std::string first(double ratio, peak_rate const& of, device const& d, cluster const& size = {}) {
  auto const traps = likely_traps(ratio * one, of, d, size);
  return traps.empty() ? "" : traps.front().name;
}

bool names(std::vector<likely_trap> const& traps, std::string_view name) {
  return std::ranges::any_of(traps, [&](likely_trap const& trap) { return trap.name == name; });
}
}  // namespace

TEST_CASE("a possible utilization of the device's own peak is not suspected") {
  auto const own = *peak(devices::nvidia_h100_sxm, bf16);
  for (double const ratio : {0.0, 0.5, 1.0}) {
    CHECK(!implausible(ratio * one, own, devices::nvidia_h100_sxm));
    CHECK(likely_traps(ratio * one, own, devices::nvidia_h100_sxm).empty());
  }
}

TEST_CASE("above 100 %, below 0 and not a number are refused") {
  auto const own = *peak(devices::nvidia_h100_sxm, fp8);
  CHECK(implausible(1.001 * one, own, devices::nvidia_h100_sxm)->reason() ==
        "utilization: needed at most 100 %, received 100.1 %; no known trap fits");
  CHECK(implausible(-0.5 * one, own, devices::nvidia_h100_sxm)
            ->reason()
            .starts_with("utilization: needed a number of at least 0 %"));
  CHECK(implausible(std::numeric_limits<double>::quiet_NaN() * one, own, devices::nvidia_h100_sxm));
}

// Megatron-LM issue 1276, Lightning 21677; OLMo-core issue 614.
TEST_CASE("the sparse rate for the dense one, and a peak halved twice") {
  CHECK(first(0.24, given(bf16, 1979), devices::nvidia_h100_sxm) == "sparse peak");
  CHECK(first(0.20, given(bf16, 296), devices::nvidia_h20_96gb) == "sparse peak");
  CHECK(first(1.10, given(bf16, 156), devices::nvidia_a100_80gb) == "peak halved twice");
  CHECK(
      implausible(1.10 * one, given(bf16, 156), devices::nvidia_a100_80gb)->reason() ==
      "utilization: needed at most 100 %, received 110.0 %; likely peak halved twice: the peak is half of the device's dense "
      "bf16 rate: halved as if that were sparse (without it 55.0 %)");
}

// torchtitan issue 4779: 152 % on an H200 whose peak fell back to an A100's.
TEST_CASE("another device's peak") {
  auto const traps = likely_traps(1.52 * one, given(bf16, 312), devices::nvidia_b200_sxm);
  REQUIRE(!traps.empty());
  CHECK(traps.front().name == "peak of another device");
  CHECK(traps.front().explanation.find("NVIDIA A100-SXM4-80GB, a card") != std::string::npos);
  CHECK(traps.front().factor == doctest::Approx(2250.0 / 312));
  CHECK(names(likely_traps(0.04 * one, given(fp16, 1000), devices::kunlunxin_r300),
              "peak of another device"));  // the board's
}

TEST_CASE("a published value that is not used says why") {
  auto const traps = likely_traps(0.158 * one, given(fp16, 256), devices::kunlunxin_r300);
  REQUIRE(!traps.empty());
  CHECK(traps.front().name == "peak that is not used");
  CHECK(traps.front().explanation ==
        "the peak is published by FlagPerf llama2_70B and baichuan2 configs, but not used: the int8 figure");
  CHECK(!names(traps, "sparse peak"));  // the table knows better
  CHECK(names(traps, "peak of another precision"));  // the int8 figure
  CHECK(names(likely_traps(0.08 * one, given(fp16, 495), devices::kunlunxin_r300), "peak that is not used"));
}

// torchtitan issue 560: fp8 work against a bf16 peak.
TEST_CASE("work of a faster precision") {
  CHECK(first(1.2, *peak(devices::nvidia_h100_sxm, bf16), devices::nvidia_h100_sxm) == "work of another precision");
  CHECK(first(1.2, given(bf16, 494.5), devices::nvidia_h100_sxm) == "peak halved twice");
  CHECK(names(likely_traps(1.2 * one, given(bf16, 494.5), devices::nvidia_h100_sxm), "peak of another precision"));
}

TEST_CASE("a die and its card") {
  CHECK(first(0.2, given(bf16, 383), devices::amd_mi250x_gcd) == "card for die");
  CHECK(first(1.1, given(bf16, 191.5), devices::amd_mi250x) == "die for card");
  CHECK(first(1.1, *peak(devices::amd_mi250x_gcd, bf16), devices::amd_mi250x_gcd) == "card for die");
}

// FlagPerf's run_pretraining.py line 141, with two nodes of eight.
TEST_CASE("nodes squared, and the whole job's rate") {
  cluster const two{.nodes = 2 * node, .per_node = 8 * processor / node};
  auto const own = *peak(devices::nvidia_a800_80gb, fp16);
  CHECK(first(4 * 0.4798, own, devices::nvidia_a800_80gb, two) == "nodes squared");
  CHECK(first(16 * 0.4798, own, devices::nvidia_a800_80gb, two) == "whole job's rate");
  CHECK(implausible(4 * 0.4798 * one, own, devices::nvidia_a800_80gb, two)->reason().ends_with("(without it 48.0 %)"));
}

TEST_CASE("a utilization carries its peak") {
  auto const use = mfu<flops::palm>(models::llama2_7b, 4096 * token / sample, 20000.0 * token / (processor * second),
                                    *peak(devices::nvidia_a800_80gb, fp16));
  REQUIRE(implausible(use, devices::nvidia_a800_80gb));
  CHECK(implausible(use, devices::nvidia_a800_80gb)->ratio == doctest::Approx(use.ratio.coherent()));
}
