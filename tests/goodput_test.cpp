#include <kunmetrics/goodput.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
// A step of 10 s: 1 s of data, 2 s of checkpoint, 0.5 s of evaluation.
step_record ten_seconds() {
  step_record record{.time = 10.0 * second};
  record.phases[static_cast<std::size_t>(phase::data)] = 1.0 * second;
  record.phases[static_cast<std::size_t>(phase::forward)] = 6.5 * second;
  record.phases[static_cast<std::size_t>(phase::checkpoint)] = 2.0 * second;
  record.phases[static_cast<std::size_t>(phase::evaluation)] = 0.5 * second;
  return record;
}
}  // namespace

TEST_CASE("each second of a step is in exactly one bucket") {
  goodput of;
  auto record = ten_seconds();
  add_step(of, record);
  CHECK(of.productive.in(second) == 6.5);
  CHECK(of.data.in(second) == 1.0);
  CHECK(of.checkpoint.in(second) == 2.0);
  CHECK(of.evaluation.in(second) == 0.5);
  record.skipped = true;
  add_step(of, record);
  CHECK(of.skipped.in(second) == 6.5);
  add_step(of, record, true);  // repeated work is that first of all
  CHECK(of.repeated.in(second) == 6.5);
  record.warm_up = true;
  add_step(of, record, true);
  CHECK(of.warm_up.in(second) == 6.5);
  CHECK(of.total().in(second) == 40.0);
  CHECK(of.ratio()->in(one) == 6.5 / 40);
}

TEST_CASE("pauses go to the bucket of their reason") {
  goodput of;
  for (phase const why : {phase::checkpoint, phase::evaluation, phase::data, phase::idle}) bucket_of(of, why) += 3.0 * second;
  CHECK(of.checkpoint.in(second) == 3.0);
  CHECK(of.evaluation.in(second) == 3.0);
  CHECK(of.data.in(second) == 3.0);
  CHECK(of.paused.in(second) == 3.0);
  CHECK(of.ratio()->in(one) == 0.0);
}

TEST_CASE("no time, no goodput") { CHECK(goodput{}.ratio().reason() == "no time has passed"); }

TEST_CASE("the fields add up to the total: none is forgotten") {
  goodput of;
  double sum = 0;
  int n = 0;
  of = {.productive = 1.0 * second, .warm_up = 2.0 * second, .skipped = 4.0 * second, .repeated = 8.0 * second,
        .data = 16.0 * second, .checkpoint = 32.0 * second, .evaluation = 64.0 * second, .paused = 128.0 * second,
        .initialization = 256.0 * second};
  for_each_field(of, [&](std::string_view, auto const& time) { sum += time.in(second), ++n; });
  CHECK(n == 9);
  CHECK(sum == 511.0);
  CHECK(of.total().in(second) == sum);
}
