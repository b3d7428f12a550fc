// The pipelines of views.hpp over a log of steps that was read back: what they say of the live records.
#include <kunmetrics/io/json_lines.hpp>
#include <kunmetrics/io/step_log.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/views.hpp>

#include "../trainer/scratch_folder.hpp"

#include <doctest/doctest.h>

#include <fstream>

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

constexpr training_case run{.model = models::llama2_7b, .cluster = {.per_node = 8 * processor / node}};

std::vector<double> rates(auto&& groups) {
  std::vector<double> all;
  for (auto const& rate : groups | tokens_per_processor_second(run)) all.push_back(rate->coherent());
  return all;
}
}  // namespace

TEST_CASE("a pipeline over a file says what it says over the live records") {
  trainer_test::scratch_folder const folder;
  auto const path = folder.path() / "steps.jsonl";
  meter meter{run, {.warm_up = 3 * step}, tokens_per_processor_second};
  {
    std::ofstream file{path};
    for (int i = 0; i < 40; ++i) {
      auto running = meter.start();
      running.turn_to(i % 9 == 0 ? phase::checkpoint : phase::forward);
      auto const& record = running.finish({.tokens = 512 * token, .loss = 2.0, .skipped = i % 11 == 0, .epoch = i / 16,
                                           .useful_tokens = 500 * token, .energy = 3.0 * joule});
      file << json_line(record);
    }
    file << R"({"step":41,"time":1.)";  // killed while it wrote
  }
  auto const log = read_step_log(path);
  CHECK(log.cut);
  REQUIRE(log.records.size() == 40);
  auto const live = meter.records();
  CHECK(rates(log.records | drop_warmup | windows(7)) == rates(live | drop_warmup | windows(7)));
  CHECK(rates(log.records | drop_warmup | by_epoch).size() == 3);
  CHECK(rates(log.records | drop_warmup | without_pauses | by_epoch) == rates(live | drop_warmup | without_pauses | by_epoch));
  CHECK((log.records | drop_warmup | slowest(3)).begin()->step == (live | drop_warmup | slowest(3)).begin()->step);
  auto const read = sums(log.records | drop_warmup);
  CHECK(read.useful_tokens == meter.measured().useful_tokens);
  CHECK(read.energy.coherent() == meter.measured().energy.coherent());
  CHECK(read.steps_with_useful_tokens == read.steps);
  CHECK((log.records | drop_warmup | tokens_per_processor_second(run))->coherent() ==
        doctest::Approx(meter(tokens_per_processor_second)->coherent()).epsilon(1e-12));
}
