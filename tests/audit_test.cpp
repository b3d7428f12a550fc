// Each trap as a run that fell into it, and runs that only look odd.
#include <kunmetrics/audit.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;

namespace {
// FlagPerf's A800 row, 3564 token/(processor s) at S = 4096, as an honest log would print it.
audit_facts honest() {
  return {.model = models::llama2_7b,
          .sequence_length = 4096,
          .global_batch_size = 32,
          .micro_batch_size = 1,
          .gradient_accumulation_steps = 4,
          .processors = 8,
          .peak = 312e12,
          .step_time = 32 * 4096 / (8 * 3564.0),
          .tokens_per_second = claim{8 * 3564.0, 1e-4},
          .tokens_per_processor_second = claim{3564.0, 1e-4},
          .mfu = claim{0.52642, 1e-4}};
}

template <typename Change>
audit_result changed(Change change) {
  auto facts = honest();
  change(facts);
  return audit(facts);
}

// Wrong, and the trap among those named.
void falls_into(audit_result const& result, std::string const& trap, double factor) {
  CAPTURE(trap);
  CHECK(result.verdict == audit_verdict::wrong);
  auto const found = std::ranges::find(result.findings, trap, &audit_finding::trap);
  REQUIRE(found != result.findings.end());
  CHECK(found->factor == doctest::Approx(factor).epsilon(0.01));
}
}  // namespace

TEST_CASE("an honest run is consistent, and its convention is named") {
  auto const result = audit(honest());
  CHECK(result.verdict == audit_verdict::consistent);
  CHECK(result.findings.empty());
  CHECK(result.convention() == "palm");
  CHECK(*result.tokens_per_processor_second == doctest::Approx(3564));
  CHECK(result.mfu.at("flagperf_nominal") == doctest::Approx(0.4798).epsilon(1e-3));
  CHECK(result.mfu.at("causal") == doctest::Approx(0.4896).epsilon(1e-3));
}

TEST_CASE("another convention is no mistake") {
  CHECK(changed([](auto& f) { f.mfu = claim{0.47978, 1e-4}; }).convention() == "flagperf_nominal");
  CHECK(changed([](auto& f) { f.mfu = claim{0.48963, 1e-4}; }).convention() == "causal");
  auto const hardware = changed([](auto& f) {
    f.mfu.reset();
    f.flop_rate = claim{3564.0 * 61.18441e9, 1e-4};
  });
  CHECK(hardware.verdict == audit_verdict::consistent);  // FLOP/s may be the hardware's
  CHECK(hardware.convention() == "hfu palm, layers recomputed");
}

TEST_CASE("rates: nodes squared, batch and accumulation, ranks") {
  falls_into(changed([](auto& f) {
               f.nodes = 2;
               f.tokens_per_processor_second = claim{4 * 3564.0, 1e-4};
               f.mfu.reset();
             }),
             "nodes squared", 4);
  falls_into(changed([](auto& f) {
               f.tokens_per_second = claim{2 * 3564.0, 1e-4};
               f.mfu.reset();
               f.tokens_per_processor_second.reset();
             }),
             "gradient accumulation left out", 0.25);
  falls_into(changed([](auto& f) {
               f.tokens_per_second = claim{32 * 3564.0, 1e-4};
               f.mfu.reset();
               f.tokens_per_processor_second.reset();
             }),
             "gradient accumulation counted twice", 4);
  falls_into(changed([](auto& f) {
               f.micro_batch_size = 3;
               f.tokens_per_second = claim{24 * 3564.0, 1e-4};
               f.mfu.reset();
               f.tokens_per_processor_second.reset();
             }),
             "micro-batch counted twice", 3);
  falls_into(changed([](auto& f) { f.tokens_per_second = claim{3564.0, 1e-4}; }), "one rank's rate", 1.0 / 8);
  falls_into(changed([](auto& f) {
               f.tokens_per_processor_second = claim{8 * 3564.0, 1e-4};
               f.mfu.reset();
             }),
             "whole job's rate", 8);
  falls_into(changed([](auto& f) {
               f.context_parallel = 2;
               f.tokens_per_step = 2.0 * 32 * 4096;
               f.mfu.reset();
             }),
             "tokens of shared ranks", 2);
}

TEST_CASE("where two explanations fit, both are said") {
  auto const result = changed([](auto& f) {
    f.nodes = 2;  // nodes squared and the accumulation steps are both 4
    f.tokens_per_processor_second = claim{4 * 3564.0, 1e-4};
    f.mfu.reset();
    f.tokens_per_second.reset();
  });
  falls_into(result, "nodes squared", 4);
  falls_into(result, "gradient accumulation counted twice", 4);
}

