// Compiled with sanitizers and not run: g++ then takes fewer expressions for constants, such as the comparison of
// two addresses, and the headers decide on units and fields by constants.
#include "every_header.hpp"

#include <type_traits>

namespace km = kunmetrics;

static_assert(std::is_same_v<decltype(1.0 * km::units::token / km::units::processor / km::units::second), km::token_rate_t>);
