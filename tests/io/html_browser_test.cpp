// report.html in a real browser, Debian's chromium: the charts hold data and show it under the pointer, the
// console stays empty, and nothing is asked of any network. A page that does the opposite is the control.
#include <kunmetrics/io/html.hpp>
#include <kunmetrics/io/json.hpp>

#include "../r300_case.hpp"
#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::content;
using trainer_test::scratch_folder;

namespace {
constexpr auto const& run = r300_case;

std::string page() {
  std::vector<step_record> records;
  for (int i = 1; i <= 3000; ++i) {
    records.push_back({.step = i * step,
                       .time = (6.0 + (i == 1500 ? 5.0 : 0.0)) * second,
                       .tokens = 49152 * token,
                       .loss = 5.0 + 5.0 / i});
    records.back().phases[1] = 2.0 * second;
    records.back().phases[2] = 3.0 * second;
  }
  meter const none{run, tokens_per_processor_second, mfu<flops::palm>};
  chart const memory{.title = "Memory", .unit = "GiB", .series = {{"used", {{1, 28}, {3000, 29}}}}};
  return html_report("R300 <&>", {}, summary_of(none), records, std::span{&memory, 1});
}

// Moves the pointer over the middle of each chart and writes down, in the page itself, what it then shows.
// Once everything that the page asks for has come or failed.
constexpr std::string_view probe = R"(<script>
addEventListener("load", () => {
const seen = { scripts: document.querySelectorAll("script[src]").length, charts: [] };
for (const area of document.querySelectorAll(".chart")) {
  const box = area.querySelector("svg").getBoundingClientRect();
  area.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + box.width / 2, clientY: box.top + 5 }));
  const paths = [...area.querySelectorAll("path")].map(path => path.getBBox().width);
  const shown = area.querySelector("output");
  seen.charts.push({ width: box.width, height: box.height, paths, text: shown.textContent, display: getComputedStyle(shown).display });
}
seen.requests = performance.getEntriesByType("resource").length;
const style = getComputedStyle(document.body);
seen.ground = style.backgroundColor;
seen.ink = style.color;
document.body.style.color = 'var(--soft)';
seen.soft = getComputedStyle(document.body).color;
document.body.innerHTML += "<p id='probe'></p>";
document.getElementById("probe").textContent = JSON.stringify(seen);
});
</script>)";

struct visit {
  std::string console;                // lines that the page's scripts caused
  std::vector<std::string> requests;  // of pages, not of the browser itself
  json seen;
};

// Everything that the browser's log of its network says a page asked for, but for the file itself.
std::vector<std::string> page_requests(std::string const& net_log) {
  std::vector<std::string> urls;
  auto const log = json::parse(net_log, nullptr, false);
  REQUIRE_FALSE(log.is_discarded());
  for (auto const& event : log["events"]) {
    if (!event.contains("params") || !event["params"].is_object()) continue;
    auto const& params = event["params"];
    if (!params.contains("url") || !params.contains("initiator") || params["initiator"] == "not an origin") continue;
    urls.push_back(params["url"]);
  }
  return urls;
}

std::optional<visit> visited(std::string text, std::string const& options = "") {
  if (std::system("command -v chromium > /dev/null 2>&1") != 0) {
    MESSAGE("not checked: Debian's package chromium is not installed");
    return std::nullopt;
  }
  scratch_folder const folder;
  text.insert(text.rfind("</body>"), probe);
  auto const file = folder.file("report.html", text);
  auto const in = [&](std::string_view name) { return '\'' + (folder / name).string() + '\''; };
  auto const command =
      "timeout 120 chromium --headless=new --no-sandbox --disable-gpu --no-first-run --disable-sync --disable-extensions "
      "--disable-background-networking --disable-component-update --enable-logging=stderr --virtual-time-budget=3000 "
      "--user-data-dir=" +
      in("profile") + " --log-net-log=" + in("net.json") + ' ' + options + " --dump-dom 'file://" + file.string() +
      "' > " + in("dom") + " 2> " + in("err");
  REQUIRE(std::system(command.c_str()) == 0);
  visit result;
  std::istringstream errors{content(folder / "err")};
  for (std::string line; std::getline(errors, line);) {
    if (line.find("CONSOLE") != std::string::npos) result.console += line + '\n';
  }
  result.requests = page_requests(content(folder / "net.json"));
  auto const dom = content(folder / "dom");
  std::string_view const open = "<p id=\"probe\">";
  auto const begin = dom.find(open) + open.size();
  REQUIRE(dom.find(open) != std::string::npos);
  result.seen = json::parse(dom.substr(begin, dom.find("</p>", begin) - begin));
  return result;
}

