// The page as text: whole, self-contained, with the data its script reads. How it looks is for eyes.
#include "../hand_clock.hpp"
#include "../r300_case.hpp"

#include <kunmetrics/io/html.hpp>
#include <kunmetrics/io/json.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
constexpr auto const& run = r300_case;

std::string page(std::size_t steps, training_case const& of = run) {
  hand_clock::at = {};
  basic_meter<hand_clock, tokens_per_processor_second_t, utilization_calculator<model_work<flops::palm>>> meter{
      of, {.warm_up = 1 * step, .records_kept = std::max<std::size_t>(steps, 1)}, {}, {}};
  for (std::size_t i = 0; i < steps; ++i) {
    auto running = meter.start();
    running.turn_to(phase::forward);
    hand_clock::at += std::chrono::seconds{4};
    running.turn_to(phase::backward);
    hand_clock::at += std::chrono::seconds{6};
    running.finish({.tokens = 49152 * token, .loss = 10.0 / (1.0 + static_cast<double>(i))});
  }
  flagperf_document document;
  document.environment.cpu = "a <fast> \"one\" & only";
  document.notes = {{"", "one layer only"}};
  return html_report("R300 & friends", document, summary_of(meter), meter.records());
}

std::vector<json> chart_data(std::string const& text) {
  std::vector<json> all;
  std::string const open = "<script type=\"application/json\"";
  for (auto at = text.find(open); at != std::string::npos; at = text.find(open, at + 1)) {
    auto const begin = text.find('>', at) + 1;
    all.push_back(json::parse(text.substr(begin, text.find("</script>", begin) - begin)));
  }
  return all;
}
std::size_t count(std::string const& text, std::string const& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}
}  // namespace

TEST_CASE("three charts with their data, and the numbers with unit, convention, peak and its source") {
  auto const text = page(50);
  CHECK(count(text, "<svg ") == 3);
  auto const data = chart_data(text);
  REQUIRE(data.size() == 3);
  CHECK(data[0]["series"][0]["name"] == "loss");
  CHECK(data[0]["series"][0]["y"][0] == 10);
  CHECK(data[0]["series"][0]["x"].size() == 50);
  CHECK(data[1]["unit"] == "token/(processor s)");
  CHECK(data[1]["series"][1]["y"][0] == 614.4);
  CHECK(data[2]["series"].size() == 3);  // phases that nothing was spent in are left out
  CHECK(data[2]["series"][2]["name"] == "longest step");
  CHECK(data[2]["series"][1]["name"] == "backward");
  CHECK(data[2]["series"][1]["y"][10] == 6);
  CHECK(text.find("<dt>tokens/p/s</dt><dd>614.40</dd>") != std::string::npos);
  CHECK(text.find("<dt>MFU(palm)</dt><dd>19.41 %</dd>") != std::string::npos);
  CHECK(text.find("of 128 TFLOP/s fp16") != std::string::npos);
  CHECK(text.find("Peak of a processor: 128 TFLOP/s fp16, Kunlunxin R480-X8") != std::string::npos);
  CHECK(text.find("<li>one layer only</li>") != std::string::npos);
}

TEST_CASE("nothing leaves the page, and text from elsewhere stays text") {
  auto const text = page(5);
  for (auto const* reference : {"http:", "https:", "src=", "href=", "url(", "@import", "<link", "fetch(", "XMLHttp"}) {
    CAPTURE(reference);
    CHECK(text.find(reference) == std::string::npos);
  }
  CHECK(text.find("<title>R300 &amp; friends</title>") != std::string::npos);
  CHECK(text.find("a &lt;fast&gt; &quot;one&quot; &amp; only") != std::string::npos);
  CHECK(text.starts_with("<!DOCTYPE html>"));
  CHECK(text.ends_with("</html>\n"));
}

TEST_CASE("absent values say why; one step and none are pages too") {
  auto unknown = run;
  unknown.processor = device{.name = "unheard of"};
  auto const text = page(1, unknown);
  CHECK(text.find("<dt>tokens/p/s</dt><dd>-</dd><p>no step has been measured after warm-up</p>") != std::string::npos);
  CHECK(text.find("Peak of a processor: not known, no peak is known for this device at this precision") != std::string::npos);
  CHECK(text.find("<circle class=\"s0 line\"") != std::string::npos);
  CHECK(page(0).find("no step was recorded") != std::string::npos);
  for (auto const& each : {text, page(0), page(2)}) {
    CHECK(each.find("nan") == std::string::npos);
    CHECK(each.find("inf\"") == std::string::npos);
  }
}

TEST_CASE("the whole run's rate has its interval beside it where there is one") {
  std::vector<step_record> const records{{.step = 1 * step, .time = 1.0 * second, .tokens = 80 * token},
                                         {.step = 2 * step, .time = 1.0 * second, .tokens = 88 * token}};
  auto const rates = detail::rate_chart(records, 8, maybe<double>{10.5}, 0.25);
  REQUIRE(rates.series.size() == 4);
  CHECK(rates.series[2].points[0].y == 10.25);
  CHECK(rates.series[3].points[1].y == 10.75);
  CHECK(detail::rate_chart(records, 8, maybe<double>{10.5}).series.size() == 2);
  struct with_interval {
    struct interval_of_rate { token_rate_t half_width; };
    std::optional<interval_of_rate> rate;
  };
  CHECK(detail::half_width_of_rate(with_interval{{{0.5 * token / (processor * second)}}}) == 0.5);
  CHECK_FALSE(detail::half_width_of_rate(with_interval{}));
}

TEST_CASE("values that differ by rounding alone make a chart like equal ones") {
  for (double const level : {1.0, 346.84, 1e16, -3e-7}) {
    chart const flat{.title = "flat", .unit = "1", .series = {{"a", {{1, level}, {2, std::nextafter(level, 1e300)}, {3, level}}}}};
    auto const drawn = detail::chart_drawing{flat}.svg();
    CHECK(drawn.size() < 10'000);
    CHECK(drawn.find("nan") == std::string::npos);
    CHECK(count(drawn, "class=\"grid\"") >= 2);
  }
}

TEST_CASE("a million steps make a page below 3 MB") { CHECK(page(1'000'000).size() < 3'000'000); }
