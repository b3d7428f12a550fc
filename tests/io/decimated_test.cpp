#include <kunmetrics/io/decimated.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <optional>

using kunmetrics::chart_point;
using kunmetrics::decimated;

namespace {
auto wave = [](std::size_t i) -> std::optional<chart_point> {
  auto const x = static_cast<double>(i);
  return chart_point{x, i == 123'456 ? 1e9 : i == 7 ? -1e9 : std::sin(x / 1000)};
};
}  // namespace

TEST_CASE("a short series stays as it is") {
  auto const points = decimated(10, 5, [](std::size_t i) -> std::optional<chart_point> {
    return chart_point{static_cast<double>(i), static_cast<double>(i * i)};
  });
  REQUIRE(points.size() == 10);
  CHECK(points[9].y == 81);
}

TEST_CASE("a long one becomes few points, in order, with its extremes and its ends") {
  auto const points = decimated(1'000'000, 500, wave);
  CHECK(points.size() <= 2000);
  CHECK(points.size() > 900);
  CHECK(std::ranges::is_sorted(points, {}, &chart_point::x));
  CHECK(std::ranges::max(points, {}, &chart_point::y).y == 1e9);
  CHECK(std::ranges::min(points, {}, &chart_point::y).y == -1e9);
  CHECK(points.front().x == 0);
  CHECK(points.back().x == 999'999);
}

TEST_CASE("gaps and values that are not finite are left out") {
  auto const points = decimated(100, 4, [](std::size_t i) -> std::optional<chart_point> {
    if (i % 3 == 0) return std::nullopt;
    return chart_point{static_cast<double>(i), i % 3 == 1 ? std::numeric_limits<double>::quiet_NaN() : 1.0};
  });
  CHECK_FALSE(points.empty());
  for (auto const& point : points) CHECK(point.y == 1.0);
  CHECK(decimated(0, 4, wave).empty());
  CHECK_THROWS_AS(decimated(1, 0, wave), kunmetrics::precondition_error);
}
