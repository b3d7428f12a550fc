#include "hand_clock.hpp"
#include "r300_case.hpp"

#include <kunmetrics/energy.hpp>
#include <kunmetrics/meter.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>
#include <type_traits>

namespace {
std::atomic<long> allocations{0};
}  // namespace

// Every allocation of this program is counted; the meter's test looks at the difference.
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {
using namespace kunmetrics;
using namespace kunmetrics::units;

void wait(int milliseconds) { hand_clock::at += std::chrono::milliseconds{milliseconds}; }

constexpr auto const& run = r300_case;
using rate_meter = basic_meter<hand_clock, tokens_per_processor_second_t>;

void one_step(auto& meter, int milliseconds, std::int64_t tokens) {
  auto running = meter.start();
  wait(milliseconds);
  running.finish({.tokens = tokens * token});
}
struct steps_per_hour {
  static constexpr std::string_view name = "steps_per_hour";
  double operator()(training_case const&, interval const& over) const { return (over.steps / over.time).in(step / hour); }
};
double seconds(step_record const& record, phase p) { return in_phase(record, p).in(second); }

// A step is ended by what `start` gives, once: there is no way to finish what was not started.
using running_step = rate_meter::running_step;
static_assert(!std::is_default_constructible_v<running_step> && !std::is_copy_constructible_v<running_step> &&
              !std::is_move_constructible_v<running_step>);
}  // namespace

TEST_CASE("warm-up steps are recorded, said and left out of the sums") {
  rate_meter meter{run, {.warm_up = 2 * step}, tokens_per_processor_second};
  CHECK(!boost::hana::at_c<0>(meter.results()));
  one_step(meter, 9000, 800);
  one_step(meter, 5000, 800);
  CHECK(!boost::hana::at_c<0>(meter.results()));
  one_step(meter, 1000, 800);
  one_step(meter, 3000, 800);
  CHECK(meter.steps() == 4 * step);
  CHECK(meter.measured().steps == 2 * step);
  CHECK(meter.measured().tokens == 1600 * token);
  // 1600 tokens in 4 s on 8 processors: 50. The mean of the two rates would be 66.7.
  CHECK(boost::hana::at_c<0>(meter.results())->in(token / (processor * second)) == 50.0);
  CHECK(meter.records()[1].warm_up);
  CHECK(!meter.records()[2].warm_up);
}

TEST_CASE("a step may say itself that it is warm-up") {
  rate_meter meter{run, {.warm_up = 1 * step}, tokens_per_processor_second};
  for (int i = 1; i <= 4; ++i) {
    auto running = meter.start();
    wait(i == 3 ? 9000 : 1000);
    running.finish({.tokens = 800 * token, .warm_up = i == 3});
  }
  CHECK(meter.measured().steps == 2 * step);
  CHECK(meter.totals().warm_up_steps == 2 * step);
  CHECK(meter.records()[2].warm_up);
  CHECK_FALSE(meter.records()[3].warm_up);
  CHECK(meter.measured().time.coherent() == doctest::Approx(2.0));
}

TEST_CASE("time between steps belongs to the next step: the loader is never left out") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  wait(500);  // before the first step: not the run's
  one_step(meter, 1000, 8);
  wait(250);
  one_step(meter, 1000, 8);
  CHECK(meter.records()[0].time.in(second) == 1.0);
  CHECK(meter.records()[1].time.in(second) == 1.25);
  CHECK(meter.measured().time.in(second) == 2.25);
}

TEST_CASE("phase times are exclusive") {
  rate_meter meter{run, {}, tokens_per_processor_second};
  auto running = meter.start();
  wait(1);
  {
    auto forward = running.enter(phase::forward);
    wait(10);
    {
      auto communication = running.enter(phase::communication);
      wait(100);
    }
    wait(20);
  }
  {
    auto backward = running.enter(phase::backward);
    wait(7);
  }
  auto const& record = running.finish({.tokens = 1 * token});
  CHECK(seconds(record, phase::forward) == doctest::Approx(0.030));
  CHECK(seconds(record, phase::communication) == doctest::Approx(0.100));
  CHECK(seconds(record, phase::backward) == doctest::Approx(0.007));
  CHECK(seconds(record, phase::optimizer) == 0.0);
  CHECK(seconds(record, phase::idle) == doctest::Approx(0.001));  // what is in no phase
  CHECK(record.time.in(second) == doctest::Approx(0.138));
}

