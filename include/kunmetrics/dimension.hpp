// The algebra of dimensions, at compile time, over Boost.Hana.
//
// A dimension is a product of powers of base dimensions, kept as a symbolic type in canonical
// order so that a compiler error reads as the unit does:
//   dimension<token, per<processor, second>>                   token/(processor s)
//   dimension<token, power<node, 2>, per<processor, second>>   token node^2/(processor s)
// Node, processor, replica, step, micro-step, sample and token are different dimensions on
// purpose: a rate divided by processors-per-node and multiplied by nodes is not a rate per
// processor. Exponents are whole numbers; a new base dimension is a struct like those below.
#pragma once

#include <boost/hana/bool.hpp>
#include <boost/hana/concat.hpp>
#include <boost/hana/filter.hpp>
#include <boost/hana/fold_left.hpp>
#include <boost/hana/front.hpp>
#include <boost/hana/group.hpp>
#include <boost/hana/sort.hpp>
#include <boost/hana/transform.hpp>
#include <boost/hana/tuple.hpp>
#include <boost/hana/type.hpp>
#include <boost/hana/unpack.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace kunmetrics {

// Base dimensions. `rank` orders the factors of a product as the field writes them, token before
// second; equal ranks are ordered by symbol.
namespace dim {
struct token { static constexpr std::string_view symbol = "token"; static constexpr int rank = 0; };
struct sample { static constexpr std::string_view symbol = "sample"; static constexpr int rank = 1; };
struct flop { static constexpr std::string_view symbol = "flop"; static constexpr int rank = 2; };
struct byte { static constexpr std::string_view symbol = "B"; static constexpr int rank = 3; };
struct joule { static constexpr std::string_view symbol = "J"; static constexpr int rank = 4; };
struct node { static constexpr std::string_view symbol = "node"; static constexpr int rank = 5; };
struct processor { static constexpr std::string_view symbol = "processor"; static constexpr int rank = 6; };
struct replica { static constexpr std::string_view symbol = "replica"; static constexpr int rank = 7; };
struct micro_step { static constexpr std::string_view symbol = "micro_step"; static constexpr int rank = 8; };
struct step { static constexpr std::string_view symbol = "step"; static constexpr int rank = 9; };
struct second { static constexpr std::string_view symbol = "s"; static constexpr int rank = 10; };
}  // namespace dim

template <typename Base, int Exponent>
struct power {};

// The denominator of a dimension.
template <typename... Factors>
struct per {};

// Numerator factors, then at most one `per<...>`. Only the canonical order is the same type, so
// write `product_of` and `quotient_of`, or a quantity's unit, rather than spelling one out.
template <typename... Factors>
struct dimension {};

using dimensionless = dimension<>;

