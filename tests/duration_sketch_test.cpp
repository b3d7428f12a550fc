#include <kunmetrics/duration_sketch.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

using namespace kunmetrics;
using namespace kunmetrics::units;

namespace {
double exact(std::vector<double> const& sorted, double share) {
  auto const rank = std::ceil(static_cast<double>(sorted.size()) * share / 100);
  return sorted[static_cast<std::size_t>(std::max(1.0, rank)) - 1];
}
}  // namespace

TEST_CASE("percentiles are within 1 % of the exact ones, whatever the distribution") {
  std::mt19937_64 random{3};
  std::lognormal_distribution<double> skewed{-2, 1.5};
  std::uniform_real_distribution<double> even{0.9, 1.1};
  std::exponential_distribution<double> tail{0.01};
  for (auto const& draw : {std::function<double()>{[&] { return skewed(random); }}, {[&] { return even(random); }},
                           {[&] { return tail(random) + 1e-5; }}}) {
    duration_sketch sketch;
    std::vector<double> all;
    for (int i = 0; i < 20'011; ++i) {
      all.push_back(draw());
      sketch.add(all.back() * second);
    }
    std::ranges::sort(all);
    for (double const share : {0.01, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
      CAPTURE(share);
      CHECK(sketch.percentile(share).coherent() == doctest::Approx(exact(all, share)).epsilon(duration_sketch::relative_error));
    }
    CHECK(sketch.count() == 20'011);
  }
}

TEST_CASE("every duration of the range lies within 1/128 of its bucket's middle") {
  for (double seconds = 1.1e-6; seconds < 2000; seconds *= 1.00731) {
    duration_sketch sketch;
    sketch.add(seconds * second);
    CHECK(sketch.percentile(50).coherent() == doctest::Approx(seconds).epsilon(1.0 / 128));
  }
}

TEST_CASE("what is out of range counts at the ends") {
  duration_sketch sketch;
  for (double const seconds : {0.0, -1.0, 1e-12, 1e9}) sketch.add(seconds * second);
  CHECK(sketch.count() == 4);
  CHECK(sketch.percentile(75).coherent() == doctest::Approx(1.03e-6).epsilon(0.01));
  CHECK(sketch.percentile(100).coherent() == doctest::Approx(2190).epsilon(0.01));
}

TEST_CASE("merging is associative, commutative and the same as adding to one") {
  std::mt19937_64 random{5};
  std::lognormal_distribution<double> draw{-1, 1};
  duration_sketch a, b, c, all;
  for (int i = 0; i < 3000; ++i) {
    auto const time = draw(random) * second;
    (i % 3 == 0 ? a : i % 3 == 1 ? b : c).add(time);
    all.add(time);
  }
  auto left = a, right = b, other = c;
  left.merge(b), left.merge(c);
  right.merge(c);
  auto grouped = a;
  grouped.merge(right);
  other.merge(b), other.merge(a);
  CHECK(left == all);
  CHECK(grouped == all);
  CHECK(other == all);
}

TEST_CASE("an empty sketch has no percentile") {
  CHECK_THROWS_AS(duration_sketch{}.percentile(50), precondition_error);
  duration_sketch single;
  single.add(1.0 * second);
  CHECK_THROWS_WITH_AS(single.percentile(0), "percentile: needed a percentage above 0 and up to 100, received 0.000000",
                       precondition_error);
}
