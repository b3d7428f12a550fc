// Says both sides, but not in the first error.
// harness: The first error does not match
// expect-gcc: dimension_mismatch<.*dim::token.*dim::sample
// expect-clang: dimension_mismatch<.*dim::token.*dim::sample
#include <kunmetrics/quantity.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr auto missing = tokne;
constexpr auto sum = 512 * token + 96 * sample;
#else
constexpr auto sum = 512 * token;
#endif
static_assert(sum == 512 * token);
