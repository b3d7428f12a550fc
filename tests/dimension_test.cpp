#include <kunmetrics/dimension.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {
using namespace kunmetrics;

using tokens = dimension<dim::token>;
using nodes = dimension<dim::node>;
using processors = dimension<dim::processor>;
using seconds = dimension<dim::second>;
using rate = quotient_of<quotient_of<tokens, processors>, seconds>;

static_assert(std::is_same_v<rate, dimension<dim::token, per<dim::processor, dim::second>>>);
static_assert(std::is_same_v<rate, quotient_of<tokens, product_of<seconds, processors>>>,
              "the order of factors is canonical");
static_assert(std::is_same_v<product_of<tokens, seconds>, product_of<seconds, tokens>>);
static_assert(std::is_same_v<quotient_of<rate, rate>, dimensionless>);
static_assert(std::is_same_v<product_of<rate, dimensionless>, rate>);
static_assert(std::is_same_v<quotient_of<dimensionless, seconds>, dimension<per<dim::second>>>);
static_assert(std::is_same_v<product_of<quotient_of<dimensionless, seconds>, seconds>, dimensionless>);
static_assert(std::is_same_v<product_of<product_of<rate, nodes>, nodes>,
                             dimension<dim::token, power<dim::node, 2>, per<dim::processor, dim::second>>>);
static_assert(std::is_same_v<quotient_of<product_of<nodes, nodes>, nodes>, nodes>, "powers cancel back to the base");
static_assert(!std::is_same_v<tokens, dimension<dim::sample>>);

// A base dimension of the user's own takes part like ours; equal ranks are ordered by symbol.
struct image { static constexpr std::string_view symbol = "image"; static constexpr int rank = 0; };
static_assert(std::is_same_v<product_of<tokens, dimension<image>>, dimension<image, dim::token>>);
static_assert(std::is_same_v<product_of<dimension<image>, tokens>, dimension<image, dim::token>>);
static_assert(unit_text<quotient_of<dimension<image>, seconds>> == "image/s");

static_assert(unit_text<rate> == "token/(processor s)");
static_assert(unit_text<dimensionless> == "1");
static_assert(unit_text<quotient_of<dimensionless, seconds>> == "1/s");
static_assert(unit_text<product_of<product_of<rate, nodes>, nodes>> == "token node^2/(processor s)");
static_assert(unit_text<quotient_of<dimension<dim::sample>, dimension<dim::step>>> == "sample/step");
}  // namespace

TEST_CASE("a dimension prints as people write it") {
  CHECK(std::string{unit_text<rate>} == "token/(processor s)");
  CHECK(std::string{unit_text<quotient_of<dimension<dim::flop>, product_of<processors, seconds>>>} ==
        "flop/(processor s)");
}
