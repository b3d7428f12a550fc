// A long series as few points that still show its extremes.
//
// The series is cut into equal stretches; of each the first, the smallest, the largest and the last
// value are kept, in their order, so that no spike is lost and the line looks as the whole one does.
// Values that are not finite are gaps and are left out. One pass, no copy of the series.
#pragma once

#include <kunmetrics/error.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace kunmetrics {

struct chart_point {
  double x = 0;
  double y = 0;
};

namespace detail {
// The four points of one stretch that stand for all of it.
class stretch {
 public:
  void add(std::size_t at, chart_point point) {
    if (!first_) {
      first_ = smallest_ = largest_ = kept{at, point};
    } else if (point.y < smallest_->point.y) {
      smallest_ = kept{at, point};
    } else if (point.y > largest_->point.y) {
      largest_ = kept{at, point};
    }
    last_ = kept{at, point};
  }
  void flush_into(std::vector<chart_point>& out) {
    if (!first_) return;
    std::array<kept, 4> all{*first_, *smallest_, *largest_, *last_};
    std::ranges::sort(all, {}, &kept::at);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i == 0 || all[i].at != all[i - 1].at) out.push_back(all[i].point);
    }
    *this = {};
  }

 private:
  struct kept {
    std::size_t at = 0;
    chart_point point{};
  };
  std::optional<kept> first_, smallest_, largest_, last_;
};
}  // namespace detail

// At most 4 * stretches points of `size` ones that point_of(i) gives as std::optional<chart_point>,
// empty for a gap. Throws precondition_error when there is not at least one stretch.
template <typename PointOf>
std::vector<chart_point> decimated(std::size_t size, std::size_t stretches, PointOf&& point_of) {
  if (stretches == 0) broken_precondition("decimated", "at least 1 stretch", "0");
  std::vector<chart_point> out;
  out.reserve(std::min(size, 4 * stretches));
  detail::stretch current;
  std::size_t stretch_index = 0;
  for (std::size_t i = 0; i < size; ++i) {
    auto const belongs_to = size <= 4 * stretches ? i : i * stretches / size;
    if (belongs_to != stretch_index) {
      current.flush_into(out);
      stretch_index = belongs_to;
    }
    std::optional<chart_point> const point = point_of(i);
    if (point && std::isfinite(point->y)) current.add(i, *point);
  }
  current.flush_into(out);
  return out;
}

}  // namespace kunmetrics
