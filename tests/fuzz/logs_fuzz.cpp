#include <kunmetrics/io/training_log.hpp>
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    static_cast<void>(kunmetrics::read_training_log_text(fuzz::text_of(data, size)));
  });
  return 0;
}
