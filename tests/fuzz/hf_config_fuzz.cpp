#include <kunmetrics/io/hf_config.hpp>
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    kunmetrics::json_document const document{"config.json", fuzz::text_of(data, size)};
    static_cast<void>(kunmetrics::hf_config(kunmetrics::json_object{document}, "model"));
  });
  return 0;
}
