// A rate of one processor read off in the unit of a whole job's rate.
// expect-gcc: dimension_mismatch<kunmetrics::dimension<kunmetrics::dim::token, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second> >, kunmetrics::dimension<kunmetrics::dim::token, kunmetrics::per<kunmetrics::dim::second> > >
// expect-clang: dimension_mismatch<kunmetrics::dimension<kunmetrics::dim::token, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>>, kunmetrics::dimension<kunmetrics::dim::token, kunmetrics::per<kunmetrics::dim::second>>>
#include <kunmetrics.hpp>
using namespace kunmetrics::units;

constexpr kunmetrics::token_rate_t rate = 3000.0 * token / (processor * second);
#ifdef MUST_FAIL
constexpr double number = rate.in(token / second);
#else
constexpr double number = rate.in(token / (processor * second));
#endif
static_assert(number > 2999.0);
