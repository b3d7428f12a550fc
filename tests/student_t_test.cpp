#include <kunmetrics/student_t.hpp>

#include <doctest/doctest.h>

using namespace kunmetrics;

TEST_CASE("two-sided 95 % bounds are those of the printed tables") {
  // degrees of freedom, t(0.975): Abramowitz and Stegun, table 26.10
  struct row { int degrees; double bound; };
  for (auto const [degrees, bound] : {row{1, 12.706}, row{2, 4.303}, row{3, 3.182}, row{7, 2.365}, row{15, 2.131},
                                      row{30, 2.042}, row{31, 2.040}, row{120, 1.980}}) {
    CAPTURE(degrees);
    CHECK(student_t_bound(0.95, degrees) == doctest::Approx(bound).epsilon(3e-4));
  }
  CHECK(student_t_bound(0.99, 9) == doctest::Approx(3.250).epsilon(2e-4));
  CHECK(student_t_bound(0.50, 4) == doctest::Approx(0.741).epsilon(1e-3));
}

TEST_CASE("the bound is the inverse of the probability") {
  for (int degrees = 1; degrees < 64; ++degrees) {
    for (double const level : {0.1, 0.5, 0.9, 0.999}) {
      CHECK(student_t_within(student_t_bound(level, degrees), degrees) == doctest::Approx(level).epsilon(1e-8));
    }
  }
}

TEST_CASE("what cannot be is an error") {
  CHECK_THROWS_WITH_AS(student_t_bound(1.0, 3), "student_t_bound: needed a level between 0 and 1, received 1.000000",
                       precondition_error);
  CHECK_THROWS_AS(student_t_bound(0.95, 0), precondition_error);
}
