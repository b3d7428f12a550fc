#include "safetensors.hpp"
#include "readable.hpp"

#include <vector>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    fuzz::memory_file const memory{data, size};
    trainer::safetensors_file const file{memory.path()};
    for (auto const& tensor : file.tensors()) {
      std::vector<float> some(1);
      if (tensor.end > tensor.begin) fuzz::readable_or_refused([&] { file.copy(tensor, 0, some); });
    }
  });
  return 0;
}