namespace detail {
namespace hana = boost::hana;

template <typename Base, int Exponent>
struct factor {
  using base = Base;
  static constexpr int exponent = Exponent;
};

// The factors that one entry of a dimension stands for; Sign is -1 below the bar.
template <typename Base, int Sign>
struct expanded {
  static constexpr auto value = hana::make_tuple(factor<Base, Sign>{});
};
template <typename Base, int Exponent, int Sign>
struct expanded<power<Base, Exponent>, Sign> {
  static constexpr auto value = hana::make_tuple(factor<Base, Sign * Exponent>{});
};
template <typename... Factors, int Sign>
struct expanded<per<Factors...>, Sign> {
  static constexpr auto value = hana::make_tuple(hana::front(expanded<Factors, -Sign>::value)...);
};

template <int Sign, typename... Factors>
constexpr auto factors(dimension<Factors...>) {
  return hana::fold_left(hana::make_tuple(expanded<Factors, Sign>::value...), hana::make_tuple(),
                         hana::concat);
}

template <typename Lhs, typename Rhs>
constexpr bool precedes =
    Lhs::rank != Rhs::rank ? Lhs::rank < Rhs::rank : Lhs::symbol < Rhs::symbol;

inline constexpr auto by_rank = []<class L, int M, class R, int N>(factor<L, M>, factor<R, N>) {
  return hana::bool_c<precedes<L, R>>;
};
inline constexpr auto same_base = []<class L, int M, class R, int N>(factor<L, M>, factor<R, N>) {
  return hana::bool_c<std::is_same_v<L, R>>;
};
inline constexpr auto above_the_bar = []<class B, int N>(factor<B, N>) { return hana::bool_c<(N > 0)>; };
inline constexpr auto below_the_bar = []<class B, int N>(factor<B, N>) { return hana::bool_c<(N < 0)>; };

// The powers of one base as one factor: token, token -> token^2.
inline constexpr auto collected = [](auto powers) {
  return hana::unpack(powers, []<class Base, int... Exponents>(factor<Base, Exponents>...) {
    return factor<Base, (0 + ... + Exponents)>{};
  });
};

template <typename Base, int Exponent>
struct symbolic { using type = power<Base, Exponent>; };
template <typename Base>
struct symbolic<Base, 1> { using type = Base; };
template <typename Base, int Exponent>
using symbol_of = typename symbolic<Base, Exponent>::type;

template <typename... Bases, int... Exponents>
constexpr dimension<symbol_of<Bases, Exponents>...> assembled(
    hana::tuple<factor<Bases, Exponents>...>, hana::tuple<>) {
  return {};
}
template <typename... Above, int... M, typename... Below, int... N>
  requires(sizeof...(Below) > 0)
constexpr dimension<symbol_of<Above, M>..., per<symbol_of<Below, -N>...>> assembled(
    hana::tuple<factor<Above, M>...>, hana::tuple<factor<Below, N>...>) {
  return {};
}

// The canonical dimension of a list of factors in any order.
template <typename Factors>
constexpr auto canonical(Factors unordered) {
  auto collected_factors =
      hana::transform(hana::group(hana::sort(unordered, by_rank), same_base), collected);
  return assembled(hana::filter(collected_factors, above_the_bar),
                   hana::filter(collected_factors, below_the_bar));
}

template <typename Lhs, typename Rhs, int Sign>
struct combined {
  using type = decltype(canonical(hana::concat(factors<1>(Lhs{}), factors<Sign>(Rhs{}))));
};
// The commonest cases need no algebra.
template <typename Lhs, int Sign>
struct combined<Lhs, dimensionless, Sign> { using type = Lhs; };
template <typename Rhs>
struct combined<dimensionless, Rhs, 1> { using type = Rhs; };
template <>
struct combined<dimensionless, dimensionless, 1> { using type = dimensionless; };
}  // namespace detail

template <typename Lhs, typename Rhs>
using product_of = typename detail::combined<Lhs, Rhs, 1>::type;

template <typename Lhs, typename Rhs>
using quotient_of = typename detail::combined<Lhs, Rhs, -1>::type;

namespace detail {
// Text of a dimension in a fixed buffer: no allocation, so it is a constant of the program.
struct dimension_text {
  std::array<char, 96> characters{};
  std::size_t size = 0;

  constexpr void append(std::string_view text) {
    for (char c : text) characters.at(size++) = c;
  }
  template <typename Base>
  constexpr void append_factor(Base) { append(Base::symbol); }
  template <typename Base, int Exponent>
  constexpr void append_factor(power<Base, Exponent>) {
    static_assert(Exponent >= 2 && Exponent <= 9, "dimension text: needed an exponent from 2 to 9");
    append(Base::symbol);
    append("^");
    characters.at(size++) = static_cast<char>('0' + Exponent);
  }
  template <typename... Factors>
  constexpr void append_factor(per<Factors...>) {
    append(sizeof...(Factors) > 1 ? "/(" : "/");
    append_product(Factors{}...);
    if constexpr (sizeof...(Factors) > 1) append(")");
  }
  template <typename First, typename... Rest>
  constexpr void append_product(First first, Rest... rest) {
    append_factor(first);
    ((append(is_bar<Rest> ? "" : " "), append_factor(rest)), ...);
  }
  template <typename>
  static constexpr bool is_bar = false;
};
template <typename... Factors>
constexpr bool dimension_text::is_bar<per<Factors...>> = true;

template <typename... Factors>
constexpr dimension_text text_of(dimension<Factors...>) {
  dimension_text text;
  if constexpr (sizeof...(Factors) == 0) {
    text.append("1");
  } else {
    using first = decltype(hana::front(hana::make_tuple(Factors{}...)));
    if constexpr (dimension_text::is_bar<std::remove_cvref_t<first>>) text.append("1");
    text.append_product(Factors{}...);
  }
  return text;
}
template <typename Dimension>
inline constexpr dimension_text text_storage = text_of(Dimension{});
}  // namespace detail

// A dimension as people write it: "token/(processor s)", "1" for a pure number, "1/s".
template <typename Dimension>
inline constexpr std::string_view unit_text{detail::text_storage<Dimension>.characters.data(),
                                            detail::text_storage<Dimension>.size};

}  // namespace kunmetrics
