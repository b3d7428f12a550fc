// A time where a number of steps is needed.
// expect-gcc: Given = kunmetrics::dimension<kunmetrics::dim::second>.*Dimension = kunmetrics::dimension<kunmetrics::dim::step>
// expect-clang: from 'quantity<.*second.*>' to 'quantity<.*step.*>'
#include <kunmetrics.hpp>
namespace km = kunmetrics;
using namespace km::units;

#ifdef MUST_FAIL
constexpr km::meter_settings settings{.warm_up = 2 * second};
#else
constexpr km::meter_settings settings{.warm_up = 2 * step};
#endif
static_assert(settings.warm_up == 2 * step);
