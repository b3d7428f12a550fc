// What every fuzz target demands of a reader: it reads, or it refuses with a std::exception of one printable line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

namespace fuzz {

inline std::span<std::byte const> bytes_of(std::uint8_t const* data, std::size_t size) {
  return std::as_bytes(std::span{data, size});
}
inline std::string_view text_of(std::uint8_t const* data, std::size_t size) {
  return {reinterpret_cast<char const*>(data), size};
}

template <class Read>
void readable_or_refused(Read&& read) {
  try {
    read();
  } catch (std::exception const& refusal) {
    std::string_view const text{refusal.what()};
    if (text.empty() || text.find('\n') != std::string_view::npos) std::abort();
  }
}

// The bytes as a file that has a path, in memory alone.
class memory_file {
 public:
  memory_file(std::uint8_t const* data, std::size_t size) : descriptor_{::memfd_create("fuzz", MFD_CLOEXEC)} {
    while (size > 0) {
      auto const written = ::write(descriptor_, data, size);
      if (written <= 0) std::abort();
      data += written;
      size -= static_cast<std::size_t>(written);
    }
  }
  memory_file(memory_file const&) = delete;
  memory_file& operator=(memory_file const&) = delete;
  ~memory_file() { ::close(descriptor_); }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace fuzz
