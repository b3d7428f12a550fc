// A failure that is none any more.
// harness: It compiles with MUST_FAIL
// expect-gcc: dimension_mismatch
// expect-clang: dimension_mismatch
#include <kunmetrics/quantity.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr auto sum = 512 * token + 96 * token;
#else
constexpr auto sum = 608 * token;
#endif
static_assert(sum == 608 * token);
