#include <kunmetrics/fields.hpp>

#include <boost/hana/at.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/define_struct.hpp>
#include <boost/hana/size.hpp>
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {
namespace hana = boost::hana;
using namespace kunmetrics;

struct interval_record {
  std::int64_t tokens{};
  double seconds{};

  using hana_accessors_impl = fields<
      field<"tokens", &interval_record::tokens>, field<"seconds", &interval_record::seconds>>;
};

// Written by a user in Hana's own way: the same walk must reach it.
struct adapted_record {
  BOOST_HANA_DEFINE_STRUCT(adapted_record, (std::int64_t, tokens), (double, seconds));
};

struct nothing_named {
  int hidden = 7;
  using hana_accessors_impl = fields<>;
};

struct not_copyable {
  std::unique_ptr<int> owned;
  using hana_accessors_impl = fields<field<"owned", &not_copyable::owned>>;
};

struct odd_names {
  int a{}, b{};
  using hana_accessors_impl = fields<field<"token/(processor s)", &odd_names::b>, field<"", &odd_names::a>>;
};

struct plain {
  int value;
};

static_assert(hana::Struct<interval_record>::value);
static_assert(hana::Struct<adapted_record>::value);
static_assert(hana::Struct<nothing_named>::value);
static_assert(!hana::Struct<plain>::value);

// The pairs are those of Hana's macro: the same type of name, without the terminating NUL.
template <typename Struct>
using first_name = std::remove_cvref_t<decltype(hana::first(hana::at_c<0>(hana::accessors<Struct>())))>;
static_assert(std::is_same_v<first_name<interval_record>, first_name<adapted_record>>);
static_assert(std::string_view{first_name<interval_record>::c_str()} == "tokens");
static_assert(decltype(hana::size(hana::accessors<interval_record>()))::value == 2);

// An accessor gives the member itself, with the constness and value category of the object.
using seconds_of = field<"seconds", &interval_record::seconds>;
static_assert(std::is_same_v<decltype(seconds_of::access(std::declval<interval_record&>())), double&>);
static_assert(std::is_same_v<decltype(seconds_of::access(std::declval<interval_record const&>())), double const&>);
static_assert(std::is_same_v<decltype(seconds_of::access(std::declval<interval_record>())), double&&>);

// A constant expression, in the order of the declaration.
constexpr double weighted_sum(interval_record const& record) {
  double sum = 0;
  double weight = 1;
  for_each_field(record, [&](std::string_view name, auto const& value) {
    sum += weight * static_cast<double>(value) * static_cast<double>(name.size());
    weight *= 10;
  });
  return sum;
}
static_assert(weighted_sum({.tokens = 2, .seconds = 0.5}) == 2 * 6 + 10 * 0.5 * 7);

template <typename Struct>
std::string walked(Struct const& object) {
  std::string text;
  for_each_field(object, [&](std::string_view name, auto const& value) {
    text.append(name).append("=").append(std::to_string(value)).append(" ");
  });
  return text;
}
}  // namespace

TEST_CASE("fields are walked in the order they are named") {
  CHECK(walked(interval_record{.tokens = 49152, .seconds = 1.5}) == "tokens=49152 seconds=1.500000 ");
  CHECK(walked(nothing_named{}).empty());
}

TEST_CASE("a struct adapted by Hana's macro is walked alike") {
  adapted_record record;
  record.tokens = 49152;
  record.seconds = 1.5;
  CHECK(walked(record) == walked(interval_record{.tokens = 49152, .seconds = 1.5}));
}

TEST_CASE("a name may be any text, and need not follow the members") {
  CHECK(walked(odd_names{.a = 1, .b = 2}) == "token/(processor s)=2 =1 ");
}

TEST_CASE("an accessor writes through to the member") {
  interval_record record;
  field<"tokens", &interval_record::tokens>::access(record) = 96;
  CHECK(record.tokens == 96);
}

TEST_CASE("the visitor receives the member, not a copy") {
  not_copyable const object{std::make_unique<int>(3)};
  void const* seen = nullptr;
  for_each_field(object, [&](std::string_view, auto const& value) { seen = &value; });
  CHECK(seen == &object.owned);
}
