// FlagPerf's l.141: a rate divided by processors a node and multiplied by nodes.
// expect-gcc: dimension<kunmetrics::dim::token, kunmetrics::power<kunmetrics::dim::node, 2>, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>
// expect-gcc: Dimension = kunmetrics::dimension<kunmetrics::dim::token, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>
// expect-clang: from '.*power<kunmetrics::dim::node, 2>, kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>.*' to '.*kunmetrics::per<kunmetrics::dim::processor, kunmetrics::dim::second>
#include <kunmetrics.hpp>
using namespace kunmetrics::units;

constexpr auto whole_rate = 48000.0 * token / second;
constexpr auto per_node = 8 * processor / node;
constexpr auto nodes = 2 * node;

#ifdef MUST_FAIL
constexpr kunmetrics::token_rate_t rate = whole_rate / per_node * nodes;
#else
constexpr kunmetrics::token_rate_t rate = whole_rate / (per_node * nodes);
#endif
static_assert(rate == 3000.0 * token / (processor * second));