TEST_CASE("peaks: sparse, halved twice, of another device, a sentinel, the impossible") {
  falls_into(changed([](auto& f) { f.mfu = claim{0.52642 / 2, 1e-4}; }), "sparse peak", 0.5);
  falls_into(changed([](auto& f) {
               f.mfu = claim{0.52642 / 2, 1e-4};
               f.flop_rate = claim{3564.0 * 46.084915e9, 1e-4};
             }),
             "sparse peak", 2);
  falls_into(changed([](auto& f) { f.mfu = claim{0.52642 * 2, 1e-4}; }), "peak halved twice", 2);
  falls_into(changed([](auto& f) { f.mfu = claim{0.52642 * 312 / 989, 1e-4}; }), "peak of another device", 312.0 / 989);
  falls_into(changed([](auto& f) { f.mfu = claim{-1.0, 1e-3}; }), "unknown device", -1);
  falls_into(changed([](auto& f) { f.mfu = claim{1.52, 1e-3}; }), "impossible MFU", 1.52);
  auto const checks = changed([](auto& f) { f.mfu = claim{1.52, 1e-3}; }).checks;
  CHECK(std::ranges::find(checks, "MFU of at most 1", &audit_check::relation)->ratio == 1.52);
}

TEST_CASE("work: recomputation folded in, grouped queries ignored, experts miscounted") {
  falls_into(changed([](auto& f) { f.mfu = claim{3564.0 * 61.18441e9 / 312e12, 1e-4}; }), "recomputation folded in",
             61.18441 / 46.084915);
  auto const grouped = [](auto& f) {
    f.model = models::llama2_70b;
    auto all_heads = models::llama2_70b;
    all_heads.kv_heads = all_heads.heads;
    auto const work = flops::palm::per_token(all_heads, 4096 * units::token / units::sample).coherent();
    f.mfu = claim{3564.0 * work / 312e13, 1e-4};
    f.peak = 312e13;
  };
  CHECK(changed(grouped).verdict == audit_verdict::wrong);
  auto const experts = [](auto& f) {
    f.model->moe = {.experts = 8, .active = 2, .expert_ffn = 11008, .layers = 32};
    f.mfu = claim{3564.0 * 6 * static_cast<double>(parameters(*f.model).total) / 312e13, 1e-4};
    f.peak = 312e13;
  };
  falls_into(changed(experts), "total instead of active experts", 3.084);
}

TEST_CASE("all conventions that a claim fits are named, the nearest first") {
  auto const result = changed([](auto& f) { f.mfu = claim{3564.0 * 42.863690e9 / 312e12, 1e-4}; });
  CHECK(result.convention().starts_with("causal"));
  for (auto const name : {"causal", "causal_exact", "causal_no_embedding"}) {
    CHECK(std::ranges::count(result.conventions, name) == 1);
  }
  CHECK(std::ranges::count(result.conventions, "palm") == 0);
}

TEST_CASE("recomputation is found over every convention, and is no mistake of FLOP/s alone") {
  auto const length = 4096 * units::token / units::sample;
  auto const all = [&]<typename Convention>(Convention) {
    return 4.0 / 3 * Convention::per_token(models::llama2_7b, length).coherent();
  };
  for (auto const work : {all(flops::palm{}), all(flops::palm_n_total{}), all(flops::causal{})}) {
    falls_into(changed([&](auto& f) { f.mfu = claim{3564.0 * work / 312e12, 1e-4}; }), "recomputation folded in", 4.0 / 3);
    auto const bare = changed([&](auto& f) {
      f.mfu.reset();
      f.flop_rate = claim{3564.0 * work, 1e-4};
    });
    CHECK(bare.verdict == audit_verdict::consistent);
    CHECK(bare.convention().ends_with("all recomputed"));
    CHECK(bare.notes.size() == 1);
  }
}

TEST_CASE("work: micro-steps and shared ranks miscounted behind FLOP/s and MFU") {
  falls_into(changed([](auto& f) { f.mfu = claim{0.52642 / 4, 1e-4}; }), "gradient accumulation left out", 0.25);
  falls_into(changed([](auto& f) {
               f.mfu.reset();
               f.tensor_parallel = 2;
               f.gradient_accumulation_steps = 8;
               f.flop_rate = claim{2 * 3564.0 * 42.863690e9, 1e-4};
             }),
             "tokens of shared ranks", 2 * 42.863690 / 46.084915);
}

