#include <kunmetrics/slow_steps.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

using namespace kunmetrics;

namespace {
slow_steps after(int steps, double seconds = 1.0) {
  slow_steps detector;
  std::mt19937 random{1};
  std::normal_distribution<double> noise{1, 0.01};
  for (int i = 0; i < steps; ++i) CHECK(!detector.judge(seconds * noise(random)));
  return detector;
}
}  // namespace

TEST_CASE("a step well above the median is slow, one within the noise is not") {
  auto detector = after(40);
  CHECK(!detector.judge(1.2));
  CHECK(detector.judge(1.5));
  CHECK(detector.judge(100));
  CHECK(*detector.median() == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE("a wide spread needs a larger excess") {
  slow_steps detector;
  std::mt19937 random{1};
  std::uniform_real_distribution<double> wide{0.5, 1.5};
  for (int i = 0; i < 64; ++i) detector.judge(wide(random));
  CHECK(!detector.judge(1.6));  // 60 % over, but MAD is 0.25
  CHECK(detector.judge(4));
}

TEST_CASE("the median is the middle value, of ties too") {
  std::mt19937 random{1};
  for (int const different : {1, 2, 3, 1000}) {
    for (std::size_t const steps : {8U, 16U, 32U}) {
      slow_steps detector;
      std::vector<double> values(steps);
      for (double& value : values) value = 1 + std::uniform_int_distribution{0, different - 1}(random);
      for (double const value : values) detector.judge(value);
      std::ranges::sort(values);
      CHECK(*detector.median() == values[steps / 2]);
    }
  }
}

TEST_CASE("nothing is slow before eight steps") {
  slow_steps detector;
  for (int i = 0; i < 7; ++i) detector.judge(1);
  CHECK(!detector.median());
  CHECK(!detector.judge(1000));
  CHECK(detector.judge(1000));
}

TEST_CASE("values that are not positive and finite are refused and change nothing") {
  auto detector = after(64);
  auto const before = *detector.median();
  for (int i = 0; i < 1000; ++i) {
    for (double const poison : {std::nan(""), std::numeric_limits<double>::infinity(), -1.0, 0.0}) {
      CHECK(!detector.judge(poison));
    }
  }
  CHECK(detector.refused() == 4000);
  CHECK(*detector.median() == before);
  CHECK(detector.judge(1.5));
}

TEST_CASE("outliers, even enormous ones, do not raise the bar: two of five steps a million times too long") {
  slow_steps detector;
  int missed = 0, false_alarms = 0;
  for (int i = 0; i < 5000; ++i) {
    bool const outlier = i > 20 && i % 5 < 2;
    bool const slow = detector.judge(outlier ? 1e6 : 1.0 + 0.001 * (i % 7));
    missed += outlier && !slow ? 1 : 0;
    false_alarms += !outlier && slow ? 1 : 0;
  }
  CHECK(missed == 0);
  CHECK(false_alarms == 0);
}

TEST_CASE("a lasting change of pace becomes the normal one") {
  auto detector = after(100);
  int slow = 0;
  for (int i = 0; i < 500; ++i) slow += detector.judge(2.0) ? 1 : 0;
  CHECK(slow > 0);
  CHECK(slow <= 128);
  CHECK(!detector.judge(2.0));
  CHECK(detector.judge(3.0));
}
