// A count of parameters, FLOP or bytes whose sums and products cannot wrap around.
//
// For formulas over many sizes: `h * q * 2 + norms` reads as it is written on paper, and a result
// beyond 64 bits throws precondition_error with both operands (in a constant expression: does not
// compile).
#pragma once

#include <kunmetrics/quantity.hpp>

#include <cstdint>

namespace kunmetrics {

class checked {
 public:
  constexpr checked() = default;
  constexpr checked(std::int64_t value) : value_{value} {}

  constexpr std::int64_t value() const { return value_; }

  friend constexpr checked operator*(checked a, checked b) { return detail::product(a.value_, b.value_); }
  friend constexpr checked operator+(checked a, checked b) { return detail::sum(a.value_, b.value_); }
  friend constexpr checked operator-(checked a, checked b) { return detail::difference(a.value_, b.value_); }

 private:
  std::int64_t value_ = 0;
};

}  // namespace kunmetrics