TEST_CASE("the batch is micro-batch size * accumulation steps * replicas") {
  auto const batch = [](std::int64_t global, std::optional<std::int64_t> tensor_parallel = {}) {
    return changed([&](auto& f) {
      f = audit_facts{.global_batch_size = global,
                      .micro_batch_size = 2,
                      .gradient_accumulation_steps = 4,
                      .processors = 16,
                      .tensor_parallel = tensor_parallel,
                      .pipeline_parallel = 1,
                      .context_parallel = 1};
    });
  };
  CHECK(batch(128, 1).verdict == audit_verdict::consistent);
  CHECK(batch(32, 4).verdict == audit_verdict::consistent);
  CHECK(batch(32).verdict == audit_verdict::unknown);  // four ranks may share: the degree is not said
  falls_into(batch(32, 1), "gradient accumulation left out", 0.25);
  falls_into(batch(64, 1), "micro-batch left out", 0.5);
  falls_into(batch(512), "gradient accumulation counted twice", 4);
  falls_into(batch(128, 4), "tokens of shared ranks", 4);
  falls_into(batch(8, 1), "replicas left out", 1.0 / 16);
  falls_into(batch(2048, 1), "replicas counted twice", 16);
  falls_into(batch(16, 1), "micro-batch and accumulation left out", 1.0 / 8);
}

TEST_CASE("steadily above the peak: products in a faster precision, said as such or called wrong with an MFU") {
  auto const fp8_run = [](auto& f) {
    f = audit_facts{.processor = devices::nvidia_h100_sxm, .peak = 989e12};
    f.flop_rate = claim{1.13 * 989e12, 1e-4};
    f.fastest_flop_rate = 1.16 * 989e12;
  };
  auto const bare = changed(fp8_run);
  CHECK(bare.verdict == audit_verdict::unknown);
  CHECK(bare.findings.empty());
  REQUIRE(bare.notes.size() == 1);
  CHECK(bare.notes.front().find("faster precision") != std::string::npos);
  auto const claimed = changed([&](auto& f) {
    fp8_run(f);
    f.mfu = claim{1.13, 1e-4};
  });
  falls_into(claimed, "work of another precision", 1979.0 / 989);
  falls_into(claimed, "time without synchronisation", 1.16);
}

TEST_CASE("a claim of work that could not be checked leaves the verdict open, and what is missing is listed") {
  auto const result = changed([](auto& f) {
    f.peak.reset();
    f.processors.reset();
    f.tokens_per_processor_second.reset();
  });
  CHECK(result.verdict == audit_verdict::unknown);
  CHECK(std::ranges::all_of(result.checks, &audit_check::holds));
  REQUIRE(result.unchecked.size() == 2);
  CHECK(result.unchecked[0].claim == "MFU");
  CHECK(result.unchecked[0].missing == std::vector<std::string>{"tokens/p/s, or processors", "peak"});
  CHECK(result.unchecked[1].claim == "peak");
  CHECK(result.missing == std::vector<std::string>{"processors", "peak"});
}

TEST_CASE("with a number of parameters alone 6 N is restated, and no claim called wrong for its attention") {
  audit_facts facts{.parameters = 6.738e9, .sequence_length = 4096, .peak = 312e12};
  facts.tokens_per_processor_second = claim{3564.0, 1e-4};
  facts.mfu = claim{3564.0 * 6 * 6.738e9 / 312e12, 1e-4};
  auto const six_n = audit(facts);
  CHECK(six_n.verdict == audit_verdict::consistent);
  CHECK(six_n.conventions == std::vector<std::string>{"six_n"});
  facts.mfu = claim{0.52642, 1e-4};
  auto const palm = audit(facts);
  CHECK(palm.verdict == audit_verdict::unknown);
  CHECK(palm.findings.empty());
  CHECK(palm.mfu.at("six_n") == doctest::Approx(0.4618).epsilon(1e-3));
}

TEST_CASE("with nothing to check the verdict is unknown, and what cannot be explained is not called wrong") {
  CHECK(audit({}).verdict == audit_verdict::unknown);
  CHECK(audit({.tokens_per_second = claim{1000, 0}}).verdict == audit_verdict::unknown);
  auto const odd = changed([](auto& f) {
    f.tokens_per_second = claim{8 * 3564.0 * 1.37, 1e-4};
    f.tokens_per_processor_second.reset();
    f.mfu.reset();
  });
  CHECK(odd.verdict == audit_verdict::unknown);
  CHECK(odd.findings.empty());
}

TEST_CASE("a step faster than the device is time without synchronisation, but for a start that is known for it") {
  auto const fast = [](auto& f) { f.fastest_flop_rate = 9.2e17; };
  falls_into(changed(fast), "time without synchronisation", 9.2e17 / 312e12);
  auto const started = [](auto& f) { f.fastest_flop_rate = 2.4e15; f.asynchronous_start = true; };
  CHECK(changed(started).verdict == audit_verdict::consistent);
  falls_into(changed([](auto& f) {
               f.fastest_flop_rate = 9.2e17;
               f.asynchronous_start = true;
             }),
             "time without synchronisation", 9.2e17 / 15e15);
}
