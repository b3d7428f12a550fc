// Does not compile, and gives no reason.
// harness: Nothing is expected of
#include <kunmetrics/quantity.hpp>
using namespace kunmetrics::units;

#ifdef MUST_FAIL
constexpr auto sum = 512 * token + 96 * sample;
#else
constexpr auto sum = 512 * token;
#endif
static_assert(sum == 512 * token);
