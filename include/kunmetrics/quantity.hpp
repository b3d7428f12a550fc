// A number with its dimension.
//
// The value is held in the coherent unit (token, flop, byte, second, ...), so two quantities of
// one dimension are always comparable; a plain number comes out only through a named unit. Counts
// are std::int64_t and exact: their sums and products are checked for overflow. Measured values
// are double. A count turns into a double by itself, never the other way round.
//
//   auto rate = 96 * sample / step * (512 * token / sample);    // exact: 49152 token/step
//   rate = 3.0 * second;                                        // does not compile: names both
#pragma once

#include <kunmetrics/error.hpp>
#include <kunmetrics/unit.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace kunmetrics {

template <typename Dimension, typename Rep = double>
class quantity;

// quantity_of<token / second> is the type of a rate in tokens a second.
template <auto Unit, typename Rep = double>
using quantity_of = quantity<typename decltype(Unit)::dimension, Rep>;
template <auto Unit>
using count_of = quantity_of<Unit, std::int64_t>;

// Never defined: the compiler prints both dimensions when a sum, a comparison or `in` mixes them.
template <typename Left, typename Right>
struct dimension_mismatch;

namespace detail {
template <typename T>
concept number = std::is_arithmetic_v<T> && !std::same_as<T, bool>;
template <typename T>
using rep_of = std::conditional_t<std::floating_point<T>, double, std::int64_t>;
template <typename R1, typename R2>
using wider = std::conditional_t<std::floating_point<R1> || std::floating_point<R2>, double, std::int64_t>;

[[noreturn]] inline void overflow(char const* operation, std::int64_t lhs, std::int64_t rhs) {
  broken_precondition("quantity", "a result within 64 bits",
                      std::to_string(lhs) + operation + std::to_string(rhs));
}

template <typename Rep>
constexpr Rep product(Rep lhs, Rep rhs) {
  if constexpr (std::integral<Rep>) {
    Rep result{};
    if (__builtin_mul_overflow(lhs, rhs, &result)) overflow(" * ", lhs, rhs);
    return result;
  } else {
    return lhs * rhs;
  }
}
template <typename Rep>
constexpr Rep sum(Rep lhs, Rep rhs) {
  if constexpr (std::integral<Rep>) {
    Rep result{};
    if (__builtin_add_overflow(lhs, rhs, &result)) overflow(" + ", lhs, rhs);
    return result;
  } else {
    return lhs + rhs;
  }
}
template <typename Rep>
constexpr Rep difference(Rep lhs, Rep rhs) {
  if constexpr (std::integral<Rep>) {
    Rep result{};
    if (__builtin_sub_overflow(lhs, rhs, &result)) overflow(" - ", lhs, rhs);
    return result;
  } else {
    return lhs - rhs;
  }
}
// A count stays a count under a whole scale: 32 * GiB is exact.
template <typename Scale, typename T>
using scaled_rep = std::conditional_t<std::integral<T> && Scale::den == 1, std::int64_t, double>;

template <typename Scale, typename Rep>
constexpr Rep to_coherent(Rep value) {
  if constexpr (std::integral<Rep>) {
    return product<Rep>(value, Scale::num);
  } else {
    return value * static_cast<double>(Scale::num) / static_cast<double>(Scale::den);
  }
}
}  // namespace detail

template <typename Dimension, typename Rep>
class quantity {
  static_assert(std::same_as<Rep, double> || std::same_as<Rep, std::int64_t>,
                "quantity<Dimension, Rep> requires 'Rep' to be double or std::int64_t");

 public:
  using dimension = Dimension;
  using rep = Rep;

  constexpr quantity() = default;

  // A count where a measured value is wanted.
  template <std::same_as<std::int64_t> Count>
    requires std::same_as<Rep, double>
  constexpr quantity(quantity<Dimension, Count> count) : value_{static_cast<double>(count.coherent())} {}

  // Another dimension: deleted, so that the error names what was needed and what was given.
  template <typename Given, typename GivenRep>
    requires(!std::same_as<Given, Dimension>)
  constexpr quantity(quantity<Given, GivenRep>) = delete;

  // The value in coherent units (token, flop, byte, second, ...): for formulas of this library.
  static constexpr quantity from_coherent(Rep value) { return quantity{value}; }
  constexpr Rep coherent() const { return value_; }

  // The number of `Unit`s: `size.in(GiB)`. A count in its coherent unit stays exact.
  template <typename Scale>
  constexpr auto in(unit<Dimension, Scale>) const {
    if constexpr (std::ratio_equal_v<Scale, std::ratio<1>>) {
      return value_;
    } else {
      return static_cast<double>(value_) * static_cast<double>(Scale::den) / static_cast<double>(Scale::num);
    }
  }

  // A unit of another dimension: the incomplete return type makes the error name both.
  template <typename Other, typename Scale>
    requires(!std::same_as<Other, Dimension>)
  dimension_mismatch<Dimension, Other> in(unit<Other, Scale>) const;

  constexpr quantity& operator+=(quantity other) {
    value_ = detail::sum(value_, other.value_);
    return *this;
  }
  constexpr quantity& operator-=(quantity other) {
    value_ = detail::difference(value_, other.value_);
    return *this;
  }

 private:
  constexpr explicit quantity(Rep value) : value_{value} {}

  Rep value_{};
};

