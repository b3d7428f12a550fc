#include <kunmetrics/io/prometheus_text.hpp>

#include "../r300_case.hpp"
#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>
#include <string>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
struct live {
  count_of<token> tokens;
  quantity_of<second> time;
  std::optional<double> loss;
  maybe<quantity_of<joule / second>> power = absent{"no power source"};
  quantity_of<one> goodput;
  std::string host;
  bool skipped = false;
  phase_times phases{};
  using hana_accessors_impl = fields<
      field<"tokens", &live::tokens>, field<"time", &live::time>, field<"loss", &live::loss>,
      field<"power", &live::power>, field<"goodput", &live::goodput>, field<"host", &live::host>,
      field<"skipped", &live::skipped>, field<"phases", &live::phases>>;
};
struct twice {
  double a_b = 1;
  struct inside {
    double b = 2;
    using hana_accessors_impl = fields<field<"b", &inside::b>>;
  } a;
  using hana_accessors_impl = fields<field<"a_b", &twice::a_b>, field<"a", &twice::a>>;
};

constexpr auto const& run = r300_case;
}  // namespace

template <>
inline constexpr std::array<std::string_view, 2> kunmetrics::prometheus_counters<live>{"tokens", "time"};

TEST_CASE("names have base units once, counters _total, phases a label, texts an info") {
  auto const text = prometheus_text(live{.tokens = 49152 * token,
                                         .time = 1.5 * second,
                                         .loss = 5.25,
                                         .power = 74.5 * joule / second,
                                         .goodput = 0.9 * one,
                                         .host = "a \"b\" \\ c\nd",
                                         .skipped = true},
                                    "kun");
  CHECK(text.starts_with(
      "# HELP kun_tokens_total tokens, in token\n# TYPE kun_tokens_total counter\nkun_tokens_total 49152\n"
      "# HELP kun_time_seconds_total time, in s\n# TYPE kun_time_seconds_total counter\nkun_time_seconds_total 1.5\n"
      "# HELP kun_loss loss\n# TYPE kun_loss gauge\nkun_loss 5.25\n"));
  CHECK(text.find("\nkun_power_watts 74.5\n") != std::string::npos);
  CHECK(text.find("\nkun_goodput_ratio 0.9\n") != std::string::npos);
  CHECK(text.find("\nkun_skipped 1\n") != std::string::npos);
  CHECK(text.find("\nkun_phases_seconds{phase=\"data\"} 0\nkun_phases_seconds{phase=\"forward\"} 0\n") !=
        std::string::npos);
  CHECK(text.ends_with("\nkun_info{host=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n"));
}

TEST_CASE("what is absent has no sample and says why; NaN and infinities are written as Prometheus does") {
  auto const text = prometheus_text(live{.loss = std::numeric_limits<double>::quiet_NaN(),
                                         .goodput = -std::numeric_limits<double>::infinity() * one});
  CHECK(text.find("# kunmetrics_power_watts absent: no power source\n") != std::string::npos);
  CHECK(text.find("\nkunmetrics_power") == std::string::npos);
  CHECK(text.find("\nkunmetrics_loss NaN\n") != std::string::npos);
  CHECK(text.find("\nkunmetrics_goodput_ratio -Inf\n") != std::string::npos);
}

TEST_CASE("units as Prometheus writes them") {
  CHECK(detail::prometheus_unit(unit_text<token_rate_t>) == "tokens_per_processor_second");
  CHECK(detail::prometheus_unit(unit_text<quantity_of<byte / processor>>) == "bytes_per_processor");
  CHECK(detail::prometheus_unit(unit_text<micro_batch_size_t>) == "samples_per_replica_micro_step");
  CHECK(detail::prometheus_unit(unit_text<quantity_of<watt>>) == "watts");
  CHECK(detail::prometheus_unit(unit_text<quantity_of<one / second>>) == "per_second");
  CHECK(detail::prometheus_unit("1").empty());
  CHECK(detail::with_unit("a_step", "steps") == "a_step");
  CHECK(detail::with_unit("footstep", "steps") == "footstep_steps");
  CHECK(detail::prometheus_name("7-b.x") == "_7_b_x");
}

TEST_CASE("two values of one sample are refused") {
  CHECK(trainer_test::message_of([] { static_cast<void>(prometheus_families(twice{})); }) ==
        "prometheus_families: needed samples that labels tell apart, received two of kunmetrics_a_b");
}

TEST_CASE("a summary: conventions are labels, beside the peak's source; promtool finds nothing to complain of") {
  meter const measured{run, tokens_per_processor_second, mfu<flops::palm>, mfu<flops::causal>,
                       hfu<flops::palm, recompute::layers>};
  auto const whole = [&] {
    auto amount = summary_of(measured);
    auto const rate = 1000.0 * token / (processor * second);
    boost::hana::at_c<0>(amount.results) = rate;
    boost::hana::at_c<1>(amount.results) = mfu<flops::palm>(run, rate);
    boost::hana::at_c<2>(amount.results) = mfu<flops::causal>(run, rate);
    boost::hana::at_c<3>(amount.results) = hfu<flops::palm, recompute::layers>(run, rate);
    return amount;
  }();
  auto const text = prometheus_text(whole, "kunmetrics", {{"job_name", "r300"}});
  auto const source = std::string{devices::kunlunxin_r300.peaks[0]->source};
  CHECK(
      text.find("\nkunmetrics_mfu_ratio{job_name=\"r300\",convention=\"palm\",peak_precision=\"fp16\",peak_source=\"" +
                source + "\"} 0.31599") != std::string::npos);
  CHECK(text.find("\nkunmetrics_mfu_ratio{job_name=\"r300\",convention=\"causal\",") != std::string::npos);
  CHECK(text.find("\nkunmetrics_hfu_ratio{job_name=\"r300\",convention=\"palm\",recompute=\"layers\",") !=
        std::string::npos);
  CHECK(text.find("\nkunmetrics_tokens_per_processor_second{job_name=\"r300\"} 1000\n") != std::string::npos);
  CHECK(text.find("\nkunmetrics_peak_flops_per_processor_second{job_name=\"r300\",precision=\"fp16\",source=\"" +
                  source + "\"} 1.28e+14\n") != std::string::npos);
  CHECK(
      text.find(
          "\nkunmetrics_info{job_name=\"r300\",model=\"llama2-7b\",processor=\"Kunlunxin R300\",precision=\"fp16\"} 1\n") !=
      std::string::npos);

  trainer_test::scratch_folder const folder;
  auto const page = folder.file("metrics", text);
  std::string const path = "PATH=\"" UNPACKED_PROGRAMS ":$PATH\" ";
  if (std::system((path + "command -v promtool > /dev/null 2>&1").c_str()) != 0) {
    MESSAGE("not checked by promtool: Debian's package prometheus is neither installed nor unpacked by tests/run.sh");
    return;
  }
  auto const told = folder / "told";
  CHECK(std::system(
            (path + "promtool check metrics < '" + page.string() + "' > '" + told.string() + "' 2>&1").c_str()) == 0);
  CHECK(trainer_test::content(told) == "");
}