// Relative luminance of a computed "rgb(r, g, b)", and the ratio of two: WCAG 2.1, which asks 4.5 of small text and 7 of
// text for all readers.
double luminance(std::string const& colour) {
  std::array<int, 3> parts{};
  REQUIRE(std::sscanf(colour.c_str(), "rgb(%d, %d, %d)", &parts[0], &parts[1], &parts[2]) == 3);
  auto const linear = [](int part) {
    double const x = part / 255.0;
    return x <= 0.03928 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(parts[0]) + 0.7152 * linear(parts[1]) + 0.0722 * linear(parts[2]);
}
double contrast(json const& a, json const& b) {
  auto const [dark, light] = std::minmax({luminance(a), luminance(b)});
  return (light + 0.05) / (dark + 0.05);
}
}  // namespace

TEST_CASE("the page is as dark as the reader's system is, and its text readable on it") {
  CHECK(contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == doctest::Approx(21));
  for (bool const dark : {false, true}) {
    auto const seen = visited(page(), dark ? "--force-dark-mode" : "");
    if (!seen) return;
    CHECK((luminance(seen->seen["ground"]) < 0.05) == dark);
    CHECK(contrast(seen->seen["ink"], seen->seen["ground"]) >= 7);
    CHECK(contrast(seen->seen["soft"], seen->seen["ground"]) >= 4.5);
    CHECK(seen->console == "");
    CHECK(seen->seen["charts"].size() == 4);
  }
}

TEST_CASE("four charts with data, values under the pointer, an empty console, no request") {
  auto const seen = visited(page());
  if (!seen) return;
  CHECK(seen->console == "");
  CHECK(seen->requests == std::vector<std::string>{});
  CHECK(seen->seen["requests"] == 0);
  CHECK(seen->seen["scripts"] == 0);
  CHECK(seen->seen["ground"] == "rgb(255, 255, 255)");
  auto const& charts = seen->seen["charts"];
  REQUIRE(charts.size() == 4);
  for (auto const& each : charts) {
    CHECK(each["width"] > 300);
    CHECK(each["height"] > 100);
    CHECK(each["paths"].size() > 0);
    for (double const width : each["paths"]) CHECK(width > 100);
    CHECK(each["display"] == "block");
    CHECK(each["text"].get<std::string>().starts_with("step "));
  }
  CHECK(charts[0]["text"].get<std::string>().find("loss  5.00") != std::string::npos);
  CHECK(charts[1]["text"].get<std::string>().find("token/(processor s)") != std::string::npos);
  CHECK(charts[2]["text"].get<std::string>().find("forward  2 s/step") != std::string::npos);
  CHECK(charts[2]["text"].get<std::string>().find("longest step  ") != std::string::npos);
  CHECK(charts[3]["text"].get<std::string>().find(" GiB") != std::string::npos);
}

TEST_CASE("a page that complains and asks the network is found out") {
  auto const seen = visited(
      "<!DOCTYPE html><html><body><img src=\"http://127.0.0.1:9/away.png\"><script>console.error('out loud');</script></body></html>");
  if (!seen) return;
  CHECK(seen->console.find("out loud") != std::string::npos);
  REQUIRE(seen->requests.size() >= 1);
  CHECK(seen->requests[0] == "http://127.0.0.1:9/away.png");
  CHECK(seen->seen["requests"] == 1);
}
