#include "shard_file.hpp"
#include "readable.hpp"


extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::readable_or_refused([&] {
    fuzz::memory_file const memory{data, size};
    trainer::shard_file const file{memory.path()};
    for (std::size_t unit = 0; unit < file.units().size(); ++unit) {
      for (auto const part : {trainer::state_part::parameters, trainer::state_part::m, trainer::state_part::v}) {
        static_cast<void>(file.verified(unit, part));
      }
    }
  });
  return 0;
}
