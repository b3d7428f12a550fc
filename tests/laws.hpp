// Algebraic laws, checked over sample sets: what every quantity must obey.
//
// Each check takes a list of samples and tests all pairs or triples of it. Samples of double
// quantities must be chosen so that their sums are exact.
#pragma once

#include <doctest/doctest.h>

#include <kunmetrics/quantity.hpp>

#include <initializer_list>

namespace laws {

template <typename Quantity>
void additive_group(std::initializer_list<Quantity> samples) {
  Quantity const zero{};
  for (Quantity a : samples) {
    CHECK(a + zero == a);
    CHECK(a - a == zero);
    for (Quantity b : samples) {
      CHECK(a + b == b + a);
      CHECK((a + b) - b == a);
      for (Quantity c : samples) CHECK((a + b) + c == a + (b + c));
    }
  }
}

template <typename Quantity>
void total_order(std::initializer_list<Quantity> samples) {
  for (Quantity a : samples) {
    CHECK(a <= a);
    for (Quantity b : samples) {
      CHECK((a < b) + (a == b) + (a > b) == 1);
      for (Quantity c : samples) {
        if (a < b && b < c) CHECK(a < c);
      }
    }
  }
}

// Scalars from the left and the right, distribution over sums.
template <typename Quantity, typename Scalar>
void scalar_module(std::initializer_list<Quantity> samples, std::initializer_list<Scalar> scalars) {
  for (Quantity a : samples) {
    CHECK(Scalar{1} * a == a);
    for (Scalar k : scalars) {
      CHECK(k * a == a * k);
      for (Quantity b : samples) CHECK(k * (a + b) == k * a + k * b);
    }
  }
}

}  // namespace laws