TEST_CASE("communication behind computation is recorded apart, and its exposed part in its phase alone") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  auto running = meter.start();
  {
    auto backward = running.enter(phase::backward);
    wait(10);
    auto reduce = running.overlap_communication();
    wait(20);
    {
      auto gather = running.overlap_communication();  // two at once are no more than one
      wait(30);
    }
    auto exposed = running.enter(phase::communication);  // now computation waits for it
    wait(5);
  }
  wait(1);
  auto const& record = running.finish({.tokens = 8 * token, .overlapped_communication = 0.25 * second});
  CHECK(record.overlapped_communication.in(second) == doctest::Approx(0.050 + 0.25));
  CHECK(seconds(record, phase::backward) == doctest::Approx(0.060));
  CHECK(seconds(record, phase::communication) == doctest::Approx(0.005));
  double sum = 0;
  for (auto const& time : record.phases) sum += time.in(second);
  CHECK(sum == doctest::Approx(record.time.in(second)));
  CHECK(record.time.in(second) == doctest::Approx(0.066));
  CHECK(meter.totals().overlapped_communication == record.overlapped_communication);
}

TEST_CASE("a pause between steps is in no step's time, but in goodput's bucket and the next record") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  wait(700);
  one_step(meter, 1000, 800);
  wait(50);
  {
    auto pause = meter.pause(phase::evaluation);
    wait(30'000);
    CHECK_THROWS_AS(static_cast<void>(meter.start()), std::logic_error);
    CHECK_THROWS_AS(static_cast<void>(meter.pause(phase::checkpoint)), std::logic_error);
  }
  { auto pause = meter.pause(phase::checkpoint); wait(4000); }
  wait(25);
  one_step(meter, 1000, 800);
  CHECK(meter.records()[1].time.in(second) == doctest::Approx(1.075));
  CHECK(meter.records()[1].paused.in(second) == 34.0);
  CHECK(meter.records()[0].paused.in(second) == 0.0);
  CHECK(boost::hana::at_c<0>(meter.results())->coherent() == doctest::Approx(1600 / 2.075 / 8));
  auto const& goodput = meter.totals().goodput;
  CHECK(goodput.initialization.in(second) == 0.7);
  CHECK(goodput.evaluation.in(second) == 30.0);
  CHECK(goodput.checkpoint.in(second) == 4.0);
  CHECK(goodput.total().in(second) == doctest::Approx(0.7 + 2.075 + 34));
  auto running = meter.start();
  CHECK_THROWS_AS(static_cast<void>(meter.pause(phase::checkpoint)), std::logic_error);
}

TEST_CASE("a pause before the first step is no part of the start") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  wait(100);
  { auto pause = meter.pause(phase::checkpoint); wait(5000); }
  wait(200);
  one_step(meter, 1000, 8);
  CHECK(meter.totals().goodput.initialization.in(second) == 0.3);
  CHECK(meter.totals().goodput.checkpoint.in(second) == 5.0);
  CHECK(meter.records()[0].time.in(second) == 1.0);
}

TEST_CASE("a changing batch size: the rate is the ratio of sums") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  for (int i = 0; i < 20; ++i) one_step(meter, 1000, 800);
  for (int i = 0; i < 20; ++i) one_step(meter, 4000, 3200);
  CHECK(boost::hana::at_c<0>(meter.results())->coherent() == doctest::Approx(100));
  CHECK(meter.totals().slow_steps == 0 * step);  // four times as long for four times as many tokens is no slow step
  REQUIRE(meter.rate());
  CHECK(meter.rate()->half_width.coherent() == doctest::Approx(0));
}

TEST_CASE("useful tokens have a rate of their own, and none when a step did not say them") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  auto const packed = [&](std::optional<count_of<token>> useful, bool skipped = false) {
    auto running = meter.start();
    wait(1000);
    running.finish({.tokens = 800 * token, .skipped = skipped, .useful_tokens = useful});
  };
  packed(600 * token);
  packed(200 * token);
  packed(std::nullopt, true);  // skipped: neither kind counts
  CHECK(meter(tokens_per_processor_second)->coherent() == doctest::Approx(1600 / 3.0 / 8));
  CHECK(meter(useful_tokens_per_processor_second)->coherent() == doctest::Approx(800 / 3.0 / 8));
  packed(std::nullopt);
  CHECK(meter(useful_tokens_per_processor_second).reason() == "not every step said how many tokens are no padding");
  CHECK(!meter.records().back().useful_tokens);  // nothing of the step before is left over
}

