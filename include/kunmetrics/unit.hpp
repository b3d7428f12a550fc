// Units: named objects that turn a plain number into a quantity and back.
//
//   12 * sample / (replica * micro_step)      a micro-batch size
//   rate.in(token / (processor * second))     a plain number again, the unit said
//
// A unit is a dimension and an exact scale to the coherent unit of that dimension (flop, byte,
// second, ...). Units are empty constants: no run-time cost. Decimal prefixes are powers of ten
// (GB, GFLOP) and binary ones powers of two (GiB); both exist and are different names.
#pragma once

#include <kunmetrics/dimension.hpp>

#include <ratio>

namespace kunmetrics {

template <typename Dimension, typename Scale = std::ratio<1>>
struct unit {
  using dimension = Dimension;
  using scale = Scale;
};

template <typename D1, typename S1, typename D2, typename S2>
constexpr unit<product_of<D1, D2>, std::ratio_multiply<S1, S2>> operator*(unit<D1, S1>, unit<D2, S2>) {
  return {};
}
template <typename D1, typename S1, typename D2, typename S2>
constexpr unit<quotient_of<D1, D2>, std::ratio_divide<S1, S2>> operator/(unit<D1, S1>, unit<D2, S2>) {
  return {};
}
template <typename D1, typename S1, typename D2, typename S2>
constexpr bool operator==(unit<D1, S1>, unit<D2, S2>) {
  return std::is_same_v<D1, D2> && std::ratio_equal_v<S1, S2>;
}

template <typename Ratio, typename Dimension, typename Scale>
constexpr unit<Dimension, std::ratio_multiply<Ratio, Scale>> scaled(unit<Dimension, Scale>) {
  return {};
}

namespace units {
inline constexpr unit<dimensionless> one;
inline constexpr unit<dimensionless, std::ratio<1, 100>> percent;

inline constexpr unit<dimension<dim::token>> token;
inline constexpr unit<dimension<dim::sample>> sample;
inline constexpr unit<dimension<dim::flop>> flop;
inline constexpr unit<dimension<dim::byte>> byte;
inline constexpr unit<dimension<dim::joule>> joule;
inline constexpr unit<dimension<dim::node>> node;
inline constexpr unit<dimension<dim::processor>> processor;
inline constexpr unit<dimension<dim::replica>> replica;
inline constexpr unit<dimension<dim::micro_step>> micro_step;
inline constexpr unit<dimension<dim::step>> step;
inline constexpr unit<dimension<dim::second>> second;

inline constexpr auto millisecond = scaled<std::milli>(second);
inline constexpr auto microsecond = scaled<std::micro>(second);
inline constexpr auto nanosecond = scaled<std::nano>(second);
inline constexpr auto hour = scaled<std::ratio<3600>>(second);
inline constexpr auto watt = joule / second;

inline constexpr auto gigaflop = scaled<std::giga>(flop);
inline constexpr auto teraflop = scaled<std::tera>(flop);

inline constexpr auto KiB = scaled<std::ratio<1LL << 10>>(byte);
inline constexpr auto MiB = scaled<std::ratio<1LL << 20>>(byte);
inline constexpr auto GiB = scaled<std::ratio<1LL << 30>>(byte);
inline constexpr auto MB = scaled<std::mega>(byte);
inline constexpr auto GB = scaled<std::giga>(byte);
}  // namespace units

}  // namespace kunmetrics
