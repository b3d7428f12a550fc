// Recomputed work folded into an MFU.
// expect-gcc: Other = kunmetrics::model_work<kunmetrics::flops::palm>; Work = kunmetrics::hardware_work<kunmetrics::flops::palm, kunmetrics::recompute::layers>
// expect-clang: from .*hardware_work<.* to .*model_work<
#include <kunmetrics.hpp>
namespace km = kunmetrics;
using namespace km::units;

constexpr auto measured = [](auto calculate) {
  return calculate(km::models::llama2_7b, 512 * token / sample, 1000.0 * token / (processor * second),
                   *km::peak(km::devices::kunlunxin_r300, km::fp16));
};
#ifdef MUST_FAIL
constexpr km::utilization<km::model_work<km::flops::palm>> mfu = measured(km::hfu<km::flops::palm, km::recompute::layers>);
#else
constexpr km::utilization<km::model_work<km::flops::palm>> mfu = measured(km::mfu<km::flops::palm>);
#endif
static_assert(mfu.ratio > 31.0 * percent);
