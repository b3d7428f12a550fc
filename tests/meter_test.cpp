#include <kunmetrics/meter.hpp>
#include <kunmetrics/utilization.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <limits>
#include <new>

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

// A clock that moves only when a test says so.
struct hand_clock {
  using rep = std::int64_t;
  using period = std::milli;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<hand_clock>;
  [[maybe_unused]] static constexpr bool is_steady = true;
  static inline rep milliseconds = 0;
  static time_point now() { return time_point{duration{milliseconds}}; }
};
void wait(int milliseconds) { hand_clock::milliseconds += milliseconds; }

constexpr training_case run{.model = models::llama2_7b, .processor = devices::kunlunxin_r300, .precision = fp16,
                            .cluster = {.per_node = 8 * processor / node},
                            .micro_batch_size = 12 * sample / (replica * micro_step), .sequence_length = 512 * token / sample};
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
double seconds(step_record const& record, phase p) { return record.phases[static_cast<std::size_t>(p)].in(second); }
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
  CHECK(record.time.in(second) == doctest::Approx(0.138));
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
    static_cast<void>(meter.results());
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
