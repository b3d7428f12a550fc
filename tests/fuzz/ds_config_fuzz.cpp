#include <kunmetrics/io/deepspeed_config.hpp>
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    kunmetrics::json_document const document{"ds_config.json", fuzz::text_of(data, size)};
    auto const config = kunmetrics::deepspeed_configuration(kunmetrics::json_object{document});
    for (std::int64_t replicas : {1, 8}) fuzz::readable_or_refused([&] { static_cast<void>(config.resolved_batch(replicas)); });
    for (std::int64_t step : {0, 1, 1000}) static_cast<void>(config.learning_rate(step));
  });
  return 0;
}