template <detail::number T, typename Dimension, typename Scale>
constexpr auto operator*(T value, unit<Dimension, Scale>) {
  using rep = detail::scaled_rep<Scale, T>;
  return quantity<Dimension, rep>::from_coherent(detail::to_coherent<Scale>(static_cast<rep>(value)));
}
template <typename D1, typename Rep, typename D2, typename Scale>
constexpr auto operator*(quantity<D1, Rep> lhs, unit<D2, Scale> rhs) {
  return lhs * (1 * rhs);
}
// Dividing by a unit of scale one keeps a count a count: 8 * processor / node.
template <typename D1, typename Rep, typename D2, typename Scale>
constexpr auto operator/(quantity<D1, Rep> lhs, unit<D2, Scale> rhs) {
  if constexpr (std::ratio_equal_v<Scale, std::ratio<1>>) {
    return quantity<quotient_of<D1, D2>, Rep>::from_coherent(lhs.coherent());
  } else {
    return lhs / (1 * rhs);
  }
}

template <typename D1, typename R1, typename D2, typename R2>
constexpr auto operator*(quantity<D1, R1> lhs, quantity<D2, R2> rhs) {
  using rep = detail::wider<R1, R2>;
  return quantity<product_of<D1, D2>, rep>::from_coherent(
      detail::product(static_cast<rep>(lhs.coherent()), static_cast<rep>(rhs.coherent())));
}
// A quotient is a double, of two counts too; `exact_quotient` is the whole number or an error.
template <typename D1, typename R1, typename D2, typename R2>
constexpr auto operator/(quantity<D1, R1> lhs, quantity<D2, R2> rhs) {
  return quantity<quotient_of<D1, D2>>::from_coherent(static_cast<double>(lhs.coherent()) /
                                                      static_cast<double>(rhs.coherent()));
}
template <detail::number T, typename Dimension, typename Rep>
constexpr auto operator*(T factor, quantity<Dimension, Rep> q) {
  using rep = detail::wider<detail::rep_of<T>, Rep>;
  return quantity<Dimension, rep>::from_coherent(
      detail::product(static_cast<rep>(factor), static_cast<rep>(q.coherent())));
}
template <typename Dimension, typename Rep, detail::number T>
constexpr auto operator*(quantity<Dimension, Rep> q, T factor) {
  return factor * q;
}
template <typename Dimension, typename Rep, detail::number T>
constexpr auto operator/(quantity<Dimension, Rep> q, T divisor) {
  return quantity<Dimension>::from_coherent(static_cast<double>(q.coherent()) / static_cast<double>(divisor));
}

template <typename Dimension, typename R1, typename R2>
constexpr auto operator+(quantity<Dimension, R1> lhs, quantity<Dimension, R2> rhs) {
  using rep = detail::wider<R1, R2>;
  return quantity<Dimension, rep>::from_coherent(
      detail::sum(static_cast<rep>(lhs.coherent()), static_cast<rep>(rhs.coherent())));
}
template <typename Dimension, typename R1, typename R2>
constexpr auto operator-(quantity<Dimension, R1> lhs, quantity<Dimension, R2> rhs) {
  using rep = detail::wider<R1, R2>;
  return quantity<Dimension, rep>::from_coherent(
      detail::difference(static_cast<rep>(lhs.coherent()), static_cast<rep>(rhs.coherent())));
}
template <typename Dimension, typename R1, typename R2>
constexpr bool operator==(quantity<Dimension, R1> lhs, quantity<Dimension, R2> rhs) {
  using rep = detail::wider<R1, R2>;
  return static_cast<rep>(lhs.coherent()) == static_cast<rep>(rhs.coherent());
}
template <typename Dimension, typename R1, typename R2>
constexpr auto operator<=>(quantity<Dimension, R1> lhs, quantity<Dimension, R2> rhs) {
  using rep = detail::wider<R1, R2>;
  return static_cast<rep>(lhs.coherent()) <=> static_cast<rep>(rhs.coherent());
}

// Mixed dimensions: the incomplete return type makes the error name both.
template <typename D1, typename R1, typename D2, typename R2>
  requires(!std::same_as<D1, D2>)
dimension_mismatch<D1, D2> operator+(quantity<D1, R1>, quantity<D2, R2>);
template <typename D1, typename R1, typename D2, typename R2>
  requires(!std::same_as<D1, D2>)
dimension_mismatch<D1, D2> operator-(quantity<D1, R1>, quantity<D2, R2>);
template <typename D1, typename R1, typename D2, typename R2>
  requires(!std::same_as<D1, D2>)
dimension_mismatch<D1, D2> operator==(quantity<D1, R1>, quantity<D2, R2>);
template <typename D1, typename R1, typename D2, typename R2>
  requires(!std::same_as<D1, D2>)
dimension_mismatch<D1, D2> operator<=>(quantity<D1, R1>, quantity<D2, R2>);

// The whole number of times that `divisor` goes into `dividend`. Throws precondition_error, with
// both values, when it does not go evenly or the divisor is not positive.
template <typename D1, typename D2>
constexpr quantity<quotient_of<D1, D2>, std::int64_t> exact_quotient(quantity<D1, std::int64_t> dividend,
                                                                     quantity<D2, std::int64_t> divisor) {
  if (divisor.coherent() <= 0 || dividend.coherent() % divisor.coherent() != 0) {
    broken_precondition("exact_quotient", "a positive divisor that divides evenly",
                        std::to_string(dividend.coherent()) + " / " + std::to_string(divisor.coherent()));
  }
  return quantity<quotient_of<D1, D2>, std::int64_t>::from_coherent(dividend.coherent() / divisor.coherent());
}

template <typename Dimension, typename Rep>
inline constexpr std::string_view unit_text<quantity<Dimension, Rep>> = unit_text<Dimension>;
template <typename Dimension, typename Rep>
inline constexpr std::string_view unit_text<quantity<Dimension, Rep> const> = unit_text<Dimension>;

}  // namespace kunmetrics
