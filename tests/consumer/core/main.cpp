// The core alone: a rate and its MFU.
#include <kunmetrics.hpp>

#include <iostream>

int main() {
  namespace km = kunmetrics;
  using namespace km::units;
  auto const rate = km::tokens_per_processor_second(49152.0 * token, 1.5 * second, 8 * processor);
  auto const mfu = km::mfu<km::flops::palm>(km::models::llama2_7b, 512 * token / sample, rate,
                                            *km::peak(km::devices::kunlunxin_r300, km::fp16));
  std::cout << rate.in(token / (processor * second)) << " token/(processor s), " << mfu.ratio.in(percent) << " % MFU\n";
  return rate == 4096.0 * token / (processor * second) ? 0 : 1;
}
