#include "checkpoint_meta.hpp"
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    kunmetrics::json_document const document{"meta.json", fuzz::text_of(data, size)};
    auto const text = trainer::meta_text(trainer::checkpoint_meta_of(document));
    kunmetrics::json_document const again{"meta.json", text};
    if (trainer::meta_text(trainer::checkpoint_meta_of(again)) != text) std::abort();
  });
  return 0;
}
