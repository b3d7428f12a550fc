// Student's t distribution for a whole number of degrees of freedom.
//
//   P(|T| <= t) by the finite trigonometric series of Abramowitz and Stegun, Handbook of Mathematical
//   Functions, 26.7.3 and 26.7.4; its inverse by bisection.
// For intervals from few batches, where the normal distribution would be too narrow: 2.26 standard
// errors for ten batches, not 1.96.
#pragma once

#include <kunmetrics/error.hpp>

#include <cmath>
#include <numbers>
#include <string>

namespace kunmetrics {

// P(|T| <= t) for t >= 0. Throws precondition_error for fewer than one degree of freedom.
inline double student_t_within(double t, int degrees_of_freedom) {
  if (degrees_of_freedom < 1) {
    broken_precondition("student_t", "at least 1 degree of freedom", std::to_string(degrees_of_freedom));
  }
  double const angle = std::atan(t / std::sqrt(degrees_of_freedom));
  double const cosine_squared = std::cos(angle) * std::cos(angle);
  bool const odd = degrees_of_freedom % 2 == 1;
  double term = odd ? std::cos(angle) : 1.0;
  double series = degrees_of_freedom == 1 ? 0.0 : term;
  for (int k = odd ? 3 : 2; k < degrees_of_freedom; k += 2) {
    term *= cosine_squared * (k - 1) / k;
    series += term;
  }
  return odd ? 2 / std::numbers::pi * (angle + std::sin(angle) * series) : std::sin(angle) * series;
}

// The t that |T| stays within with probability `level`, to 1e-9 of itself. Throws precondition_error for
// a level outside (0, 1) or fewer than one degree of freedom.
inline double student_t_bound(double level, int degrees_of_freedom) {
  if (!(level > 0 && level < 1)) {
    broken_precondition("student_t_bound", "a level between 0 and 1", std::to_string(level));
  }
  double above = 1;
  while (student_t_within(above, degrees_of_freedom) < level) above *= 2;
  double below = above == 1 ? 0 : above / 2;
  while (above - below > 1e-9 * above) {
    double const middle = (below + above) / 2;
    (student_t_within(middle, degrees_of_freedom) < level ? below : above) = middle;
  }
  return (below + above) / 2;
}

}  // namespace kunmetrics
