// Tokens and samples added up.
// expect-gcc: dimension_mismatch<kunmetrics::dimension<kunmetrics::dim::token>, kunmetrics::dimension<kunmetrics::dim::sample> >
// expect-clang: dimension_mismatch<kunmetrics::dimension<kunmetrics::dim::token>, kunmetrics::dimension<kunmetrics::dim::sample>>
#include <kunmetrics.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr auto sum = 512 * token + 96 * sample;
#else
constexpr auto sum = 512 * token + 96 * sample * (512 * token / sample);
#endif
static_assert(sum == 49664 * token);