TEST_CASE("a resumed run goes on counting, but its rates are those of this start") {
  rate_meter meter{run, {.warm_up = 1 * step, .resumed = {.step = 1000 * step, .tokens = 800'000 * token, .reached = 1003 * step}},
                   tokens_per_processor_second};
  for (int i = 0; i < 5; ++i) one_step(meter, 1000, 800);
  CHECK(meter.records().front().step == 1001 * step);
  CHECK(meter.records().front().warm_up);
  CHECK(!meter.records()[1].warm_up);
  CHECK(meter.totals().tokens_trained == 804'000 * token);
  CHECK(meter.steps() == 5 * step);
  CHECK(boost::hana::at_c<0>(meter.results())->coherent() == doctest::Approx(100));
  CHECK(meter.totals().goodput.warm_up.in(second) == 1.0);
  CHECK(meter.totals().goodput.repeated.in(second) == 2.0);  // 1002 and 1003 had been trained before
  CHECK(meter.totals().goodput.productive.in(second) == 2.0);
}

TEST_CASE("the rolling window has the newest steps, warm-up never") {
  rate_meter meter{run, {.warm_up = 2 * step, .records_kept = 64, .window = 4}, tokens_per_processor_second};
  for (int i = 1; i <= 40; ++i) {
    one_step(meter, i * 100, 8 * i * i);
    double tokens = 0, time = 0;
    for (int k = std::max(3, i - 3); k <= i; ++k) tokens += 8 * k * k, time += k * 0.1;
    CHECK(meter.window().tokens.coherent() == static_cast<std::int64_t>(tokens));
    CHECK(meter.window().time.coherent() == doctest::Approx(time));
  }
  CHECK(meter(tokens_per_processor_second, meter.window())->coherent() > meter(tokens_per_processor_second)->coherent());
  CHECK_THROWS_AS((rate_meter{run, {.window = 0}, tokens_per_processor_second}), precondition_error);
}

TEST_CASE("a clock that goes backwards makes its step untimed: recorded, in no rate") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  one_step(meter, 1000, 800);
  {
    auto running = meter.start();
    running.turn_to(phase::forward);
    wait(300);
    running.turn_to(phase::backward);
    wait(-5000);
    auto const& record = running.finish({.tokens = 800 * token, .loss = 2.0});
    CHECK(record.untimed);
    CHECK(record.time.in(second) == 0.0);
    for (auto const& time : record.phases) CHECK(time.in(second) == 0.0);
  }
  wait(-50);  // between steps: the next one's
  one_step(meter, 1000, 800);
  CHECK(meter.records().back().untimed);
  one_step(meter, 3000, 800);
  CHECK(!meter.records().back().untimed);
  CHECK(meter.records().back().time.in(second) == 3.0);
  CHECK(meter.measured().steps == 2 * step);
  CHECK(meter.totals().untimed_steps == 2 * step);
  CHECK(meter.totals().tokens_trained == 3200 * token);
  CHECK(boost::hana::at_c<0>(meter.results())->coherent() == doctest::Approx(1600 / 4.0 / 8));
  {
    auto pause = meter.pause(phase::checkpoint);
    wait(-100);
  }
  CHECK(meter.totals().goodput.checkpoint.in(second) == 0.0);
}

TEST_CASE("an energy or overlap that cannot be stays out of the sums") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  auto const recorded = [&](double amount) -> step_record const& {
    auto running = meter.start();
    return running.finish({.tokens = 800 * token, .energy = amount * joule, .overlapped_communication = amount * second});
  };
  for (double const bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0}) {
    CHECK((!recorded(bad).energy && meter.records().back().overlapped_communication == 0.0 * second));
  }
  CHECK((recorded(0.25).energy == 0.25 * joule && meter.records().back().overlapped_communication == 0.25 * second));
}

TEST_CASE("slow steps are marked; several epochs and energy are in the record") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  for (int i = 0; i < 50; ++i) {
    auto running = meter.start();
    wait(i == 40 ? 3000 : 1000 + i % 3);
    running.finish({.tokens = 800 * token, .epoch = i / 25, .energy = 400.0 * joule});
  }
  for (auto const& record : meter.records()) {
    CHECK(record.slow == (record.step == 41 * step));
    CHECK(record.epoch == (record.step.coherent() - 1) / 25);
  }
  CHECK(meter.totals().slow_steps == 1 * step);
  CHECK(meter.totals().longest_step.in(second) == 3.0);
  CHECK(meter(energy_per_token)->in(joule / token) == 0.5);
  one_step(meter, 1000, 800);
  CHECK(!meter(energy_per_token));
  CHECK(!meter.records().back().energy);
}

