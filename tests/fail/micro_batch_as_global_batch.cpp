// The micro-batch size of one replica passed as the global batch size.
// expect-gcc: Given = kunmetrics::dimension<kunmetrics::dim::sample, kunmetrics::per<kunmetrics::dim::replica, kunmetrics::dim::micro_step> >
// expect-gcc: Dimension = kunmetrics::dimension<kunmetrics::dim::sample, kunmetrics::per<kunmetrics::dim::step> >
// expect-clang: from '.*per<kunmetrics::dim::replica, kunmetrics::dim::micro_step>.*' to '.*per<kunmetrics::dim::step
#include <kunmetrics.hpp>
namespace km = kunmetrics;
using namespace km::units;

constexpr auto micro_batch_size = 12 * sample / (replica * micro_step);
#ifdef MUST_FAIL
constexpr auto tokens = km::tokens_per_step(micro_batch_size, 512 * token / sample);
#else
constexpr auto tokens = km::tokens_per_step(km::global_batch_size(micro_batch_size, 1 * micro_step / step, 8 * replica), 512 * token / sample);
#endif
static_assert(tokens == 49152 * token / step);
