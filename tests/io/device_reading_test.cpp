#include <kunmetrics/io/device_reading.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;
using namespace kunmetrics::units;

TEST_CASE("a line of FlagPerf's Kunlunxin monitor") {
  auto const card = device_reading_in("37C  74W 0MiB 32768MiB 0%");
  REQUIRE(card);
  CHECK(card->temperature_celsius == 37);
  CHECK(card->power == 74.0 * watt);
  CHECK(card->memory_used == 0 * byte);
  CHECK(card->memory_total == 32 * GiB);
  CHECK(card->utilization == 0.0 * one);
}

TEST_CASE("other vendors' words: limits behind a slash, any order, other units of memory, nothing of some") {
  auto const nvidia = device_reading_in("41C 62W / 400W 1024MiB / 81920MiB 97%\r");
  REQUIRE(nvidia);
  CHECK(nvidia->power == 62.0 * watt);
  CHECK(nvidia->memory_total == 80 * GiB);
  CHECK(nvidia->utilization->in(percent) == doctest::Approx(97));
  auto const few = device_reading_in("12.5% 29.5GiB");
  REQUIRE(few);
  CHECK(few->memory_used == 31'675'383'808 * byte);
  CHECK_FALSE(few->memory_total);
  CHECK_FALSE(few->power);
}

TEST_CASE("lines that are no card's") {
  for (auto const* line :
       {"", "   ", "2023-05-01-12:00:00", "error", "37C 74W failed", "37", "37F", "nanC", "1e300GiB 2%", "Total: 3W"}) {
    CAPTURE(line);
    CHECK_FALSE(device_reading_in(line));
  }
}

TEST_CASE("the last block of a log is its last cards, also while the next is being written") {
  std::string const first = "2023-05-01-12:00:00\n37C  74W 0MiB 32768MiB 0%\n38C  75W 0MiB 32768MiB 1%\n\n";
  std::string const next = "2023-05-01-12:00:05\n57C 174W 29000MiB 32768MiB 96%\n58C 175W 29696MiB 32768MiB 98%\n\n";
  auto const last = last_device_readings(first + next);
  REQUIRE(last.size() == 2);
  CHECK(last[1].temperature_celsius == 58);
  CHECK(last_device_readings(first + "2023-05-01-12:00:05\n").size() == 2);
  CHECK(last_device_readings(first + "2023-05-01-12:00:05\n57C 174W 29").size() == 2);
  CHECK(last_device_readings(first + "2023-05-01-12:00:05\n57C 174W 29000MiB 32768MiB 96%\n")[0].temperature_celsius == 37);
  CHECK(last_device_readings(first + "2023-05-01-12:00:05\n57C 174W 29000MiB 32768MiB 96%\n\n").size() == 1);  // a card is gone
  CHECK(last_device_readings("error\n").empty());
  CHECK(last_device_readings("").empty());

  auto const all = device_sample_of(last);
  CHECK(all.cards == 2);
  CHECK(all.memory_used == 29 * GiB);
  CHECK(all.power == 349.0 * watt);
  CHECK(all.temperature_celsius == 58);
  CHECK(all.utilization->in(percent) == doctest::Approx(97));
  CHECK_FALSE(device_sample_of({}).memory_used);
}
