// Laws of what is made of measurements: energy, goodput, time left, rates with their interval, percentiles,
// slow steps. Sums of drawn whole numbers, so that what must be equal is, or is to 1e-12.
#include <kunmetrics/duration_sketch.hpp>
#include <kunmetrics/energy.hpp>
#include <kunmetrics/rate_interval.hpp>
#include <kunmetrics/slow_steps.hpp>
#include <kunmetrics/time_left.hpp>

#include "drawn.hpp"

#include <chrono>
#include <vector>

using namespace drawn;

namespace {
using clock_point = sampled_energy::clock::time_point;

struct power_sample {
  double watts;
  std::int64_t at;  // in ms
};
std::vector<power_sample> any_samples() {
  std::vector<power_sample> samples(static_cast<std::size_t>(size(2, 30)));
  std::int64_t at = size(0, 1000);
  for (auto& each : samples) {
    each = {static_cast<double>(size(0, 1000)), at};
    at += size(1, 5000);
  }
  return samples;
}
void give(sampled_energy& to, std::vector<power_sample> const& samples, double factor = 1) {
  for (auto const& [watts, at] : samples) {
    to.sample(factor * watts * watt, clock_point{} + std::chrono::milliseconds{at});
  }
}
double joules(std::vector<power_sample> const& samples, double factor = 1) {
  sampled_energy energy;
  give(energy, samples, factor);
  return energy.taken()->in(joule);
}
double seconds(std::vector<power_sample> const& samples) {
  return static_cast<double>(samples.back().at - samples.front().at) / 1000;
}

quantity_of<units::second> any_time(std::int64_t most = 10'000) { return static_cast<double>(size(0, most)) * second; }

// Phases never add up to more than the step.
step_record any_step() {
  step_record record{.time = any_time()};
  auto left = record.time.coherent();
  for (auto& in_phase : record.phases) {
    auto const part = static_cast<double>(size(0, static_cast<std::int64_t>(left)));
    in_phase = part * second;
    left -= part;
  }
  record.warm_up = coin();
  record.skipped = coin();
  return record;
}

interval any_interval() {
  return {.tokens = size(1, 1'000'000'000) * token,
          .time = static_cast<double>(size(1, 1'000'000)) * second,
          .steps = size(1, 100'000) * step};
}

std::vector<double> any_durations(std::int64_t least, std::int64_t most) {
  std::vector<double> all(static_cast<std::size_t>(size(1, 100)));
  for (double& each : all) each = static_cast<double>(size(least, most)) * 1e-6;
  return all;
}
duration_sketch sketch_of(std::vector<double> const& durations) {
  duration_sketch sketch;
  for (double const each : durations) sketch.add(each * second);
  return sketch;
}
}  // namespace

TEST_CASE("energy of sampled power") {
  holds("of constant power it is power times time, else between least and most of it", [] {
    auto samples = any_samples();
    auto const power = [](power_sample const& each) { return each.watts; };
    auto const least = std::ranges::min(samples, {}, power).watts, most = std::ranges::max(samples, {}, power).watts;
    auto const taken = joules(samples);
    RC_ASSERT((taken >= least * seconds(samples) * (1 - 1e-12) && taken <= most * seconds(samples) * (1 + 1e-12)));
    for (auto& each : samples) each.watts = most;
    RC_ASSERT(near(joules(samples), most * seconds(samples)));
  });
  holds("in proportion to power, and the same whatever it is taken in", [] {
    auto const samples = any_samples();
    auto const k = static_cast<double>(size(1, 1000));
    RC_ASSERT(near(joules(samples, k), k * joules(samples)));
    sampled_energy energy;
    double sum = 0;
    for (auto const& each : samples) {
      give(energy, {each});
      if (coin()) sum += energy.taken().value_or(0.0 * joule).in(joule);
    }
    sum += energy.taken().value_or(0.0 * joule).in(joule);
    RC_ASSERT(near(sum, joules(samples)));
  });
  holds("a sample on the line between two others says nothing new, one from the past nothing at all", [] {
    auto samples = any_samples();
    auto const whole = joules(samples);
    auto const i = static_cast<std::size_t>(size(0, static_cast<std::int64_t>(samples.size()) - 2));
    auto const between = power_sample{(samples[i].watts + samples[i + 1].watts) / 2, samples[i].at + samples[i + 1].at};
    for (auto& each : samples) each.at *= 2;  // so that the middle is a whole millisecond
    auto refined = samples;
    refined.insert(refined.begin() + static_cast<std::ptrdiff_t>(i) + 1, between);
    RC_ASSERT(near(joules(refined), 2 * whole));
    refined.insert(refined.begin() + static_cast<std::ptrdiff_t>(i) + 2, {1e9, between.at - 1});
    RC_ASSERT(near(joules(refined), 2 * whole));
  });
  holds("energy per token times tokens is the energy; half the tokens, twice as much each", [] {
    auto over = any_interval();
    over.energy = static_cast<double>(size(1, 1'000'000)) * joule;
    over.steps_with_energy = over.steps;
    auto const each = *energy_per_token({}, over);
    RC_ASSERT(near((each * over.tokens).coherent(), over.energy.coherent()));
    auto more = over;
    more.tokens = 2 * over.tokens;
    RC_ASSERT(near(2 * energy_per_token({}, more)->coherent(), each.coherent()));
    auto without = over;
    without.steps_with_energy = over.steps - 1 * step;
    RC_ASSERT(!energy_per_token({}, without));
  });
}

TEST_CASE("goodput") {
  holds("buckets add up to the time of the steps, in whatever order they come", [] {
    std::vector<step_record> steps(static_cast<std::size_t>(size(1, 20)));
    double time = 0;
    goodput of, backwards;
    for (auto& each : steps) {
      each = any_step();
      time += each.time.coherent();
      add_step(of, each);
    }
    for (auto each = steps.rbegin(); each != steps.rend(); ++each) add_step(backwards, *each);
    RC_ASSERT(of.total().coherent() == time);
    RC_ASSERT((of.productive == backwards.productive && of.data == backwards.data && of.skipped == backwards.skipped &&
               of.warm_up == backwards.warm_up && of.checkpoint == backwards.checkpoint));
    if (auto const ratio = of.ratio()) RC_ASSERT((ratio->coherent() >= 0 && ratio->coherent() <= 1));
  });
  holds("repeating a step costs what it takes and gains nothing; a pause lowers the ratio", [] {
    goodput of;
    auto trained = any_step();
    trained.time += 1.0 * second;
    trained.warm_up = trained.skipped = false;
    add_step(of, trained);
    auto again = of;
    add_step(again, trained, true);
    RC_ASSERT((again.productive == of.productive && again.repeated == of.productive));
    RC_ASSERT(again.total() == 2.0 * of.total());
    auto paused = of;
    bucket_of(paused, *rc::gen::element(phase::data, phase::checkpoint, phase::evaluation,
                                        phase::idle)) += any_time() + 1.0 * second;
    RC_ASSERT(*paused.ratio() < *of.ratio());
    RC_ASSERT(paused.productive == of.productive);
  });
}

TEST_CASE("time left") {
  holds("from here to there and from there to the end is from here to the end", [] {
    auto const over = any_interval();
    auto const done = size(0, 1000) * step, between = done + size(0, 1000) * step,
               last = between + size(0, 1000) * step;
    auto const left = [&](auto from, auto to) { return time_left(from, to, over)->coherent(); };
    RC_ASSERT(near(left(done, between) + left(between, last), left(done, last)));
    RC_ASSERT((left(last, last) == 0 && left(last, done) == 0));
    RC_ASSERT(left(done, last) <= left(done, last + 1 * step));
  });
  holds("by tokens it is the same where a step has always so many; in half the pace twice", [] {
    auto over = any_interval();
    auto const each = size(1, 1'000'000);
    over.tokens = each * over.steps.coherent() * token;
    auto const done = size(0, 1000), last = done + size(0, 1000);
    auto const left = time_left(done * step, last * step, over)->coherent();
    RC_ASSERT(near(time_left(done * each * token, last * each * token, over)->coherent(), left));
    over.time = 2.0 * over.time;
    RC_ASSERT(near(time_left(done * step, last * step, over)->coherent(), 2 * left));
  });
  holds("wall-clock time is never less, in proportion, grows with pauses and forgets the start", [] {
    auto const over = any_interval();
    goodput so_far{.productive = over.time, .checkpoint = any_time(), .paused = any_time()};
    auto const steps = any_time();
    auto const wall = wall_clock(steps, over, so_far).coherent();
    RC_ASSERT(wall >= steps.coherent());
    RC_ASSERT(near(wall_clock(3.0 * steps, over, so_far).coherent(), 3 * wall));
    auto started = so_far;
    started.initialization = any_time();
    started.warm_up = any_time();
    RC_ASSERT(near(wall_clock(steps, over, started).coherent(), wall));
    so_far.evaluation += any_time();
    RC_ASSERT(wall_clock(steps, over, so_far).coherent() >= wall * (1 - 1e-12));
  });
}

TEST_CASE("useful tokens are at most all, and a rate's interval scales with its tokens") {
  holds("padding lowers the rate by its share", [] {
    auto over = any_interval();
    over.steps_with_useful_tokens = over.steps;
    over.useful_tokens = size(0, over.tokens.coherent()) * token;
    training_case run;
    run.cluster = any_cluster();
    auto const all = tokens_per_processor_second(run, over)->coherent();
    auto const useful = useful_tokens_per_processor_second(run, over)->coherent();
    RC_ASSERT(useful <= all);
    RC_ASSERT(near(useful * static_cast<double>(over.tokens.coherent()),
                   all * static_cast<double>(over.useful_tokens.coherent())));
  });
  holds("k times the tokens: k times rate and width; an even pace is certain; over more processors less of both", [] {
    batch_means some, more, even;
    auto const k = static_cast<double>(size(2, 100));
    auto const steps = size(8, 200);
    for (std::int64_t i = 0; i < steps; ++i) {
      auto const tokens = static_cast<double>(size(1, 1000)), time = static_cast<double>(size(1, 1000));
      some.add(tokens, time);
      more.add(k * tokens, time);
      even.add(8 * time, time);
    }
    auto const of = *some.interval(), of_more = *more.interval();
    RC_ASSERT(near(of_more.ratio, k * of.ratio));
    RC_ASSERT(std::abs(of_more.half_width - k * of.half_width) <= 1e-9 * k * of.half_width);
    RC_ASSERT((even.interval()->ratio == 8 && even.interval()->half_width == 0));
    RC_ASSERT(of.half_width < some.interval(0.99)->half_width || of.half_width == 0);
    auto const world = size(1, 1000) * processor;
    auto const rate = *interval_of_rate(some, world);
    RC_ASSERT(near(rate.rate.coherent() * static_cast<double>(world.coherent()), of.ratio));
    RC_ASSERT(near(rate.half_width.coherent() * static_cast<double>(world.coherent()), of.half_width));
  });
  holds("Student's bound is the inverse of his probability, wider for fewer degrees and higher levels", [] {
    auto const degrees = static_cast<int>(size(1, 60));
    auto const level = static_cast<double>(size(1, 99)) / 100;
    auto const bound = student_t_bound(level, degrees);
    RC_ASSERT(std::abs(student_t_within(bound, degrees) - level) < 1e-7);
    RC_ASSERT(bound > student_t_bound(level, degrees + 1));
    RC_ASSERT(bound < student_t_bound(level + 0.005, degrees));
  });
}

TEST_CASE("percentiles of durations") {
  holds("within 0.8 % of the exact nearest rank, never falling, the same merged as added", [] {
    auto const first = any_durations(1000, 10'000'000), second_part = any_durations(1000, 10'000'000);
    auto all = first;
    all.insert(all.end(), second_part.begin(), second_part.end());
    auto const sketch = sketch_of(all);
    auto merged = sketch_of(first), other_way = sketch_of(second_part);
    merged.merge(sketch_of(second_part));
    other_way.merge(sketch_of(first));
    RC_ASSERT((merged == sketch && other_way == sketch && sketch.count() == all.size()));
    std::ranges::sort(all);
    double before = 0;
    for (int below = 1; below <= 100; ++below) {
      auto const rank = static_cast<std::size_t>(std::ceil(static_cast<double>(all.size()) * below / 100 - 1e-9));
      auto const exact = all[std::max<std::size_t>(rank, 1) - 1], estimate = sketch.percentile(below).coherent();
      RC_ASSERT(std::abs(estimate - exact) <= exact * duration_sketch::relative_error * (1 + 1e-9) + 1e-9);
      RC_ASSERT(estimate >= before);
      before = estimate;
    }
  });
}

TEST_CASE("slow steps") {
  holds("the unit of time does not matter; even steps are never slow, ten times as long a one always is", [] {
    slow_steps in_seconds, in_other, even;
    auto const unit = std::ldexp(1.0, static_cast<int>(size(-20, 20)));  // exact
    auto const pace = static_cast<double>(size(1, 1000));
    auto const steps = size(1, 300);
    for (std::int64_t i = 0; i < steps; ++i) {
      auto const time = static_cast<double>(size(1, 1000));
      RC_ASSERT(in_seconds.judge(time) == in_other.judge(unit * time));
      RC_ASSERT(!even.judge(pace));
    }
    RC_ASSERT(even.judge(10 * pace) == (steps >= static_cast<std::int64_t>(slow_steps::fewest)));
    auto const refused = in_seconds.refused();
    RC_ASSERT((!in_seconds.judge(-pace) && in_seconds.refused() == refused + 1));
  });
}
