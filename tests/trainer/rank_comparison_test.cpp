// A slow rank is named: by its times, and by the real program over threads and over processes.
#include "rank_comparison.hpp"

#include "mpi_program.hpp"
#include "saved_run.hpp"
#include "thread_communicator.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

using namespace kunmetrics::units;
using nlohmann::json;
using trainer_test::content;
using trainer_test::on_ranks;
using trainer_test::run_program;
using trainer_test::small_folder;
using trainer_test::with;

namespace {
std::string const program = LLAMA2_ZERO3_PROGRAM;

// What a report says of `ranks` ranks of which the one numbered 1 takes 50 ms longer to load its data.
void check_report(json const& report, int ranks) {
  auto const& said = report["ranks"];
  CHECK(said["straggler"]["rank"] == 1);
  CHECK(said["straggler"]["own_work"]["value"].get<double>() > 0.05);
  CHECK(said["straggler"]["own_work"]["unit"] == "s");
  CHECK(!said["straggler"]["node"].get<std::string>().empty());
  REQUIRE(said["times"].size() == kunmetrics::rank_statistics);
  auto const row = [&](std::string const& name) {
    for (auto const& one : said["times"]) {
      if (one["name"] == name) return one;
    }
    return json();
  };
  CHECK(row("data")["slowest_rank"] == 1);
  auto const seconds = [&](std::string const& name, char const* of) { return row(name)[of]["value"].get<double>(); };
  CHECK(seconds("communication", "max") > seconds("communication", "min") + 0.02);  // the others wait for it
  CHECK(row("communication")["slowest_rank"] != 1);
  CHECK(seconds("data", "max") > 0.05);
  CHECK(seconds("data", "min") < 0.05);
  // all ranks step together, so their steps are alike where their work is not
  CHECK(seconds("step", "min") > 0.9 * seconds("step", "max"));
  CHECK(report["notes"].back()["en"].get<std::string>().find("; longest on rank 1 (") != std::string::npos);
  CHECK(report["notes"].back()["zh"].get<std::string>().find("最慢的是rank 1") != std::string::npos);
  CHECK(report["processors"]["value"] == ranks);
}
}  // namespace

TEST_CASE("the newest records alone count, and of them those after warm-up") {
  std::vector<kunmetrics::step_record> records(6);
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].time = static_cast<double>(i + 1) * second;
    records[i].warm_up = i < 2;
  }
  auto const mean = [&](std::int64_t steps) {
    return trainer::newest_times(4, records, steps).mean[kunmetrics::whole_step].in(second);
  };
  CHECK(mean(2) == 5.5);
  CHECK(mean(5) == 4.5);
  CHECK(mean(100) == 4.5);
  CHECK(trainer::newest_times(4, records, 2).who.rank == 4);
  CHECK(!trainer::newest_times(4, records, 2).who.node.text().empty());
}

TEST_CASE("every rank is given the same rows, and they say who is slow in words") {
  std::atomic<int> right = 0;
  trainer::run_ranks(3, [&](trainer::thread_communicator& transport) {
    trainer::any_communicator ranks{transport};
    kunmetrics::rank_times mine{.who = {ranks.rank(), kunmetrics::node_name{std::to_string(ranks.rank())}}};
    mine.mean[kunmetrics::whole_step] = 2.0 * second;
    mine.mean[kunmetrics::own_work] = (ranks.rank() == 2 ? 1.5 : 1.0) * second;
    auto const rows = trainer::compared(mine, ranks);
    right += trainer::described(rows).en == "own work of a step, without communication and waiting, 1.00 to 1.50 s, "
                                            "median 1.00 s; longest on rank 2 (2)";
  });
  CHECK(right == 3);
}

TEST_CASE("thread ranks: the delayed one is named in the report, its note and the line of an interval") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  auto const result = run_program(folder, program, with({"--out", "run", "--steps", "12"}),
                                  "LLAMA2_ZERO3_FAULT=delay:1:1:data LANG=C LC_ALL= ");
  REQUIRE(result.code == 0);
  check_report(json::parse(content(folder / "run/report.json")), 3);
  CHECK(content(folder / "run/report.en.md").find("; longest on rank 1 (") != std::string::npos);
  CHECK(content(folder / "run/report.md").find("最慢的是rank 1") != std::string::npos);
  CHECK(result.err.find("\nranks: own work of a step") != std::string::npos);
}

TEST_CASE("a rank that stands alone is compared with none, and the report says so") {
  small_folder const folder;
  folder.write(on_ranks(1, 1));
  auto const result = run_program(folder, program, with({"--out", "run", "--steps", "12"}));
  REQUIRE(result.code == 0);
  auto const said = json::parse(content(folder / "run/report.json"))["ranks"];
  CHECK(said["straggler"].is_null());
  CHECK(said["times"].is_null());
  CHECK(said["reason"] == "one rank has no other to be compared with");
  CHECK(result.err.find("ranks: own work") == std::string::npos);
}

TEST_CASE("ranks that are processes: the same") {
  small_folder const folder;
  folder.write(on_ranks(3, 1));
  for (auto const& launcher : trainer_test::mpi_launchers()) {
    CAPTURE(launcher.name);
    std::string const out{launcher.name};
    auto const result = trainer_test::run_on_ranks(launcher, 3, folder, program,
                                                   with({"--engine", "mpi", "--out", out, "--steps", "12"}),
                                                   "LLAMA2_ZERO3_FAULT=delay:1:1:data timeout 120 ");
    CAPTURE(result.err);
    REQUIRE(result.code == 0);
    check_report(json::parse(content(folder / (out + "/report.json"))), 3);
  }
}
