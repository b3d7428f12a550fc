#include "npy_header.hpp"
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    auto const bytes = fuzz::bytes_of(data, size);
    auto const layout = trainer::layout_of_npy("f.npy", bytes);
    if (layout.data_offset + layout.count * trainer::item_size(layout.type) != size) std::abort();
  });
  return 0;
}
