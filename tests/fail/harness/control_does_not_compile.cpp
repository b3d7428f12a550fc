// Fails with the expected message, but its correct form does not compile either.
// harness: The control does not compile
// expect-gcc: dimension_mismatch<.*dim::token.*dim::sample
// expect-clang: dimension_mismatch<.*dim::token.*dim::sample
#include <kunmetrics/quantity.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr auto sum = 512 * token + 96 * sample;
#else
constexpr auto sum = 512 * tokne;
#endif
static_assert(sum == 512 * token);
