#include <kunmetrics/io/case_file.hpp>
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    fuzz::memory_file const file{data, size};
    static_cast<void>(kunmetrics::read_case(file.path()));
  });
  return 0;
}
