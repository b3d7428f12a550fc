#include <kunmetrics/io/device_charts.hpp>
#include <kunmetrics/io/device_monitor.hpp>
#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/io/step_log.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
device_reading card(std::int64_t mebibytes, double watts) {
  return {.memory_used = mebibytes * MiB,
          .memory_total = 32 * GiB,
          .power = watts * watt,
          .temperature_celsius = 40.0,
          .utilization = 0.5 * one};
}

void wait_for(auto const& condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  REQUIRE(condition());
}
}  // namespace

TEST_CASE("the first reading is there at once; peaks, means and energy come with time") {
  std::atomic<int> reads{0};
  device_source const source{"two cards", [&] {
                               int const n = ++reads;
                               return std::vector{card(n == 2 ? 30'000 : 1'000, 100), card(500, 50)};
                             }};
  device_monitor const monitor{source, std::chrono::milliseconds{1}};
  CHECK(monitor.now().cards == 2);
  CHECK(monitor.now().power == 150.0 * watt);
  wait_for([&] { return monitor.summary().samples >= 5; });
  auto const whole = monitor.summary();
  CHECK(whole.source == "two cards");
  CHECK(whole.failures == 0);
  CHECK(*whole.memory_peak == 30'000 * MiB);
  CHECK(*whole.memory_total == 32 * GiB);
  CHECK(whole.mean_power->in(watt) == doctest::Approx(150));
  CHECK(whole.energy->coherent() > 0);
  CHECK(*whole.highest_temperature_celsius == 40);
  CHECK(whole.mean_utilization->in(percent) == doctest::Approx(50));
}

TEST_CASE("a source that fails is told of once; its values are left out until it answers again") {
  std::atomic<bool> works{true};
  std::atomic<int> told{0};
  std::string why;
  device_source const source{"now and then", [&]() -> std::vector<device_reading> {
                               if (!works) throw std::runtime_error{"xpu_smi: needed a card, received none"};
                               return {card(7, 1)};
                             }};
  device_monitor const monitor{source, std::chrono::milliseconds{1}, [&](std::string const& text) {
                                 why = text;
                                 ++told;
                               }};
  works = false;
  wait_for([&] { return monitor.summary().failures >= 3; });
  CHECK(monitor.now().cards == 0);
  CHECK_FALSE(monitor.now().memory_used);
  CHECK(told == 1);
  CHECK(why == "xpu_smi: needed a card, received none");
  works = true;
  wait_for([&] { return monitor.now().cards == 1; });
  CHECK(*monitor.summary().memory_peak == 7 * MiB);
}

TEST_CASE("what no source said is absent, with the reason") {
  device_monitor const monitor{{"silent", [] { return std::vector<device_reading>{device_reading{}}; }},
                               std::chrono::seconds{60}};
  auto const said = json_of(monitor.summary());
  CHECK(said["memory_peak"] == json{{"value", nullptr}, {"unit", "B"}, {"reason", "the monitor did not say it"}});
  CHECK(said["mean_power"]["unit"] == "J/s");
  CHECK(said["source"] == "silent");
}

TEST_CASE("a monitored record is the record's own line with the devices behind, and both can be read back") {
  trainer_test::scratch_folder const folder;
  step_record const record{.step = 3 * step, .time = 1.5 * second, .tokens = 100 * token, .loss = 2.25};
  monitored const both{record, device_sample_of(std::vector{card(1024, 74.5)})};
  auto const line = json_line(both);
  auto const plain = json_line(record);
  CHECK(line.starts_with(plain.substr(0, plain.size() - 2)));
  CHECK(line.ends_with(
      R"(,"device":{"cards":1,"memory_used":1073741824,"memory_peak":null,"memory_total":34359738368,"power":74.5,)"
      R"("temperature_celsius":40.0,"utilization":0.5}})"
      "\n"));
  auto const path = folder.file("steps.jsonl", line + json_line(step_record{.step = 4 * step, .time = 1.0 * second}));
  auto const records = read_step_log(path).records;
  REQUIRE(records.size() == 2);
  CHECK(records[0].loss == 2.25);
  auto const devices = read_step_log<device_step>(path).records;
  REQUIRE(devices.size() == 2);
  REQUIRE(devices[0].device);
  CHECK(devices[0].device->power == 74.5 * watt);
  CHECK_FALSE(devices[1].device);

  auto const charts = device_charts(devices);
  REQUIRE(charts.size() == 4);
  CHECK(charts[0].title == "Memory");
  CHECK(charts[0].series[0].points.size() == 1);
  CHECK(charts[0].series[0].points[0].y == 1.0);
  CHECK(charts[3].series[0].points[0].y == doctest::Approx(50));
  CHECK(device_charts({}).empty());
}
