// The endpoint asked directly, and scraped by the real server, Debian's prometheus, started here on
// loopback and asked by its own HTTP API: every value is compared.
#include <kunmetrics/prometheus.hpp>
#include <kunmetrics/rank_summary.hpp>
#include <kunmetrics/seqlock.hpp>

#include "../loopback.hpp"
#include "../r300_case.hpp"
#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>
#include <thread>

using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::content;
using trainer_test::message_of;
using trainer_test::scratch_folder;

namespace {
struct live {
  count_of<token> tokens{};
  quantity_of<second> time{};
  std::optional<double> loss{};
  maybe<token_rate_t> rate = absent{"nothing yet"};
  maybe<utilization<model_work<flops::palm>>> mfu = absent{"nothing yet"};
  phase_times phases{};
  std::string_view host = "a \"quoted\" \\ host";
  maybe<straggler_report> straggler = absent{"nothing yet"};
  using hana_accessors_impl = fields<
      field<"tokens", &live::tokens>, field<"time", &live::time>, field<"loss", &live::loss>,
      field<"rate", &live::rate>, field<"mfu", &live::mfu>, field<"phases", &live::phases>,
      field<"host", &live::host>, field<"straggler", &live::straggler>>;
};

constexpr auto const& run = r300_case;

live values(int step) {
  auto const rate = 1000.0 / 3 * token / (processor * second);
  live now{.tokens = step * 49152 * token,
           .time = step * 6.1 * second,
           .loss = 5.0 + 1.0 / step,
           .rate = rate,
           .mfu = mfu<flops::palm>(run, rate),
           .straggler = straggler_report{.rank = step,
                                         .node = node_name{"node" + std::to_string(step)},
                                         .own_work = step / 3.0 * second,
                                         .median_own_work = 0.25 * second}};
  for (std::size_t i = 0; i < now.phases.size(); ++i) now.phases[i] = step / static_cast<double>(i + 3) * second;
  return now;
}

// Of the package, or as tests/run.sh unpacked it.
std::string server_program() {
  for (std::string const program : {UNPACKED_PROGRAMS "/prometheus", "/usr/bin/prometheus"}) {
    if (std::filesystem::exists(program)) return program;
  }
  return {};
}

using samples = std::map<std::string, double>;  // by name and labels, in the order of the labels' names

std::string key_of(std::string const& name, std::map<std::string, std::string> const& labels) {
  auto key = name;
  for (auto const& [label, value] : labels) key += '|' + label + '=' + value;
  return key;
}

samples expected(std::vector<prometheus_family> const& families) {
  samples all;
  for (auto const& family : families) {
    for (auto const& sample : family.samples) {
      all[key_of(family.name, {sample.labels.begin(), sample.labels.end()})] = sample.value;
    }
  }
  return all;
}

// What the server's API says of our job; its own labels taken away.
samples scraped(int port) {
  samples all;
  auto const answer = loopback::http_get(
      port, "/api/v1/query?query=%7Bjob%3D%22kunmetrics%22%2C__name__%3D~%22kunmetrics_.*%22%7D");
  if (!answer) return all;
  auto const said = json::parse(*answer);
  for (auto const& one : said["data"]["result"]) {
    std::map<std::string, std::string> labels = one["metric"];
    auto const name = labels["__name__"];
    for (auto const* own : {"__name__", "job", "instance"}) labels.erase(own);
    all[key_of(name, labels)] = std::stod(one["value"][1].get<std::string>());
  }
  return all;
}

// prometheus-cpp 1.0 writes 16 significant digits: half a unit of the last is at most 5e-16 of the value.
bool equal(samples const& got, samples const& want) {
  return std::ranges::equal(got, want, [](auto const& a, auto const& b) {
    return a.first == b.first && std::abs(a.second - b.second) <= 5.1e-16 * std::abs(b.second);
  });
}

bool within(std::chrono::seconds patience, auto const& happened) {
  auto const end = std::chrono::steady_clock::now() + patience;
  while (!happened()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
  return true;
}
}  // namespace

template <>
inline constexpr std::array<std::string_view, 2> kunmetrics::prometheus_counters<live>{"tokens", "time"};

TEST_CASE("the page has the samples of the text format, and prometheus-cpp writes them as we do") {
  seqlock<live> now;
  now.store(values(1));
  metrics_server const server{"127.0.0.1:0", [&] { return prometheus_families(now.load()); }};
  auto const page = loopback::http_get(server.port(), "/metrics");
  REQUIRE(page);
  CHECK(page->find("# TYPE kunmetrics_tokens_total counter\nkunmetrics_tokens_total 49152\n") != std::string::npos);
  CHECK(page->find("# TYPE kunmetrics_loss gauge\nkunmetrics_loss 6\n") != std::string::npos);
  CHECK(page->find("kunmetrics_info{host=\"a \\\"quoted\\\" \\\\ host\",straggler_node=\"node1\"} 1\n") != std::string::npos);
  CHECK(page->find("# TYPE kunmetrics_straggler_rank gauge\nkunmetrics_straggler_rank 1\n") != std::string::npos);
  CHECK(page->find("kunmetrics_straggler_own_work_seconds 0.33333333333333") != std::string::npos);
  CHECK(page->find("kunmetrics_straggler_median_own_work_seconds 0.25\n") != std::string::npos);
  CHECK(page->find("kunmetrics_phases_seconds{phase=\"forward\"} 0.25\n") != std::string::npos);
  auto absent_now = values(2);
  absent_now.loss.reset();
  now.store(absent_now);
  CHECK(loopback::http_get(server.port(), "/metrics")->find("kunmetrics_loss") == std::string::npos);
  CHECK_FALSE(loopback::http_get(server.port(), "/other"));
}

TEST_CASE("an address that cannot be listened on is an error with the address") {
  metrics_server const server{"127.0.0.1:0", [] { return std::vector<prometheus_family>{}; }};
  auto const taken = "127.0.0.1:" + std::to_string(server.port());
  for (auto const& address : {taken, std::string{"nonsense"}, std::string{"127.0.0.1:99999"}}) {
    CHECK(message_of([&] { metrics_server const other{address, [] { return std::vector<prometheus_family>{}; }}; }) ==
          address + ": needed an address to listen on, HOST:PORT, received one that is taken or none");
  }
}

TEST_CASE("the real server scrapes every value") {
  auto const program = server_program();
  if (program.empty()) {
    MESSAGE("not checked: Debian's package prometheus is neither installed nor unpacked by tests/run.sh");
    return;
  }
  seqlock<live> now;
  now.store(values(1));
  metrics_server const server{"127.0.0.1:0", [&] { return prometheus_families(now.load()); }};
  scratch_folder const folder;
  folder.file(
      "prometheus.yml",
      "global:\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\nscrape_configs:\n- job_name: kunmetrics\n  static_configs:\n  - targets: ['127.0.0.1:" +
          std::to_string(server.port()) + "']\n");
  auto const port = loopback::free_port();
  loopback::running_program const prometheus{
      {program, "--config.file=" + (folder / "prometheus.yml").string(),
       "--storage.tsdb.path=" + (folder / "data").string(), "--web.listen-address=127.0.0.1:" + std::to_string(port),
       "--log.level=error"},
      (folder / "log").string()};
  for (int trained : {1, 7}) {
    now.store(values(trained));
    auto const want = expected(prometheus_families(values(trained)));
    CHECK(want.size() == 9 + phase_names.size());
    bool const same = within(std::chrono::seconds{30}, [&] { return equal(scraped(port), want); });
    CHECK_MESSAGE(same, content(folder / "log"));
    if (same) continue;
    auto const got = scraped(port);
    for (auto const& [key, value] : want) {
      CAPTURE(key);
      CHECK(got.contains(key));
      if (got.contains(key)) CHECK(got.at(key) == doctest::Approx(value).epsilon(5.1e-16));
    }
  }
}
