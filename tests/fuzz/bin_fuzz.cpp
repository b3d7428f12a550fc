#include "token_format.hpp"
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    auto const bytes = fuzz::bytes_of(data, size);
    auto const layout = trainer::llmc_magic(bytes) ? trainer::layout_of_llmc("f.bin", bytes) : trainer::layout_of_nanogpt("f.bin", size);
    if (layout.data_offset + layout.count * trainer::item_size(layout.type) != size) std::abort();
  });
  return 0;
}