TEST_CASE("a schedule may tell where it is instead of opening scopes") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  {
    auto dropped = meter.start();
    dropped.turn_to(phase::optimizer);
    wait(50);
  }
  auto running = meter.start();
  wait(1);  // the phase of a dropped step is over
  running.turn_to(phase::forward);
  wait(10);
  running.turn_to(phase::backward);
  wait(20);
  running.turn_to(phase::forward);
  wait(30);
  auto const& record = running.finish({.tokens = 1 * token});
  CHECK(seconds(record, phase::forward) == doctest::Approx(0.040));
  CHECK(seconds(record, phase::backward) == doctest::Approx(0.020));
  CHECK(seconds(record, phase::optimizer) == 0.0);
}

TEST_CASE("a skipped step costs time and gains no tokens; a loss that is not finite is no loss") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  one_step(meter, 1000, 800);
  auto skipped = meter.start();
  wait(1000);
  auto const& record = skipped.finish({.tokens = 800 * token, .loss = std::numeric_limits<double>::quiet_NaN(),
                                       .grad_norm = std::numeric_limits<double>::infinity(), .skipped = true});
  CHECK(!record.loss);
  CHECK(!record.grad_norm);
  CHECK(meter.totals().losses_not_finite == 1 * step);
  CHECK(meter.totals().skipped_steps == 1 * step);
  CHECK(meter.measured().tokens == 800 * token);
  CHECK(meter.measured().time.in(second) == 2.0);
}

TEST_CASE("a step dropped without finish leaves no record and loses no time") {
  rate_meter meter{run, {.warm_up = 0 * step}, tokens_per_processor_second};
  one_step(meter, 1000, 8);
  {
    auto dropped = meter.start();
    wait(400);
  }
  one_step(meter, 1000, 8);
  CHECK(meter.steps() == 2 * step);
  CHECK(meter.measured().time.in(second) == 2.4);
}

TEST_CASE("misuse is an error") {
  rate_meter meter{run, {}, tokens_per_processor_second};
  auto running = meter.start();
  CHECK_THROWS_AS(static_cast<void>(meter.start()), std::logic_error);
  running.finish({.tokens = 1 * token});
  CHECK_THROWS_AS(running.finish({.tokens = 1 * token}), std::logic_error);
  CHECK_THROWS_AS((rate_meter{run, {.records_kept = 0}, tokens_per_processor_second}), precondition_error);
}

TEST_CASE("the newest records are kept in order, the sums cover all steps") {
  rate_meter meter{run, {.warm_up = 0 * step, .records_kept = 3}, tokens_per_processor_second};
  for (int i = 1; i <= 7; ++i) {
    one_step(meter, 10, i);
    auto const kept = meter.records();
    REQUIRE(kept.size() == static_cast<std::size_t>(std::min(i, 3)));
    for (std::size_t k = 0; k < kept.size(); ++k) {
      CHECK(kept[k].step == (i - static_cast<std::int64_t>(kept.size()) + 1 + static_cast<std::int64_t>(k)) * step);
    }
  }
  CHECK(meter.measured().tokens == 28 * token);
}

TEST_CASE("after construction the meter takes no memory") {
  meter meter{run, {.warm_up = 1 * step, .records_kept = 4}, tokens_per_processor_second, mfu<flops::palm>, hfu<flops::palm, recompute::layers>};
  long const before = allocations;
  for (int i = 0; i < 100; ++i) {
    auto running = meter.start();
    { auto scope = running.enter(phase::forward); }
    running.finish({.tokens = 49152 * token, .loss = 5.27});
    { auto pause = meter.pause(phase::evaluation); }
    static_cast<void>(meter.results());
    static_cast<void>(meter.snapshot());
    static_cast<void>(meter.rate());
    static_cast<void>(meter.step_times());
  }
  CHECK(allocations == before);
  CHECK(allocations > 0);  // the counter itself counts
}

TEST_CASE("a calculator of the user's own plugs in beside ours") {
  basic_meter<hand_clock, tokens_per_processor_second_t, steps_per_hour> meter{run, {.warm_up = 0 * step}, {}, {}};
  one_step(meter, 1800, 8);
  one_step(meter, 1800, 8);
  CHECK(boost::hana::at_c<1>(meter.results()) == doctest::Approx(2000.0));
  CHECK(meter(mfu<flops::palm>)->ratio.in(one) > 0);
}
