// A number of samples compared with a number of tokens.
// expect-gcc: dimension_mismatch<kunmetrics::dimension<kunmetrics::dim::sample>, kunmetrics::dimension<kunmetrics::dim::token> >
// expect-clang: dimension_mismatch<kunmetrics::dimension<kunmetrics::dim::sample>, kunmetrics::dimension<kunmetrics::dim::token>>
#include <kunmetrics.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr bool enough = 96 * sample < 49152 * token;
#else
constexpr bool enough = 96 * sample * (512 * token / sample) <= 49152 * token;
#endif
static_assert(enough);
