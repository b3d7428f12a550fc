// A file mapped read-only into memory for as long as the object lives.
// The pages come from the page cache, so that N thread ranks reading the same tokens share one
// copy. An empty file maps to an empty span. A file that another process shortens while it is
// mapped ends the program with SIGBUS, as with every mmap; that is not handled here.
#pragma once

#include "file_error.hpp"

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trainer {

enum class access_pattern { sequential, random };

class mapped_file {
 public:
  // Throws std::runtime_error when the path is not a readable regular file.
  explicit mapped_file(std::filesystem::path path) : path_{std::move(path)} {
    // O_NONBLOCK keeps a pipe given by mistake from blocking; regular files ignore it
    int const descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) throw file_error(path_, 0, "a readable file", system_message(errno));
    try {
      map(descriptor);
    } catch (...) {
      ::close(descriptor);
      throw;
    }
    ::close(descriptor);  // the mapping keeps the file alive by itself
  }

  mapped_file(mapped_file&& other) noexcept
      : path_{std::move(other.path_)}, bytes_{std::exchange(other.bytes_, {})} {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  mapped_file(mapped_file const&) = delete;
  mapped_file& operator=(mapped_file const&) = delete;
  ~mapped_file() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }

  std::filesystem::path const& path() const noexcept { return path_; }
  std::span<std::byte const> bytes() const noexcept { return bytes_; }

  // Tells the kernel how the whole mapping is about to be read; a hint, so failure is ignored.
  void advise(access_pattern pattern) const noexcept {
    if (bytes_.empty()) return;
    int const advice = pattern == access_pattern::sequential ? MADV_SEQUENTIAL : MADV_RANDOM;
    static_cast<void>(
        ::madvise(const_cast<std::byte*>(bytes_.data()), bytes_.size(), advice));
  }

 private:
  void map(int descriptor) {
    struct stat status {};
    if (::fstat(descriptor, &status) != 0)
      throw file_error(path_, 0, "a readable file", system_message(errno));
    if (!S_ISREG(status.st_mode))
      throw file_error(path_, 0, "a regular file",
                       S_ISDIR(status.st_mode) ? "a directory" : "a special file");
    auto const size = static_cast<std::size_t>(status.st_size);
    if (size == 0) return;
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
    if (start == MAP_FAILED)
      throw file_error(path_, 0, "a file that can be mapped", system_message(errno));
    bytes_ = {static_cast<std::byte const*>(start), size};
  }

  std::filesystem::path path_;
  std::span<std::byte const> bytes_;
};

}  // namespace trainer
