#include "megatron_index.hpp"
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    auto const index = trainer::read_megatron_index("f.idx", fuzz::bytes_of(data, size));
    auto const layout = trainer::layout_of_megatron(index, "f.bin", index.tokens * trainer::item_size(index.type));
    if (layout.count != index.tokens) std::abort();
  });
  return 0;
}
