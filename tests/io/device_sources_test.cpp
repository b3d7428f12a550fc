#include <kunmetrics/io/device_sources.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace kunmetrics;
using namespace kunmetrics::units;
using trainer_test::message_of;
using trainer_test::scratch_folder;

TEST_CASE("a monitor's log is read at its end") {
  scratch_folder const folder;
  auto const path = folder / "kunlunxin_monitor.log";
  auto const source = monitor_log(path);
  CHECK(source.name == "the monitor log kunlunxin_monitor.log");
  CHECK(message_of([&] { source.read(); }) == path.string() + ": needed a readable monitor log, received none");
  folder.file("kunlunxin_monitor.log", "2023-05-01-12:00:00\nerror\n");
  CHECK(message_of([&] { source.read(); }) ==
        path.string() + ": needed lines as 37C 74W 0MiB 32768MiB 0%, received none");
  std::string long_log;
  for (int i = 0; i < 5000; ++i)
    long_log += "2023-05-01-12:00:00\n37C  74W " + std::to_string(i) + "MiB 32768MiB 0%\n\n";
  folder.file("kunlunxin_monitor.log", long_log);
  REQUIRE(source.read().size() == 1);
  CHECK(source.read()[0].memory_used == 4999 * MiB);
}

TEST_CASE("a monitor's log that nobody writes to any more says nothing of the present") {
  scratch_folder const folder;
  auto const path = folder.file("kunlunxin_monitor.log", "37C 74W 0MiB 32768MiB 0%\n");
  CHECK(monitor_log(path).read().size() == 1);
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now() - std::chrono::seconds{100});
  CHECK(message_of([&] { monitor_log(path).read(); }).starts_with(path.string() + ": needed lines of the last 60 s, received the last 10"));
  CHECK(monitor_log(path, std::chrono::seconds{3600}).read().size() == 1);
}

TEST_CASE("a command's lines, one a card; the last may have no end") {
  auto const cards = monitor_command("printf '37C 74W 0MiB 32768MiB 0%%\\n38C 75W 1MiB 32768MiB 2%%'").read();
  REQUIRE(cards.size() == 2);
  CHECK(cards[1].memory_used == 1 * MiB);
  CHECK(message_of([] { monitor_command("echo no card").read(); }) ==
        "echo no card: needed lines as 37C 74W 0MiB 32768MiB 0%, received none");
  CHECK(message_of([] { monitor_command("exit 3").read(); }) ==
        "exit 3: needed lines as 37C 74W 0MiB 32768MiB 0%, received none");
}

TEST_CASE("a command's output is whole: the last block counts even if it has fewer cards") {
  auto const cards = monitor_command("printf 'before\\n37C 74W\\n38C 75W\\nafter\\n50C 80W'").read();
  REQUIRE(cards.size() == 1);
  CHECK(cards[0].temperature_celsius == 50);
}

TEST_CASE("a command that hangs is killed with its children") {
  scratch_folder const folder;
  auto const mark = (folder / "late").string();
  auto const command = "(sleep 1; touch '" + mark + "') & sleep 1000";
  CHECK(message_of([&] { monitor_command(command, std::chrono::milliseconds{100}).read(); }) ==
        command + ": needed an end within 100 ms, received none");
  std::this_thread::sleep_for(std::chrono::milliseconds{1300});
  CHECK_FALSE(std::filesystem::exists(mark));
}

TEST_CASE("a machine's files: memory, the hottest zone, RAPL's packages without their parts, a counter that wraps") {
  scratch_folder const folder;
  folder.file("proc/self/status", "Name:\tx\nVmPeak:\t 9 kB\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n");
  folder.file("proc/meminfo", "MemTotal:       24684084 kB\nMemFree: 1 kB\n");
  folder.file("proc/self/stat", "7 (a ) name) R 1 2 3 4 5 6 7 8 9 10 100 50 0 0\n");
  folder.file("sys/class/thermal/thermal_zone0/temp", "41000\n");
  folder.file("sys/class/thermal/thermal_zone1/temp", "67500\n");
  folder.file("sys/class/thermal/cooling_device0/temp", "99000\n");
  folder.file("sys/class/powercap/intel-rapl:0/energy_uj", "900000000\n");
  folder.file("sys/class/powercap/intel-rapl:0/max_energy_range_uj", "1000000000\n");
  folder.file("sys/class/powercap/intel-rapl:0:0/energy_uj", "1\n");
  folder.file("sys/class/powercap/intel-rapl:1/energy_uj", "5\n");
  auto const source = machine_source(folder / "proc", folder / "sys");
  auto const first = source.read().at(0);
  CHECK(first.memory_used == 1024 * KiB);
  CHECK(first.memory_peak == 2048 * KiB);
  CHECK(first.memory_total == 24'684'084 * KiB);
  CHECK(first.temperature_celsius == 67.5);
  CHECK_FALSE(first.power);
  CHECK_FALSE(first.utilization);

  folder.file("sys/class/powercap/intel-rapl:0/energy_uj", "100000000\n");  // wrapped: 200 J on
  folder.file("proc/self/stat", "7 (a ) name) R 1 2 3 4 5 6 7 8 9 10 100 51 0 0\n");
  auto const begin = std::chrono::steady_clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds{50});
  auto const second_reading = source.read().at(0);
  auto const most = 200.0 / std::chrono::duration<double>(std::chrono::milliseconds{50}).count();
  auto const least = 200.0 / (std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() + 5);
  REQUIRE(second_reading.power);
  CHECK(second_reading.power->in(watt) <= most);
  CHECK(second_reading.power->in(watt) >= least);
  REQUIRE(second_reading.utilization);
  CHECK(second_reading.utilization->coherent() > 0);
}

TEST_CASE("a machine that says nothing gives a reading without values; this one says its memory") {
  scratch_folder const folder;
  auto const nothing = machine_source(folder / "proc", folder / "sys").read().at(0);
  CHECK_FALSE(nothing.memory_used);
  CHECK_FALSE(nothing.power);
  CHECK_FALSE(nothing.temperature_celsius);
  auto const here = machine_source().read().at(0);
  REQUIRE(here.memory_used);
  CHECK(*here.memory_used > 100 * KiB);
  CHECK(*here.memory_used <= *here.memory_peak);
  CHECK(*here.memory_peak < *here.memory_total);
}
