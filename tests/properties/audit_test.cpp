// Laws of the audit: an honest run is consistent, whatever its shape; a trap put into its claims is named with
// its factor; units of time change nothing.
#include <kunmetrics/audit.hpp>

#include "drawn.hpp"

#include <vector>

using namespace drawn;

namespace {
struct drawn_run {
  audit_facts facts;
  double rate = 0;  // tokens/p/s
  double mfu = 0;
};

// Claims as exact as six digits are.
drawn_run any_honest_run() {
  auto const model = any_shape();
  auto const length = size(1, 8192);
  auto const micro = size(1, 16);
  auto const accumulation = size(1, 16);
  auto const nodes = size(1, 8);
  auto const processors = nodes * size(1, 8);
  drawn_run run;
  run.rate = static_cast<double>(size(1, 100'000));
  run.mfu = static_cast<double>(size(5, 70)) / 100;
  auto const batch = micro * accumulation * processors;
  auto const all = static_cast<double>(processors);
  auto const work = flops::palm::per_token(model, length * token / sample).coherent();
  run.facts = {.model = model,
               .sequence_length = length,
               .global_batch_size = batch,
               .micro_batch_size = micro,
               .gradient_accumulation_steps = accumulation,
               .processors = processors,
               .nodes = nodes,
               .tensor_parallel = 1,
               .pipeline_parallel = 1,
               .context_parallel = 1,
               .peak = run.rate * work / run.mfu};
  run.facts.step_time = static_cast<double>(batch * length) / (run.rate * all);
  run.facts.step_time_rounding = 1e-6;
  run.facts.tokens_per_second = claim{run.rate * all, 1e-6};
  run.facts.tokens_per_processor_second = claim{run.rate, 1e-6};
  run.facts.samples_per_second = claim{run.rate * all / static_cast<double>(length), 1e-6};
  run.facts.mfu = claim{run.mfu, 1e-6};
  return run;
}

bool names(audit_result const& result, std::string const& trap, double factor) {
  return result.verdict == audit_verdict::wrong && std::ranges::any_of(result.findings, [&](auto const& finding) {
           return finding.trap == trap && std::abs(finding.factor / factor - 1) < 1e-6;
         });
}
}  // namespace

TEST_CASE("an honest run is consistent, and restated as it claims") {
  holds("honest", [] {
    auto const run = any_honest_run();
    auto const result = audit(run.facts);
    RC_ASSERT(result.verdict == audit_verdict::consistent);
    RC_ASSERT(result.findings.empty());
    RC_ASSERT(result.unchecked.empty());
    RC_ASSERT(std::abs(*result.tokens_per_processor_second / run.rate - 1) < 1e-9);
    RC_ASSERT(std::abs(result.mfu.at("palm") / run.mfu - 1) < 1e-9);
    RC_ASSERT(std::ranges::count(result.conventions, "palm") == 1);
  });
}

TEST_CASE("a factor put on the job's rate is named") {
  holds("counting", [] {
    auto run = any_honest_run();
    auto& f = run.facts;
    auto const micro = static_cast<double>(*f.micro_batch_size);
    auto const accumulation = static_cast<double>(*f.gradient_accumulation_steps);
    auto const all = static_cast<double>(*f.processors);
    struct trap { std::string name; double factor; };
    auto const put = *rc::gen::elementOf(std::vector<trap>{{"micro-batch counted twice", micro},
                                                           {"micro-batch left out", 1 / micro},
                                                           {"gradient accumulation counted twice", accumulation},
                                                           {"gradient accumulation left out", 1 / accumulation},
                                                           {"one rank's rate", 1 / all}});
    RC_PRE(put.factor != 1);
    f.tokens_per_processor_second.reset();
    f.samples_per_second.reset();
    f.tokens_per_second->value *= put.factor;
    RC_ASSERT(names(audit(f), put.name, put.factor));
  });
}

TEST_CASE("nodes squared in the rate of a processor is named") {
  holds("nodes", [] {
    auto run = any_honest_run();
    auto const nodes = static_cast<double>(*run.facts.nodes);
    RC_PRE(nodes > 1);
    run.facts.tokens_per_processor_second->value *= nodes * nodes;
    RC_ASSERT(names(audit(run.facts), "nodes squared", nodes * nodes));
  });
}

TEST_CASE("a peak twice as high is named as sparse, and an MFU of more than 1 never passes") {
  holds("peak", [] {
    auto run = any_honest_run();
    run.facts.assumed_peak = 2 * *run.facts.peak;
    run.facts.mfu->value /= 2;
    RC_ASSERT(names(audit(run.facts), "sparse peak", 2));
    run.facts.assumed_peak.reset();
    run.facts.mfu->value = 1 + static_cast<double>(size(1, 1000)) / 100;
    RC_ASSERT(audit(run.facts).verdict == audit_verdict::wrong);
  });
}

TEST_CASE("recomputation in an MFU is named, in FLOP/s it is no mistake") {
  holds("recomputation", [] {
    auto run = any_honest_run();
    run.facts.mfu->value *= 4.0 / 3;
    RC_PRE(run.facts.mfu->value < 1);
    auto const result = audit(run.facts);
    RC_PRE(result.conventions.empty() || result.conventions.front().starts_with("hfu"));  // not another convention by chance
    RC_ASSERT(result.verdict == audit_verdict::wrong);
    RC_ASSERT(std::ranges::any_of(result.findings, [](auto const& each) { return each.trap == "recomputation folded in"; }));
    run.facts.flop_rate = claim{run.facts.mfu->value * *run.facts.peak, 1e-6};
    run.facts.mfu.reset();
    RC_ASSERT(audit(run.facts).verdict == audit_verdict::consistent);
  });
}

TEST_CASE("another unit of time changes no verdict, no trap and no MFU") {
  holds("scale", [] {
    auto run = any_honest_run();
    if (coin()) run.facts.tokens_per_second->value *= static_cast<double>(size(1, 20));
    auto slower = run.facts;
    auto const by = static_cast<double>(std::int64_t{1} << size(1, 10));
    *slower.step_time *= by;
    *slower.peak /= by;
    slower.tokens_per_second->value /= by;
    slower.tokens_per_processor_second->value /= by;
    slower.samples_per_second->value /= by;
    auto const said = audit(run.facts);
    auto const other = audit(slower);
    RC_ASSERT(said.verdict == other.verdict);
    RC_ASSERT(said.conventions == other.conventions);
    RC_ASSERT(said.findings.size() == other.findings.size());
    for (auto const& [name, value] : said.mfu) RC_ASSERT(near(value, other.mfu.at(name)));
  });
}

TEST_CASE("with less known nothing more is called wrong") {
  holds("less", [] {
    auto run = any_honest_run();
    auto& f = run.facts;
    if (coin()) f.model.reset();
    if (coin()) f.sequence_length.reset();
    if (coin()) f.global_batch_size.reset();
    if (coin()) f.micro_batch_size.reset();
    if (coin()) f.gradient_accumulation_steps.reset();
    if (coin()) f.processors.reset();
    if (coin()) f.nodes.reset();
    if (coin()) f.tensor_parallel.reset();
    if (coin()) f.peak.reset();
    if (coin()) f.step_time.reset();
    auto const result = audit(f);
    RC_ASSERT(result.verdict != audit_verdict::wrong);
    RC_ASSERT(result.findings.empty());
  });
}
