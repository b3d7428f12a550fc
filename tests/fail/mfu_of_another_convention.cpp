// An MFU with half of the attention term in the place of one with all of it.
// expect-gcc: Other = kunmetrics::model_work<kunmetrics::flops::causal>; Work = kunmetrics::model_work<kunmetrics::flops::palm>
// expect-clang: from .*flops::palm.* to .*flops::causal
#include <kunmetrics.hpp>
namespace km = kunmetrics;
using namespace km::units;

constexpr auto palm = km::mfu<km::flops::palm>(km::models::llama2_7b, 512 * token / sample, 1000.0 * token / (processor * second),
                                               *km::peak(km::devices::kunlunxin_r300, km::fp16));
#ifdef MUST_FAIL
constexpr km::utilization<km::model_work<km::flops::causal>> published = palm;
#else
constexpr km::utilization<km::model_work<km::flops::palm>> published = palm;
#endif
static_assert(published.ratio > 31.0 * percent);
