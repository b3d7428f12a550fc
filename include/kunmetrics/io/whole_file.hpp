// A file that is written whole or not at all.
//
// The text goes to a temporary file in the target's own folder, is flushed to the disk (fsync), and
// is renamed over the target; then the folder is flushed. When any of that fails the target stays
// as it was and the temporary file is removed. What a symbolic link points at is replaced, not the link; what is no
// file, such as a pipe or /dev/stdout, cannot be replaced, and gets the text as it comes. POSIX only.
#pragma once

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace kunmetrics {

namespace detail {
inline std::runtime_error write_error(std::filesystem::path const& path, std::string_view needed, int error) {
  return std::runtime_error{path.string() + ": needed " + std::string{needed} + ", received " +
                            std::generic_category().message(error)};
}

// An open file descriptor, or -1 and the error in errno; closed at the end of its life.
class descriptor {
 public:
  descriptor(std::filesystem::path const& path, int flags) : value_{::open(path.c_str(), flags | O_CLOEXEC, 0666)} {}
  descriptor(descriptor const&) = delete;
  descriptor& operator=(descriptor const&) = delete;
  ~descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int value() const { return value_; }

 private:
  int value_;
};

inline bool written(int file, std::string_view text) {
  while (!text.empty()) {
    auto const count = ::write(file, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

// Without this a power cut may lose the rename itself. Some file systems refuse it; no harm.
inline void flush_folder(std::filesystem::path const& folder) {
  descriptor const opened{folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY};
  if (opened.value() >= 0) static_cast<void>(::fsync(opened.value()));
}

inline void write_through(std::filesystem::path const& path, std::string_view text) {
  descriptor const opened{path, O_WRONLY};
  if (opened.value() < 0 || !written(opened.value(), text)) throw write_error(path, "a file to write", errno);
}
}  // namespace detail

// Makes `text` the whole content of the file. Throws std::runtime_error naming the path.
inline void write_whole(std::filesystem::path const& named, std::string_view text) {
  std::error_code unknown;  // then the file is not there yet, and what is wrong with its folder shows below
  auto const resolved = std::filesystem::canonical(named, unknown);
  auto const& path = unknown ? named : resolved;
  if (std::filesystem::is_other(path, unknown)) return detail::write_through(named, text);
  auto temporary = path;
  temporary.concat(".").concat(std::to_string(::getpid())).concat(".part");
  int error = 0;
  {
    detail::descriptor const file{temporary, O_WRONLY | O_CREAT | O_TRUNC};
    if (file.value() < 0) throw detail::write_error(named, "a folder to write in", errno);
    if (!detail::written(file.value(), text) || ::fsync(file.value()) != 0) error = errno;
  }
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) == 0) {
    detail::flush_folder(path.parent_path());
    return;
  }
  if (error == 0) error = errno;
  ::unlink(temporary.c_str());
  throw detail::write_error(named, "a file to write", error);
}

}  // namespace kunmetrics
