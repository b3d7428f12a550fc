// A plain number where a rate is needed: its unit is unknown.
// expect-gcc: from 'double' to .*dim::token, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>
// expect-clang: from 'double' to .*dim::token, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>
#include <kunmetrics.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr kunmetrics::token_rate_t rate = 3000.0;
#else
constexpr kunmetrics::token_rate_t rate = 3000.0 * token / (processor * second);
#endif
static_assert(rate == 3000.0 * token / (processor * second));
