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

#include <boost/hana/basic_tuple.hpp>
#include <boost/hana/type.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

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
struct factor {};

// Factors in any order; a sum of lists is one list.
template <typename... Factors>
struct factor_list {
  template <typename... More>
  constexpr factor_list<Factors..., More...> operator+(factor_list<More...>) const {
    return {};
  }
};

// The factors that one entry of a dimension stands for; Sign is -1 below the bar.
template <int Sign, typename Base>
constexpr factor_list<factor<Base, Sign>> expanded(hana::basic_type<Base>) {
  return {};
}
template <int Sign, typename Base, int Exponent>
constexpr factor_list<factor<Base, Sign * Exponent>> expanded(hana::basic_type<power<Base, Exponent>>) {
  return {};
}
template <int Sign, typename... Factors>
constexpr auto expanded(hana::basic_type<per<Factors...>>) {
  return (factor_list<>{} + ... + expanded<-Sign>(hana::type<Factors>{}));
}
template <int Sign, typename... Factors>
constexpr auto factors(dimension<Factors...>) {
  return (factor_list<>{} + ... + expanded<Sign>(hana::type<Factors>{}));
}

// A factor as a value: to sort and collect values costs the compiler far less than to do so with types.
struct factor_value {
  std::string_view const* symbol = nullptr;  // where it stands is the base's identity
  int rank = 0;
  int exponent = 0;
  std::size_t place = 0;  // of the base in the list of types

  // The text first: under g++'s sanitizers the addresses of two different objects are no constants to compare.
  constexpr bool same_base(factor_value const& other) const {
    return rank == other.rank && *symbol == *other.symbol && symbol == other.symbol;
  }
  constexpr bool precedes(factor_value const& other) const {
    return rank != other.rank ? rank < other.rank : *symbol < *other.symbol;
  }
};

// The canonical order: the powers of one base as one factor (token, token -> token^2), those above the bar first.
template <std::size_t N>
struct ordered_factors {
  std::array<factor_value, N + 1> values{};  // of which `all` are factors
  std::size_t above = 0;
  std::size_t all = 0;

  constexpr void collect(factor_value const& next) {
    for (std::size_t i = 0; i < all; ++i) {
      if (!values[i].same_base(next)) continue;
      values[i].exponent += next.exponent;
      return;
    }
    values[all++] = next;
  }
  constexpr bool belongs_before(factor_value const& lhs, factor_value const& rhs) const {
    bool const above_the_bar = lhs.exponent > 0;
    return above_the_bar != (rhs.exponent > 0) ? above_the_bar : lhs.precedes(rhs);
  }
  constexpr void sort() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < all; ++i) {
      factor_value const next = values[i];
      if (next.exponent == 0) continue;
      std::size_t at = kept++;
      for (; at > 0 && belongs_before(next, values[at - 1]); --at) values[at] = values[at - 1];
      values[at] = next;
      if (next.exponent > 0) ++above;
    }
    all = kept;
  }
};

template <typename... Bases, int... Exponents>
constexpr auto ordered(factor_list<factor<Bases, Exponents>...>) {
  ordered_factors<sizeof...(Bases)> all;
  std::size_t place = 0;
  (all.collect({&Bases::symbol, Bases::rank, Exponents, place++}), ...);
  all.sort();
  return all;
}

template <typename Base, int Exponent>
struct symbolic { using type = power<Base, Exponent>; };
template <typename Base>
struct symbolic<Base, 1> { using type = Base; };

// The canonical dimension of a list of factors in any order.
template <typename Factors>
struct canonical;
template <typename... Bases, int... Exponents>
struct canonical<factor_list<factor<Bases, Exponents>...>> {
  static constexpr auto order = ordered(factor_list<factor<Bases, Exponents>...>{});

  template <std::size_t I, int Sign>
  using symbol = typename symbolic<
      typename decltype(+hana::at_c<order.values[I].place>(hana::basic_tuple<hana::type<Bases>...>{}))::type,
      Sign * order.values[I].exponent>::type;
  template <std::size_t... Above, std::size_t... Below>
  static auto assembled(std::index_sequence<Above...>, std::index_sequence<Below...>) {
    if constexpr (sizeof...(Below) == 0) return dimension<symbol<Above, 1>...>{};
    else return dimension<symbol<Above, 1>..., per<symbol<order.above + Below, -1>...>>{};
  }

  using type = decltype(assembled(std::make_index_sequence<order.above>{},
                                  std::make_index_sequence<order.all - order.above>{}));
};

template <typename Lhs, typename Rhs, int Sign>
struct combined : canonical<decltype(factors<1>(Lhs{}) + factors<Sign>(Rhs{}))> {};
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
  template <typename First, typename...>
  static constexpr bool starts_with_bar = is_bar<First>;
};
template <typename... Factors>
constexpr bool dimension_text::is_bar<per<Factors...>> = true;

template <typename... Factors>
constexpr dimension_text text_of(dimension<Factors...>) {
  dimension_text text;
  if constexpr (sizeof...(Factors) == 0) {
    text.append("1");
  } else {
    if constexpr (dimension_text::starts_with_bar<Factors...>) text.append("1");
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
